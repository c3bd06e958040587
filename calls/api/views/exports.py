"""Calls as files, made while they are sent."""

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from calls.api.endpoint import Endpoint
from calls.api.finding import CallsExportAsked, ExportAsked, asked_in
from calls.exports import FORMATS, Exported, export_calls
from calls.exports.sending import as_response
from calls.permissions import VERBS
from calls.selectors.search import newest_calls
from calls.services import Actor

_FILES: Any = {(200, kind.partition(";")[0]): OpenApiTypes.BINARY for kind in FORMATS.values()}
_FILES[200, FORMATS["json"]] = OpenApiTypes.OBJECT


class Export(Endpoint):
    needs = {"GET": VERBS["export"]}
    refuses = {"GET": (400,)}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """The shape is named in the address; refusals are JSON all the same."""
        return super().perform_content_negotiation(request, force=True)

    def sent(self, request: Request, exported: Exported) -> StreamingHttpResponse:
        return as_response(exported, request._request)


class ExportCall(Export):
    @extend_schema(parameters=[ExportAsked], responses=_FILES)
    def get(self, request: Request, call_id: UUID) -> StreamingHttpResponse:
        """Fetch a call as a file: what was said on it, and in a zip its recordings."""
        call = self.call(call_id)
        options = asked_in(request.query_params, ExportAsked).options()
        return self.sent(request, export_calls(Actor.of(request), request.user, [call.pk], options, one=call))


class ExportCalls(Export):
    @extend_schema(parameters=[CallsExportAsked], responses=_FILES)
    def get(self, request: Request) -> StreamingHttpResponse:
        """Fetch many calls as one file, newest first: all that the filters leave, or on which `q` was said."""
        asked = asked_in(request.query_params, CallsExportAsked)
        ids = newest_calls(request.user, asked.wanted())
        return self.sent(request, export_calls(Actor.of(request), request.user, ids, asked.options()))
