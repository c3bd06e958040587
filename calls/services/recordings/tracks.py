"""What the process that records a call says of its takes, and what becomes of a take whose process is gone.

Only here is it written that a call is recorded. Each word may come twice, or late, or not at all.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from calls import commands
from calls.models import Call, CallEvent, Job, Process, Recording, StreamSession, Take
from calls.operations.jobs import enqueue
from calls.services.keeping import open_take, recording_wish
from calls.services.recordings.steering import confirm
from calls.services.recordings.storing import announce
from calls.services.state import announce_call, lock, note

FINISH: Final = "finish_take"
TOLD_OF_TROUBLE: Final = 20  # for each call
LONGEST_ERROR: Final = 300
SILENT_OWNER: Final = timedelta(seconds=15)
# Its folder may be on a machine that comes back; until then the sound is safe there.
FOLDER_MISSED: Final = timedelta(hours=24)
NO_FOLDER: Final = (
    "The machine that recorded it has not come back. If its disk is saved, its sound is in RECORDING_DIR."
)


@dataclass(frozen=True, slots=True)
class TrackSaid:
    """One track at the take's end, as the process that wrote it knows it."""

    recording: UUID
    track: str
    raw_id: str
    silence_ms: int = 0
    lost_ms: int = 0
    held_ms: int = 0


@dataclass(frozen=True, slots=True)
class TakeSaid:
    """A take at its end. `holes` as in Take.holes."""

    started_at: datetime
    duration_s: float
    lost_ms: int = 0
    holes: list[dict[str, Any]] = field(default_factory=list)
    tracks: tuple[TrackSaid, ...] = ()
    trouble: str = ""


def take_began(take_id: UUID, started_at: datetime, rate_hz: int, command: str = "") -> None:
    """The process has the order, and keeps what it hears from `started_at` on."""
    with transaction.atomic():
        call, take = _locked(take_id)
        if take is None:
            return
        if take.state in Take.OPEN and take.sample_rate_hz is None:
            take.started_at, take.sample_rate_hz = started_at, rate_hz
            take.save(update_fields=["started_at", "sample_rate_hz"])
            note(
                call,
                "RecordingStarted",
                source=CallEvent.Source.STREAM,
                event_time=started_at,
                raw={"take": str(take.pk), "number": take.number, "asked_by": take.asked_by},
            )
            _show(call, take)
        confirm(command, call)


def track_began(take_id: UUID, recording_id: UUID, track: str, raw_id: str) -> None:
    """Somebody is heard for the first time in the take, or something is played."""
    with transaction.atomic():
        _, take = _locked(take_id)
        if take is not None and take.state in Take.OPEN:
            _row_of(take, TrackSaid(recording_id, track, raw_id), Recording.State.RECORDING)
            announce(take)


def take_ended(take_id: UUID, ended_at: datetime, said: TakeSaid, command: str = "") -> None:
    """All of the take is on the disk and no more will come: it is finished and stored next."""
    with transaction.atomic():
        call, take = _locked(take_id)
        if take is None:
            return
        # One whose process was given up too soon is at its end all the same, and the process knows it better.
        if take.state in Take.OPEN or (take.state == Take.State.FINISHING and take.duration_s is None):
            take.state, take.ended_at, take.recovered = Take.State.FINISHING, ended_at, False
            take.started_at, take.duration_s = said.started_at, said.duration_s
            take.lost_ms, take.holes, take.error = said.lost_ms, said.holes, said.trouble[:LONGEST_ERROR]
            take.save()
            for each in said.tracks:
                _write_track(take, each, said.duration_s)
            _say_end(call, take, "RecordingEnded", ended_at)
            _finish_later(take)
            _show(call, take)
        confirm(command, call)


def take_failed(take_id: UUID, message: str, command: str = "") -> None:
    """Nothing of the take is left; the message says why."""
    with transaction.atomic():
        call, take = _locked(take_id)
        if take is None:
            return
        if take.state in (*Take.OPEN, Take.State.FINISHING):
            take.state, take.error = Take.State.FAILED, message[:LONGEST_ERROR]
            take.ended_at = take.ended_at or timezone.now()
            take.save(update_fields=["state", "error", "ended_at"])
            take.tracks.exclude(state=Recording.State.COMPLETE).update(state=Recording.State.FAILED)
            note(call, "RecordingTrouble", source=CallEvent.Source.STREAM, message=message, raw=_raw(take))
            _show(call, take)
        confirm(command, call)


def take_trouble(take_id: UUID, why: str) -> None:
    """The disk does not take the sound; the call goes on. `why` says what is wrong and what helps."""
    message = f"{why}. The call goes on; what is said now may be missing. Writing is tried again each second."
    _tell(take_id, "RecordingTrouble", message)


def take_well(take_id: UUID) -> None:
    """The disk takes the sound again, and what had waited for it."""
    _tell(take_id, "RecordingWell", "")


def _tell(take_id: UUID, event_type: str, message: str) -> None:
    with transaction.atomic():
        call, take = _locked(take_id)
        if take is not None and call.events.filter(type=event_type).count() < TOLD_OF_TROUBLE:
            note(call, event_type, source=CallEvent.Source.STREAM, message=message, raw=_raw(take))


# --- Takes whose process is gone. ------------------------------------------------------------------------------------


def leave_takes_of(owner: str) -> int:
    """A process gave no sign of life any more: what it recorded ends there, and whoever has the files goes on."""
    open_ones = Take.objects.filter(owner=owner, state__in=Take.OPEN)
    return sum(_leave(take_id) for take_id in open_ones.values_list("pk", flat=True))


def take_back(call: Call, session: StreamSession) -> None:
    """The process of this socket was only asleep: it goes on with its take, or with a new one if that is being finished
    already. Under the call's lock."""
    left = _left().filter(call=call, owner=session.owner).order_by("-number").first()
    if left is None or call.takes.filter(state__in=Take.OPEN).exists():
        return
    if _is_being_finished(left.pk):
        order = commands.StartRecording(str(open_take(call, session.owner, left.asked_by).pk))
        transaction.on_commit(lambda: commands.send(session.pk, order))
        return
    paused = recording_wish(call) == Call.Kept.PAUSED
    left.state = Take.State.PAUSED if paused else Take.State.RECORDING
    left.recovered, left.ended_at = False, None
    left.save(update_fields=["state", "recovered", "ended_at"])
    left.tracks.filter(state=Recording.State.FINISHING).update(state=Recording.State.RECORDING)
    _show(call, left)


def leave_silent_takes() -> None:
    """A step of the sweep: takes of processes that nobody watches, and those whose files nobody has had for long."""
    now = timezone.now()
    known = Process.objects.values("name")
    open_ones = Take.objects.filter(state__in=Take.OPEN, started_at__lt=now - SILENT_OWNER).exclude(owner__in=known)
    for take_id in open_ones.values_list("pk", flat=True):
        _leave(take_id)
    for take_id in _left().filter(ended_at__lt=now - FOLDER_MISSED).values_list("pk", flat=True):
        if not _is_being_finished(take_id):
            take_failed(take_id, NO_FOLDER)


def take_unknown(take_id: UUID, command: str = "") -> None:
    """The process that should have the take does not: it was started anew, or its order got lost."""
    _leave(take_id)
    with transaction.atomic():
        call, take = _locked(take_id)
        if take is not None:
            confirm(command, call)


def left_here(folders: Collection[str], owner: str, writing: Collection[str]) -> list[UUID]:
    """Of takes that have a folder on this machine: those that nobody writes any more and nobody has finished.

    `writing` are those that this process (`owner`) has in its hands; all others of its own were forgotten.
    """
    takes = Take.objects.filter(Q(state=Take.State.FINISHING) | Q(error=NO_FOLDER), recovered=True, pk__in=folders)
    forgotten = Take.objects.filter(pk__in=folders, owner=owner, state__in=Take.OPEN).exclude(pk__in=writing)
    forgotten = forgotten.filter(started_at__lt=timezone.now() - SILENT_OWNER)
    found = [*takes.values_list("pk", flat=True), *forgotten.values_list("pk", flat=True)]
    return [take_id for take_id in found if not _is_being_finished(take_id)]


def take_left(take_id: UUID, started_at: datetime | None = None, duration_s: float | None = None) -> bool:
    """This machine has the take's files: it is finished from them. False if somebody was faster."""
    _leave(take_id)
    with transaction.atomic():
        call, take = _locked(take_id)
        if take is None or _is_being_finished(take_id):
            return False
        if take.state != Take.State.FINISHING and take.error != NO_FOLDER:
            return False
        if take.error == NO_FOLDER:  # the machine has come back after all
            take.state, take.error = Take.State.FINISHING, ""
            take.save(update_fields=["state", "error"])
        if started_at is not None and duration_s is not None:
            take.started_at, take.ended_at = started_at, started_at + timedelta(seconds=duration_s)
            take.save(update_fields=["started_at", "ended_at"])
        _finish_later(take)
        _show(call, take)
    return True


def _left() -> Any:
    return Take.objects.filter(state=Take.State.FINISHING, recovered=True)


def _leave(take_id: UUID) -> bool:
    with transaction.atomic():
        call, take = _locked(take_id)
        if take is None or take.state not in Take.OPEN:
            return False
        take.state, take.recovered, take.ended_at = Take.State.FINISHING, True, timezone.now()
        take.save(update_fields=["state", "recovered", "ended_at"])
        take.tracks.filter(state=Recording.State.RECORDING).update(state=Recording.State.FINISHING)
        _say_end(call, take, "RecordingBroke", take.ended_at)
        _show(call, take)
    return True


def _is_being_finished(take_id: UUID) -> bool:
    return Job.objects.filter(kind=FINISH, args__take=str(take_id)).exists()


# --- Under the call's lock. ------------------------------------------------------------------------------------------


def _locked(take_id: UUID) -> tuple[Call, Take | None]:
    """The call's row, locked, and the take; None (and any call) if the take is gone with its call."""
    call_id = Take.objects.filter(pk=take_id).values_list("call", flat=True).first()
    if call_id is None:
        return Call(), None
    call = lock(call_id)
    return call, Take.objects.filter(pk=take_id).first()


def _row_of(take: Take, said: TrackSaid, state: Recording.State) -> Recording:
    row: Recording
    row, _ = Recording.objects.get_or_create(
        take=take,
        track=said.track,
        raw_id=said.raw_id[:256],
        defaults={
            "pk": said.recording,
            "call_id": take.call_id,
            "sample_rate_hz": take.sample_rate_hz or 0,
            "state": state,
        },
    )
    return row


def _write_track(take: Take, said: TrackSaid, duration_s: float) -> None:
    row = _row_of(take, said, Recording.State.FINISHING)
    row.state, row.duration_s = Recording.State.FINISHING, duration_s
    row.silence_ms, row.lost_ms, row.held_ms = said.silence_ms, said.lost_ms, said.held_ms
    row.save()


def _finish_later(take: Take) -> None:
    if not _is_being_finished(take.pk):
        enqueue(FINISH, take=str(take.pk))


def _say_end(call: Call, take: Take, event_type: str, at: datetime) -> None:
    note(call, event_type, source=CallEvent.Source.STREAM, event_time=at, raw=_raw(take))


def _raw(take: Take) -> dict[str, Any]:
    return {"take": str(take.pk), "number": take.number}


def _show(call: Call, take: Take) -> None:
    """Writes whether the call is recorded, and shows it and the take."""
    newest = call.takes.filter(state__in=Take.OPEN).exclude(sample_rate_hz=None).order_by("-number").first()
    kept = Call.Kept.OFF
    if newest is not None:
        kept = Call.Kept.PAUSED if newest.state == Take.State.PAUSED else Call.Kept.RECORDING
    if call.recording_state != kept:
        call.recording_state = kept
        call.save(update_fields=["recording_state"])
        announce_call(call)
    announce(take)
