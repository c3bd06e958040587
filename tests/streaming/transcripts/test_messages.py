"""What Azure's transcription socket says, read tolerantly."""

import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streaming.protocol import ProtocolError, UnknownKind
from streaming.transcripts.messages import (
    DEEPEST_EXTRA,
    LONGEST_TEXT,
    MOST_WORDS,
    SpokenResult,
    SpokenWord,
    TranscriptMetadata,
    decode,
    locale_text,
)

MESSAGES = Path(__file__).parents[2] / "messages" / "transcription"
MUTATIONS = 20_000


def golden(name: str) -> str:
    return (MESSAGES / f"{name}.json").read_text()


def result(**members: Any) -> SpokenResult:
    message = decode(json.dumps({"kind": "TranscriptionData", "transcriptionData": {"text": "Hello.", **members}}))
    assert isinstance(message, SpokenResult)
    return message


def fault_of(text: str | bytes) -> str:
    with pytest.raises(ProtocolError) as caught:
        decode(text)
    assert str(caught.value)
    return caught.value.kind


def test_the_documented_metadata_is_read() -> None:
    assert decode(golden("metadata")) == TranscriptMetadata(
        subscription_id="835be116-f750-48a4-a5a4-ab85e070e5b0",
        locale="en-US",
        call_connection_id="6d09449c-6677-4f91-8cb7-012c338e6ec1",
        correlation_id="6d09449c-6677-4f91-8cb7-012c338e6ec1",
    )


def test_the_documented_final_result_is_read() -> None:
    assert decode(golden("final")) == SpokenResult(
        text="Hello everyone.",
        final=True,
        raw_id="4:+000000000000",
        start_s=21.2483227,
        duration_s=0.96,
        confidence=0.922650933265686,
        words=(SpokenWord("hello", 21.2483227, 21.5283227), SpokenWord("everyone", 21.5283227, 22.2083227)),
    )


def test_an_intermediate_result_may_have_no_words() -> None:
    read = decode(golden("intermediate"))
    assert isinstance(read, SpokenResult)
    assert (read.final, read.text, read.words) == (False, "hello every", ())


def test_what_only_previews_tell_is_kept() -> None:
    opened = decode(golden("preview-metadata"))
    assert isinstance(opened, TranscriptMetadata)
    assert opened.extra == {
        "speechModelEndpointId": "ae8e3d36-1b0e-4a2f-9b8b-5c8e3b5a0d10",
        "locales": ["en-us", "de-de"],
        "enableSentimentAnalysis": True,
        "piiRedactionOptions": {"enable": True, "redactionType": "MaskWithCharacter"},
    }
    said = decode(golden("preview-final"))
    assert isinstance(said, SpokenResult)
    assert (said.language, said.extra) == ("de-DE", {"sentimentAnalysisResult": {"sentiment": "neutral"}})
    assert (said.start_s, said.duration_s) == (3.1, 2.1)


def test_any_casing_is_read() -> None:
    read = decode(golden("dotnet-final"))
    assert isinstance(read, SpokenResult)
    assert (read.text, read.final, read.confidence, len(read.words)) == ("Is everything fine?", True, 0.73, 1)


@pytest.mark.parametrize(
    ("offset", "start_s"),
    [
        (0, 0.0),
        (15_000_000, 1.5),
        ("15000000", 1.5),
        (1.5e7, 1.5),
        (-1, None),
        (True, None),
        (None, None),
        ("soon", None),
        ("nan", None),
        ("9" * 40, None),
        (10**30, None),
        ([1], None),
    ],
)
def test_an_offset_is_a_number_or_a_text_and_an_unreadable_one_is_none(offset: Any, start_s: float | None) -> None:
    assert result(offset=offset).start_s == start_s


@pytest.mark.parametrize(("told", "kept"), [(0.5, 0.5), (0, 0.0), (1, 1.0), (1.2, None), (-1, None), ("0.5", None)])
def test_a_confidence_that_is_none_does_not_cost_the_words(told: Any, kept: float | None) -> None:
    assert result(confidence=told).confidence == kept


@pytest.mark.parametrize(
    ("members", "final"),
    [
        ({}, True),
        ({"resultStatus": "final"}, True),
        ({"resultState": "Intermediate"}, False),
        ({"RESULTSTATUS": "INTERMEDIATE"}, False),
    ],
)
def test_a_result_that_does_not_say_so_is_final(members: dict[str, str], final: bool) -> None:
    assert result(**members).final is final


@pytest.mark.parametrize(
    "members",
    [
        {"participantRawID": "4:+14255550123"},
        {"participant": {"RawId": "4:+14255550123"}},
        {"participant": "4:+14255550123"},
    ],
)
def test_the_speaker_is_found_in_each_form(members: dict[str, Any]) -> None:
    assert result(**members).raw_id == "4:+14255550123"


def test_who_is_not_named_is_nobody() -> None:
    assert [result(**each).raw_id for each in ({}, {"participantRawID": None}, {"participantRawID": ""})] == [None] * 3


def test_nothing_that_a_database_refuses_is_left_in_texts() -> None:
    read = result(text="a\0b\x07c", words=[{"text": "\0", "offset": 1}], note={"x\0": "\0"})
    assert (read.text, read.words[0].text, read.extra) == ("a b c", " ", {"note": {"x ": " "}})


def test_what_is_too_much_is_cut() -> None:
    deep: Any = "end"
    for _ in range(20):
        deep = {"in": deep}
    read = result(text="x" * 9_000, words=[{"text": "w", "offset": 1}] * 2_000, deep=deep, many=list(range(500)))
    assert (len(read.text), len(read.words)) == (LONGEST_TEXT, MOST_WORDS)
    assert len(read.extra["many"]) == 40
    assert json.dumps(read.extra["deep"]).count("in") < DEEPEST_EXTRA
    assert result(huge=2**70).extra == {"huge": None}


def test_words_that_cannot_be_used_are_passed_over() -> None:
    bad: list[Any] = [None, 7, {}, {"text": 1, "offset": 1}, {"text": "no time"}]
    words = [*bad, {"text": "yes", "offset": "10000000"}]
    assert result(words=words).words == (SpokenWord("yes", 1.0, 1.0),)
    assert result(words="none").words == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "not_json"),
        (b"\xff", "not_json"),
        ("[" * 200_000, "too_deep"),
        ("[1]", "not_an_object"),
        ("{}", "no_kind"),
        ('{"kind":7}', "wrong_type"),
        ('{"kind":"TranscriptionData"}', "missing_body"),
        ('{"kind":"TranscriptionData","transcriptionData":{}}', "missing_text"),
        ('{"kind":"TranscriptionData","transcriptionData":{"text":"a","resultStatus":"Maybe"}}', "wrong_type"),
        ('{"kind":"TranscriptionData","transcriptionData":{"text":"a","participantRawID":7}}', "wrong_type"),
        ('{"kind":"TranscriptionData","transcriptionData":{"text":"a","participantRawID":"a\\u0000"}}', "wrong_type"),
        (
            json.dumps({"kind": "TranscriptionMetadata", "transcriptionMetadata": {"locale": "x" * 300}}),
            "too_long",
        ),
    ],
)
def test_a_fault_has_one_of_few_names(text: str | bytes, kind: str) -> None:
    assert fault_of(text) == kind


def test_an_unknown_kind_is_named_and_not_refused() -> None:
    assert decode('{"kind":"TranscriptionMarkData","x":1}') == UnknownKind("TranscriptionMarkData")


@pytest.mark.parametrize(
    ("sent", "written"),
    [("en-us", "en-US"), ("DE-de", "de-DE"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("", "")],
)
def test_a_locale_is_written_as_people_write_it(sent: str, written: str) -> None:
    assert locale_text(sent) == written


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=4,
)
MEMBERS = ("text", "offset", "duration", "words", "confidence", "participantRawID", "resultStatus", "locale", "more")


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["Data", "Metadata"]), st.dictionaries(st.sampled_from(MEMBERS), values))
def test_nothing_but_a_protocol_error_ever_leaves_and_what_is_read_can_be_kept(
    kind: str, members: dict[str, Any]
) -> None:
    with suppress(ProtocolError):
        read = decode(json.dumps({"kind": f"Transcription{kind}", f"transcription{kind}": members}))
        kept = msgspec.json.encode(read)
        assert b"\\u0000" not in kept


def test_no_mutation_of_a_golden_message_breaks_the_decoder() -> None:
    dice = random.Random(4)
    texts = [path.read_bytes() for path in sorted(MESSAGES.glob("*.json"))]
    assert len(texts) >= 6
    read = 0
    for _ in range(MUTATIONS):
        changed = bytearray(dice.choice(texts))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(changed))
            changed[at : at + dice.randint(0, 3)] = bytes(dice.randrange(256) for _ in range(dice.randint(0, 3)))
        with suppress(ProtocolError):
            msgspec.json.encode(decode(bytes(changed)))
            read += 1
    assert 0 < read < MUTATIONS
