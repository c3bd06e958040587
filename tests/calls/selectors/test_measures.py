"""What the talk of a call adds up to, on turns short enough to be added up by hand."""

from datetime import timedelta

import pytest

from calls.models import Call, CallMeasures, Segment, TalkSpan
from calls.selectors.measures import US, Voice, joined, measure, measures_json, talk_json, talk_of
from tests.calls.scene import live_call

CALLER = "4:+14255550123"


def they(*turns: tuple[float, float], words: int = 0) -> Voice:
    return Voice(CALLER, turns, words)


def we(*turns: tuple[float, float]) -> Voice:
    return Voice(US, turns)


def test_shares_silence_and_dead_air_add_up_to_the_call() -> None:
    found = measure([they((0, 4), (10, 12)), we((5, 8))], 20)
    assert (found.their_talk_s, found.our_talk_s, found.overlap_s) == (6, 3, 0)
    assert found.silence_s == 1 + 2 + 8
    assert found.longest_silence_s == 8


def test_two_on_the_line_who_speak_at_once_overlap_but_talk_only_once() -> None:
    found = measure([they((0, 4)), Voice("8:acs:ben", ((3, 6),))], 10)
    assert found.their_talk_s == 6
    assert found.overlap_s == 1


def test_three_at_once_are_one_overlap() -> None:
    assert measure([they((0, 4)), Voice("b", ((1, 4),)), we((2, 4))], 4).overlap_s == 3


def test_whoever_begins_while_the_other_speaks_and_outlasts_him_interrupts() -> None:
    found = measure([they((0, 4)), we((3, 6))], 10)
    assert (found.our_interruptions, found.their_interruptions) == (1, 0)
    found = measure([they((3, 6)), we((0, 4))], 10)
    assert (found.our_interruptions, found.their_interruptions) == (0, 1)


def test_a_short_word_within_a_turn_is_no_interruption() -> None:
    assert measure([they((0, 6)), we((2, 2.5))], 10).our_interruptions == 0


def test_two_who_begin_together_interrupt_nobody() -> None:
    found = measure([they((0, 3)), we((0.2, 4))], 10)
    assert (found.our_interruptions, found.their_interruptions) == (0, 0)


def test_the_latency_is_the_median_of_our_answers() -> None:
    voices = [they((0, 2), (10, 12), (20, 22)), we((3, 5), (12.5, 14), (40, 41))]
    assert measure(voices, 50).response_latency_s == 0.75  # 18 s is no answer
    assert measure([they((0, 2))], 10).response_latency_s is None


def test_words_a_minute_are_told_of_talk_that_is_long_enough() -> None:
    assert measure([they((0, 30), words=70)], 40).words_per_minute == 140
    assert measure([they((0, 1), words=7)], 40).words_per_minute is None
    assert measure([], 40).words_per_minute is None


def test_spans_are_joined_over_a_breath() -> None:
    assert joined([(3, 4), (0, 1), (1.4, 2)], 0.5) == ((0, 2), (3, 4))


@pytest.fixture
def call(db: None) -> Call:
    return live_call(streams=False)


def talks(call: Call, raw_id: str, start_s: float, end_s: float) -> None:
    began, ended = (call.since + timedelta(seconds=each) for each in (start_s, end_s))
    TalkSpan.objects.create(call=call, raw_id=raw_id, started_at=began, ended_at=ended)


def says(call: Call, text: str, seq: int, **fields: object) -> None:
    moments = {"started_at": call.since, "ended_at": call.since + timedelta(seconds=2)}
    row = {"raw_id": CALLER, "key": str(seq), "final": True, "source": "test", **moments, **fields}
    Segment.objects.create(call=call, seq=seq, text=text, **row)


def test_a_live_call_is_measured_as_it_stands_and_words_count_when_they_are_final(call: Call) -> None:
    talks(call, CALLER, 0, 30)
    talks(call, US, 31, 33)
    says(call, "one two three", 1)
    says(call, "four five", 2, final=False)
    says(call, "2 s could not be recognised", 3, kind="gap")
    found = measures_json(call)
    assert found is not None
    assert (found["their_talk_s"], found["our_talk_s"], found["response_latency_s"]) == (30, 2, 1)
    assert found["words_per_minute"] == 6
    assert [(each["label"], each["turns"]) for each in found["people"]] == [("Caller", 1), ("We", 1)]
    assert sum(each["share"] for each in found["people"]) == pytest.approx(1, abs=0.001)
    assert talk_json(call) == {CALLER: [[0, 30]], US: [[31, 33]]}


def test_what_was_kept_of_an_ended_call_stands(call: Call) -> None:
    talks(call, CALLER, 0, 30)
    CallMeasures.objects.create(call=call, their_talk_s=12.0, silence_s=8.0, longest_silence_s=3.0)
    found = measures_json(call)
    assert found is not None
    assert found["their_talk_s"] == 12
    row = talk_of(Call.objects.select_related("measures").get(pk=call.pk))
    assert row is not None
    assert (row["theirs"], row["silence"], row["longest_silence_s"]) == (0.6, 0.4, 3)


def test_a_call_that_never_connected_has_none(db: None) -> None:
    call = live_call(streams=False, connected_at=None)
    assert measures_json(call) is None
    assert talk_of(call) is None
