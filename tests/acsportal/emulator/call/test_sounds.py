"""Who heard what, sample by sample; tones and words that Azure makes by itself."""

import asyncio

import numpy as np
import pytest

from acsportal.emulator.call.sounds import speech
from acsportal.emulator.call.sounds.hearing import Hearing, Sounding
from acsportal.emulator.call.sounds.prompts import dial_tones
from acsportal.emulator.media.playout import Heard

RATE_HZ = 100
NORA, TOM = "4:+14255550123", "8:acs:r_tom"


def sound(level: int, seconds: float, start_s: float, **more: object) -> Sounding:
    pcm = np.full(round(seconds * RATE_HZ), level, dtype=np.int16)
    return Sounding(pcm, RATE_HZ, start_s, **more)  # type: ignore[arg-type]


def heard(hearing: Hearing, raw_id: str, streamed: Heard | None = None, seconds: float = 4.0) -> list[int]:
    """The level at the end of each half second."""
    told = hearing.mixed(raw_id, streamed or Heard(RATE_HZ, round(seconds * RATE_HZ), ()))
    pcm = np.zeros(told.length, dtype=np.int16)
    for first, piece in told.pieces:
        part = np.frombuffer(piece, dtype="<i2")
        pcm[first : first + len(part)] = part
    return [int(level) for level in pcm[RATE_HZ // 2 - 1 :: RATE_HZ // 2]]


def test_a_sound_is_heard_when_it_played_by_those_it_played_to() -> None:
    hearing = Hearing()
    hearing.begin(sound(100, 1.0, 1.0, audience=frozenset({TOM})))
    assert heard(hearing, TOM) == [0, 0, 100, 100, 0, 0, 0, 0]
    assert heard(hearing, NORA) == [0] * 8


def test_sounds_and_the_portals_stream_add_up_and_clip() -> None:
    hearing = Hearing()
    hearing.begin(sound(100, 2.0, 0.0))
    hearing.begin(sound(32700, 1.0, 1.0))
    stream = Heard(RATE_HZ, 200, ((0, np.full(50, 7, dtype="<i2").tobytes()),))
    assert heard(hearing, NORA, stream) == [107, 100, 32767, 32767]


def test_a_loop_sounds_until_it_is_stopped() -> None:
    hearing = Hearing()
    looping = hearing.begin(sound(100, 0.5, 0.5, loop=True))
    assert heard(hearing, NORA) == [0, 100, 100, 100, 100, 100, 100, 100]
    looping.stop(2.0)
    looping.stop(3.0)
    assert heard(hearing, NORA) == [0, 100, 100, 100, 0, 0, 0, 0]


def test_a_sound_still_playing_is_heard_as_far_as_it_came() -> None:
    hearing = Hearing()
    hearing.begin(sound(100, 9.0, 1.0))
    assert heard(hearing, NORA, seconds=2.0) == [0, 0, 100, 100]


def test_who_holds_hears_music_and_nothing_else() -> None:
    hearing = Hearing()
    hearing.begin(sound(100, 4.0, 0.0))
    hearing.hold(NORA, 1.0)
    hearing.begin(sound(9, 0.5, 1.5, audience=frozenset({NORA}), is_hold_music=True))
    assert heard(hearing, NORA) == [100, 100, 0, 9, 0, 0, 0, 0]
    hearing.unhold(NORA, 3.0)
    assert heard(hearing, NORA) == [100, 100, 0, 9, 0, 0, 100, 100]
    assert heard(hearing, TOM) == [100] * 8


@pytest.mark.parametrize(("tone", "low_hz", "high_hz"), [("1", 697, 1209), ("8", 852, 1336), ("#", 941, 1477)])
def test_keys_sound_as_telephones_sound_them(tone: str, low_hz: int, high_hz: int) -> None:
    rate_hz = 16000
    pcm = dial_tones(tone, 1.0, rate_hz)[: round(0.8 * rate_hz)]
    spectrum = np.abs(np.fft.rfft(pcm))
    frequencies = np.fft.rfftfreq(len(pcm), 1 / rate_hz)
    loudest = sorted(float(frequencies[i]) for i in np.argsort(spectrum)[-2:])
    assert loudest == pytest.approx([low_hz, high_hz], abs=2)


@pytest.mark.parametrize("locale", ["en-US", "de-DE", "xx-YY", ""])
def test_words_are_spoken_in_any_language_asked_for(locale: str) -> None:
    spoken = asyncio.run(speech.speak("One two three.", locale, is_ssml=False))
    assert 0.4 < spoken.duration_s < 4.0
    assert np.abs(spoken.wave).max() > 0.1


def test_a_pause_in_ssml_is_a_pause() -> None:
    async def lengths() -> list[float]:
        texts = ("<speak>One two.</speak>", '<speak>One <break time="2s"/> two.</speak>')
        return [(await speech.speak(text, "en-US", is_ssml=True)).duration_s for text in texts]

    plain_s, paused_s = asyncio.run(lengths())
    assert paused_s - plain_s > 1.0


def test_too_long_a_text_is_not_spoken() -> None:
    with pytest.raises(speech.SpeechError, match="4001 characters"):
        asyncio.run(speech.speak("x" * 4001, "en-US", is_ssml=False))
