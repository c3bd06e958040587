"""Who speaks, in words, and on which side."""

import pytest

from calls.models import Participant
from calls.selectors.voices import label_of, side, speaker
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db
AGENT = "8:acs:00000000-0000-0000-0000-000000000001_agent-tom"


def test_who_calls_from_outside_is_theirs_and_the_house_is_ours() -> None:
    call = live_call()
    assert [side(call, each) for each in (call.caller_raw_id, AGENT, "us", "mixed", "")] == [
        "theirs",
        "ours",
        "ours",
        "theirs",
        "theirs",
    ]


def test_an_acs_user_who_calls_us_is_outside_and_so_is_one_whom_we_call() -> None:
    inbound = live_call(caller_raw_id=AGENT)
    outbound = live_call("+14255550177", direction="outbound", callee_raw_id=AGENT)
    assert side(inbound, AGENT) == side(outbound, AGENT) == "theirs"


def test_a_speaker_has_the_name_that_people_use() -> None:
    call = live_call()
    Participant.objects.create(call=call, raw_id=AGENT, kind="acs_user", name="Tom", joined_at=call.since)
    names = [speaker(call, each) for each in (call.caller_raw_id, AGENT, "us", "mixed", "")]
    assert names == ["Caller", "Tom", "We", "Mixed", ""]
    assert label_of(call, call.callee_raw_id) == "Callee"
