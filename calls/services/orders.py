"""The verbs that go to Azure. Each leaves a Command row, asks Azure outside of any transaction, and writes the answer.

What Azure accepts is believed only when its callback arrives (services.state).
"""

import logging
import re
from collections.abc import Callable
from typing import Final, cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from calls import live
from calls.doorways import callback_url, media_url
from calls.errors import BadInput, CallError, CallStateError, GatewayError, NotAllowed
from calls.gateway import Connection, RejectReason, gateway
from calls.models import Call, Command
from calls.numbers import dialled, number_text
from calls.operations.figures import asking_azure
from calls.profiles import Capture, StreamingProfile
from calls.recognisers import usual_capture
from calls.selectors import command_json
from calls.services import audit, caps
from calls.services.actor import PORTAL, Actor
from calls.services.state import announce_call, bind_connection, fail_command, finish_command, lock, note, settle
from calls.services.transcripts.set_up import set_up_call

log = logging.getLogger(__name__)

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)

GONE: Final = frozenset({(404, 8522), (400, 8528)})  # no such call · call terminated
# Reason → how the end of the call says it.
REJECT_WORDS: Final = {"busy": " as busy", "forbidden": " as not allowed", "none": ""}
OF_A_RECORDING: Final = (
    Command.Verb.PAUSE_AZURE_RECORDING,
    Command.Verb.RESUME_AZURE_RECORDING,
    Command.Verb.STOP_AZURE_RECORDING,
)
ANSWERED_ALREADY: Final = 8519  # a conflict: an order before this one is being carried out


def place(
    actor: Actor,
    *,
    callee: str,
    caller: str = "",
    profile: StreamingProfile | None = None,
    capture: Capture | None = None,
) -> Call:
    """Dials `callee` (+ and digits, or a raw ACS id); the call rings until Azure's callbacks say more.

    Without `capture` the settings say what is kept of the sound.
    """
    callee, caller = _dialled(callee, "callee"), re.sub(r"[\s().-]", "", caller) or settings.ACS_CALLER_NUMBER
    if not _NUMBER.fullmatch(caller) and (caller or callee.startswith("+")):  # a user can be called without a number
        fault = "Give one of your Azure numbers, such as +18005550100, or set ACS_CALLER_NUMBER."
        raise BadInput(f"The call has no number to call from. {fault}", {"caller": fault})
    caps.refuse_if_full()
    with transaction.atomic():
        call = Call(direction=Call.Direction.OUTBOUND, state=Call.State.CONNECTING, caller=caller, callee=callee)
        call.caller_raw_id = f"4:{caller}" if caller else ""
        call.callee_raw_id = f"4:{callee}" if callee.startswith("+") else callee
        call.ringing_at = timezone.now()
        call.take_profile(profile or StreamingProfile())
        call.ask_capture(capture or usual_capture())
        if faults := call.tidy_capture():
            raise BadInput(f"The call cannot be kept so. {' '.join(faults.values())}", faults)
        call.save()
        command = _command(actor, call, "place")
        announce_call(call)
        audit.record(actor, "place", call=call, target_id=command.pk, outcome=audit.ASKED)
    context, urls = str(command.pk), (callback_url(call.pk), media_url(call.pk))
    ask(
        command,
        lambda: set_up_call(
            call,
            lambda words: gateway().create_call(callee, caller or None, *urls, call.profile, context, words),
        ),
    )
    call.refresh_from_db()
    return call


def _dialled(text: str, field: str) -> str:
    try:
        return dialled(text)
    except ValueError as error:
        raise BadInput(f"The {field} cannot be dialled. {error}", {field: str(error)}) from error


def answer(actor: Actor, call: Call) -> Command:
    """Takes a ringing call with its policy's streaming profile."""
    return ask_to_answer(call, order(actor, call, "answer"))


def ask_to_answer(call: Call, command: Command) -> Command:
    """The second half of `answer`: asks Azure by an order that is written down already."""
    ringing, context, urls = call.incoming_call_context, str(command.pk), (callback_url(call.pk), media_url(call.pk))
    return ask(
        command,
        lambda: set_up_call(call, lambda words: gateway().answer(ringing, *urls, call.profile, context, words)),
    )


def reject(actor: Actor, call: Call, reason: str = "busy") -> Command:
    """Refuses a ringing call; the caller hears that the line is busy, or that the call is not allowed."""
    if reason not in REJECT_WORDS:
        fault = f"It may be {', '.join(REJECT_WORDS)}."
        raise BadInput(f"The reason {reason[:20]} is unknown. {fault}", {"reason": fault})
    return ask_to_reject(call, order(actor, call, "reject"), reason)


def ask_to_reject(call: Call, command: Command, reason: str, why: str = "") -> Command:
    """`why` follows the sentence that tells how the call ended."""
    ask(command, lambda: gateway().reject(call.incoming_call_context, cast(RejectReason, reason)))
    words = f"We rejected the call{REJECT_WORDS[reason]}{_by(command)}. {why}".strip()
    return _sent_away(command, "CallRejected", words)


def redirect(actor: Actor, call: Call, target: str) -> Command:
    """Hands a ringing call to another number or ACS user; it is no call of ours any more."""
    target = _dialled(target, "target")
    return ask_to_redirect(call, order(actor, call, "redirect"), target)


def ask_to_redirect(call: Call, command: Command, target: str) -> Command:
    ask(command, lambda: gateway().redirect(call.incoming_call_context, target))
    words = f"Redirected to {number_text(target) if target.startswith('+') else target}{_by(command)}."
    return _sent_away(command, "CallRedirected", words)


def _by(command: Command) -> str:
    return "" if command.asked_by == PORTAL.name else f", by {command.asked_by}"


def _sent_away(command: Command, event_type: str, message: str) -> Command:
    """Azure tells nothing more of a call that was rejected or redirected, so its answer is its end."""
    with transaction.atomic():
        call = lock(command.call_id)
        note(call, event_type, message=message)
        command.refresh_from_db()
        finish_command(command)
        settle(call)
    return command


def hang_up(actor: Actor, call: Call) -> Command:
    """Ends the call for everybody; done when Azure says that it is disconnected."""
    return ask_to_hang_up(call, order(actor, call, "hang_up"))


def ask_to_hang_up(call: Call, command: Command) -> Command:
    connection_id = call.call_connection_id
    if not connection_id:
        with transaction.atomic():
            fail_command(command, "not_connected", "Azure has not confirmed this call yet. Try again in a moment.")
        raise CallStateError(command.error_message)
    return ask(command, lambda: gateway().hang_up(connection_id))


def start_streaming(actor: Actor, call: Call) -> Command:
    return ask_for_streaming(order(actor, call, "start_streaming"), call.call_connection_id or "")


def stop_streaming(actor: Actor, call: Call) -> Command:
    return ask_for_streaming(order(actor, call, "stop_streaming"), call.call_connection_id or "")


def ask_for_streaming(command: Command, connection_id: str) -> Command:
    """The second half of `start_streaming` and `stop_streaming`, by an order that is written down already."""
    azure = gateway()
    verb = azure.start_streaming if command.verb == Command.Verb.START_STREAMING else azure.stop_streaming
    return ask(command, lambda: verb(connection_id, str(command.pk)))


def order(actor: Actor, call: Call, verb: str) -> Command:
    """The row of a new order; raises CallStateError if the call's state does not allow it.

    `call` learns what Azure wants to hear: its context and its connection id.
    """
    with transaction.atomic():
        locked = lock(call.pk)
        obstacle = locked.may(verb)
        if obstacle:
            raise CallStateError(obstacle)
        if _is_being_sent_away(locked, verb):
            raise CallStateError("Somebody is rejecting or redirecting this call at this moment.")
        for name in ("incoming_call_context", "call_connection_id"):
            setattr(call, name, getattr(locked, name))
        return write_order(actor, locked, verb)


def write_order(actor: Actor, locked: Call, verb: str) -> Command:
    """The row of an order that is known to be possible; the last statement of the transaction that locked the call."""
    command = _command(actor, locked, verb)
    settle(locked)
    audit.record(actor, verb, call=locked, target_id=command.pk, outcome=audit.ASKED)
    return command


def _is_being_sent_away(call: Call, verb: str) -> bool:
    under_way = (Command.State.QUEUED, Command.State.ACCEPTED)
    away = call.commands.filter(verb__in=(Command.Verb.REJECT, Command.Verb.REDIRECT), state__in=under_way)
    return verb in {Command.Verb.ANSWER, Command.Verb.REJECT, Command.Verb.REDIRECT} and away.exists()


def _command(actor: Actor, call: Call, verb: str) -> Command:
    command = Command.objects.create(call=call, verb=verb, asked_by=actor.name, asked_kind=actor.kind)
    live.announce(call.pk, "command", command=command_json(command))
    return command


def ask(command: Command, verb: Callable[[], Connection | None]) -> Command:
    """Asks Azure and writes what it answered."""
    try:
        with asking_azure(command.verb):
            connection = verb()
    except CallError as error:  # GatewayError, or BadInput for what Azure's SDK cannot dial
        write_refusal(command, error)
        raise
    try:
        _write_acceptance(command, connection)
    except NotAllowed as error:  # Azure's answer names another connection than a callback before it
        write_refusal(command, error)
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


def write_refusal(command: Command, error: CallError) -> None:
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
    if verb in OF_A_RECORDING:
        return ""  # what Azure does not know is the recording
    gone = (refusal.azure_status, refusal.subcode) in GONE
    if verb == Command.Verb.PLACE:
        return "PlaceRefused"
    if verb == Command.Verb.ANSWER:
        # While it still rings, an operator can try again.
        return "" if refusal.retryable or refusal.subcode == ANSWERED_ALREADY else "AnswerRefused"
    if verb in {Command.Verb.REJECT, Command.Verb.REDIRECT}:
        return "AnswerRefused" if gone else ""
    return "CallGone" if gone else ""


def _left_by_us(error: CallError, verb: str) -> str:
    """The same for an order that never reached Azure (a callee its SDK cannot dial)."""
    return "PlaceRefused" if verb == Command.Verb.PLACE and not isinstance(error, NotAllowed) else ""
