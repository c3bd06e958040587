"""What becomes of a take after its end: its tracks are stored, kept for so many days, and deleted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from calls import live
from calls.errors import CallStateError
from calls.models import Call, Recording, Take
from calls.operations.jobs import enqueue
from calls.selectors.recordings import take_json
from calls.services import audit
from calls.services.actor import PORTAL, Actor
from calls.services.state import lock

# A take whose files could not be found or read is tried again, as they may come back.
UNFINISHED: Final = (Take.State.FINISHING, Take.State.FAILED)
LONGEST_ERROR: Final = 300


@dataclass(frozen=True, slots=True)
class StoredTrack:
    """What is in the storage by now, and verified."""

    duration_s: float
    sample_rate_hz: int
    silence_ms: int
    lost_ms: int
    held_ms: int
    recovered: bool
    size: int
    sha256: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class WholeTake:
    """What the files of a take add up to."""

    duration_s: float
    sample_rate_hz: int
    lost_ms: int
    recovered: bool
    holes: list[dict[str, Any]]


def to_be_finished(take_id: UUID) -> Take | None:
    """The take if there is still something to be done for it."""
    return Take.objects.filter(pk=take_id, state__in=UNFINISHED).first()


def is_complete(take_id: UUID) -> bool:
    return Take.objects.filter(pk=take_id, state=Take.State.COMPLETE).exists()


def row_of(take: Take, recording_id: str, track: str, raw_id: str, rate_hz: int) -> Recording:
    """The row of a track, which is made here if the process that wrote the track was killed before it could."""
    found = Recording.objects.filter(take=take, track=track, raw_id=raw_id).first()
    if found is None:
        found = Recording.objects.create(
            pk=UUID(recording_id),
            take=take,
            call_id=take.call_id,
            track=track,
            raw_id=raw_id,
            sample_rate_hz=rate_hz,
            state=Recording.State.FINISHING,
        )
    return found


def stereo_of(take: Take, rate_hz: int) -> Recording:
    """The row of a take's mixture, which is made when the take is finished."""
    found, _ = Recording.objects.get_or_create(
        take=take,
        track=Recording.Track.STEREO,
        raw_id="",
        defaults={"call_id": take.call_id, "sample_rate_hz": rate_hz, "state": Recording.State.FINISHING},
    )
    return found


def track_stored(recording: Recording, stored: StoredTrack) -> bool:
    """A track can be heard from now on; False if its take was deleted meanwhile."""
    file, peaks = recording.names
    with transaction.atomic():
        lock(recording.call_id)
        changed = Recording.objects.filter(pk=recording.pk, take__state__in=UNFINISHED).update(
            state=Recording.State.COMPLETE,
            file=file,
            peaks=peaks,
            **{name: getattr(stored, name) for name in StoredTrack.__slots__},
        )
    return bool(changed)


def take_complete(take_id: UUID, whole: WholeTake) -> bool:
    """All tracks are stored and verified; False if the take was deleted meanwhile."""
    with transaction.atomic():
        take = _locked(take_id)
        if take.state not in UNFINISHED:
            return False
        take.state, take.error = Take.State.COMPLETE, ""
        take.duration_s, take.sample_rate_hz = whole.duration_s, whole.sample_rate_hz
        take.lost_ms, take.holes = whole.lost_ms, whole.holes
        take.recovered = take.recovered or whole.recovered
        take.ended_at = take.ended_at or take.started_at + timedelta(seconds=whole.duration_s)
        take.delete_after = take.delete_after or _delete_after(take)
        take.save()
        announce(take)
    return True


def storing_waits(take_id: UUID, why: str) -> None:
    """It could not be stored now and is tried again; until then the sound is safe where it was written."""
    with transaction.atomic():
        take = _locked(take_id)
        if take.state in UNFINISHED and take.error != why[:LONGEST_ERROR]:
            Take.objects.filter(pk=take_id).update(error=why[:LONGEST_ERROR])
            take.error = why[:LONGEST_ERROR]
            announce(take)


def nothing_to_keep(take_id: UUID, why: str) -> None:
    """There is no sound that could be finished."""
    with transaction.atomic():
        take = _locked(take_id)
        if take.state in UNFINISHED:
            Take.objects.filter(pk=take_id).update(state=Take.State.FAILED, error=why[:LONGEST_ERROR])
            take.tracks.exclude(state=Recording.State.COMPLETE).update(state=Recording.State.FAILED)
            announce(Take.objects.get(pk=take_id))


def delete_take(actor: Actor, take: Take) -> Take:
    """Nobody hears it from now on, and a job removes its files; the rows stay and say who deleted it, and when."""
    with transaction.atomic():
        call = lock(take.call_id)
        take = Take.objects.select_for_update().get(pk=take.pk)
        if take.state in Take.OPEN:
            raise CallStateError("The call is still being recorded. Stop the recording first, then delete it.")
        if take.state == Take.State.DELETED:
            raise CallStateError("The recording is deleted already.")
        take.state, take.error = Take.State.DELETED, ""
        take.deleted_at, take.deleted_by = timezone.now(), actor.name
        take.save()
        tracks = take.tracks.update(state=Recording.State.DELETED, error="")
        announce(take)
        enqueue("delete_take_files", take=str(take.pk))
        audit.record(
            actor, "delete_recording", call=call, target=f"take {take.number}", target_id=take.pk, tracks=tracks
        )
    return take


def files_deleted(take_id: UUID) -> None:
    Recording.objects.filter(take_id=take_id).update(file="", peaks="")


def delete_expired(now: datetime | None = None) -> int:
    """Deletes, in the portal's own name, the takes whose days are over; how many."""
    now = now or timezone.now()
    _date_what_never_finished()
    over = Take.objects.filter(delete_after__lte=now).exclude(Q(state=Take.State.DELETED) | Q(state__in=Take.OPEN))
    gone = 0
    for take in over.order_by("delete_after", "pk").iterator():
        try:
            delete_take(PORTAL, take)
        except CallStateError:  # somebody was faster
            continue
        gone += 1
    return gone


def _date_what_never_finished() -> None:
    """What could not be finished is to be kept no longer than what could."""
    kept = Take.objects.filter(state__in=UNFINISHED, delete_after=None, call__recording_keep_days__isnull=False)
    for take in kept.select_related("call"):
        Take.objects.filter(pk=take.pk, delete_after=None).update(delete_after=_delete_after(take))


def _delete_after(take: Take) -> datetime | None:
    days = take.call.recording_keep_days
    return None if days is None else (take.ended_at or take.started_at) + timedelta(days=days)


def _locked(take_id: UUID) -> Take:
    """The take, and its call's row locked; inside a transaction."""
    lock(Take.objects.values_list("call_id", flat=True).get(pk=take_id))
    take: Take = Take.objects.select_related("call").get(pk=take_id)
    return take


def announce(take: Take) -> None:
    """Tells every dashboard how a take is. Inside a transaction."""
    call = Call.objects.prefetch_related("participants").get(pk=take.call_id)
    live.announce(call.pk, "recording", recording=take_json(take, call))
