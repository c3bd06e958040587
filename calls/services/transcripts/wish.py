"""Whether a call is to be written down by the process that has its sound: what somebody asked for last; while nobody
has, what the call's policy says. The wish outlives sockets, and what was stopped by hand stays stopped.
"""

from typing import Final

from calls.commands import KeepingOrder, StartTranscript, StopTranscript
from calls.models import Call, Command
from calls.recognisers import AZURE_CALL

Verb = Command.Verb
_VERBS: Final = (Verb.START_TRANSCRIPT, Verb.STOP_TRANSCRIPT)


def is_wished(call: Call) -> bool:
    """Azure's own transcription is none of this process's work."""
    if call.recogniser in {"", AZURE_CALL} or call.transcript_state == Call.Written.FAILED:
        return False
    asked = call.commands.filter(verb__in=_VERBS).order_by("-created_at", "-id").values_list("verb", "state")
    for verb, state in asked:
        if verb == Verb.STOP_TRANSCRIPT:
            return False
        if state != Command.State.FAILED:
            return True
    return True


def begin_transcript(call: Call) -> None:
    """A socket of the call opens: says so, if it is to be written down. Under the call's lock."""
    if is_wished(call) and call.transcript_state == Call.Written.OFF:
        call.transcript_state, call.transcript_error = Call.Written.STARTING, ""
        call.save(update_fields=["transcript_state", "transcript_error"])


def transcript_now(call: Call, asked: dict[str, str]) -> KeepingOrder:
    """What the process should be doing; `asked` are the orders that nobody has confirmed, by verb."""
    if call.recogniser == AZURE_CALL:
        return StopTranscript()  # the orders are Azure's to confirm
    if not is_wished(call):
        return StopTranscript(asked.get(Verb.STOP_TRANSCRIPT, ""))
    order = asked.get(Verb.START_TRANSCRIPT) or asked.get(Verb.CHANGE_LANGUAGE, "")
    return StartTranscript(call.recogniser, call.language, tuple(call.phrase_list), order)
