"""What a call's timeline says of trouble at our own doors: sound that stops coming, and Azure turned away."""

from typing import Final
from uuid import UUID

from django.db import transaction

from calls.auth import Reason
from calls.models import Call, CallEvent, StreamSession
from calls.services.state import lock, note, settle

TOLD_OF_ONE_KIND: Final = 20  # for each call; the counters count on
_CLOCK: Final = "Check this machine's clock."
# Why a token is refused, and what to look at. What is not here is no mistake of a set-up.
TOKEN_WORDS: Final[dict[str, str]] = {
    "no_token": "it carries no token. Check that no proxy before the portal removes the Authorization header.",
    "expired": f"its token has expired. {_CLOCK}",
    "not_yet_valid": f"its token is not valid yet. {_CLOCK}",
    "wrong_audience": "its token is for another resource. Check that ACS_RESOURCE_ID is this resource's immutable id.",
    "wrong_issuer": "its token is from another issuer. Check ACS_ISSUER.",
    "unknown_key": "its token is signed with a key that Azure does not publish. Check ACS_OIDC_URL.",
    "keys_unavailable": "Azure's keys could not be fetched. Check ACS_OIDC_URL and this machine's way to the internet.",
    "not_configured": "no token can be checked. Set ACS_RESOURCE_ID and ACS_ISSUER.",
}


def tell_stall(session_id: UUID, idle_s: float) -> None:
    _of_stream(session_id, "StreamStalled", f"the media socket is open, but has brought nothing for {idle_s:.0f} s.")


def tell_flow(session_id: UUID, gap_s: float) -> None:
    _of_stream(session_id, "StreamFlows", f"after {gap_s:.1f} s without any.")


def _of_stream(session_id: UUID, event_type: str, message: str) -> None:
    with transaction.atomic():
        call = lock(StreamSession.objects.values_list("call", flat=True).get(pk=session_id))
        is_open = StreamSession.objects.filter(pk=session_id, state=StreamSession.State.OPEN).exists()
        if is_open and _may_tell(call, event_type):
            raw = {"stream": str(session_id)}
            note(call, event_type, source=CallEvent.Source.STREAM, message=message, raw=raw)


def tell_refused_socket(call_id: UUID, reason: str, words: str = "", *, event_type: str = "SocketRefused") -> None:
    """`reason` is a machine word; `words` say it if it is none of a token; `event_type` says of which door."""
    _refused(call_id, event_type, reason, words)


def tell_refused_callback(call_id: UUID, reason: Reason | None) -> None:
    _refused(call_id, "CallbackRefused", reason or "", "")


def _refused(call_id: UUID, event_type: str, reason: str, words: str) -> None:
    words = words or TOKEN_WORDS.get(reason) or f"its token cannot be trusted ({reason}). Somebody may play Azure."
    with transaction.atomic():
        call = Call.objects.select_for_update(no_key=True).filter(pk=call_id).first()
        if call is not None and call.is_live and _may_tell(call, event_type):
            note(call, event_type, message=words, raw={"reason": reason})
            settle(call)


def _may_tell(call: Call, event_type: str) -> bool:
    return call.events.filter(type=event_type).count() < TOLD_OF_ONE_KIND
