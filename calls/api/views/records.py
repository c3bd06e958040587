"""What happened: events, orders, streams, and all of it in order."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.endpoint import Endpoint, found
from calls.api.pagination import InOrder
from calls.api.serializers import CommandShape, EventShape, MomentShape, StreamShape
from calls.api.timeline import keys, moments
from calls.models import Command, StreamSession
from calls.permissions import VIEW
from calls.selectors import command_json, event_json, stream_json


class Record(Endpoint):
    needs = {"GET": VIEW}


class Events(Record):
    ordering = ("event_time", "received_at", "id")

    @extend_schema(responses=EventShape(many=True))
    def get(self, request: Request, call_id: UUID) -> Response:
        """List what was told about a call, oldest first."""
        call = self.call(call_id)
        return self.pages(call.events.all(), lambda event: event_json(event, call, with_raw=True))


class Timeline(Record):
    pagination_class = InOrder

    @extend_schema(responses=MomentShape(many=True))
    def get(self, request: Request, call_id: UUID) -> Response:
        """List events, commands, injections and streams of a call together, oldest first."""
        call = self.call(call_id)
        page = self.paginate_queryset(keys(call))
        return self.get_paginated_response(moments(call, page or (), request.user))


class Commands(Record):
    @extend_schema(responses=CommandShape(many=True))
    def get(self, request: Request, call_id: UUID) -> Response:
        """List the orders that a call was given, newest first."""
        return self.pages(self.call(call_id).commands.all(), command_json)


class OneCommand(Record):
    @extend_schema(responses=CommandShape)
    def get(self, request: Request, command_id: UUID) -> Response:
        """Read how far an order is."""
        return Response(command_json(found(Command.objects.visible_to(request.user), command_id, "command")))


class StreamsOfCall(Record):
    ordering = ("-opened_at", "-id")

    @extend_schema(responses=StreamShape(many=True))
    def get(self, request: Request, call_id: UUID) -> Response:
        """List the media sockets of a call, newest first."""
        return self.pages(self.call(call_id).streams.all(), stream_json)


class Streams(Record):
    ordering = ("-opened_at", "-id")

    @extend_schema(responses=StreamShape(many=True))
    def get(self, request: Request) -> Response:
        """List the media sockets of all calls, newest first."""
        return self.pages(StreamSession.objects.visible_to(request.user), stream_json)


class OneStream(Record):
    @extend_schema(responses=StreamShape)
    def get(self, request: Request, stream_id: UUID) -> Response:
        """Read the facts of a media socket."""
        return Response(stream_json(found(StreamSession.objects.visible_to(request.user), stream_id, "stream")))
