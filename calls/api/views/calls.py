"""Calls: look them up, place one, and steer one."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.urls import reverse
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from calls import services
from calls.api.bodies import PlaceBody, RedirectBody, RejectBody
from calls.api.endpoint import Endpoint, Verb, taken
from calls.api.filters import CallFilter
from calls.api.serializers import CallShape, CommandShape
from calls.live import CallLive, hub
from calls.models import Call
from calls.permissions import VERBS, VIEW
from calls.profiles import Capture, StreamingProfile
from calls.recognisers import usual_capture
from calls.selectors import call_row, people
from calls.services import Actor
from calls.visibility import sight_of


def call_json(call: Call, live: CallLive | None) -> dict[str, object]:
    """A call's row with what is heard now and Azure's names for it."""
    return {
        **call_row(call),
        "levels": live["levels"] if live else {},
        "health": live["health"] if live else None,
        "acs": {
            "call_connection_id": call.call_connection_id or "",
            "server_call_id": call.server_call_id,
            "correlation_id": call.correlation_id,
            "own_raw_id": call.own_raw_id,
        },
    }


class Calls(Endpoint):
    queryset = Call.objects.all()
    filter_backends = [DjangoFilterBackend]
    filterset_class = CallFilter
    needs = {"GET": VIEW, "POST": VERBS["place"]}

    @extend_schema(responses=CallShape(many=True))
    def get(self, request: Request) -> Response:
        """List calls, newest first."""
        live = hub.calls(sight_of(request.user))
        return self.pages(
            Call.objects.visible_to(request.user).prefetch_related(people(), "tags"),
            lambda call: call_json(call, live.get(str(call.pk))),
        )

    @extend_schema(request=PlaceBody, responses={201: CallShape})
    def post(self, request: Request) -> Response:
        """Place a call.

        Azure has been asked when this is answered; whether it rings or fails is told by the call's state.
        """
        order = self.read(request, PlaceBody)
        call = services.place(
            Actor.of(request),
            callee=order["callee"],
            caller=order.get("caller") or "",
            profile=order.get("streaming") or StreamingProfile(),
            capture=_capture(order),
        )
        where = reverse("api:call", args=[call.pk])
        return Response(call_json(call, None), status=201, headers={"Location": where})


def _capture(order: dict[str, Any]) -> Capture:
    """What is left out is as the settings say."""
    recording = {f"recording_{name}": value for name, value in order.get("recording", {}).items()}
    return replace(usual_capture(), **order.get("transcript", {}), **recording)


class OneCall(Endpoint):
    needs = {"GET": VIEW}

    @extend_schema(responses=CallShape)
    def get(self, request: Request, call_id: UUID) -> Response:
        """Read a call, with the levels of this moment."""
        call = self.call(call_id)
        return Response(call_json(call, hub.call(str(call.pk), sight_of(request.user))))


class Answer(Verb):
    """Answer a ringing call."""

    service = staticmethod(services.answer)
    needs = {"POST": VERBS["answer"]}


class Reject(Endpoint):
    needs = {"POST": VERBS["reject"]}

    @extend_schema(request=RejectBody, responses={202: CommandShape})
    def post(self, request: Request, call_id: UUID) -> Response:
        """Reject a ringing call."""
        reason = self.read(request, RejectBody).get("reason", "busy")
        return taken(services.reject(Actor.of(request), self.call(call_id), reason))


class Redirect(Endpoint):
    needs = {"POST": VERBS["redirect"]}

    @extend_schema(request=RedirectBody, responses={202: CommandShape})
    def post(self, request: Request, call_id: UUID) -> Response:
        """Hand a ringing call to somebody else. It is no call of this portal any more."""
        target = self.read(request, RedirectBody)["target"]
        return taken(services.redirect(Actor.of(request), self.call(call_id), target))


class HangUp(Verb):
    """End a call for everybody."""

    service = staticmethod(services.hang_up)
    needs = {"POST": VERBS["hang_up"]}


class StartStreaming(Verb):
    """Start streaming a call's sound.

    Done when Azure has opened a media socket; each one is a stream of its own.
    """

    service = staticmethod(services.start_streaming)
    needs = {"POST": VERBS["start_streaming"]}


class StopStreaming(Verb):
    """Stop streaming a call's sound; the call goes on."""

    service = staticmethod(services.stop_streaming)
    needs = {"POST": VERBS["stop_streaming"]}
