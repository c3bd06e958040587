"""English speech that is made here, for the recogniser on this machine."""

from functools import cache

import soxr

from streaming.audio import to_pcm
from streaming.engines.espeak import Espeak

RATE_HZ = 16_000


def quiet(seconds: float) -> bytes:
    return bytes(2 * round(RATE_HZ * seconds))


@cache
def said(sentence: str, voice: str = "en-us+m3") -> bytes:
    """16-bit mono sound at 16 kHz, with silence around it; the silence behind it ends the utterance."""
    waveform, rate_hz = Espeak().speak(sentence, voice, 160)
    return quiet(0.4) + to_pcm(soxr.resample(waveform, rate_hz, RATE_HZ) * 0.5).tobytes() + quiet(0.9)
