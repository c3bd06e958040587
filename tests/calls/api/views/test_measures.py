from datetime import timedelta

import pytest

from calls.models import TalkSpan
from tests.calls.scene import live_call, signed_in, staff

pytestmark = pytest.mark.django_db


def test_the_talk_of_a_live_call_is_told_in_numbers_and_turns() -> None:
    call = live_call()
    TalkSpan.objects.create(call=call, raw_id="us", started_at=call.since, ended_at=call.since + timedelta(seconds=4))
    answer = signed_in(staff()).get(f"/api/v1/calls/{call.pk}/measures/").json()
    assert (answer["our_talk_s"], answer["their_talk_s"]) == (4, 0)
    assert answer["talk"] == {"us": [[0, 4]]}
    assert answer["people"][0]["label"] == "We"


def test_a_call_that_never_connected_has_nothing_to_measure() -> None:
    call = live_call(streams=False, state="failed", connected_at=None)
    answer = signed_in(staff()).get(f"/api/v1/calls/{call.pk}/measures/")
    assert answer.status_code == 404
    assert "never connected" in answer.json()["error"]["message"]
