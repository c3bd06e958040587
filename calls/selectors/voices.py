"""What people call the voices of a call."""

from typing import Final

from calls.models import Call
from calls.numbers import raw_id_kind, raw_id_text

MIXED: Final = "mixed"
US: Final = "us"
_OF_A_HOUSE: Final = frozenset({"acs_user", "teams_user", "teams_app"})


def label_of(call: Call, raw_id: str, name: str = "") -> str:
    """What people call this voice: its name, its part in the call, or its id in words."""
    if name:
        return name
    if raw_id == call.caller_raw_id:
        return call.caller_name or "Caller"
    if raw_id == call.callee_raw_id:
        return "Callee"
    return raw_id_text(raw_id)


def speaker(call: Call, raw_id: str) -> str:
    """Who said it, in a word or a name. Prefetch `participants`."""
    if raw_id == US:
        return "We"
    if raw_id == MIXED:
        return "Mixed"
    name = next((each.name for each in call.participants.all() if each.raw_id == raw_id), "")
    return label_of(call, raw_id, name) if raw_id else ""


def side(call: Call, raw_id: str) -> str:
    """`ours` for people of this house and for what we play, `theirs` for who calls or is called from outside."""
    if raw_id == US:
        return "ours"
    outside = call.caller_raw_id if call.direction == Call.Direction.INBOUND else call.callee_raw_id
    return "ours" if raw_id != outside and raw_id_kind(raw_id) in _OF_A_HOUSE else "theirs"
