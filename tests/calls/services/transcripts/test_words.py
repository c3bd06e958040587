"""What is heard becomes rows: revisions find their row, finals stay, what is held back is never written."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from calls.models import Call, CallEvent, Command, Participant, Segment
from calls.selectors import call_row, newest_segments, segment_json
from calls.services.transcripts.words import (
    close_turns,
    gap_heard,
    newest_words,
    segment_heard,
    transcript_failed,
    transcript_started,
    transcript_stopped,
    transcript_troubled,
)
from tests.calls.ear import Ear
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db(transaction=True)
CALLER = "4:+14255550123"


@pytest.fixture
def call() -> Call:
    return live_call()


def at(call: Call, second: float) -> datetime:
    return call.since + timedelta(seconds=second)


def hear(call: Call, key: str, text: str, start_s: float, end_s: float, **more: Any) -> Segment | None:
    fields = {"final": False, "source": "parrot", "raw_id": CALLER, **more}
    return segment_heard(call.pk, key=key, text=text, started_at=at(call, start_s), ended_at=at(call, end_s), **fields)


def test_revisions_are_written_into_one_row_and_each_change_is_numbered(call: Call) -> None:
    pages = Ear()
    hear(call, "a", "no", 1, 1.4)
    hear(call, "b", "yes?", 1.2, 1.6, raw_id="8:acs:agent")
    hear(call, "a", "no the", 1, 1.8)
    hear(call, "a", "No, the parcel.", 1, 2.5, final=True, confidence=0.9)
    row = Segment.objects.get(key="a")
    assert (row.text, row.final, row.revision, row.seq) == ("No, the parcel.", True, 3, 4)
    assert row.participant == Participant.objects.get(call=call, raw_id=CALLER)
    assert [each["segment"]["seq"] for each in pages.events() if each["kind"] == "segment"] == [1, 2, 3, 4]
    assert [each["text"] for each in newest_segments(call)] == ["No, the parcel.", "yes?"]


def test_a_late_partial_and_a_second_final_change_nothing(call: Call) -> None:
    hear(call, "a", "Good morning.", 1, 2, final=True)
    assert hear(call, "a", "good", 1, 1.5) is None
    assert hear(call, "a", "Another thing.", 1, 2, final=True) is None
    assert Segment.objects.get().text == "Good morning."


def test_a_final_without_text_takes_back_what_was_half_heard(call: Call) -> None:
    hear(call, "a", "mm", 1, 1.5)
    hear(call, "a", "", 1, 1.6, final=True)
    assert newest_segments(call) == []
    assert Segment.objects.get().final
    assert hear(call, "silence", " ", 3, 4, final=True) is None


def test_it_is_told_with_who_spoke_on_which_side_and_when(call: Call) -> None:
    words = ({"text": "Hello", "start_s": 0.0, "end_s": 0.4},)
    row = hear(call, "a", "Hello", 61.25, 61.65, final=True, words=words, language="en-US")
    assert row is not None
    told = segment_json(row, call)
    assert (told["start_s"], told["end_s"], told["label"], told["side"]) == (61.25, 61.65, "Caller", "theirs")
    assert (told["words"], told["kind"], told["source"], told["language"]) == (list(words), "speech", "parrot", "en-US")
    agent = hear(call, "b", "Hi", 62, 63, raw_id="8:acs:1-2-3_priya", final=True)
    assert agent is not None
    assert segment_json(agent, call)["side"] == "ours"


def test_seconds_follow_the_call_s_clock_even_if_it_is_learned_late(call: Call) -> None:
    row = hear(call, "a", "Hello", 10, 11, final=True)
    assert row is not None
    Call.objects.filter(pk=call.pk).update(connected_at=at(call, 4))
    assert segment_json(Segment.objects.get(), Call.objects.get())["start_s"] == 6.0


def test_the_call_s_last_line_is_what_was_said_last(call: Call) -> None:
    hear(call, "a", "One moment please.", 10, 12, final=True)
    hear(call, "b", "Of course.", 13, 14, raw_id="8:acs:1_agent", final=True)
    hear(call, "late", "hm", 2, 3, final=True)
    line = call_row(Call.objects.get())["last_line"]
    assert line is not None
    assert (line["raw_id"], line["speaker"], line["text"]) == ("8:acs:1_agent", "agent", "Of course.")


def test_of_a_long_turn_the_wall_gets_the_end() -> None:
    line = newest_words("many " * 80 + "words at the end")
    assert len(line) <= 200
    assert line.startswith("…many ")
    assert line.endswith(" words at the end")


def test_a_gap_that_goes_on_grows_in_its_row(call: Call) -> None:
    for until_s in (12, 14):
        gap_heard(
            call.pk,
            raw_id=CALLER,
            started_at=at(call, 10),
            ended_at=at(call, until_s),
            text=f"{until_s - 10} s could not be recognised: the recogniser fell behind",
            source="parrot",
            key="gap-1",
        )
    row = Segment.objects.get()
    assert (row.kind, row.revision, row.text[:4]) == ("gap", 2, "4 s ")
    assert Call.objects.get().last_line == ""


def test_what_falls_into_a_sensitive_moment_is_never_written(call: Call) -> None:
    hear(call, "open", "my card number is", 20, 21)
    CallEvent.objects.create(call=call, source="portal", type="SensitiveBegan", event_time=at(call, 21.2))
    Call.objects.filter(pk=call.pk).update(sensitive_until=at(call, 300))
    assert hear(call, "before", "Before that.", 15, 16, final=True)
    # Its end lies in the moment, so what was said before stays and nothing more comes in.
    hear(call, "open", "my card number is four two four two", 20, 24, final=True)
    assert hear(call, "within", "four two", 25, 26, final=True) is None
    CallEvent.objects.create(call=call, source="portal", type="SensitiveEnded", event_time=at(call, 40))
    Call.objects.filter(pk=call.pk).update(sensitive_until=None)
    assert hear(call, "late", "four two four two", 30, 35, final=True) is None
    assert hear(call, "after", "Thank you.", 41, 42, final=True)
    rows = {each.key: (each.text, each.final) for each in Segment.objects.all()}
    assert rows == {
        "before": ("Before that.", True),
        "open": ("my card number is", True),
        "after": ("Thank you.", True),
    }


def test_turns_of_a_source_that_is_gone_are_closed_as_they_are(call: Call) -> None:
    hear(call, "run1-a", "half a sen", 1, 2)
    hear(call, "run2-a", "still open", 3, 4)
    assert close_turns(call.pk, key_prefix="run1-") == 1
    assert close_turns(call.pk, key_prefix="run1-") == 0
    assert dict(Segment.objects.values_list("key", "final")) == {"run1-a": True, "run2-a": False}


def test_the_state_is_written_and_its_order_confirmed(call: Call) -> None:
    command = Command.objects.create(call=call, verb="start_transcript", asked_by="ana")
    transcript_started(call.pk, str(command.pk))
    command.refresh_from_db()
    assert (Call.objects.get().transcript_state, command.state) == ("on", "done")
    transcript_troubled(call.pk, "The recogniser failed. It is tried again.")
    assert call_row(Call.objects.get())["transcript"]["error"] == "The recogniser failed. It is tried again."
    transcript_started(call.pk)
    assert Call.objects.get().transcript_error == ""
    transcript_stopped(call.pk)
    transcript_troubled(call.pk, "Too late.")
    found = Call.objects.get()
    assert (found.transcript_state, found.transcript_error) == ("off", "")


def test_a_failure_stands_on_the_call_on_its_timeline_and_on_its_order(call: Call) -> None:
    command = Command.objects.create(call=call, verb="start_transcript", asked_by="ana")
    transcript_failed(call.pk, "There is no key. Set AZURE_SPEECH_KEY.", str(command.pk))
    transcript_failed(call.pk, "There is no key. Set AZURE_SPEECH_KEY.", str(command.pk))
    command.refresh_from_db()
    assert (command.state, command.error_message) == ("failed", "There is no key. Set AZURE_SPEECH_KEY.")
    assert Call.objects.get().transcript_state == "failed"
    assert call.events.filter(type="TranscriptFailed").count() == 1


def test_a_transcript_ends_with_its_call(call: Call) -> None:
    transcript_started(call.pk)
    Call.objects.filter(pk=call.pk).update(state="ended")
    assert call_row(Call.objects.get())["transcript"]["state"] == "off"
    transcript_started(call.pk)
    assert call_row(Call.objects.get())["transcript"]["state"] == "off"
