"""Recordings as people and integrators get them: takes, and their tracks."""

from datetime import datetime
from typing import Final, TypedDict

from django.db.models import Prefetch
from django.urls import reverse

from calls.models import Call, Recording, Take
from calls.selectors.records import iso, iso_of
from calls.selectors.voices import speaker

FORMATS: Final = ("flac", "wav")
_TRACK_ORDER: Final = [Recording.Track.PARTICIPANT, Recording.Track.INJECTED, Recording.Track.STEREO]


class HoleJson(TypedDict):
    from_s: float
    to_s: float
    why: str


class RecordingJson(TypedDict):
    """One track. `offset_s` is where it begins in the call's time; all tracks of a take begin and end together."""

    id: str
    call: str
    take: str
    number: int
    state: str
    track: str
    raw_id: str
    label: str
    sample_rate_hz: int
    started_at: str
    offset_s: float
    duration_s: float | None
    silence_ms: int
    lost_ms: int
    held_ms: int
    holes: list[HoleJson]
    recovered: bool
    size: int | None
    sha256: str
    formats: list[str]
    url: str | None
    peaks_url: str | None
    error: str


class TakeJson(TypedDict):
    """A recording of a call from its start to its end."""

    id: str
    call: str
    number: int
    state: str
    sample_rate_hz: int | None
    asked_by: str
    started_at: str
    offset_s: float
    ended_at: str | None
    duration_s: float | None
    lost_ms: int
    holes: list[HoleJson]
    recovered: bool
    error: str
    delete_after: str | None
    deleted_at: str | None
    deleted_by: str
    tracks: list[RecordingJson]


def takes_of(call: Call) -> list[TakeJson]:
    """A call's takes in their order, each with its tracks. Prefetch the call's `participants`."""
    return [take_json(each, call) for each in call.takes.prefetch_related("tracks").order_by("number")]


def take_json(take: Take, call: Call) -> TakeJson:
    tracks = sorted(take.tracks.all(), key=_place)
    return {
        "id": str(take.pk),
        "call": str(call.pk),
        "number": take.number,
        "state": take.state,
        "sample_rate_hz": take.sample_rate_hz,
        "asked_by": take.asked_by,
        "started_at": iso_of(take.started_at),
        "offset_s": _offset_s(take.started_at, call),
        "ended_at": iso(take.ended_at),
        "duration_s": take.duration_s,
        "lost_ms": take.lost_ms,
        "holes": take.holes,
        "recovered": take.recovered,
        "error": take.error,
        "delete_after": iso(take.delete_after),
        "deleted_at": iso(take.deleted_at),
        "deleted_by": take.deleted_by,
        "tracks": [recording_json(each, take, call) for each in tracks],
    }


def recording_json(recording: Recording, take: Take, call: Call) -> RecordingJson:
    there = recording.state == Recording.State.COMPLETE
    return {
        "id": str(recording.pk),
        "call": str(call.pk),
        "take": str(take.pk),
        "number": take.number,
        "state": recording.state,
        "track": recording.track,
        "raw_id": recording.raw_id,
        "label": track_label(recording, call),
        "sample_rate_hz": recording.sample_rate_hz,
        "started_at": iso_of(take.started_at),
        "offset_s": _offset_s(take.started_at, call),
        "duration_s": recording.duration_s,
        "silence_ms": recording.silence_ms,
        "lost_ms": recording.lost_ms,
        "held_ms": recording.held_ms,
        "holes": take.holes,
        "recovered": recording.recovered,
        "size": recording.size,
        "sha256": recording.sha256,
        "formats": list(FORMATS) if there else [],
        "url": reverse("api:recording_audio", args=[recording.pk]) if there else None,
        "peaks_url": reverse("api:recording_peaks", args=[recording.pk]) if there else None,
        "error": recording.error or take.error,
    }


def track_label(recording: Recording, call: Call) -> str:
    """Whose sound it is, for people."""
    if recording.track == Recording.Track.INJECTED:
        return "What we played"
    if recording.track == Recording.Track.STEREO:
        return "Callers left, us right"
    return speaker(call, recording.raw_id) or "Mixed"


def with_people() -> tuple[str, Prefetch[str]]:
    """What rows of recordings are prefetched with, so that their JSON asks for nothing more."""
    return "take", Prefetch("call", Call.objects.prefetch_related("participants"))


def _place(recording: Recording) -> tuple[int, str]:
    return _TRACK_ORDER.index(Recording.Track(recording.track)), recording.raw_id


def _offset_s(started_at: datetime, call: Call) -> float:
    return round((started_at - call.since).total_seconds(), 3)
