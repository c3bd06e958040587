"""Calls on which something was said, for the tests of search, notes and exports."""

from datetime import UTC, datetime, timedelta
from typing import Any

from calls.models import Call, Participant, Segment

CALLER, AGENT = "4:+14255550126", "8:acs:7bd1_sana"


def spoken_call(*said: str, number: str = "+14255550126", agent: str = "Sana Malik", **fields: Any) -> Call:
    """An ended call on which caller and agent said these by turns, ten seconds apart, the first at second 5."""
    at = datetime(2026, 11, 20, 10, 17, tzinfo=UTC)
    given: dict[str, Any] = {
        "direction": "inbound",
        "state": "ended",
        "caller": number,
        "callee": "+18005550100",
        "caller_raw_id": f"4:{number}",
        "callee_raw_id": "4:+18005550100",
        "policy_name": "Everyone else",
        "created_at": at,
        "ringing_at": at,
        "connected_at": at + timedelta(seconds=3),
        "ended_at": at + timedelta(seconds=250),
        "end_code": 200,
        "end_text": "The caller hung up.",
    }
    call = Call.objects.create(**(given | fields))
    joined = call.since
    Participant.objects.create(call=call, raw_id=f"4:{number}", kind="phone", number=number, joined_at=joined)
    Participant.objects.create(call=call, raw_id=AGENT, kind="acs_user", name=agent, joined_at=joined)
    for number_of_turn, text in enumerate(said):
        say(call, text, at_s=5 + 10 * number_of_turn, raw_id=AGENT if number_of_turn % 2 else f"4:{number}")
    return call


def say(call: Call, text: str, *, at_s: float = 5.0, raw_id: str = CALLER, **fields: Any) -> Segment:
    start = call.since + timedelta(seconds=at_s)
    seq = call.segments.count() + 1
    given: dict[str, Any] = {
        "key": f"turn-{seq}",
        "seq": seq,
        "text": text,
        "raw_id": raw_id,
        "started_at": start,
        "ended_at": start + timedelta(seconds=3.5),
        "final": True,
        "source": "test",
        "language": "en-US",
    }
    return Segment.objects.create(call=call, **(given | fields))
