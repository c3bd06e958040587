"""What a call's policy orders: written down with the call, asked of Azure, and asked again while the call rings.

Azure throttles, and has faults of its own that pass; a caller has 30 s. Each try is an order of its own, so that
everybody sees what was tried and what Azure said.
"""

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from calls.background import act
from calls.counters import count
from calls.errors import CallError, CallStateError, GatewayError
from calls.models import Call, CallEvent, CallPolicy, Command
from calls.services import caps
from calls.services.actor import PORTAL, Actor
from calls.services.orders import ask_to_answer, ask_to_redirect, ask_to_reject, order
from calls.services.state import lock, note

log = logging.getLogger(__name__)

RINGS_FOR: Final = timedelta(seconds=30)
PUT_OFF: Final = "OrderPutOff"
PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0)  # before the second try, the third, …; Azure's Retry-After if that is longer


def first_order(call: Call) -> Command | None:
    """The order, in one transaction with the call: whoever dies now, the sweep finds it."""
    if not call.is_live:
        return None
    if caps.is_full(call):
        return order(PORTAL, call, "reject")
    if call.policy is None or call.policy.action == CallPolicy.Action.RING:
        return None
    return order(Actor.policy(call.policy_name), call, call.policy.action)


def carry_out(call: Call, command: Command) -> None:
    try:
        if command.asked_by == PORTAL.name:
            ask_to_reject(call, command, "busy", caps.full_sentence())
        elif command.verb == Command.Verb.REJECT:
            ask_to_reject(call, command, call.policy.reject_reason if call.policy else "busy")
        elif command.verb == Command.Verb.REDIRECT:
            ask_to_redirect(call, command, call.policy.redirect_target if call.policy else "")
        else:
            ask_to_answer(call, command)
    except CallError as error:
        # The row, the event and the operator's screen say why; a log line names the call.
        log.warning("call %s: the order to %s failed: %s", call.pk, command.verb, error.code)
        if isinstance(error, GatewayError) and error.retryable:
            _put_off(command, error)


def ask_again() -> None:
    """A step of the sweep: repeats the orders whose pause is over. All processes may take it at once."""
    now = timezone.now()
    ringing = Call.objects.filter(state=Call.State.RINGING, ringing_at__gt=now - RINGS_FOR, events__type=PUT_OFF)
    for call_id in ringing.distinct().values_list("pk", flat=True):
        put_off = _newest(call_id)
        if _again_at(put_off) <= now:
            act(_ask_again, call_id, put_off.pk)


def _put_off(command: Command, error: GatewayError) -> None:
    with transaction.atomic():
        call = lock(command.call_id)
        if call.state != Call.State.RINGING:
            return  # a callback was faster, or the caller gave up
        tries = call.events.filter(type=PUT_OFF).count()
        pause_s = max(error.retry_after_s or 0.0, PAUSES_S[min(tries, len(PAUSES_S) - 1)])
        again_at = timezone.now() + timedelta(seconds=pause_s)
        in_time = again_at < (call.ringing_at or call.created_at) + RINGS_FOR
        then = f"it is asked again in {pause_s:g} s." if in_time else "it rings too short a time to be asked again."
        note(
            call,
            PUT_OFF,
            message=f"{then} {error.message}",
            code=error.azure_status,
            subcode=error.subcode,
            raw={"verb": command.verb, "again_at": again_at.isoformat() if in_time else None},
        )
    count("orders_put_off")


def _newest(call_id: UUID) -> CallEvent:
    found: CallEvent = CallEvent.objects.filter(call=call_id, type=PUT_OFF).latest("received_at")
    return found


def _again_at(put_off: CallEvent) -> datetime:
    said = put_off.raw.get("again_at")
    return datetime.fromisoformat(said) if said else datetime.max.replace(tzinfo=timezone.get_default_timezone())


def _ask_again(call_id: UUID, event_id: UUID) -> None:
    try:
        with transaction.atomic():
            call = lock(call_id)
            put_off = _newest(call_id)
            if put_off.pk != event_id:
                return  # another process was faster, and Azure refused again
            full = caps.is_full(call)
            actor = PORTAL if full else Actor.policy(call.policy_name)
            command = order(actor, call, "reject" if full else put_off.raw["verb"])
    except CallStateError:
        return  # somebody else acts on the call, or it rings no more
    carry_out(call, command)
