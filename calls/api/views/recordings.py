"""What was recorded: look it up, and delete it. Its sound has doors of its own (streaming/recording/doors.py)."""

from uuid import UUID

from django.db.models import F, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.endpoint import Endpoint, found
from calls.api.recording_shapes import RecordedTrackShape, RecordingFilter
from calls.models import Recording
from calls.permissions import VERBS, VIEW
from calls.selectors.recordings import RecordingJson, recording_json, with_people
from calls.services import Actor
from calls.services.recordings.storing import delete_take


class Recordings(Endpoint):
    queryset = Recording.objects.all()
    filter_backends = [DjangoFilterBackend]
    filterset_class = RecordingFilter
    ordering = ("-started_at", "-id")
    needs = {"GET": VIEW}

    @extend_schema(
        responses=RecordedTrackShape(many=True),
        parameters=[
            OpenApiParameter("call", UUID, description="Of one call."),
            OpenApiParameter("take", UUID, description="Of one take."),
        ],
    )
    def get(self, request: Request) -> Response:
        """List the recordings of all calls, newest first, one row per track."""
        return self.pages(_rows(Recording.objects.visible_to(request.user)), _json)


class RecordingsOfCall(Endpoint):
    ordering = ("-started_at", "-id")
    needs = {"GET": VIEW}

    @extend_schema(responses=RecordedTrackShape(many=True))
    def get(self, request: Request, call_id: UUID) -> Response:
        """List the recordings of a call, newest first, one row per track."""
        return self.pages(_rows(self.call(call_id).recordings.all()), _json)


class OneRecording(Endpoint):
    needs = {"GET": VIEW, "DELETE": VERBS["delete_recording"]}
    refuses = {"DELETE": (409,)}

    @extend_schema(responses=RecordedTrackShape)
    def get(self, request: Request, recording_id: UUID) -> Response:
        """Read what a recording is, and where its sound can be fetched."""
        return Response(_json(self._one(recording_id)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, recording_id: UUID) -> Response:
        """Delete a recording, with all tracks of its take.

        Nobody can hear it from now on, and its files are removed within moments. The row stays, without sound.
        """
        delete_take(Actor.of(request), self._one(recording_id).take)
        return Response(status=204)

    def _one(self, recording_id: UUID) -> Recording:
        rows = Recording.objects.visible_to(self.request.user).prefetch_related(*with_people())
        one: Recording = found(rows, recording_id, "recording")
        return one


def _rows(rows: QuerySet[Recording]) -> QuerySet[Recording]:
    return rows.annotate(started_at=F("take__started_at")).prefetch_related(*with_people())


def _json(recording: Recording) -> RecordingJson:
    return recording_json(recording, recording.take, recording.call)
