"""A transcript that Azure writes itself: the orders to it, by command rows that are written down already, and its
socket's life in the database.

Whether it is on is a fold over its events (calls/lifecycle.py): what Azure accepts is believed when its callback comes.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from calls import recognisers
from calls.errors import CallError, CallStateError, GatewayError
from calls.gateway import Connection, gateway
from calls.gateway_transcripts import Order, changing, starting, stopping
from calls.lifecycle import TRANSCRIPT_OFF, TRANSCRIPT_ON
from calls.models import Call, CallEvent, Command
from calls.services.orders import ask, write_refusal
from calls.services.sockets import Caller, admitted
from calls.services.state import lock, note, settle
from calls.services.transcripts.set_up import IMPOSSIBLE, obstacle
from calls.services.transcripts.words import close_turns

SOURCE: Final = recognisers.facts_of(recognisers.AZURE_CALL).source
OPENED: Final = "TranscriptOpened"
CLOSED: Final = "TranscriptClosed"
NOT_SET_UP: Final = (405, 8522)
FOR_OTHER_CALLS: Final = (
    "Azure transcribes only calls that were answered or placed with this recogniser. Choose another one for this call, "
    "and this one in the policy of those to come."
)
MISSED: Final = timedelta(seconds=30)
LAST_WORDS: Final = timedelta(seconds=15)  # which may come after the call has ended
LOOKED_BACK: Final = timedelta(hours=1)
SILENT: Final = "Azure was asked to transcribe it, but has sent nothing for 30 s. Start the transcript again."


def ask_start(command: Command, call: Call) -> Command:
    """Asks Azure to transcribe the call in the call's language. Raises CallStateError and GatewayError."""
    return _ask(command, call, starting(call.call_connection_id or "", call.language, str(command.pk)), obstacle(call))


def ask_stop(command: Command, call: Call) -> Command:
    return _ask(command, call, stopping(call.call_connection_id or "", str(command.pk)))


def ask_change(command: Command, call: Call) -> Command:
    """Asks Azure to go on in the call's language; segments from then on bear it."""
    return _ask(command, call, changing(call.call_connection_id or "", call.language, str(command.pk)), obstacle(call))


def _ask(command: Command, call: Call, order: Order, why_not: str = "") -> Command:
    if why_not:
        error: CallError = CallStateError(why_not)
        write_refusal(command, error)
        raise error

    def verb() -> Connection | None:
        try:
            gateway().ask(order)
        except GatewayError as refusal:
            if (refusal.azure_status, refusal.subcode) == NOT_SET_UP:
                refusal.message = FOR_OTHER_CALLS
            raise
        return None

    return ask(command, verb)


# --- Its socket -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenTranscript:
    """A transcription socket that may be served; `number` counts those of the call, and the highest is its own."""

    call_id: UUID
    number: int
    language: str

    @property
    def key_prefix(self) -> str:
        """What the keys of its segments begin with."""
        return key_prefix(self.number)


def key_prefix(number: int | str = "") -> str:
    return f"{SOURCE}:{number}:" if number else f"{SOURCE}:"


def open_transcript(call_id: UUID, caller: Caller) -> OpenTranscript:
    """Lets one transcription socket in, by the same rules as a media socket; an older one is no longer the call's own.

    Raises NotFound (no such call) and NotLetIn.
    """
    with transaction.atomic():
        call = admitted(call_id, caller)
        close_turns(call_id, key_prefix=key_prefix())
        number = call.events.filter(type=OPENED).count() + 1
        note(call, OPENED, source=CallEvent.Source.STREAM, raw={"number": number})
        settle(call)
        return OpenTranscript(call.pk, number, call.language)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand for a socket of this call: the number of its own socket, and whether the call lives.

    `language` is "" while Azure has not confirmed that it changed.
    """

    number: int
    is_live: bool
    language: str


def standing(call_id: UUID) -> Standing:
    call = Call.objects.get(pk=call_id)
    changes = call.commands.filter(verb=Command.Verb.CHANGE_LANGUAGE).order_by("-created_at")
    last = changes.values_list("state", flat=True).first()
    language = call.language if last in {None, Command.State.DONE} else ""
    return Standing(call.events.filter(type=OPENED).count(), call.is_live, language)


def close_transcript(call_id: UUID, number: int, code: int, reason: str, facts: dict[str, Any]) -> None:
    """The socket is gone, and none of its turns stays open. Written twice it is told of once."""
    with transaction.atomic():
        call = lock(call_id)
        close_turns(call_id, key_prefix=key_prefix(number))
        if call.events.filter(type=CLOSED, raw__number=number).exists():
            return
        raw = {"number": number, **facts}
        note(call, CLOSED, source=CallEvent.Source.STREAM, code=code, message=reason, raw=raw)
        settle(call)


# --- What is left behind, looked after by the sweep -------------------------------------------------------------------


def close_turns_left() -> None:
    """A turn that a dead process left open in a call that is over, whoever recognised it, is as it is."""
    now = timezone.now()
    over = Call.objects.filter(ended_at__lt=now - LAST_WORDS, ended_at__gt=now - LOOKED_BACK)
    for call_id in over.filter(segments__final=False).distinct().values_list("pk", flat=True):
        close_turns(call_id, key_prefix="")


def miss_transcripts() -> None:
    """Azure was to transcribe, or its socket broke, and nothing has come since: people are told."""
    limit = timezone.now() - MISSED
    silent = Call.objects.filter(
        state=Call.State.CONNECTED,
        recogniser=recognisers.AZURE_CALL,
        transcript_state=Call.Written.STARTING,
        connected_at__lt=limit,
    )
    for call_id in silent.values_list("pk", flat=True):
        with transaction.atomic():
            call = lock(call_id)
            asked = call.commands.filter(verb=Command.Verb.START_TRANSCRIPT)
            pending = asked.filter(state__in=(Command.State.QUEUED, Command.State.ACCEPTED)).exists()
            told = call.events.filter(type__in=TRANSCRIPT_ON | TRANSCRIPT_OFF, event_time__gt=limit).exists()
            if call.transcript_state == Call.Written.STARTING and not pending and not told:
                note(call, IMPOSSIBLE, message=SILENT)
                settle(call)
