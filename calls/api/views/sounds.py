"""What is played into calls, and the stored clips."""

from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from calls import services
from calls.api.bodies import ClipBody, SoundBody, SoundFileBody, sound_in
from calls.api.endpoint import Endpoint, Verb, found
from calls.api.limits import SmallJson, Upload
from calls.api.serializers import ClipShape, InjectionShape
from calls.models import Clip, Injection
from calls.permissions import VERBS, VIEW
from calls.selectors import clip_json, injection_json
from calls.services import Actor
from calls.views.clips import TYPES, audio_of


class Injections(Endpoint):
    ordering = ("-queued_at", "-id")
    parser_classes = [SmallJson, Upload]
    needs = {"GET": VIEW, "POST": VERBS["speak"]}

    @extend_schema(responses=InjectionShape(many=True))
    def get(self, request: Request, call_id: UUID) -> Response:
        """List what was played into a call, newest first."""
        return self.pages(self.call(call_id).injections.all(), injection_json)

    @extend_schema(
        request={"application/json": SoundBody, "multipart/form-data": SoundFileBody},
        responses={202: InjectionShape},
    )
    def post(self, request: Request, call_id: UUID) -> Response:
        """Play a clip, a text, a tone or a file into a call.

        It waits behind what is queued already; follow it at injections/<id>/ or by live events.
        """
        order = self.read(request, SoundFileBody)
        injection = services.inject(
            Actor.of(request), self.call(call_id), sound_in(order), loop=order["loop"], gain_db=order["gain_db"]
        )
        where = reverse("api:injection", args=[injection.pk])
        return Response(injection_json(injection), status=202, headers={"Location": where})


class OneInjection(Endpoint):
    needs = {"GET": VIEW}

    @extend_schema(responses=InjectionShape)
    def get(self, request: Request, injection_id: UUID) -> Response:
        """Read how far a sound is."""
        return Response(injection_json(found(Injection.objects.visible_to(request.user), injection_id, "injection")))


class StopSound(Verb):
    """Stop what plays and drop what is queued, here and at Azure."""

    service = staticmethod(services.stop_sound)
    needs = {"POST": VERBS["stop_sound"]}


class Clips(Endpoint):
    ordering = ("name",)
    parser_classes = [Upload]
    needs = {"GET": VERBS["view_clip"], "POST": VERBS["add_clip"]}

    @extend_schema(responses=ClipShape(many=True))
    def get(self, request: Request) -> Response:
        """List the stored clips by name."""
        return self.pages(Clip.objects.all(), clip_json)

    @extend_schema(request={"multipart/form-data": ClipBody}, responses={201: ClipShape})
    def post(self, request: Request) -> Response:
        """Store a clip."""
        given = self.read(request, ClipBody)
        clip = services.add_clip(Actor.of(request), given["name"], given["audio"])
        where = reverse("api:clip", args=[clip.pk])
        return Response(clip_json(clip), status=201, headers={"Location": where})


class OneClip(Endpoint):
    needs = {"GET": VERBS["view_clip"], "DELETE": VERBS["delete_clip"]}

    @extend_schema(responses=ClipShape)
    def get(self, request: Request, clip_id: UUID) -> Response:
        """Read what a clip is."""
        return Response(clip_json(found(Clip.objects.all(), clip_id, "clip")))

    @extend_schema(responses={204: OpenApiResponse(description="The clip is gone.")})
    def delete(self, request: Request, clip_id: UUID) -> Response:
        """Delete a clip."""
        services.delete_clip(Actor.of(request), found(Clip.objects.all(), clip_id, "clip"))
        return Response(status=204)


class ClipAudio(Endpoint):
    needs = {"GET": VERBS["view_clip"]}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """A player asks for audio, which is what it gets; refusals are JSON all the same."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        responses={
            **{(status, kind): OpenApiTypes.BINARY for status in (200, 206) for kind in TYPES.values()},
            416: OpenApiResponse(description="The file has no such bytes."),
        }
    )
    def get(self, request: Request, clip_id: UUID) -> HttpResponse | FileResponse:
        """Fetch a clip's file as it was stored, or the part that the header Range names."""
        return audio_of(found(Clip.objects.all(), clip_id, "clip"), request)
