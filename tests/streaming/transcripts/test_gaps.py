"""Lost sound becomes gaps: joined, told now and then, each with its reason."""

from datetime import UTC, datetime

from streaming.transcripts.gaps import Gaps
from tests.streaming.transcripts.test_loop import Told

BEHIND = "the recogniser fell behind"


def gaps_of(told: Told) -> Gaps:
    return Gaps("4:+1", told, 1.0, lambda second: datetime.fromtimestamp(second, UTC), "parrot")


def test_losses_side_by_side_are_one_gap_that_grows_in_place() -> None:
    told = Told()
    gaps = gaps_of(told)
    gaps.lose(10, 12.5, BEHIND)
    gaps.tell(100)
    gaps.lose(13, 14, "another reason")
    gaps.tell(100.5)  # too soon
    assert [each.text for each in told.gaps] == [f"2.5 s could not be recognised: {BEHIND}"]
    gaps.tell(101)
    assert told.gaps[-1].text == f"4.0 s could not be recognised: {BEHIND}"
    assert told.gaps[0].key == told.gaps[1].key
    gaps.tell(200, at_once=True)
    assert len(told.gaps) == 2


def test_losses_far_apart_are_two_gaps() -> None:
    told = Told()
    gaps = gaps_of(told)
    gaps.lose(10, 12, BEHIND)
    gaps.lose(30, 42, "the recogniser failed (it stalled)")
    gaps.tell(100, at_once=True)
    assert [each.text for each in told.gaps] == [
        f"2.0 s could not be recognised: {BEHIND}",
        "12 s could not be recognised: the recogniser failed (it stalled)",
    ]


def test_a_tenth_of_a_second_is_no_news() -> None:
    told = Told()
    gaps = gaps_of(told)
    gaps.lose(10, 10.1, BEHIND)
    gaps.tell(100, at_once=True)
    assert told.gaps == []
