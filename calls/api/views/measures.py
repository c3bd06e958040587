"""What can be counted of a call: who talked how long, who interrupted whom, how long nobody spoke."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField, DictField, FloatField, IntegerField, ListField

from calls.api.endpoint import Endpoint
from calls.api.serializers import Shape
from calls.errors import NotFound
from calls.permissions import VIEW
from calls.selectors.measures import measures_json, talk_json


class PersonMeasuresShape(Shape):
    raw_id = CharField(help_text="`us` is what the portal played.")
    label = CharField()  # type: ignore[assignment]
    talk_s = FloatField()
    share = FloatField(help_text="Of all talk, 0 to 1.")
    turns = IntegerField()
    words_per_minute = FloatField(allow_null=True)


class MeasuresShape(Shape):
    their_talk_s = FloatField(help_text="How long anybody on the line spoke.")
    our_talk_s = FloatField(help_text="How long the portal played.")
    silence_s = FloatField(help_text="How long nobody spoke.")
    overlap_s = FloatField(help_text="How long two or more spoke at once.")
    longest_silence_s = FloatField()
    their_interruptions = IntegerField(help_text="They began while we spoke, and still spoke when we stopped.")
    our_interruptions = IntegerField()
    response_latency_s = FloatField(allow_null=True, help_text="Median from their last word to our first.")
    words_per_minute = FloatField(allow_null=True)
    people = PersonMeasuresShape(many=True)
    talk = DictField(
        child=ListField(child=ListField(child=FloatField())),
        help_text="By raw id: [from, until] of each turn, in seconds of the call.",
    )


class Measures(Endpoint):
    needs = {"GET": VIEW}

    @extend_schema(responses=MeasuresShape)
    def get(self, request: Request, call_id: UUID) -> Response:
        """Read the talk of a call in numbers: as kept of an ended call, as they stand now of a live one."""
        call = self.call(call_id)
        found = measures_json(call)
        if found is None:
            raise NotFound("The call never connected, so there is nothing to measure.")
        return Response({**found, "talk": talk_json(call)})
