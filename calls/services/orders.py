"""The verbs that go to Azure. Each leaves a Command row, asks Azure outside of any transaction, and writes the answer.

What Azure accepts is believed only when its callback arrives (services.state).
"""

import logging
import re
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from calls import live
from calls.doorways import callback_url, media_url
from calls.errors import BadInput, CallError, CallStateError, GatewayError, NotAllowed
from calls.gateway import Connection, gateway
from calls.models import Call, Command
from calls.profiles import StreamingProfile
from calls.selectors import command_json
from calls.services.actor import Actor
from calls.services.state import announce_call, bind_connection, fail_command, finish_command, lock, note, settle

log = logging.getLogger(__name__)

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_RAW_ID = re.compile(r"(?:8:acs:|8:orgid:|28:)[0-9A-Za-z_:.\-]{1,200}")

GONE: Final = frozenset({(404, 8522), (400, 8528)})  # no such call · call terminated
ANSWERED_ALREADY: Final = 8519  # a conflict: an order before this one is being carried out


def place(actor: Actor, *, callee: str, caller: str = "", profile: StreamingProfile | None = None) -> Call:
    """Dials `callee` (+ and digits, or a raw ACS id); the call rings until Azure's callbacks say more."""
    callee, caller = _dialled(callee), re.sub(r"[\s().-]", "", caller) or settings.ACS_CALLER_NUMBER
    if not _NUMBER.fullmatch(caller) and (caller or callee.startswith("+")):  # a user can be called without a number
        fault = "Give one of your Azure numbers, such as +18005550100, or set ACS_CALLER_NUMBER."
        raise BadInput(f"The call has no number to call from. {fault}", {"caller": fault})
    with transaction.atomic():
        call = Call(direction=Call.Direction.OUTBOUND, state=Call.State.CONNECTING, caller=caller, callee=callee)
        call.caller_raw_id = f"4:{caller}" if caller else ""
        call.callee_raw_id = f"4:{callee}" if callee.startswith("+") else callee
        call.ringing_at = timezone.now()
        call.take_profile(profile or StreamingProfile())
        call.save()
        command = _command(actor, call, "place")
        announce_call(call)
    _ask(
        command,
        lambda: gateway().create_call(
            callee, caller or None, callback_url(call.pk), media_url(call.pk), call.profile, str(command.pk)
        ),
    )
    call.refresh_from_db()
    return call


def _dialled(callee: str) -> str:
    compact = re.sub(r"[\s().-]", "", callee) if callee.strip().startswith("+") else callee.strip()
    if _NUMBER.fullmatch(compact) or _RAW_ID.fullmatch(compact):
        return compact
    fault = "Give a number with + and country code, such as +14255550123, or an ACS user's raw id (8:acs:…)."
    raise BadInput(f"The callee cannot be dialled. {fault}", {"callee": fault})


def answer(actor: Actor, call: Call) -> Command:
    """Takes a ringing call with its policy's streaming profile."""
    return ask_to_answer(call, order(actor, call, "answer"))


def ask_to_answer(call: Call, command: Command) -> Command:
    """The second half of `answer`: asks Azure by an order that is written down already."""
    return _ask(
        command,
        lambda: gateway().answer(
            call.incoming_call_context, callback_url(call.pk), media_url(call.pk), call.profile, str(command.pk)
        ),
    )


def reject(actor: Actor, call: Call) -> Command:
    """Refuses a ringing call; the caller hears that the line is busy."""
    command = order(actor, call, "reject")
    _ask(command, lambda: gateway().reject(call.incoming_call_context, "busy"))
    with transaction.atomic():
        call = lock(call.pk)
        note(call, "CallRejected", message=f"Rejected by {actor.name}")
        finish_command(Command.objects.get(pk=command.pk))
        settle(call)
    command.refresh_from_db()
    return command


def hang_up(actor: Actor, call: Call) -> Command:
    """Ends the call for everybody; done when Azure says that it is disconnected."""
    command = order(actor, call, "hang_up")
    connection_id = call.call_connection_id
    if not connection_id:
        with transaction.atomic():
            fail_command(command, "not_connected", "Azure has not confirmed this call yet. Try again in a moment.")
        raise CallStateError(command.error_message)
    return _ask(command, lambda: gateway().hang_up(connection_id))


def start_streaming(actor: Actor, call: Call) -> Command:
    command = order(actor, call, "start_streaming")
    return _ask(command, lambda: gateway().start_streaming(call.call_connection_id or "", str(command.pk)))


def stop_streaming(actor: Actor, call: Call) -> Command:
    command = order(actor, call, "stop_streaming")
    return _ask(command, lambda: gateway().stop_streaming(call.call_connection_id or "", str(command.pk)))


def order(actor: Actor, call: Call, verb: str) -> Command:
    """The row of a new order; raises CallStateError if the call's state does not allow it.

    `call` learns what Azure wants to hear: its context and its connection id.
    """
    with transaction.atomic():
        locked = lock(call.pk)
        obstacle = locked.may(verb)
        if obstacle:
            raise CallStateError(obstacle)
        if verb == Command.Verb.ANSWER and _is_being_rejected(locked):
            raise CallStateError("Somebody is rejecting this call at this moment.")
        for name in ("incoming_call_context", "call_connection_id"):
            setattr(call, name, getattr(locked, name))
        command = _command(actor, locked, verb)
        settle(locked)
    return command


def _is_being_rejected(call: Call) -> bool:
    under_way = (Command.State.QUEUED, Command.State.ACCEPTED)
    return call.commands.filter(verb=Command.Verb.REJECT, state__in=under_way).exists()


def _command(actor: Actor, call: Call, verb: str) -> Command:
    command = Command.objects.create(call=call, verb=verb, asked_by=actor.name)
    live.announce(call.pk, "command", command=command_json(command))
    return command


def _ask(command: Command, verb: Callable[[], Connection | None]) -> Command:
    """Asks Azure and writes what it answered."""
    try:
        connection = verb()
    except CallError as error:  # GatewayError, or BadInput for what Azure's SDK cannot dial
        _write_refusal(command, error)
        raise
    try:
        _write_acceptance(command, connection)
    except NotAllowed as error:  # Azure's answer names another connection than a callback before it
        _write_refusal(command, error)
        raise
    command.refresh_from_db()
    return command


def _write_acceptance(command: Command, connection: Connection | None) -> None:
    with transaction.atomic():
        call = lock(command.call_id)
        if connection is not None:
            bind_connection(
                call,
                connection.call_connection_id,
                connection.server_call_id,
                connection.correlation_id,
                connection.own_raw_id,
            )
        # A callback may have been faster than this answer: then the order is done and stays done.
        Command.objects.filter(pk=command.pk, state=Command.State.QUEUED).update(state=Command.State.ACCEPTED)
        Command.objects.filter(pk=command.pk, accepted_at=None).update(accepted_at=timezone.now())
        command.refresh_from_db()
        live.announce(call.pk, "command", command=command_json(command))
        settle(call)


def _write_refusal(command: Command, error: CallError) -> None:
    log.warning("command %s (%s) failed: %s", command.pk, command.verb, error.code)
    azure = error if isinstance(error, GatewayError) else None
    with transaction.atomic():
        call = lock(command.call_id)
        command.refresh_from_db()
        if command.is_pending:
            fail_command(command, error.code, error.message)
        event_type = _left_by(azure, command.verb) if azure else _left_by_us(error, command.verb)
        if event_type:
            note(
                call,
                event_type,
                code=azure.azure_status if azure else None,
                subcode=azure.subcode if azure else None,
                message=error.message,
            )
        settle(call)


def _left_by(refusal: GatewayError, verb: str) -> str:
    """The event that an order refused by Azure leaves on its call; "" if the call goes on as before."""
    if refusal.may_have_happened:
        return ""  # its callback, if one comes, is the truth
    gone = (refusal.azure_status, refusal.subcode) in GONE
    if verb == Command.Verb.PLACE:
        return "PlaceRefused"
    if verb == Command.Verb.ANSWER:
        # While it still rings, an operator can try again.
        return "" if refusal.retryable or refusal.subcode == ANSWERED_ALREADY else "AnswerRefused"
    if verb == Command.Verb.REJECT:
        return "AnswerRefused" if gone else ""
    return "CallGone" if gone else ""


def _left_by_us(error: CallError, verb: str) -> str:
    """The same for an order that never reached Azure (a callee its SDK cannot dial)."""
    return "PlaceRefused" if verb == Command.Verb.PLACE and not isinstance(error, NotAllowed) else ""
