"""The verbs that steer the portal's own recording of a call. Each leaves a Command row and an order to the process that
has the call's sound; it is done when that process says so, and failed if none says anything for 10 s.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from calls import commands, live
from calls.commands import KeepingOrder, PauseRecording, ResumeRecording, StartRecording, StopRecording
from calls.errors import CallStateError
from calls.models import Call, Command, StreamSession, Take
from calls.models.call import NOT_STREAMING
from calls.selectors import command_json
from calls.services import audit
from calls.services.actor import Actor
from calls.services.keeping import RECORDING_VERBS, newest_take, open_take
from calls.services.recordings.storing import announce
from calls.services.state import announce_call, fail_command, finish_command, lock, note

Verb = Command.Verb
UNCONFIRMED: Final = timedelta(seconds=10)
# What a process that has the sound did not confirm.
TOLD_TO_OWNER: Final = (*RECORDING_VERBS, Verb.BEGIN_SENSITIVE, Verb.END_SENSITIVE)
NO_WORKER: Final[dict[str, str]] = {
    Verb.START_RECORDING: "No worker answered, so nothing is recorded. Start the recording again.",
    Verb.STOP_RECORDING: "No worker answered, so the call may still be recorded. Stop the recording again.",
    Verb.PAUSE_RECORDING: "No worker answered, so what is said may still be recorded. Pause the recording again.",
    Verb.RESUME_RECORDING: "No worker answered, so the recording may still be paused. Resume it again.",
    Verb.BEGIN_SENSITIVE: "No worker answered, so the recording may still get what is said. Begin the pause again.",
    Verb.END_SENSITIVE: "No worker answered. The sensitive pause ends by itself when its time is over.",
}
NEVER_BEGAN: Final = "No worker began it."


def start_recording(actor: Actor, call: Call) -> Command:
    """Records the call from now on, one track per voice and one for what we play."""
    with transaction.atomic():
        locked = lock(call.pk)
        refuse(locked.may("start_recording"))
        if newest_take(locked) is not None:
            raise CallStateError("The recording of this call is being started at this moment.")
        session = open_session(locked)
        if session is None:
            raise CallStateError(NOT_STREAMING)
        command = write_command(actor, locked, Verb.START_RECORDING)
        take = open_take(locked, session.owner, actor.name)
        send(session, command, lambda command_id: StartRecording(str(take.pk), command_id))
        audit.record(actor, "start_recording", call=locked, target_id=command.pk, outcome=audit.ASKED)
    return command


def stop_recording(actor: Actor, call: Call) -> Command:
    """Ends the recording; it is finished and stored, and the call is not recorded again by itself."""
    return _steer(actor, call, Verb.STOP_RECORDING, StopRecording)


def pause_recording(actor: Actor, call: Call) -> Command:
    """Silence is recorded until the recording is resumed, so that its clock goes on."""
    return _steer(actor, call, Verb.PAUSE_RECORDING, PauseRecording)


def resume_recording(actor: Actor, call: Call) -> Command:
    return _steer(actor, call, Verb.RESUME_RECORDING, ResumeRecording)


def _steer(actor: Actor, call: Call, verb: Verb, order: Callable[[str, str], KeepingOrder]) -> Command:
    with transaction.atomic():
        locked = lock(call.pk)
        refuse(locked.may(verb))
        take = newest_take(locked)
        if take is None:
            raise CallStateError("Nothing is recorded.")
        command = write_command(actor, locked, verb)
        send(open_session(locked), command, lambda command_id: order(str(take.pk), command_id))
        audit.record(actor, verb.value, call=locked, target_id=command.pk, outcome=audit.ASKED)
    return command


# --- What every verb of keeping needs, under the call's lock. --------------------------------------------------------


def refuse(obstacle: str) -> None:
    """Raises CallStateError if there is an obstacle."""
    if obstacle:
        raise CallStateError(obstacle)


def open_session(call: Call) -> StreamSession | None:
    """The socket through which the call's owner is reached."""
    found: StreamSession | None = call.streams.filter(state=StreamSession.State.OPEN).order_by("-number").first()
    return found


def write_command(actor: Actor, call: Call, verb: Verb) -> Command:
    command = Command.objects.create(call=call, verb=verb, asked_by=actor.name, asked_kind=actor.kind)
    live.announce(call.pk, "command", command=command_json(command))
    return command


def send(session: StreamSession | None, command: Command, order: Callable[[str], KeepingOrder]) -> None:
    """Sends the order to the owner once all is written. Without a socket there is no sound and nobody to obey: the
    order is done, and holds for the socket that comes (services.keeping)."""
    if session is None:
        finish_command(command)
        return
    made, session_id = order(str(command.pk)), session.pk
    transaction.on_commit(lambda: commands.send(session_id, made))


# --- What the owning process says. -----------------------------------------------------------------------------------


def take_paused(take_id: UUID, command: str = "") -> None:
    """The owner records silence in the place of sound."""
    _become(take_id, Take.State.PAUSED, Call.Kept.PAUSED, command)


def take_resumed(take_id: UUID, command: str = "") -> None:
    """The owner records sound again."""
    _become(take_id, Take.State.RECORDING, Call.Kept.RECORDING, command)


def _become(take_id: UUID, state: Take.State, shown: Call.Kept, command: str) -> None:
    with transaction.atomic():
        found = Take.objects.filter(pk=take_id).values_list("call", flat=True).first()
        if found is None:
            return
        call = lock(found)
        take = newest_take(call)
        if take is not None and take.pk == take_id and (take.state, call.recording_state) != (state, shown):
            take.state, call.recording_state = state, shown
            take.save(update_fields=["state"])
            call.save(update_fields=["recording_state"])
            announce_call(call)
            announce(take)
        confirm(command, call)


def confirm(command_id: str, call: Call) -> None:
    """The owner has carried out this order. Under the call's lock; "" is none, and what has ended stays as it ended."""
    waiting = call.commands.filter(pk=command_id, state=Command.State.QUEUED).first() if command_id else None
    if waiting is not None:
        finish_command(waiting)


# --- What the sweep looks after. -------------------------------------------------------------------------------------


def give_up_unheard() -> None:
    """Orders that no process has confirmed in 10 s, and takes that none has begun."""
    limit = timezone.now() - UNCONFIRMED
    unheard = Command.objects.filter(verb__in=TOLD_TO_OWNER, state=Command.State.QUEUED, created_at__lt=limit)
    for command in unheard:
        with transaction.atomic():
            call = lock(command.call_id)
            current = Command.objects.filter(pk=command.pk, state=Command.State.QUEUED).first()
            if current is not None:
                fail_command(current, "no_worker", NO_WORKER[current.verb])
                announce_call(call)
    never_began = Take.objects.filter(state__in=Take.OPEN, sample_rate_hz=None, started_at__lt=limit)
    for take_id, call_id in never_began.values_list("pk", "call"):
        _give_up_take(take_id, call_id)


def _give_up_take(take_id: UUID, call_id: UUID) -> None:
    with transaction.atomic():
        call = lock(call_id)
        take = Take.objects.filter(pk=take_id, state__in=Take.OPEN, sample_rate_hz=None).first()
        if take is None:
            return
        take.state, take.error, take.ended_at = Take.State.FAILED, NEVER_BEGAN, timezone.now()
        take.save(update_fields=["state", "error", "ended_at"])
        announce(take)
        session = open_session(call)
        if session is not None:  # should it have begun after all, it is not to go on
            order, session_id = StopRecording(str(take.pk)), session.pk
            transaction.on_commit(lambda: commands.send(session_id, order))
        if call.is_live:
            note(call, "RecordingTrouble", message="no worker began it, so nothing is recorded. Start it again.")
