"""Orders to be heard, turned into samples at the stream's rate. Runs in worker threads and touches nothing shared."""

from dataclasses import dataclass
from typing import Final

from streaming.audio import AudioError, Samples, Waveform, decode_file, resample, to_pcm, tone, with_gain
from streaming.engines.contract import SpeechSynthesizer

LONGEST_S: Final = 600.0
LOWEST_TONE_HZ: Final = 20.0
LOWEST_GAIN_DB: Final = -40.0
HIGHEST_GAIN_DB: Final = 20.0


@dataclass(frozen=True, slots=True)
class SpeechOrder:
    """Text to be spoken."""

    text: str
    voice: str
    speed_wpm: int = 175
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class ToneOrder:
    """A test tone; its peak is at −12 dBFS before gain."""

    tone_hz: float
    duration_ms: float
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class FileOrder:
    """A WAV, MP3, FLAC or OGG file, whole, of any rate and number of channels."""

    content: bytes
    gain_db: float = 0.0


Order = SpeechOrder | ToneOrder | FileOrder


def render(order: Order, rate_hz: int, synthesizer: SpeechSynthesizer) -> Samples:
    """The order's sound at `rate_hz`, gain applied, saturating at full scale; at most ten minutes.

    Raises AudioError with a remedy, or the engine's EngineError.
    """
    if not LOWEST_GAIN_DB <= order.gain_db <= HIGHEST_GAIN_DB:
        raise AudioError(f"A gain of {order.gain_db:g} dB is out of range; choose −40 to +20 dB.")
    match order:
        case SpeechOrder():
            spoken, spoken_hz = synthesizer.speak(order.text, order.voice, order.speed_wpm)
            if len(spoken) > LONGEST_S * spoken_hz:
                raise AudioError("The text takes longer than 10 minutes to speak; shorten it.")
            waveform = resample(spoken, spoken_hz, rate_hz)
        case ToneOrder():
            waveform = _tone(order, rate_hz)
        case FileOrder():
            waveform, _ = decode_file(order.content, LONGEST_S, rate_hz)
    return to_pcm(with_gain(waveform, order.gain_db))


def _tone(order: ToneOrder, rate_hz: int) -> Waveform:
    if not LOWEST_TONE_HZ <= order.tone_hz <= rate_hz / 2:
        raise AudioError(f"A tone of {order.tone_hz:g} Hz cannot be sent; choose 20 to {rate_hz / 2:g} Hz.")
    if not 1 <= order.duration_ms <= LONGEST_S * 1000:
        raise AudioError(f"A tone cannot last {order.duration_ms:g} ms; choose 1 ms to 10 minutes.")
    return tone(order.tone_hz, order.duration_ms, rate_hz)
