"""Sensitive moments ("your card number, please"): nothing of the call's sound is kept or passed on until they are over.

The call's row is the truth: what is written late asks it, and the events SensitiveBegan and SensitiveEnded tell of the
moments before. The process that has the sound gets one order and ends the moment by a clock of its own, so that it ends
even if every other process is gone. It works whether or not anything is kept: what begins meanwhile is held as well.
"""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from calls.background import act
from calls.commands import BeginSensitive, EndSensitive
from calls.errors import BadInput
from calls.models import Call, Command
from calls.services import audit
from calls.services.actor import Actor
from calls.services.recordings.azure import follow_sensitive
from calls.services.recordings.steering import open_session, refuse, send, write_command
from calls.services.state import announce_call, finish_command, lock, note

LONGEST_S: Final = 3_600
SHORTEST_S: Final = 5


def begin_sensitive(actor: Actor, call: Call, seconds: int | None = None) -> Command:
    """Holds back what is said from now on, for `seconds` at most; begun again it lasts as long from now."""
    length_s = settings.RECORDING_SENSITIVE_S if seconds is None else seconds
    if not SHORTEST_S <= length_s <= LONGEST_S:
        fault = f"It may last {SHORTEST_S} to {LONGEST_S} s."
        raise BadInput(f"The sensitive pause cannot last {length_s} s. {fault}", {"seconds": fault})
    with transaction.atomic():
        locked = lock(call.pk)
        refuse(locked.may("begin_sensitive"))
        _end_overdue(locked)
        goes_on = locked.sensitive_until is not None
        until = timezone.now() + timedelta(seconds=length_s)
        locked.sensitive_until, locked.sensitive_by = until, actor.name
        locked.save(update_fields=["sensitive_until", "sensitive_by"])
        event_type = "SensitiveProlonged" if goes_on else "SensitiveBegan"
        told = f"by {actor.name}, for {spoken(length_s)} at most. Nothing of the sound is kept or passed on."
        note(locked, event_type, message=told, raw={"until": until.isoformat(), "by": actor.name})
        command = write_command(actor, locked, Command.Verb.BEGIN_SENSITIVE)
        send(open_session(locked), command, lambda command_id: BeginSensitive(until.timestamp(), command_id))
        announce_call(locked)
        transaction.on_commit(lambda: act(follow_sensitive, call.pk))
        audit.record(
            actor,
            "begin_sensitive",
            call=locked,
            target_id=command.pk,
            outcome=audit.ASKED,
            seconds=length_s,
        )
    return command


def end_sensitive(actor: Actor, call: Call) -> Command:
    """Everything goes on from now, before the time is over."""
    with transaction.atomic():
        locked = lock(call.pk)
        refuse(locked.may("end_sensitive"))
        command = write_command(actor, locked, Command.Verb.END_SENSITIVE)
        send(open_session(locked), command, EndSensitive)
        _end(locked, f"by {actor.name}. What keeps the sound goes on.", by=actor.name)
        transaction.on_commit(lambda: act(follow_sensitive, call.pk))
        audit.record(actor, "end_sensitive", call=locked, target_id=command.pk, outcome=audit.ASKED)
    return command


def sensitive_confirmed(command: str) -> None:
    """The owner holds the sound back, or has let it go."""
    with transaction.atomic():
        found = Command.objects.filter(pk=command, state=Command.State.QUEUED).first()
        if found is None:
            return
        lock(found.call_id)
        waiting = Command.objects.filter(pk=command, state=Command.State.QUEUED).first()
        if waiting is not None:
            finish_command(waiting)


def end_overdue_moments() -> None:
    """Each round of the sweep: tells that a moment whose time is over, or whose call is, has ended."""
    for call_id in Call.objects.exclude(sensitive_until=None).values_list("pk", flat=True):
        with transaction.atomic():
            call = lock(call_id)
            if not _end_overdue(call):
                continue
            transaction.on_commit(lambda over=call_id: act(follow_sensitive, over))  # type: ignore[misc]


def _end_overdue(call: Call) -> bool:
    """Ends the moment that nobody ended, at the moment when it did; True if there was one."""
    until = call.sensitive_until
    if until is None or call.is_sensitive:
        return False
    over_at = min(until, call.ended_at or until)
    words = "with the call." if over_at < until else "by itself: its time is over. What keeps the sound goes on."
    _end(call, words, event_time=over_at)
    return True


def _end(call: Call, words: str, by: str = "", **fields: Any) -> None:
    call.sensitive_until, call.sensitive_by = None, ""
    call.save(update_fields=["sensitive_until", "sensitive_by"])
    note(call, "SensitiveEnded", message=words, raw={"by": by}, **fields)
    announce_call(call)


def spoken(seconds: int) -> str:
    """120 → `2:00 min`, 45 → `45 s`."""
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60}:{seconds % 60:02} min"
