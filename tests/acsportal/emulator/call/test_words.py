"""What comes next in the script, whoever says it and however often the conversation began anew."""

import asyncio

from acsportal.emulator import scenario as scenarios
from acsportal.emulator.call.words import Utterance, Words, words_of
from acsportal.emulator.scenario import Scenario

WORDS = Words((Utterance("a", "Hello", 1.0, 1.0), Utterance("b", "Bye", 4.0, 1.0)), period_s=10.0)


def next_of(at_s: float, raw_id: str | None = None, words: Words = WORDS) -> tuple[str, float] | None:
    found = words.next(at_s, raw_id)
    return None if found is None else (found.text, found.start_s)


def test_the_next_words_are_those_that_begin_then_or_later() -> None:
    assert next_of(0.0) == next_of(1.0) == ("Hello", 1.0)
    assert next_of(1.1) == ("Bye", 4.0)
    assert next_of(0.0, "b") == ("Bye", 4.0)
    assert next_of(0.0, "c") is None


def test_a_conversation_in_a_loop_begins_anew() -> None:
    assert next_of(4.1) == ("Hello", 11.0)
    assert next_of(32.0) == ("Bye", 34.0)
    assert next_of(35.0, "b") == ("Bye", 44.0)


def test_a_conversation_without_a_loop_ends() -> None:
    assert next_of(4.1, words=Words(WORDS.utterances)) is None


def test_a_stored_scenario_knows_its_words_by_who_plays_its_parts() -> None:
    words = asyncio.run(words_of(scenarios.load("support").starring("4:+4930123456")))
    caller = words.next(0.0, "4:+4930123456")
    assert caller is not None
    assert caller.text.startswith("Hi Tom.")
    assert words.period_s == 95.17


def test_nobody_wrote_down_what_an_upload_says() -> None:
    assert asyncio.run(words_of(Scenario("upload", ()))) == Words()
