"""The turns of one transcription socket: their keys, their times, and what becomes of them when it breaks."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streaming.session import MALFORMED_IN_A_ROW, StreamMustClose
from streaming.transcripts.session import BACKLOG, MESSAGES_PER_S, SHOWN_EVERY_S, TranscriptSession, Turn, facts_row

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CALLER, AGENT = "4:+14255550123", "8:acs:tom"


class Azure:
    """One socket from Azure's side; `at_s` is the time since noon, on both clocks."""

    def __init__(self) -> None:
        self.session = TranscriptSession("azure_call:1:", "en-US", 0.0)

    def send(self, kind: str, at_s: float, **members: Any) -> list[Turn]:
        message = json.dumps({"kind": kind, kind[0].lower() + kind[1:]: members})
        return self.session.receive(message, at_s, NOON + timedelta(seconds=at_s))

    def open(self, at_s: float = 0.0, locale: str = "en-us") -> None:
        assert self.send("TranscriptionMetadata", at_s, locale=locale, subscriptionId="sub-1") == []

    def say(
        self, text: str, start_s: float | None, end_s: float, at_s: float, raw_id: str | None = CALLER, **more: Any
    ) -> list[Turn]:
        """A result from `start_s` to `end_s` on Azure's clock that comes at `at_s`; final unless `more` says more."""
        begun_s = start_s or 0.0
        members = {
            "text": text,
            "offset": None if start_s is None else round(start_s * 1e7),
            "duration": round((end_s - begun_s) * 1e7),
            "participantRawID": raw_id,
            "resultStatus": "Final",
        }
        return self.send("TranscriptionData", at_s, **(members | more))

    def said_so_far(self, text: str, start_s: float, end_s: float, at_s: float, raw_id: str = CALLER) -> list[Turn]:
        return self.say(text, start_s, end_s, at_s, raw_id, resultStatus="Intermediate")


@pytest.fixture
def azure() -> Azure:
    azure = Azure()
    azure.open()
    return azure


def seconds(turn: Turn) -> tuple[float, float]:
    """Beginning and end since noon."""
    return tuple(round((each - NOON).total_seconds(), 3) for each in (turn.started_at, turn.ended_at))  # type: ignore[return-value]


def test_times_count_from_the_metadata(azure: Azure) -> None:
    (turn,) = azure.say("Hello.", 1.0, 2.5, 2.7)
    assert seconds(turn) == (1.0, 2.5)
    assert (turn.final, turn.raw_id, turn.language, turn.text) == (True, CALLER, "en-US", "Hello.")


def test_words_count_from_the_turns_beginning(azure: Azure) -> None:
    words = [{"text": "hello", "offset": 12_000_000, "duration": 4_000_000}]
    (turn,) = azure.say("Hello.", 1.0, 2.0, 2.1, words=words)
    assert turn.words == [{"text": "hello", "start_s": 0.2, "end_s": 0.6}]


def test_revisions_of_a_turn_share_its_key_and_the_next_turn_has_another(azure: Azure) -> None:
    keys = [
        azure.said_so_far("one", 1.0, 1.5, 1.5)[0].key,
        azure.said_so_far("one two", 1.0, 2.0, 2.0)[0].key,
        azure.say("One two.", 1.0, 2.2, 2.3)[0].key,
        azure.said_so_far("three", 3.0, 3.5, 3.5)[0].key,
    ]
    assert keys == ["azure_call:1:1:1"] * 3 + ["azure_call:1:1:2"]


def test_two_voices_at_once_have_turns_of_their_own(azure: Azure) -> None:
    first = azure.said_so_far("we", 1.0, 1.5, 1.5, AGENT)[0]
    second = azure.said_so_far("no", 1.2, 1.6, 1.6, CALLER)[0]
    assert azure.say("We can.", 1.0, 2.0, 2.0, AGENT)[0].key == first.key != second.key
    assert azure.say("No.", 1.2, 2.1, 2.1, CALLER)[0].key == second.key


def test_revisions_that_come_fast_are_written_four_times_a_second_and_the_newest_is_kept(azure: Azure) -> None:
    assert len(azure.said_so_far("a", 1.0, 1.1, 1.1)) == 1
    assert azure.said_so_far("a b", 1.0, 1.2, 1.15) == []
    assert azure.said_so_far("a b c", 1.0, 1.3, 1.2) == []
    assert azure.session.due(1.2) == []
    assert [turn.text for turn in azure.session.due(1.1 + SHOWN_EVERY_S)] == ["a b c"]
    assert azure.session.due(2.0) == []
    assert azure.say("A b c.", 1.0, 1.4, 1.5)[0].final


def test_a_final_result_that_comes_twice_is_written_once(azure: Azure) -> None:
    assert len(azure.say("Hello.", 1.0, 2.0, 2.1)) == 1
    assert azure.say("Hello.", 1.0, 2.0, 2.4) == []
    assert len(azure.say("Hello.", 5.0, 6.0, 6.1)) == 1


def test_a_turn_whose_final_result_is_lost_ends_when_the_next_one_begins(azure: Azure) -> None:
    azure.said_so_far("lost", 1.0, 1.5, 1.5)
    cut, begun = azure.said_so_far("next", 4.0, 4.5, 4.5)
    assert (cut.text, cut.final, cut.extra) == ("lost", True, {"cut": True})
    assert (begun.text, begun.final) == ("next", False)
    assert cut.key != begun.key


def test_what_is_open_when_the_socket_ends_is_closed_with_its_newest_words(azure: Azure) -> None:
    azure.said_so_far("one", 1.0, 1.5, 1.5)
    azure.said_so_far("one two", 1.0, 1.6, 1.6)
    azure.say("Yes.", 1.0, 2.0, 2.0, AGENT)
    assert [(turn.text, turn.final, turn.extra) for turn in azure.session.close()] == [("one two", True, {"cut": True})]
    assert azure.session.close() == []


def test_results_that_end_after_they_came_set_the_clock_back_once() -> None:
    azure = Azure()
    azure.open(100.0)  # a new socket whose offsets count on from the old one
    (first,) = azure.say("One.", 101.0, 103.0, 103.2)
    assert seconds(first) == (101.2, 103.2)
    (second,) = azure.say("Two.", 105.0, 106.0, 106.3)
    assert seconds(second) == (105.2, 106.2)
    assert azure.session.facts.clock_set_back == 1


def test_offsets_that_begin_anew_count_from_the_newer_metadata(azure: Azure) -> None:
    azure.say("One.", 10.0, 11.0, 11.1)
    azure.open(60.0)
    assert seconds(azure.say("Two.", 2.0, 3.0, 63.1)[0]) == (62.0, 63.0)


def test_offsets_that_go_on_count_from_the_older_metadata(azure: Azure) -> None:
    azure.say("One.", 10.0, 11.0, 11.1)
    azure.open(60.0)
    assert seconds(azure.say("Two.", 62.0, 63.0, 63.1)[0]) == (62.0, 63.0)


@pytest.mark.parametrize("start_s", [None, 251_693_365_245.0])
def test_without_an_offset_a_result_ends_when_it_came(azure: Azure, start_s: float | None) -> None:
    (turn,) = azure.say("Hello.", start_s, (start_s or 0.0) + 1.5, 9.0)
    assert seconds(turn) == (7.5, 9.0)
    assert azure.session.facts.clock_set_back == 0


def test_results_before_any_metadata_are_placed_by_their_arrival() -> None:
    azure = Azure()
    assert seconds(azure.say("Hello.", 3.0, 4.0, 20.0)[0]) == (19.0, 20.0)
    assert seconds(azure.say("Again.", 5.0, 6.0, 22.1)[0]) == (21.0, 22.0)


def test_one_voice_never_goes_back_in_time(azure: Azure) -> None:
    (first,) = azure.say("One.", 5.0, 6.0, 6.0)
    (second,) = azure.say("Two.", 4.0, 4.5, 6.5)
    assert second.started_at == first.started_at
    assert second.ended_at >= second.started_at


def test_another_language_is_said_by_newer_metadata_or_by_the_result(azure: Azure) -> None:
    azure.open(10.0, "de-de")
    assert azure.say("Hallo.", 1.0, 2.0, 12.0)[0].language == "de-DE"
    assert azure.say("Salut.", 3.0, 4.0, 14.0, languageIdentified="fr-fr")[0].language == "fr-FR"
    azure.session.language = "es-ES"
    assert azure.say("Hola.", 5.0, 6.0, 16.0)[0].language == "es-ES"


def test_what_only_previews_tell_goes_with_the_turn(azure: Azure) -> None:
    (turn,) = azure.say("Fine.", 1.0, 2.0, 2.0, sentimentAnalysisResult={"sentiment": "positive"})
    assert turn.extra == {"sentimentAnalysisResult": {"sentiment": "positive"}}


def test_who_is_not_named_is_mixed(azure: Azure) -> None:
    assert azure.say("Hello.", 1.0, 2.0, 2.0, None)[0].raw_id == "mixed"


def closed_by(azure: Azure, text: str | None, at_s: float = 1.0) -> int:
    with pytest.raises(StreamMustClose) as closed:
        azure.session.receive(text, at_s, NOON)
    assert len(closed.value.reason.encode()) <= 123
    return closed.value.code


def test_binary_and_too_large_messages_close_the_socket(azure: Azure) -> None:
    assert closed_by(azure, None) == 1003
    assert closed_by(azure, "x" * 262_145) == 1009
    assert closed_by(azure, "ä" * 131_073) == 1009


def test_a_few_messages_without_sense_are_counted_and_many_in_a_row_close_the_socket(azure: Azure) -> None:
    for number in range(MALFORMED_IN_A_ROW - 1):
        assert azure.session.receive("{", number * 0.1, NOON) == []
    azure.say("Fine.", 1.0, 2.0, 30.0)
    assert azure.send("MarkData", 31.0) == []
    for number in range(MALFORMED_IN_A_ROW - 2):
        azure.session.receive("{", 31 + number * 0.1, NOON)
    assert closed_by(azure, "{", 90.0) == 1007
    facts = azure.session.facts
    assert facts.malformed == {"not_json": MALFORMED_IN_A_ROW * 2 - 2, "unknown_kind": 1}
    assert facts_row(facts)["malformed"] == MALFORMED_IN_A_ROW * 2 - 1


def test_a_burst_after_a_hold_up_is_taken_and_a_flood_is_not() -> None:
    azure = Azure()
    azure.open()
    for _ in range(BACKLOG):
        azure.said_so_far("a", 1.0, 1.5, 2.0)
    earned = round(0.1 * MESSAGES_PER_S)
    for _ in range(earned):
        azure.said_so_far("a", 1.0, 1.5, 2.1)
    with pytest.raises(StreamMustClose) as closed:
        azure.said_so_far("a", 1.0, 1.5, 2.1)
    assert closed.value.code == 1008


def test_more_voices_than_a_call_can_have_are_malformed(azure: Azure) -> None:
    for number in range(401):
        azure.say("Hi.", 1.0, 2.0, 100.0 + number, f"8:acs:{number}")
    assert azure.session.facts.malformed == {"too_many_participants": 1}
