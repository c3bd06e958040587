"""Event Grid's side: an event is a row first, and is acted on afterwards by whichever process claims it."""

import hashlib
import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from structlog.contextvars import bind_contextvars

from calls import live
from calls.events import GridEvent, IncomingCall, stored_grid_event
from calls.models import Call, CallEvent, CallPolicy
from calls.models.profile import CaptureColumns, ProfileColumns
from calls.recognisers import usual_capture
from calls.selectors import event_json
from calls.services.recordings.azure import file_ready
from calls.services.state import announce_call, lock, note, settle
from calls.services.upkeep.first_orders import RINGS_FOR, carry_out, first_order

log = logging.getLogger(__name__)

# A process that claimed an event and has not made its call in this time is taken for dead.
CLAIM_LIFE: Final = timedelta(seconds=5)
# How long a CallEnded waits for the IncomingCall before it, and how far back it looks for its call.
EARLY: Final = timedelta(minutes=5)
LONGEST_CALL: Final = timedelta(days=2)
FILE_READY: Final = "RecordingFileStatusUpdated"
ACTED_ON: Final = {"IncomingCall", "CallEnded", FILE_READY}


def store_grid_event(event: GridEvent) -> UUID | None:
    """The event's row, committed; None if it was stored before. What is acted on waits to be taken."""
    with transaction.atomic():
        stored, created = CallEvent.objects.get_or_create(
            source=CallEvent.Source.EVENT_GRID,
            azure_id=event.id,
            defaults={
                "type": event.type,
                "event_time": event.event_time or timezone.now(),
                "raw": event.raw,
                "waiting": event.type in ACTED_ON,
            },
        )
    return stored.pk if created and stored.waiting else None


def waiting_events() -> list[UUID]:
    """Events that no living process has taken."""
    stale = timezone.now() - CLAIM_LIFE
    found = CallEvent.objects.filter(Q(claimed_at=None) | Q(claimed_at__lt=stale), waiting=True)
    return list(found.order_by("received_at").values_list("pk", flat=True)[:200])


def take(event_id: UUID) -> None:
    """Claims one waiting event and acts on it; does nothing if another process was faster."""
    stale = timezone.now() - CLAIM_LIFE
    claimable = CallEvent.objects.filter(Q(claimed_at=None) | Q(claimed_at__lt=stale), pk=event_id, waiting=True)
    if claimable.update(claimed_at=timezone.now()) != 1:
        return
    stored = CallEvent.objects.get(pk=event_id)
    event = stored_grid_event(stored.raw)
    if event.incoming is not None:
        _take_incoming(stored, event.incoming)
    elif event.type == FILE_READY:
        file_ready(stored)
    else:
        _take_ended(stored)


def _take_incoming(stored: CallEvent, incoming: IncomingCall) -> None:
    key = _key(stored, incoming)
    with transaction.atomic():
        call, created = Call.objects.get_or_create(incoming_key=key, defaults=_new_call(stored, incoming))
        bind_contextvars(call=str(call.pk))
        call = lock(call.pk)
        stored.call, stored.waiting = call, False
        stored.save(update_fields=["call", "waiting"])
        live.announce(call.pk, "event", event=event_json(stored, call))
        if created:
            _adopt_early_ends(call)
            if timezone.now() - stored.event_time > RINGS_FOR:
                note(call, "RingingTimedOut", message="The event reached us after the 30 s that a call rings.")
        settle(call)
        announce_call(call)
        command = first_order(call) if created else None
    if not created:
        log.info("event %s is no new call to answer (call %s)", stored.pk, call.pk)
    if command is not None:
        carry_out(call, command)


def _adopt_early_ends(call: Call) -> None:
    """Event Grid keeps no order: the caller may have given up before we heard of the call."""
    if call.server_call_id:
        early = CallEvent.objects.filter(
            call=None,
            source=CallEvent.Source.EVENT_GRID,
            type="CallEnded",
            received_at__gte=timezone.now() - EARLY,
            raw__data__serverCallId=call.server_call_id,
        )
        early.update(call=call)


def _key(stored: CallEvent, incoming: IncomingCall) -> str:
    """Azure may tell of one call twice under two event ids; these two ids stay the same."""
    same = incoming.correlation_id + "\n" + incoming.server_call_id
    return hashlib.sha256((same if same.strip() else stored.azure_id or str(stored.pk)).encode()).hexdigest()


def _new_call(stored: CallEvent, incoming: IncomingCall) -> dict[str, object]:
    caller = incoming.caller_number or incoming.caller_raw_id
    callee = incoming.callee_number or incoming.callee_raw_id
    policy = CallPolicy.first_match(caller, callee, timezone.now())
    fields: dict[str, object] = {
        "direction": Call.Direction.INBOUND,
        "caller": caller[:128],
        "callee": callee[:128],
        "caller_raw_id": incoming.caller_raw_id[:256],
        "callee_raw_id": incoming.callee_raw_id[:256],
        "caller_name": incoming.caller_name[:128],
        "server_call_id": incoming.server_call_id,
        "correlation_id": incoming.correlation_id[:128],
        "incoming_call_context": incoming.incoming_call_context,
        "ringing_at": min(stored.event_time, stored.received_at),
        "policy": policy,
        "policy_name": policy.name if policy else "",
    }
    if policy is not None:
        for column in (*ProfileColumns._meta.get_fields(), *CaptureColumns._meta.get_fields()):
            fields[column.name] = getattr(policy, column.name)
        return fields
    usual = usual_capture()
    return {
        **fields,
        "recogniser": usual.recogniser,
        "language": usual.language,
        "recording_start": usual.recording_start,
    }


def _take_ended(stored: CallEvent) -> None:
    """CallEnded (Azure sends it for its own users, not for phones): the caller gave up, if we had not answered yet."""
    about = stored.raw.get("data") or {}
    server_call_id = str(about.get("serverCallId") or "")
    recent = Call.objects.filter(created_at__gte=timezone.now() - LONGEST_CALL)
    call = recent.filter(server_call_id=server_call_id).order_by("-created_at").first() if server_call_id else None
    if call is None:
        CallEvent.objects.filter(pk=stored.pk).update(waiting=False)
        return
    with transaction.atomic():
        call = lock(call.pk)
        stored.call, stored.waiting = call, False
        stored.save(update_fields=["call", "waiting"])
        settle(call)
        live.announce(call.pk, "event", event=event_json(stored, call))
