"""The schema, the page that shows it, and the answer to addresses that do not exist."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.urls import resolve
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.errors import refusal
from calls.views.page import frame


class Schema(SpectacularAPIView):
    """OpenAPI 3.0, as YAML or, if asked for application/json, as JSON."""

    permission_classes = [IsAuthenticated]


@method_decorator(never_cache, name="dispatch")
class Docs(LoginRequiredMixin, SpectacularSwaggerSplitView):
    """Swagger UI in the console's frame; its start script is an address of its own, as our CSP wants it."""

    permission_classes = [IsAuthenticated]
    template_name = "api/docs.html"
    url_name = "api:schema"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response.data = frame(request, "api") | response.data
        return response


@csrf_exempt
def no_such_address(request: HttpRequest, rest: str) -> HttpResponse:
    """Leads a reader to the address with a slash; an order sent without it would lose its body on the way."""
    path = f"{request.path_info}/"
    fault = f"There is nothing at {request.path}. The addresses are listed at /api/docs/."
    if not rest.endswith("/") and _leads_somewhere(path):
        if request.method in {"GET", "HEAD"}:
            query = request.META.get("QUERY_STRING", "")
            return HttpResponsePermanentRedirect(f"{path}?{query}" if query else path)
        fault = f"There is nothing at {request.path}. End the address with a slash."
    return JsonResponse(refusal("not_found", fault), status=404)


def _leads_somewhere(path: str) -> bool:
    return resolve(path).url_name != "no_such_address"
