"""What people add to a call: tags, notes, corrections of what was recognised."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.endpoint import Endpoint, found
from calls.api.finding import CorrectionBody, NoteBody, NoteShape, TagBody, TagsShape
from calls.api.serializers import SegmentShape
from calls.models import Call, Note, Segment
from calls.permissions import VERBS, VIEW
from calls.selectors.annotations import note_json, tags_of
from calls.selectors.search import tag_names
from calls.selectors.transcripts import segment_json
from calls.services import Actor
from calls.services.transcripts import annotations


class Tags(Endpoint):
    needs = {"GET": VIEW}
    pagination_class = None

    @extend_schema(responses=TagsShape)
    def get(self, request: Request) -> Response:
        """List the tags that calls have."""
        return Response({"tags": tag_names()})


class TagsOfCall(Endpoint):
    needs = {"GET": VIEW, "POST": VERBS["tag_call"]}
    pagination_class = None

    @extend_schema(responses=TagsShape)
    def get(self, request: Request, call_id: UUID) -> Response:
        """List the tags of a call."""
        return _tags(self.call(call_id))

    @extend_schema(request=TagBody, responses=TagsShape)
    def post(self, request: Request, call_id: UUID) -> Response:
        """Give a call a tag; one that it has already changes nothing."""
        call = self.call(call_id)
        annotations.tag_call(Actor.of(request), call, self.read(request, TagBody)["name"])
        return _tags(call)


class OneTag(Endpoint):
    needs = {"DELETE": VERBS["tag_call"]}

    @extend_schema(responses={200: TagsShape})
    def delete(self, request: Request, call_id: UUID, name: str) -> Response:
        """Take a tag from a call."""
        call = self.call(call_id)
        annotations.untag(Actor.of(request), call, name)
        return _tags(call)


class Notes(Endpoint):
    needs = {"GET": VIEW, "POST": VERBS["write_note"]}
    ordering = ("created_at", "id")

    @extend_schema(responses=NoteShape(many=True))
    def get(self, request: Request, call_id: UUID) -> Response:
        """List what people wrote about a call, oldest first."""
        call = self.call(call_id)
        return self.pages(call.notes.all(), lambda note: note_json(note, call))

    @extend_schema(request=NoteBody, responses={201: NoteShape})
    def post(self, request: Request, call_id: UUID) -> Response:
        """Write a note about a call, or about one second of it."""
        call, given = self.call(call_id), self.read(request, NoteBody)
        note = annotations.write_note(Actor.of(request), call, given["text"], given.get("about_s"))
        return Response(note_json(note, call), status=201)


class OneNote(Endpoint):
    needs = {"DELETE": VERBS["delete_note"]}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, call_id: UUID, note_id: UUID) -> Response:
        """Delete a note."""
        notes = Note.objects.visible_to(request.user).filter(call=self.call(call_id))
        annotations.delete_note(Actor.of(request), found(notes, note_id, "note"))
        return Response(status=204)


class OneSegment(Endpoint):
    needs = {"GET": VIEW, "PATCH": VERBS["correct_segment"]}
    refuses = {"PATCH": (409,)}

    @extend_schema(responses=SegmentShape)
    def get(self, request: Request, segment_id: UUID) -> Response:
        """Read one turn of a transcript, with what was recognised if it was corrected."""
        return _segment(self._found(request, segment_id))

    @extend_schema(request=CorrectionBody, responses=SegmentShape)
    def patch(self, request: Request, segment_id: UUID) -> Response:
        """Correct what was recognised. The original is kept; writing it back takes the correction back."""
        text = self.read(request, CorrectionBody)["text"]
        return _segment(annotations.correct_segment(Actor.of(request), self._found(request, segment_id), text))

    def _found(self, request: Request, segment_id: UUID) -> Segment:
        segment: Segment = found(Segment.objects.visible_to(request.user).select_related("call"), segment_id, "segment")
        return segment


def _tags(call: Call) -> Response:
    return Response({"tags": tags_of(call)})


def _segment(segment: Segment) -> Response:
    return Response(segment_json(segment, segment.call))
