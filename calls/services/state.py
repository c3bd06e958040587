"""The one writer of a call's state: stores what happened and settles what it adds up to."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from calls import live
from calls.errors import NotAllowed
from calls.events import CallbackEvent
from calls.lifecycle import TELLING, CallFacts, Outcome, end_of, fold, in_order, outcome
from calls.models import Call, CallEvent, Command, Participant
from calls.operations.figures import ORDER_TIME, ORDERS
from calls.selectors import call_row, command_json, event_json

# What else a callback means: its type → who writes that, in the callback's own transaction and under the call's lock.
HEEDERS: Final[dict[str, Callable[[Call, CallEvent], None]]] = {}


def lock(call_id: UUID) -> Call:
    """The call's row, ours until the transaction ends (SQLite: the whole database is)."""
    # "No key": who only adds a row that refers to the call need not wait.
    return Call.objects.select_for_update(no_key=True).get(pk=call_id)


def note(call: Call, event_type: str, *, source: str = CallEvent.Source.PORTAL, **fields: Any) -> CallEvent:
    """Stores something that the portal or a socket saw, and shows it. Inside a transaction."""
    fields.setdefault("event_time", timezone.now())
    event = CallEvent.objects.create(call=call, source=source, type=event_type, **fields)
    live.announce(call.pk, "event", event=event_json(event, call))
    return event


def apply_event(call_id: UUID, event: CallbackEvent) -> bool:
    """Stores one callback and settles its call; False if this event was stored before.

    Raises NotAllowed if the event speaks of another call connection than the one this call learned first.
    """
    with transaction.atomic():
        call = lock(call_id)
        bind_connection(call, event.call_connection_id, event.server_call_id, event.correlation_id)
        received_at = timezone.now()
        stored, created = CallEvent.objects.get_or_create(
            source=CallEvent.Source.CALLBACK,
            azure_id=event.id,
            defaults={
                "call": call,
                "type": event.type,
                "event_time": event.event_time or received_at,
                "received_at": received_at,
                "operation_context": event.operation_context[:200],
                "code": event.code,
                "subcode": event.subcode,
                "message": event.message,
                "raw": event.raw,
            },
        )
        if not created:
            return False
        settle(call)
        if stored.type in HEEDERS:
            HEEDERS[stored.type](call, stored)
        live.announce(call.pk, "event", event=event_json(stored, call))
        return True


def bind_connection(
    call: Call, connection_id: str, server_call_id: str = "", correlation_id: str = "", own_raw_id: str = ""
) -> None:
    """Keeps the first connection id that a call learns; refuses any other. The caller holds the row's lock."""
    if connection_id and call.call_connection_id and call.call_connection_id != connection_id:
        raise NotAllowed("This event or socket belongs to another call connection than this call's.")
    learned = {
        "call_connection_id": call.call_connection_id or connection_id or None,
        "server_call_id": call.server_call_id or server_call_id,
        "correlation_id": call.correlation_id or correlation_id[:128],
        "own_raw_id": call.own_raw_id or own_raw_id[:256],
    }
    news = {name: value for name, value in learned.items() if getattr(call, name) != value}
    if not news:
        return
    try:
        with transaction.atomic():
            Call.objects.filter(pk=call.pk).update(**news)
    except IntegrityError as error:
        raise NotAllowed("This call connection belongs to another call of this portal.") from error
    for name, value in news.items():
        setattr(call, name, value)
    if "own_raw_id" in news:
        announce_call(call)  # callbacks that were faster have shown us as one of the people


def settle(call: Call) -> None:
    """Writes what the call's events, orders and sockets add up to, and announces it if it changed. Under the lock."""
    events = in_order(call.events.filter(type__in=TELLING))
    commands = list(call.commands.all())
    end = end_of(call, events)
    for command in commands:
        _end_order(command, outcome(call, command, events, end))
    facts = fold(call, events, commands, list(call.streams.all()))
    changed = _write_call(call, facts) | _write_participants(call, facts)
    if changed:
        announce_call(call)


def announce_call(call: Call) -> None:
    """Shows the row as it stands now."""
    live.announce(
        call.pk, "call_state", row=call_row(Call.objects.prefetch_related("participants", "tags").get(pk=call.pk))
    )


def _write_call(call: Call, facts: CallFacts) -> bool:
    end = facts.end
    wanted: dict[str, Any] = {
        "state": facts.state,
        "connected_at": facts.connected_at,
        "streaming_state": facts.streaming_state,
        "streaming_error": facts.streaming_error[:300],
        "ended_at": end.at if end else None,
        "end_code": end.code if end else None,
        "end_subcode": end.subcode if end else None,
        "end_message": end.message if end else "",
        "end_text": end.text[:300] if end else "",
    }
    if facts.transcript is not None:
        wanted["transcript_state"], wanted["transcript_error"] = facts.transcript[0], facts.transcript[1][:300]
    if end or facts.connected_at:
        wanted["incoming_call_context"] = ""  # its use is over
    changed = [name for name, value in wanted.items() if getattr(call, name) != value]
    for name in changed:
        setattr(call, name, wanted[name])
    if changed:
        call.save(update_fields=changed)
    return bool(changed)


def _write_participants(call: Call, facts: CallFacts) -> bool:
    known = {each.raw_id: each for each in call.participants.all()}
    changed = False
    for presence in facts.participants:
        seen = presence.seen
        fields = {
            "kind": seen.kind,
            "name": seen.name[:128],
            "number": (seen.number or "")[:32],
            "muted": seen.muted,
            "on_hold": seen.on_hold,
            "joined_at": presence.joined_at,
            "left_at": presence.left_at,
        }
        row = known.get(seen.raw_id)
        if row is None:
            Participant.objects.create(call=call, raw_id=seen.raw_id, **fields)
        elif any(getattr(row, name) != value for name, value in fields.items()):
            Participant.objects.filter(pk=row.pk).update(**fields)
        else:
            continue
        changed = True
    return changed


def _end_order(command: Command, found: Outcome | None) -> None:
    """Writes how an order ended, if that is news."""
    if found is None:
        return
    written = (command.state, command.done_at, command.error_code, command.error_message)
    if written == (found.state, found.at, found.code, found.message):
        return
    if found.state == Command.State.DONE:
        finish_command(command, done_at=found.at)
    else:
        fail_command(command, found.code, found.message, done_at=found.at)


def finish_command(command: Command, done_at: datetime | None = None) -> None:
    command.state = Command.State.DONE
    command.done_at = done_at or timezone.now()
    command.accepted_at = command.accepted_at or command.done_at
    command.error_code = command.error_message = ""
    command.save()
    _count_order(command, "done")
    live.announce(command.call_id, "command", command=command_json(command))


def fail_command(command: Command, code: str, message: str, done_at: datetime | None = None) -> None:
    command.state = Command.State.FAILED
    command.done_at = done_at or timezone.now()
    command.error_code, command.error_message = code[:40], message
    command.save()
    _count_order(command, command.error_code)
    live.announce(command.call_id, "command", command=command_json(command))


def _count_order(command: Command, outcome: str) -> None:
    took_s = max(0.0, ((command.done_at or timezone.now()) - command.created_at).total_seconds())

    def observe() -> None:
        ORDERS.labels(command.verb, outcome).inc()
        ORDER_TIME.labels(command.verb).observe(took_s)

    transaction.on_commit(observe)
