"""Play, recognize, keys and hold, with what is really heard."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from azure.communication.callautomation import (
    DtmfTone,
    FileSource,
    RecognitionChoice,
    RecognizeInputType,
    SsmlSource,
    TextSource,
)

from tests.acsportal.emulator.operations.asking import (
    AGENT,
    AGENT_ID,
    CALLER,
    CALLER_ID,
    GUEST_ID,
    NOBODY,
    Line,
    alone,
    answered,
    pitch_hz,
    refused,
    sounded,
)
from tests.acsportal.emulator.operations.conftest import wav

Shelve = Callable[[str, bytes], str]


def test_a_file_is_heard_by_all_and_told_of(bench: Any, shelve: Shelve) -> None:
    line = answered(bench)
    line.connection.play_media(FileSource(shelve("tone.wav", wav(0.5))), operation_context="play-1")
    assert line.result("PlayStarted") == (200, 0)
    assert line.result("PlayCompleted") == (200, 0)
    assert line.told("PlayCompleted")["operationContext"] == "play-1"
    for raw_id in (CALLER_ID, AGENT_ID):
        pcm, rate_hz = line.heard(raw_id)
        loud = np.flatnonzero(pcm)
        assert abs((loud[-1] - loud[0]) / rate_hz - 0.5) < 0.05
        assert abs(pitch_hz(pcm[loud[0] : loud[-1]], rate_hz) - 440) < 5


def test_what_is_played_to_one_is_not_heard_by_another(bench: Any, shelve: Shelve) -> None:
    line = answered(bench)
    line.connection.play_media(FileSource(shelve("tone.wav", wav(0.3))), [AGENT])
    line.told("PlayCompleted")
    assert line.loudness(AGENT_ID) > 10000
    assert line.loudness(CALLER_ID) == 0


def test_a_play_is_heard_over_the_portals_stream(bench: Any, shelve: Shelve) -> None:
    line = answered(bench, media_streaming=bench.streaming(rate_hz=24000))
    line.connection.play_media(FileSource(shelve("tone.wav", wav(0.4, hz=1000))))
    line.told("PlayCompleted")
    pcm, rate_hz = line.heard()
    assert rate_hz == 24000
    assert abs(pitch_hz(sounded(pcm), rate_hz) - 1000) < 5


def test_several_sources_are_played_one_after_the_other(bench: Any, shelve: Shelve) -> None:
    line = answered(bench)
    files = [FileSource(shelve("a.wav", wav(0.2))), FileSource(shelve("b.wav", wav(0.3)))]
    line.connection.play_media(files)
    line.told("PlayCompleted")
    pcm, rate_hz = line.heard()
    loud = np.flatnonzero(pcm)
    assert abs((loud[-1] - loud[0]) / rate_hz - 0.5) < 0.05


def test_text_and_ssml_are_spoken(bench: Any) -> None:
    line = answered(bench, speaks=True)
    words = [
        TextSource(text="Good morning.", source_locale="en-US"),
        SsmlSource(ssml_text="<speak>How <break/> are you?</speak>"),
    ]
    line.connection.play_media(words)
    line.told("PlayCompleted")
    pcm, rate_hz = line.heard()
    assert np.abs(pcm).max() > 3000
    assert 1.0 < np.count_nonzero(np.abs(pcm) > 20) / rate_hz < 6.0


def test_text_needs_an_ai_service(bench: Any) -> None:
    line = answered(bench)
    assert refused(lambda: line.connection.play_media(TextSource(text="Hello", source_locale="en-US"))) == (400, "8567")


def test_a_loop_goes_on_until_it_is_cancelled(bench: Any, shelve: Shelve) -> None:
    line = answered(bench)
    line.connection.play_media(FileSource(shelve("a.wav", wav(0.1))), loop=True, operation_context="loop")
    bench.until(lambda: np.count_nonzero(line.heard()[0]) > 0.5 * 16000)
    line.connection.cancel_all_media_operations()
    assert line.result("PlayCanceled") == (400, 8508)
    assert line.told("PlayCanceled")["operationContext"] == "loop"
    heard = np.count_nonzero(line.heard()[0])
    time.sleep(0.1)
    assert np.count_nonzero(line.heard()[0]) == heard
    assert "PlayCompleted" not in line.types()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"not a sound", (400, 8535)),
        (wav(0.1, rate_hz=8000), (400, 8535)),
        (wav(0.1, channels=2), (400, 8535)),
        (None, (400, 8536)),
    ],
    ids=["no sound", "8 kHz", "stereo", "not there"],
)
def test_a_file_azure_would_not_play_fails_as_documented(
    bench: Any, shelve: Shelve, content: bytes | None, code: tuple[int, int]
) -> None:
    line = answered(bench)
    good = shelve("good.wav", wav(0.1))
    bad = shelve("bad.wav", content) if content is not None else good.replace("good", "missing")
    line.connection.play_media([FileSource(good), FileSource(bad)])
    assert line.result("PlayFailed") == code
    assert line.told("PlayFailed")["failedPlaySourceIndex"] == 1
    assert line.loudness() == 0


def test_files_are_fetched_from_this_machine_only(bench: Any) -> None:
    line = answered(bench)
    line.connection.play_media(FileSource("https://example.com/a.wav"))
    assert line.result("PlayFailed") == (400, 8536)


def test_plays_wait_for_each_other_and_an_interrupting_one_does_not(bench: Any, shelve: Shelve) -> None:
    line = answered(bench)
    source = FileSource(shelve("a.wav", wav(0.3)))
    for context in ("one", "two"):
        line.connection.play_media(source, operation_context=context)
    line.told("PlayStarted")
    line.connection.play_media(source, operation_context="three", interrupt_call_media_operation=True)
    assert line.told("PlayCompleted")["operationContext"] == "three"
    cancelled = {line.told("PlayCanceled", count)["operationContext"] for count in (1, 2)}
    assert cancelled == {"one", "two"}


def test_behind_a_play_to_one_only_what_azure_lets_wait_may_wait(bench: Any, shelve: Shelve) -> None:
    line = answered(bench)
    source = FileSource(shelve("a.wav", wav(2.0)))
    line.connection.play_media(source, [AGENT])
    connection = line.connection
    assert refused(lambda: connection.play_media(source, [CALLER])) == (412, "8583")
    assert refused(lambda: connection.send_dtmf_tones([DtmfTone.ONE], CALLER)) == (412, "8583")
    assert refused(lambda: connection.start_recognizing_media("dtmf", CALLER)) == (412, "8583")
    connection.play_media(source)
    connection.start_continuous_dtmf_recognition(CALLER)


def test_the_end_of_a_call_cancels_what_plays(bench: Any, shelve: Shelve) -> None:
    line = answered(bench)
    line.connection.play_media(FileSource(shelve("a.wav", wav(5.0))))
    line.told("PlayStarted")
    line.connection.hang_up(True)
    line.told("CallDisconnected")
    assert line.types()[-2:] == ["PlayCanceled", "CallDisconnected"]


def test_orders_about_media_that_make_no_sense_are_refused(bench: Any) -> None:
    connection = answered(bench).connection
    assert refused(lambda: connection.play_media(FileSource("no url"))) == (400, "8523")
    assert refused(lambda: connection.play_media(FileSource("http://127.0.0.1/a"), [NOBODY])) == (404, "8522")
    assert refused(lambda: connection.play_media([])) == (400, "8523")
    assert refused(lambda: connection.start_recognizing_media("dtmf", NOBODY)) == (404, "8522")
    assert refused(lambda: connection.start_recognizing_media("choices", CALLER)) == (400, "8523")
    assert refused(lambda: connection.start_recognizing_media("speech", CALLER)) == (400, "8567")
    assert refused(lambda: connection.send_dtmf_tones(["eleven"], CALLER)) == (400, "8523")
    assert refused(lambda: connection.send_dtmf_tones([], CALLER)) == (400, "8523")
    assert refused(lambda: connection.stop_continuous_dtmf_recognition(CALLER)) == (400, "8585")
    assert refused(lambda: connection.hold(NOBODY)) == (404, "8522")
    assert refused(lambda: connection.unhold(CALLER)) == (400, "8585")


def recognizing(line: Line, **options: Any) -> None:
    line.connection.start_recognizing_media(
        RecognizeInputType.DTMF, CALLER, operation_context="rec", initial_silence_timeout=2, **options
    )


def test_keys_up_to_the_most_are_recognized(bench: Any) -> None:
    line = alone(bench)
    recognizing(line, dtmf_max_tones_to_collect=3)
    line.press("5*A9")
    told = line.told("RecognizeCompleted")
    assert line.result("RecognizeCompleted") == (200, 8531)
    assert told["recognitionType"] == "dtmf"
    assert told["dtmfResult"] == {"tones": ["five", "asterisk", "a"]}
    assert told["operationContext"] == "rec"


def test_a_stop_tone_completes_the_recognition(bench: Any) -> None:
    line = alone(bench)
    recognizing(line, dtmf_max_tones_to_collect=9, dtmf_stop_tones=[DtmfTone.POUND])
    line.press("56#")
    assert line.result("RecognizeCompleted") == (200, 8514)
    assert line.told("RecognizeCompleted")["dtmfResult"] == {"tones": ["five", "six", "pound"]}


def test_silence_fails_the_recognition(bench: Any) -> None:
    line = alone(bench)
    line.connection.start_recognizing_media("dtmf", CALLER, initial_silence_timeout=1)
    assert line.result("RecognizeFailed") == (400, 8510)


def test_too_long_a_pause_between_keys_fails_the_recognition(bench: Any) -> None:
    line = alone(bench)
    recognizing(line, dtmf_max_tones_to_collect=4, dtmf_inter_tone_timeout=1)
    line.press("12")
    assert line.result("RecognizeFailed") == (400, 8532)


def test_keys_of_somebody_else_do_not_count(bench: Any) -> None:
    line = answered(bench)
    line.connection.start_recognizing_media("dtmf", CALLER, initial_silence_timeout=1, dtmf_max_tones_to_collect=1)
    line.press("7", raw_id=AGENT_ID)
    assert line.result("RecognizeFailed") == (400, 8510)


CHOICES = [
    RecognitionChoice(label="Yes", phrases=["yes", "yep"], tone=DtmfTone.ONE),
    RecognitionChoice(label="Contoso", phrases=["internet connection"], tone=DtmfTone.TWO),
]


@pytest.mark.parametrize(("key", "event", "code"), [("1", "Completed", (200, 8533)), ("3", "Failed", (400, 8534))])
def test_a_key_chooses(bench: Any, key: str, event: str, code: tuple[int, int]) -> None:
    line = alone(bench)
    line.connection.start_recognizing_media("choices", CALLER, choices=CHOICES)
    line.press(key)
    assert line.result(f"Recognize{event}") == code
    if event == "Completed":
        told = line.told("RecognizeCompleted")
        assert (told["recognitionType"], told["choiceResult"]) == ("choices", {"label": "Yes"})


def test_a_phrase_of_the_scenario_chooses(bench: Any) -> None:
    """The caller's first sentence begins after six seconds: my internet connection has been dropping …"""
    line = answered(bench, speaks=True)
    line.connection.start_recognizing_media("choices", CALLER, choices=CHOICES, initial_silence_timeout=10)
    bench.until(lambda: "RecognizeCompleted" in line.types(), 20)
    assert line.result("RecognizeCompleted") == (200, 8545)
    chosen = line.told("RecognizeCompleted")["choiceResult"]
    assert (chosen["label"], chosen["recognizedPhrase"]) == ("Contoso", "internet connection")


def test_speech_of_the_scenario_is_recognized(bench: Any) -> None:
    """The agent's greeting begins in the first second."""
    line = answered(bench, speaks=True)
    line.connection.start_recognizing_media("speech", AGENT, end_silence_timeout=1)
    bench.until(lambda: {"RecognizeCompleted", "RecognizeFailed"} & set(line.types()), 20)
    assert line.result("RecognizeCompleted") == (200, 8569)
    told = line.told("RecognizeCompleted")
    assert told["recognitionType"] == "speech"
    assert told["speechResult"]["speech"].startswith("Good morning, Contoso support")


def test_a_phrase_that_is_no_choice_fails(bench: Any) -> None:
    line = answered(bench, speaks=True)
    line.connection.start_recognizing_media("choices", AGENT, choices=CHOICES[:1])
    bench.until(lambda: "RecognizeFailed" in line.types(), 20)
    assert line.result("RecognizeFailed") == (400, 8547)


def test_speech_without_a_script_is_not_understood(bench: Any) -> None:
    line = alone(bench)
    line.connection.start_recognizing_media("speech", CALLER, initial_silence_timeout=1)
    assert line.result("RecognizeFailed") == (400, 8563)


def test_a_key_cuts_the_prompt_short_if_it_may(bench: Any, shelve: Shelve) -> None:
    line = alone(bench)
    prompt = FileSource(shelve("prompt.wav", wav(5.0)))
    recognizing(line, play_prompt=prompt, interrupt_prompt=True, dtmf_max_tones_to_collect=1)
    bench.until(lambda: line.loudness(CALLER_ID) > 10000)
    line.press("1")
    assert line.result("RecognizeCompleted") == (200, 8531)
    heard = np.count_nonzero(line.heard()[0])
    time.sleep(0.1)
    assert np.count_nonzero(line.heard()[0]) == heard < 3 * 16000


def test_a_prompt_that_may_not_be_interrupted_is_heard_to_its_end(bench: Any, shelve: Shelve) -> None:
    line = alone(bench)
    prompt = FileSource(shelve("prompt.wav", wav(0.6)))
    recognizing(line, play_prompt=prompt, interrupt_prompt=False, dtmf_max_tones_to_collect=1)
    bench.until(lambda: line.loudness(CALLER_ID) > 10000)
    line.press("1")
    assert line.result("RecognizeFailed") == (400, 8510)
    assert abs(np.count_nonzero(line.heard()[0]) / 16000 - 0.6) < 0.05


def test_a_prompt_that_cannot_be_played_fails_the_recognition(bench: Any, shelve: Shelve) -> None:
    line = alone(bench)
    recognizing(line, play_prompt=FileSource(shelve("prompt.wav", b"nothing")))
    assert line.result("RecognizeFailed") == (500, 8511)
    assert line.told("RecognizeFailed")["failedPlaySourceIndex"] == 0


def test_a_recognition_is_cancelled(bench: Any) -> None:
    line = alone(bench)
    recognizing(line)
    line.connection.cancel_all_media_operations()
    assert line.result("RecognizeCanceled") == (400, 8508)


def test_each_key_is_told_of_while_somebody_listens(bench: Any) -> None:
    line = answered(bench)
    line.connection.start_continuous_dtmf_recognition(CALLER, operation_context="keys")
    line.press("8#")
    tones = [line.told("ContinuousDtmfRecognitionToneReceived", count) for count in (1, 2)]
    assert {(tone["sequenceId"], tone["tone"]) for tone in tones} == {(1, "eight"), (2, "pound")}
    assert tones[0]["operationContext"] == "keys"
    line.connection.stop_continuous_dtmf_recognition(CALLER, operation_context="enough")
    assert line.told("ContinuousDtmfRecognitionStopped")["operationContext"] == "enough"
    line.press("9")
    line.connection.start_continuous_dtmf_recognition(AGENT)
    line.press("1", raw_id=AGENT_ID)
    assert line.told("ContinuousDtmfRecognitionToneReceived", 3)["tone"] == "one"


def test_tones_are_heard_by_whom_they_are_sent_to(bench: Any) -> None:
    line = answered(bench)
    line.connection.send_dtmf_tones([DtmfTone.ONE] * 10, CALLER, operation_context="send")
    assert line.result("SendDtmfTonesCompleted") == (200, 0)
    assert line.told("SendDtmfTonesCompleted")["operationContext"] == "send"
    assert line.loudness(CALLER_ID) > 5000
    assert line.loudness(AGENT_ID) == 0


def test_sending_tones_is_cancelled(bench: Any) -> None:
    line = answered(bench)
    line.connection.send_dtmf_tones([DtmfTone.ONE] * 200, CALLER)
    line.connection.cancel_all_media_operations()
    assert line.result("SendDtmfTonesFailed") == (400, 8508)


def test_who_is_on_hold_hears_music_only_and_is_heard_by_nobody(bench: Any, shelve: Shelve) -> None:
    line = answered(bench)
    music = FileSource(shelve("music.wav", wav(0.2, hz=300)))
    line.connection.hold(CALLER, play_source=music, operation_context="hold-1")
    assert line.told("HoldAudioStarted")["operationContext"] == "hold-1"
    assert line.people()[CALLER_ID] == (False, True)
    line.connection.play_media(FileSource(shelve("tone.wav", wav(0.4, hz=2000))))
    line.told("PlayCompleted")
    held, rate_hz = line.heard(CALLER_ID)
    assert abs(pitch_hz(sounded(held), rate_hz) - 300) < 20
    other, _ = line.heard(AGENT_ID)
    assert abs(pitch_hz(sounded(other), rate_hz) - 2000) < 20
    line.connection.unhold(CALLER)
    assert line.result("HoldAudioCompleted") == (400, 8508)
    assert line.people()[CALLER_ID] == (False, False)


def test_hold_music_that_cannot_be_played_is_told_of(bench: Any) -> None:
    line = answered(bench)
    line.connection.hold(CALLER, play_source=FileSource("http://127.0.0.1:9/none.wav"))
    assert line.result("HoldFailed") == (400, 8536)
    assert line.people()[CALLER_ID] == (False, True)


def test_holding_twice_is_refused(bench: Any) -> None:
    connection = answered(bench).connection
    connection.hold(CALLER)
    assert refused(lambda: connection.hold(CALLER)) == (400, "8585")


def test_keys_reach_the_media_stream_too(bench: Any) -> None:
    line = answered(bench, media_streaming=bench.streaming())
    bench.until(lambda: line.row["streaming"]["state"] == "streaming")
    line.press("4#")
    bench.until(lambda: len(bench.portal.sockets[0].of_kind("DtmfData")) == 2)
    assert GUEST_ID not in line.people()
