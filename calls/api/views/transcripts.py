"""What was said, and the orders that start, stop and steer its writing down."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from calls import services
from calls.api.bodies import LanguageBody, StartTranscriptBody
from calls.api.endpoint import Endpoint, Verb, taken
from calls.api.pagination import InOrder
from calls.api.serializers import CommandShape, SegmentShape
from calls.errors import BadInput
from calls.models import Segment
from calls.permissions import VERBS, VIEW
from calls.selectors import said, segment_json
from calls.services import Actor

AFTER = OpenApiParameter("after", OpenApiTypes.INT, description="Only what changed after this seq.")
FINAL = OpenApiParameter("final", OpenApiTypes.BOOL, description="Only what is said to its end, or only what is not.")


class Segments(Endpoint):
    needs = {"GET": VIEW}
    pagination_class = InOrder

    @extend_schema(parameters=[AFTER, FINAL], responses=SegmentShape(many=True))
    def get(self, request: Request, call_id: UUID) -> Response:
        """List what was said in a call, by its start.

        With `after`, also a turn that was taken back since is told: final and without text.
        """
        call = self.call(call_id)
        after = _whole(request.query_params.get("after"), "after")
        rows: QuerySet[Segment] = said(call) if after is None else call.segments.filter(seq__gt=after)
        final = _flag(request.query_params.get("final"), "final")
        if final is not None:
            rows = rows.filter(final=final)
        return self.pages(rows, lambda segment: segment_json(segment, call))


class StartTranscript(Endpoint):
    needs = {"POST": VERBS["start_transcript"]}

    @extend_schema(request=StartTranscriptBody, responses={202: CommandShape})
    def post(self, request: Request, call_id: UUID) -> Response:
        """Write down what is said from now on.

        Done when a recogniser listens.
        """
        body: dict[str, Any] = self.read(request, StartTranscriptBody)
        return taken(services.start_transcript(Actor.of(request), self.call(call_id), **body))


class StopTranscript(Verb):
    """Write nothing more down.

    Done when all that was said before is written.
    """

    service = staticmethod(services.stop_transcript)
    needs = {"POST": VERBS["stop_transcript"]}


class ChangeLanguage(Endpoint):
    needs = {"POST": VERBS["change_language"]}

    @extend_schema(request=LanguageBody, responses={202: CommandShape})
    def post(self, request: Request, call_id: UUID) -> Response:
        """Take what is said from now on for another language."""
        language = self.read(request, LanguageBody)["language"]
        return taken(services.change_language(Actor.of(request), self.call(call_id), language))


def _whole(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadInput(f"The {name} is no whole number. Give the seq of a segment.", {name: "Give a whole number."})
    return int(text)


def _flag(text: str | None, name: str) -> bool | None:
    if text is None:
        return None
    if text.lower() not in {"true", "false"}:
        raise BadInput(f"The {name} is neither true nor false.", {name: "Give true or false."})
    return text.lower() == "true"
