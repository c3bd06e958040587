"""Segments as they are shown: the newest of many, oldest first, and what was taken back left out."""

from datetime import timedelta

import pytest

from calls.models import Segment
from calls.selectors.transcripts import newest_segments, said
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db


def test_a_page_begins_with_the_last_turns_in_order() -> None:
    call = live_call()
    for number in range(30):
        Segment.objects.create(
            call=call,
            raw_id="mixed",
            key=str(number),
            seq=number + 1,
            text="" if number == 29 else f"turn {number}",
            started_at=call.since + timedelta(seconds=number),
            ended_at=call.since + timedelta(seconds=number + 1),
            final=True,
            source="parrot",
        )
    assert [each["text"] for each in newest_segments(call, limit=3)] == ["turn 26", "turn 27", "turn 28"]
    assert {each["label"] for each in newest_segments(call)} == {"Mixed"}
    assert said(call).count() == 29
