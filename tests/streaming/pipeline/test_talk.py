import pytest

from streaming.pipeline.talk import HANGOVER_S, LONGEST_SPAN_S, TalkSpan, TalkWatch


def heard(pattern: str, watch: TalkWatch | None = None) -> list[TalkSpan]:
    """One letter each 100 ms: x speaks, . is silent, - is not heard at all."""
    watch = watch or TalkWatch()
    spans = []
    for number, letter in enumerate(pattern):
        spans += watch.look(number / 10, {} if letter == "-" else {"a": letter == "x"})
    return spans


def test_a_turn_is_told_when_it_is_over_without_the_levels_hangover() -> None:
    (span,) = heard("..xxxxxxxxxx..")
    assert span.raw_id == "a"
    assert span.start_s == pytest.approx(0.1)
    assert span.end_s == pytest.approx(1.2 - HANGOVER_S - 0.1)


def test_who_is_not_heard_any_more_has_stopped() -> None:
    assert len(heard("xxxxxxxxxx--")) == 1


def test_a_click_is_no_turn() -> None:
    assert heard(".xxxx..") == []


def test_two_who_speak_at_once_have_a_turn_each() -> None:
    watch = TalkWatch()
    for number in range(10):
        assert watch.look(number / 10, {"a": True, "us": True}) == []
    assert {span.raw_id for span in watch.look(1.0, {"a": False, "us": False})} == {"a", "us"}


def test_who_speaks_without_end_is_told_in_pieces_without_a_gap() -> None:
    spans = heard("x" * int(LONGEST_SPAN_S * 10 + 30) + "..")
    assert len(spans) == 2
    assert spans[0].end_s == spans[1].start_s
    assert spans[0].end_s - spans[0].start_s == pytest.approx(LONGEST_SPAN_S, abs=0.2)


def test_what_is_said_when_the_call_ends_counts_too() -> None:
    watch = TalkWatch()
    heard("..xxxxxxxx", watch)
    (span,) = watch.end(1.0)
    assert (span.raw_id, span.end_s) == ("a", 1.0)
    assert span.start_s == pytest.approx(0.1)
    assert watch.end(1.1) == []
