"""The doors to what was recorded: sound, whole or in the parts that a player asks for, and its outline.

The permission is asked for at each request, and what is sent is kept by nobody on the way.
"""

import logging
import math
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal, cast
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.endpoint import Endpoint, found
from calls.api.recording_shapes import PeaksShape
from calls.counters import count
from calls.errors import BadInput, CallError
from calls.models import Recording
from calls.models.recording import recording_store
from calls.permissions import VERBS
from calls.services import Actor
from calls.services.recordings.hearing import hear, must_be_there
from calls.views.clips import part_of
from streaming.recording.peaks import LEVELS, from_json, window
from streaming.recording.stored.sending import streamed
from streaming.recording.stored.stores import opened, stored_part
from streaming.recording.stored.waves import LONGEST_WAV, wav_part, wav_size

log = logging.getLogger(__name__)

Format = Literal["flac", "wav"]
TYPES: Final[Mapping[Format, str]] = {"flac": "audio/flac", "wav": "audio/wav"}
_YES_NO: Final = {"": False, "0": False, "false": False, "1": True, "true": True}


class Unreadable(CallError):  # noqa: N818
    """The storage does not give a file that it was given."""

    status = 503

    def __init__(self) -> None:
        super().__init__(
            "storage_unavailable",
            "The storage of recordings does not give this file now. Ask again in a moment; the portal's log says more.",
        )


@dataclass(frozen=True, slots=True)
class _Sound:
    """One recording in one format."""

    recording: Recording
    format: Format

    @property
    def channels(self) -> int:
        return 2 if self.recording.track == Recording.Track.STEREO else 1

    @property
    def size(self) -> int:
        """Bytes. Raises BadInput for a WAV file that cannot be."""
        if self.format == "flac":
            return int(self.recording.size or 0)
        frames = round((self.recording.duration_s or 0) * self.recording.sample_rate_hz)
        size = wav_size(frames, self.channels)
        if size > LONGEST_WAV:
            too_long = "The recording is longer than a WAV file can be. Ask for flac."
            raise BadInput(too_long, {"format": too_long})
        return size

    @property
    def etag(self) -> str:
        return f'"{self.recording.sha256}{"" if self.format == "flac" else "-wav"}"'

    @property
    def file_name(self) -> str:
        """Whose call it was stays in the portal."""
        one = self.recording
        return f"call-{str(one.call_id)[:8]}-take-{one.take.number}-{one.track}-{str(one.pk)[:8]}.{self.format}"

    def blocks(self, part: range) -> Generator[bytes]:
        name = str(self.recording.file.name)
        if self.format == "flac":
            return stored_part(recording_store, name, part.start, len(part))
        return wav_part(opened(recording_store, name, int(self.recording.size or 0)), part.start, len(part))


class _Door(Endpoint):
    needs = {"GET": VERBS["hear_recording"]}
    refuses = {"GET": (400, 409)}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """A player asks for audio, which is what it gets; refusals are JSON all the same."""
        return super().perform_content_negotiation(request, force=True)

    def there(self, recording_id: UUID) -> Recording:
        """Raises NotFound or CallStateError unless it can be heard."""
        rows = Recording.objects.visible_to(self.request.user).select_related("take", "call")
        recording: Recording = found(rows, recording_id, "recording")
        must_be_there(recording)
        return recording


class Audio(_Door):
    @extend_schema(
        parameters=[
            OpenApiParameter("format", str, enum=list(TYPES), default="flac", description="As stored, or as WAV."),
            OpenApiParameter("download", bool, description="With a file name, to be saved."),
        ],
        responses={
            **{(status, kind): OpenApiTypes.BINARY for status in (200, 206) for kind in TYPES.values()},
            416: OpenApiResponse(description="The file has no such bytes."),
        },
    )
    def get(self, request: Request, recording_id: UUID) -> HttpResponseBase:
        """Fetch a recording's sound, or the part that the header Range names.

        It is there a few seconds after the recording has ended, and not before.
        """
        chosen, download = _chosen(request.query_params)
        sound = _Sound(self.there(recording_id), chosen)
        part, size = part_of(request._request, sound.size, sound.etag), sound.size
        if part is not None and not part:
            response: HttpResponseBase = HttpResponse(status=416, content_type=TYPES[chosen])
            response["Content-Range"] = f"bytes */{size}"
        elif request.method == "HEAD":
            response = HttpResponse(content_type=TYPES[chosen], headers={"Content-Length": str(size)})
        else:
            hear(Actor.of(request), sound.recording, download=download and (part is None or part.start == 0))
            response = _sent(request, sound, part)
        response["Accept-Ranges"], response["ETag"] = "bytes", sound.etag
        response["Cache-Control"] = "private, no-store"
        response["Content-Disposition"] = f'{"attachment" if download else "inline"}; filename="{sound.file_name}"'
        return response


def _sent(request: Request, sound: _Sound, part: range | None) -> HttpResponseBase:
    asked = range(sound.size) if part is None else part
    try:
        blocks = sound.blocks(asked)
        response = streamed(request._request, blocks, 200 if part is None else 206, TYPES[sound.format])
    except CallError:
        raise
    except Exception as error:  # each storage has errors of its own
        count("recording_reads_failed")
        log.exception("recording %s cannot be read from its storage", sound.recording.pk)
        raise Unreadable from error
    response["Content-Length"] = str(len(asked))
    if part is not None:
        response["Content-Range"] = f"bytes {asked.start}-{asked.stop - 1}/{sound.size}"
    return response


def _chosen(query: Mapping[str, str]) -> tuple[Format, bool]:
    chosen, download = query.get("format") or "flac", query.get("download", "").lower()
    faults = {}
    if chosen not in TYPES:
        faults["format"] = "Choose flac or wav."
    if download not in _YES_NO:
        faults["download"] = "Give 1, or leave it out."
    if faults:
        raise BadInput("The recording cannot be given like this.", faults)
    return cast(Format, chosen), _YES_NO[download]


class Outline(_Door):
    pagination_class = None

    @extend_schema(
        parameters=[
            OpenApiParameter("per_s", int, enum=list(LEVELS), default=LEVELS[-1], description="Spans to the second."),
            OpenApiParameter("from_s", float, description="Seconds of the recording; its start if left out."),
            OpenApiParameter("until_s", float, description="Its end if left out."),
        ],
        responses=PeaksShape,
    )
    def get(self, request: Request, recording_id: UUID) -> Response:
        """Read a recording's outline: the lowest and the highest sample of each short span."""
        per_s, from_s, until_s = _asked_window(request.query_params)
        recording = self.there(recording_id)
        try:
            with recording_store.open(str(recording.peaks.name), "rb") as file:
                peaks = from_json(file.read())
        except Exception as error:  # each storage has errors of its own
            count("recording_reads_failed")
            log.exception("the outline of recording %s cannot be read from its storage", recording.pk)
            raise Unreadable from error
        return Response(window(peaks, per_s, from_s, until_s))


def _asked_window(query: Mapping[str, str]) -> tuple[int, float, float]:
    faults = {}
    per_s = query.get("per_s") or str(LEVELS[-1])
    if per_s not in {str(each) for each in LEVELS}:
        faults["per_s"] = f"Choose {' or '.join(map(str, LEVELS))}."
    seconds: dict[str, float] = {"from_s": 0.0, "until_s": math.inf}
    for name in seconds:
        if said := query.get(name):
            seconds[name] = math.nan
            with suppress(ValueError):
                seconds[name] = float(said)
            if not 0 <= seconds[name] < math.inf:
                faults[name] = "Give seconds from the recording's start, such as 63.2."
    if faults:
        raise BadInput("The outline cannot be given like this.", faults)
    return int(per_s), seconds["from_s"], seconds["until_s"]


urlpatterns = [
    path("v1/recordings/<uuid:recording_id>/audio/", Audio.as_view(), name="recording_audio"),
    path("v1/recordings/<uuid:recording_id>/peaks/", Outline.as_view(), name="recording_peaks"),
]
