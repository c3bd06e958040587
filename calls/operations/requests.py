"""The ids that every log line of a request carries: the request's own, and the user's once somebody is signed in."""

from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import Error
from django.utils.functional import SimpleLazyObject
from django_structlog.middlewares import RequestMiddleware

if TYPE_CHECKING:
    from django.http import HttpRequest


class RequestIds(RequestMiddleware):
    """django-structlog's middleware, which names a request without what was asked: queries hold numbers and names."""

    async_capable = False  # one thread hop for a request instead of three

    @staticmethod
    def format_request(request: "HttpRequest") -> str:
        return f"{request.method} {request.path}"

    @staticmethod
    def bind_user_id(request: "HttpRequest") -> None:
        """Names who is known already. Nobody is looked up for a log line: it may be the database that failed."""
        user = request.__dict__.get("_cached_user") or request.__dict__.get("user")
        if user is not None and not isinstance(user, SimpleLazyObject):
            structlog.contextvars.bind_contextvars(user_id=user.pk)

    def process_view(self, request: "HttpRequest", view: object, args: object, kwargs: dict[str, object]) -> None:
        """The call or stream of the address; and who asks, if signed in: the view looks the person up itself anyway."""
        named = {name: str(kwargs[f"{name}_id"]) for name in ("call", "stream") if f"{name}_id" in kwargs}
        structlog.contextvars.bind_contextvars(**named)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            with suppress(Error):
                structlog.contextvars.bind_contextvars(user_id=request.user.pk)
