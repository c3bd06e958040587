import json
import random
import string
import time
from base64 import b64decode, b64encode
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.protocol import (
    STOP_AUDIO,
    AudioData,
    AudioMetadata,
    DtmfData,
    ProtocolError,
    UnknownKind,
    decode,
    encode_audio,
)

MESSAGES = Path(__file__).parents[1] / "messages"
MUTATIONS = 100_000
MUTATIONS_LIMIT_S = 20


def golden(name: str) -> str:
    return (MESSAGES / f"{name}.json").read_text()


def audio_of(text: str | bytes) -> AudioData:
    message = decode(text)
    assert isinstance(message, AudioData)
    return message


def fault_of(text: str | bytes) -> str:
    with pytest.raises(ProtocolError) as caught:
        decode(text)
    assert str(caught.value)
    return caught.value.kind


def audio_message(**members: Any) -> str:
    return json.dumps({"kind": "AudioData", "audioData": {"data": "AAAAAA==", **members}})


def test_the_documented_metadata_is_read() -> None:
    assert decode(golden("audio-metadata")) == AudioMetadata(
        subscription_id="89e8cb59-b991-48b0-b154-1db84f16a077",
        encoding="PCM",
        sample_rate_hz=16_000,
        channels=1,
        length=640,
    )


def test_the_documented_audio_is_read() -> None:
    assert decode(golden("audio-data")) == AudioData(
        pcm=bytes(8),
        raw_id="8:acs:3d20e1de-0f28-41c5-0000-000000000000_00000000-0000-0000-0000-000000000000",
        timestamp=datetime(2024, 11, 15, 19, 16, 12, 925_000, UTC),
        silent=False,
    )


def test_the_order_of_members_does_not_matter() -> None:
    audio = audio_of(golden("audio-data-js-order"))
    assert (audio.raw_id, audio.silent) == ("4:+14255550123", True)


def test_the_golden_frame_of_2022_is_read_whole() -> None:
    audio = audio_of(golden("audio-data-2022"))
    assert len(audio.pcm) == 640
    assert audio.raw_id == "8:acs:3d20e1de-0f28-41c5-84a0-4960fde5f411_0000000b-faeb-c708-99bf-a43a0d0036b0"


@pytest.mark.parametrize("name", ["audio-data-mixed-null", "audio-data-mixed-absent"])
def test_a_mixed_stream_names_nobody(name: str) -> None:
    assert audio_of(golden(name)).raw_id is None


@pytest.mark.parametrize("silent", [{}, {"silent": None}, {"silent": False}])
def test_what_is_not_said_to_be_silent_is_not_silent(silent: dict[str, Any]) -> None:
    assert audio_of(audio_message(**silent)).silent is False


def test_the_private_preview_without_kinds_is_read() -> None:
    metadata = decode(golden("preview-2022-metadata"))
    assert isinstance(metadata, AudioMetadata)
    assert (metadata.subscription_id[:8], metadata.sample_rate_hz, metadata.length) == ("89e8cb59", 16_000, 640)
    audio = audio_of(golden("preview-2022-audio"))
    assert (audio.pcm, audio.raw_id, audio.silent) == (
        bytes(8),
        "8:acs:3d20e1de-0f28-41c5-0000-000000000000",
        True,
    )


def test_a_key_of_the_telephone_is_read() -> None:
    assert decode(golden("dtmf-data")) == DtmfData("8")


@pytest.mark.parametrize(
    ("sent", "tone"),
    [("*", "*"), ("asterisk", "*"), ("#", "#"), ("Pound", "#"), ("a", "A"), ("D", "D"), ("nine", "9"), (" 0 ", "0")],
)
def test_every_spelling_of_a_key_becomes_its_character(sent: str, tone: str) -> None:
    message = json.dumps({"kind": "DtmfData", "dtmfData": {"data": sent, "participantRawID": "4:+14255550123"}})
    assert decode(message) == DtmfData(tone, "4:+14255550123")


@pytest.mark.parametrize("sent", ["", "12", "E", "é", "hang up"])
def test_what_is_no_key_is_refused(sent: str) -> None:
    assert fault_of(json.dumps({"kind": "DtmfData", "dtmfData": {"data": sent}})) == "unknown_tone"


@pytest.mark.parametrize("name", ["MarkData", "TranscriptionData", "", "ä", "\ud83d\ude00", "x" * 100])
def test_an_unknown_kind_is_named_and_not_refused(name: str) -> None:
    message = decode(json.dumps({"kind": name, "more": {"anything": [1, 2.5, None]}}))
    assert isinstance(message, UnknownKind)
    assert message.kind.isascii()
    assert len(message.kind) <= 64


def test_a_mark_is_an_unknown_kind() -> None:
    assert decode(golden("mark-data")) == UnknownKind("MarkData")


def test_bytes_are_read_like_text() -> None:
    assert decode(golden("audio-data").encode()) == decode(golden("audio-data"))


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        ("2024-11-15T19:16:12.9251234Z", datetime(2024, 11, 15, 19, 16, 12, 925_123, UTC)),
        ("2024-11-15T20:16:12.925+01:00", datetime(2024, 11, 15, 19, 16, 12, 925_000, UTC)),
        ("2024-11-15T19:16:12.925", datetime(2024, 11, 15, 19, 16, 12, 925_000, UTC)),
        ("half past nine", None),
        ("", None),
        (1731698172, None),
        (None, None),
    ],
)
def test_a_time_is_always_aware_and_an_unreadable_one_is_none(timestamp: Any, at: datetime | None) -> None:
    read = audio_of(audio_message(timestamp=timestamp)).timestamp
    assert read == at
    assert read is None or read.tzinfo is not None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "not_json"),
        ("hello", "not_json"),
        ("{", "not_json"),
        ('{"kind":NaN}', "not_json"),
        ('{"kind":"AudioData"} {}', "not_json"),
        ('{"kind":"\ud800"}', "not_json"),
        ('{"kind":"\\ud800"}', "not_json"),
        (b'{"kind":"\xff"}', "not_json"),
        (b"\xff\xfe{\x00}\x00", "not_json"),
        ("1" * 5000, "not_json"),
        ("[" * 200_000, "too_deep"),
        ('{"a":' * 100_000, "too_deep"),
        ("null", "not_an_object"),
        ("[1]", "not_an_object"),
        ('"AudioData"', "not_an_object"),
        ("{}", "no_kind"),
        ('{"kind":null}', "no_kind"),
        ('{"kind":7}', "wrong_type"),
        ('{"kind":["AudioData"]}', "wrong_type"),
        ('{"kind":"AudioData"}', "missing_body"),
        ('{"kind":"AudioData","audioData":null}', "missing_body"),
        ('{"kind":"AudioData","audioData":[]}', "missing_body"),
        ('{"kind":"AudioData","audioData":{}}', "missing_data"),
        ('{"kind":"AudioData","audioData":{"data":null}}', "missing_data"),
        ('{"kind":"AudioData","audioData":{"data":7}}', "missing_data"),
        ('{"kind":"DtmfData","dtmfData":{}}', "unknown_tone"),
        ('{"kind":"DtmfData","dtmfData":{"data":8}}', "wrong_type"),
        ('{"kind":"AudioMetadata","audioMetadata":{}}', "missing_member"),
        ('{"kind":"AudioMetadata","audioMetadata":{"sampleRate":"16000"}}', "wrong_type"),
        ('{"kind":"AudioMetadata","audioMetadata":{"sampleRate":true}}', "wrong_type"),
        ('{"kind":"AudioMetadata","audioMetadata":{"sampleRate":-16000}}', "wrong_type"),
        ('{"kind":"AudioMetadata","audioMetadata":{"sampleRate":123456789012345678901234567890}}', "wrong_type"),
        ('{"kind":"AudioMetadata","audioMetadata":{"sampleRate":1e300}}', "wrong_type"),
        ('{"kind":"AudioMetadata","audioMetadata":{"sampleRate":16000,"subscriptionId":5}}', "wrong_type"),
    ],
)
def test_a_fault_has_one_of_few_names(text: str | bytes, kind: str) -> None:
    assert fault_of(text) == kind


@pytest.mark.parametrize("encoded", ["A", "AAA", "AA A", "AA=A", "ÄÄÄÄ", "-_-_", "====", "AAAA\u0000"])
def test_bad_base64_is_refused(encoded: str) -> None:
    assert fault_of(audio_message(data=encoded)) == "bad_base64"
    assert fault_of(audio_message(data=encoded, extra=1)) == "bad_base64"


def test_an_odd_number_of_bytes_is_refused_on_both_paths() -> None:
    assert fault_of(audio_message(data="AAAA")) == "odd_length"
    assert fault_of(audio_message(data="AAAA", extra=1)) == "odd_length"


def test_members_of_the_wrong_type_are_refused() -> None:
    assert fault_of(audio_message(silent="yes")) == "wrong_type"
    assert fault_of(audio_message(participantRawID={"rawId": "x"})) == "wrong_type"
    assert fault_of(audio_message(participantRawID="x" * 300, extra=1)) == "too_long"


def test_a_whole_number_written_with_a_point_is_a_whole_number() -> None:
    metadata = decode('{"kind":"AudioMetadata","audioMetadata":{"sampleRate":24000.0}}')
    assert isinstance(metadata, AudioMetadata)
    assert (metadata.sample_rate_hz, metadata.channels, metadata.encoding) == (24_000, 1, "PCM")


def test_our_audio_has_exactly_the_documented_form() -> None:
    assert encode_audio(bytes(8)) == golden("out-audio-data").strip()


def test_our_stop_has_exactly_the_documented_form() -> None:
    assert golden("out-stop-audio").strip() == STOP_AUDIO


@given(st.binary(max_size=2000))
def test_our_audio_carries_every_byte(pcm: bytes) -> None:
    message = json.loads(encode_audio(pcm))
    assert message.keys() == {"Kind", "AudioData", "StopAudio"}
    assert b64decode(message["AudioData"]["Data"]) == pcm


def cased(text: str) -> st.SearchStrategy[str]:
    both = [st.sampled_from([letter.lower(), letter.upper()]) for letter in text]
    return st.tuples(*both).map("".join)


names = st.text(string.ascii_letters + "_", min_size=1, max_size=12).map("x_".__add__)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def written_oddly(draw: st.DrawFn, kind: str, body: dict[str, Any]) -> str:
    """The message with other casing, another order and members that nobody knows."""

    def shuffled(members: dict[str, Any]) -> dict[str, Any]:
        respelt = [(draw(cased(name)), value) for name, value in members.items()]
        strange = list(draw(st.dictionaries(names, json_values, max_size=2)).items())
        return dict(draw(st.permutations(respelt + strange)))

    body_name = kind[0].lower() + kind[1:]
    return json.dumps(
        shuffled({"kind": draw(cased(kind)), body_name: shuffled(body)}), ensure_ascii=draw(st.booleans())
    )


@given(
    st.data(),
    st.binary(max_size=700).map(lambda pcm: pcm[: len(pcm) // 2 * 2]),
    st.none() | st.text(string.printable, min_size=1, max_size=60),
    st.datetimes(timezones=st.just(UTC)),
    st.booleans(),
)
def test_audio_means_the_same_in_any_casing_order_and_company(
    data: st.DataObject, pcm: bytes, raw_id: str | None, at: datetime, silent: bool
) -> None:
    body = {
        "timestamp": at.isoformat(),
        "participantRawID": raw_id,
        "data": b64encode(pcm).decode(),
        "silent": silent,
    }
    text = data.draw(written_oddly("AudioData", body))
    assert decode(text) == AudioData(pcm=pcm, raw_id=raw_id, timestamp=at, silent=silent)


@given(st.data(), st.sampled_from([16_000, 24_000]), st.none() | st.integers(1, 10_000))
def test_metadata_means_the_same_in_any_casing_order_and_company(
    data: st.DataObject, rate_hz: int, length: int | None
) -> None:
    body = {"subscriptionId": "abc", "encoding": "PCM", "sampleRate": rate_hz, "channels": 1, "length": length}
    text = data.draw(written_oddly("AudioMetadata", body))
    assert decode(text) == AudioMetadata("abc", "PCM", rate_hz, 1, length)


@given(st.text() | st.binary() | json_values.map(json.dumps))
def test_nothing_but_a_protocol_error_ever_leaves(text: str | bytes) -> None:
    with suppress(ProtocolError):
        decode(text)


def mutated(text: str, dice: random.Random) -> str | bytes:
    """One to four damages: bytes changed, cut out, doubled, swapped in from elsewhere, or a whole value replaced."""
    raw = bytearray(text, "utf-8")
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(raw)) if raw else 0
        span = dice.randint(1, 12)
        match dice.randrange(7):
            case 0:
                raw[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del raw[at : at + span]
            case 2:
                raw[at:at] = raw[at : at + span]
            case 3:
                raw[at : at + 1] = dice.choice(b'{}[]",:\\0-.eE+ntf').to_bytes(1)
            case 4:
                raw = raw[: at + 1]
            case 5:
                raw[at:at] = dice.choice([b"\\ud800", b"\xed\xa0\x80", b"1e999", b"NaN", b"[" * 50, b'":{"', b"\0"])
            case _:
                value = dice.choice([b"null", b"true", b"-1", b"9" * 40, b'""', b"[]", b"{}", b"1.5"])
                raw = bytearray(bytes(raw).replace(dice.choice([b"640", b'"PCM"', b"false", b"16000"]), value))
    # A WebSocket library hands over text, in tests also text that no such library would let through.
    return bytes(raw) if dice.random() < 0.5 else raw.decode("utf-8", "surrogateescape")


def test_a_hundred_thousand_damaged_messages_raise_nothing_else() -> None:
    dice = random.Random(20221003)
    originals = [path.read_text().strip() for path in sorted(MESSAGES.glob("*.json"))]
    started_s = time.perf_counter()
    understood = 0
    for _ in range(MUTATIONS):
        try:
            decode(mutated(dice.choice(originals), dice))
        except ProtocolError:
            continue
        understood += 1
    assert time.perf_counter() - started_s < MUTATIONS_LIMIT_S
    assert 0.02 < understood / MUTATIONS < 0.6
