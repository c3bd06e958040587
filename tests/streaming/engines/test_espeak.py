import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from streaming.audio import Waveform, dbfs
from streaming.engines.contract import EngineError
from streaming.engines.espeak import Espeak, bundled_program, system_program

SENTENCE = "Thank you for calling. All our agents are busy at the moment."
PROGRAMS = [
    bundled_program,
    pytest.param(
        system_program,
        marks=pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="the system has no espeak-ng of its own"),
    ),
]


def loudness_dbfs(waveform: Waveform) -> float:
    return dbfs(float(np.sqrt(np.mean(np.square(waveform)))))


def seconds(text: str, voice: str = "en-us", speed_wpm: int = 165) -> float:
    waveform, rate_hz = Espeak().speak(text, voice, speed_wpm)
    return len(waveform) / rate_hz


@pytest.mark.parametrize("program", PROGRAMS)
def test_text_becomes_speech(program: object) -> None:
    waveform, rate_hz = Espeak(program).speak(SENTENCE, "en-us", 165)  # type: ignore[arg-type]
    assert rate_hz == 22_050
    assert waveform.dtype == np.float32
    assert 3 < len(waveform) / rate_hz < 6
    assert -35 < loudness_dbfs(waveform) < -10


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_voice_offered_exists_and_speaks(program: object) -> None:
    engine = Espeak(program)  # type: ignore[arg-type]
    voices = engine.voices()
    with ThreadPoolExecutor(2) as pool:
        spoken = list(pool.map(lambda voice: engine.speak("Hello, one two three.", voice.id, 175)[0], voices))
    assert len(voices) >= 12
    assert all(loudness_dbfs(waveform) > -40 for waveform in spoken)
    assert len({len(waveform) for waveform in spoken}) > len(voices) * 0.7


def test_voices_have_an_id_a_name_and_a_language_each() -> None:
    voices = Espeak().voices()
    assert voices[0].id == "en-us"
    assert len({voice.id for voice in voices}) == len({voice.name for voice in voices}) == len(voices)
    assert {"en-US", "en-GB", "de-DE", "fr-FR", "es-ES"} <= {voice.language for voice in voices}


def test_the_same_words_always_take_the_same_time() -> None:
    assert seconds(SENTENCE) == seconds(SENTENCE)


def test_speed_is_obeyed() -> None:
    assert seconds(SENTENCE, speed_wpm=110) > 1.4 * seconds(SENTENCE, speed_wpm=220)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    "text", ["<speak>Hello <break time='9s'/> you</speak>", "[[h@l'oU]] [[w3:ld]]", "-v nobody --help"]
)
def test_markup_and_options_are_only_text(program: object, text: str) -> None:
    waveform, rate_hz = Espeak(program).speak(text, "en-us", 165)  # type: ignore[arg-type]
    assert 1.0 < len(waveform) / rate_hz < 8


@pytest.mark.parametrize(
    "text", ["$(touch spoken); `id` | cat", "caf\u00e9 \u2013 \ud83d\ude00 na\u00efve", "a\x00b\ud800c\r\nd"]
)
def test_any_characters_will_do(text: str) -> None:
    assert seconds(text) > 0.2


@pytest.mark.parametrize("text", ["", "   \n", "\x00", "\u200b"])
def test_a_text_with_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match="nothing that can be spoken"):
        Espeak().speak(text, "en-us", 165)


def test_two_thousand_characters_are_spoken_and_one_more_is_refused() -> None:
    text = ("word " * 400)[:2000]
    assert seconds(text, speed_wpm=300) > 30
    with pytest.raises(EngineError, match="2001 characters"):
        Espeak().speak(text + "x", "en-us", 165)


@pytest.mark.parametrize("voice", ["", "klingon", "../../etc/passwd", "en-us -w out.wav", "EN-US"])
def test_a_voice_that_is_not_offered_is_refused(voice: str) -> None:
    with pytest.raises(EngineError, match="has no voice"):
        Espeak().speak("Hello", voice, 165)


@pytest.mark.parametrize("speed_wpm", [79, 451, -5])
def test_a_speed_nobody_speaks_at_is_refused(speed_wpm: int) -> None:
    with pytest.raises(EngineError, match="choose 80 to 450"):
        Espeak().speak("Hello", "en-us", speed_wpm)


def test_an_engine_that_hangs_is_ended_and_may_be_tried_again() -> None:
    engine = Espeak(lambda voice, speed_wpm: [sys.executable, "-c", "import time; time.sleep(60)"], time_limit_s=0.3)
    started_s = time.monotonic()
    with pytest.raises(EngineError, match=r"within 0\.3 s") as caught:
        engine.speak("Hello", "en-us", 165)
    assert caught.value.retryable
    assert time.monotonic() - started_s < 10


def test_an_engine_that_fails_says_why() -> None:
    engine = Espeak(lambda voice, speed_wpm: [sys.executable, "-c", "raise SystemExit('out of voices')"])
    with pytest.raises(EngineError, match="exit code 1: out of voices") as caught:
        engine.speak("Hello", "en-us", 165)
    assert caught.value.retryable


def test_an_engine_that_says_nothing_is_an_engine_error() -> None:
    engine = Espeak(lambda voice, speed_wpm: [sys.executable, "-c", "pass"])
    with pytest.raises(EngineError, match="answered with no speech"):
        engine.speak("Hello", "en-us", 165)


def test_an_engine_that_is_not_there_is_an_engine_error() -> None:
    engine = Espeak(lambda voice, speed_wpm: ["espeak-ng-of-another-world"])
    with pytest.raises(EngineError, match="could not be started"):
        engine.speak("Hello", "en-us", 165)


def test_the_engine_does_not_see_the_secrets_of_the_portal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACS_ENDPOINT_KEY", "hush")
    script = "import os, sys; sys.exit(' '.join(sorted(os.environ)))"
    engine = Espeak(lambda voice, speed_wpm: [sys.executable, "-c", script])
    with pytest.raises(EngineError) as caught:
        engine.speak("Hello", "en-us", 165)
    assert "PATH" in str(caught.value)
    assert "ACS_ENDPOINT_KEY" in os.environ
    assert "ACS_ENDPOINT_KEY" not in str(caught.value)


def test_without_any_espeak_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "espeakng_loader", raising=False)
    with pytest.raises(EngineError, match=r"pip install espeakng-loader.*apt-get install espeak-ng"):
        Espeak().speak("Hello", "en-us", 165)
