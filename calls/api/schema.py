"""How the API describes itself: OpenAPI, with the refusals that every operation can answer."""

from typing import Any, Final

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiResponse
from rest_framework.serializers import Serializer

from calls.api.serializers import ErrorShape

_REFUSALS: Final = {
    400: "What was sent cannot be used; `fields` says why.",
    401: "Nobody is signed in, or the API key is not valid.",
    403: "The key or person lacks the permission.",
    404: "There is no such thing.",
    405: "The address does not take this method.",
    406: "The answer is JSON, which the request does not accept.",
    409: "Not possible in the state that the call is in.",
    413: "The body or file is too large.",
    415: "The body is of a kind that is not taken here.",
    429: "Too many requests; `Retry-After` says when to ask again.",
    502: "Azure refused the order.",
    503: "Azure or the database does not answer.",
}
_ALWAYS: Final = (401, 403, 406, 429, 503)


class Described(AutoSchema):
    """A docstring's first line is the summary, the rest the description; the shapes' names lose their endings."""

    def get_summary(self) -> str:
        return super().get_description().partition("\n")[0].rstrip(".")

    def get_description(self) -> str:  # type: ignore[override]
        return super().get_description().partition("\n")[2].strip()

    def get_operation_id(self) -> str:
        named = super().get_operation_id()
        return named.removesuffix("_create") if hasattr(self.view, "service") else named

    def get_serializer_name(self, serializer: Serializer[Any], direction: Direction) -> str:
        return type(serializer).__name__.removesuffix("Shape").removesuffix("Body")

    def get_tags(self) -> list[str]:
        return self._tokenize_path()[:1]

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        answers: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._refusals():
            refusal = OpenApiResponse(ErrorShape, _REFUSALS[status])
            answers[str(status)] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                refusal, str(status), direction=direction
            )
        return answers

    def _refusals(self) -> list[int]:
        codes = set(_ALWAYS)
        if "{" in self.path:
            codes.add(404)
        if self.method == "GET" and self._is_list_view():
            codes.add(400)
        codes.update(getattr(self.view, "refuses", {}).get(self.method, ()))
        if self.method in {"POST", "PATCH"}:
            codes |= {400, 413, 415}
            if "/calls/" in self.path:
                codes |= {409, 502}
        return sorted(codes)


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "calls.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <secret>`, with a key that an administrator has made.",
        }


class BrowserScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "calls.api.authentication.BrowserSession"
    name = "browserSession"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The session of a person signed in at the portal; orders need the header X-CSRFToken.",
        }
