import base64
import json

import pytest

from acsportal.emulator.media import wire
from acsportal.emulator.media.mixer import Frame

PCM = b"\x01\x00\x02\x00"
DATA = base64.b64encode(PCM).decode()


def test_metadata_is_as_the_sheet_shows_it() -> None:
    assert wire.metadata("89e8cb59", 16000, 640) == (
        b'{"kind":"AudioMetadata","audioMetadata":{"subscriptionId":"89e8cb59","encoding":"PCM",'
        b'"sampleRate":16000,"channels":1,"length":640}}'
    )


def test_unmixed_audio_names_its_participant() -> None:
    text = wire.audio(Frame("4:+14255550123", DATA.encode(), False), "2024-11-15T19:16:12.925Z")
    assert text == (
        b'{"kind":"AudioData","audioData":{"timestamp":"2024-11-15T19:16:12.925Z",'
        b'"participantRawID":"4:+14255550123","data":"AQACAA==","silent":false}}'
    )


def test_mixed_audio_has_no_participant_at_all() -> None:
    audio = json.loads(wire.audio(Frame(None, DATA.encode(), True), "t"))["audioData"]
    assert audio == {"timestamp": "t", "data": DATA, "silent": True}


def test_a_key_is_the_character_itself() -> None:
    assert json.loads(wire.dtmf("#")) == {"kind": "DtmfData", "dtmfData": {"data": "#"}}


@pytest.mark.parametrize(
    "message",
    [
        {"Kind": "AudioData", "AudioData": {"Data": DATA}, "StopAudio": None},
        {"kind": "audioData", "audioData": {"data": DATA, "isSilent": False}, "stopAudio": {}},
        {"kind": "AudioData", "audioData": {"data": DATA}},
        {"Kind": "AudioData", "AudioData": {"data": DATA, "participantRawID": None}, "Extra": 1},
    ],
)
def test_audio_is_read_in_every_casing_that_is_sent(message: dict[str, object]) -> None:
    assert wire.read(json.dumps(message)) == wire.Audio(PCM)


@pytest.mark.parametrize(
    "message",
    [
        {"Kind": "StopAudio", "AudioData": None, "StopAudio": {}},
        {"kind": "stopAudio", "stopAudio": {}},
        {"Kind": "StopAudio"},
    ],
)
def test_stop_audio_is_read_in_every_form(message: dict[str, object]) -> None:
    assert wire.read(json.dumps(message)) == wire.StopAudio()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"kind":7}',
        '{"kind":"Transcription","Text":"x"}',
        '{"kind":"AudioData"}',
        '{"kind":"AudioData","audioData":{"data":"%%%"}}',
        '{"kind":"AudioData","audioData":{"data":5}}',
    ],
)
def test_what_azure_would_ignore_is_garbage(text: str) -> None:
    with pytest.raises(wire.GarbageError):
        wire.read(text)
