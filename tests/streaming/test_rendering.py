import io
import time

import numpy as np
import pytest
import soundfile

from streaming.audio import AudioError, Samples, Waveform, dbfs
from streaming.engines.contract import EngineError, Voice
from streaming.engines.espeak import Espeak
from streaming.rendering import FileOrder, Order, SpeechOrder, ToneOrder, render

RATES_HZ = [16_000, 24_000]


class Humming:
    """A synthesizer from the world's edge: says every letter as 100 ms of a hum at 8 kHz."""

    name = "humming"

    def voices(self) -> list[Voice]:
        return [Voice("hum", "Hum", "en")]

    def speak(self, text: str, voice: str, speed_wpm: int) -> tuple[Waveform, int]:
        if voice != "hum":
            raise EngineError("no such voice")
        return sine(8_000, len(text) / 10), 8_000


def loudest_hz(samples: Samples, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), rate_hz * 10))
    return float(np.argmax(spectrum)) / 10


def peak_dbfs(samples: Samples) -> float:
    return dbfs(float(np.abs(samples.astype(np.int32)).max()) / 32_768)


def file_of(waveform: Waveform, rate_hz: int, file_format: str = "WAV", subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, waveform, rate_hz, format=file_format, subtype=subtype)
    return file.getvalue()


def sine(rate_hz: int, seconds: float, amplitude: float = 0.25) -> Waveform:
    return (amplitude * np.sin(2 * np.pi * 440 * np.arange(round(rate_hz * seconds)) / rate_hz)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_tone_of_440_hz_is_440_hz_at_any_rate(rate_hz: int) -> None:
    samples = render(ToneOrder(440, 2000), rate_hz, Humming())
    assert samples.dtype == np.int16
    assert len(samples) == 2 * rate_hz
    assert loudest_hz(samples, rate_hz) == pytest.approx(440, abs=1)
    assert peak_dbfs(samples) == pytest.approx(-12, abs=0.1)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("file_format", ["WAV", "MP3", "FLAC", "OGG"])
def test_a_file_keeps_its_pitch_at_any_rate(file_format: str, rate_hz: int) -> None:
    stereo = np.stack([sine(44_100, 1.0)] * 2, axis=1)
    samples = render(FileOrder(file_of(stereo, 44_100, file_format)), rate_hz, Humming())
    assert len(samples) == pytest.approx(rate_hz, rel=0.06)
    assert loudest_hz(samples, rate_hz) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_speech_keeps_its_own_length_at_any_rate(rate_hz: int) -> None:
    text = "Please hold the line. An agent will be with you shortly."
    spoken, spoken_hz = Espeak().speak(text, "en-gb", 150)
    samples = render(SpeechOrder(text, "en-gb", 150), rate_hz, Espeak())
    assert len(samples) / rate_hz == pytest.approx(len(spoken) / spoken_hz, rel=0.001)
    assert -35 < dbfs(float(np.sqrt(np.mean(np.square(samples / 32_768.0))))) < -10


@pytest.mark.parametrize(
    "order",
    [
        SpeechOrder("hello", "hum", gain_db=-6),
        ToneOrder(440, 200, gain_db=-6),
        FileOrder(file_of(sine(16_000, 0.2), 16_000), gain_db=-6),
    ],
)
def test_gain_is_applied_to_everything(order: Order) -> None:
    samples = render(order, 16_000, Humming())
    assert peak_dbfs(samples) == pytest.approx(-18, abs=0.6)


def test_too_much_gain_saturates_and_never_wraps_round() -> None:
    samples = render(FileOrder(file_of(sine(16_000, 1.0), 16_000), gain_db=20), 16_000, Humming())
    assert (samples.min(), samples.max()) == (-32_768, 32_767)
    assert np.abs(np.diff(samples.astype(np.int32))).max() < 30_000


@pytest.mark.parametrize("gain_db", [-40.1, 20.1, float("nan"), float("inf")])
def test_a_gain_out_of_range_is_refused(gain_db: float) -> None:
    with pytest.raises(AudioError, match=r"choose −40 to \+20 dB"):
        render(ToneOrder(440, 100, gain_db), 16_000, Humming())


@pytest.mark.parametrize("tone_hz", [0, 19.9, 8_001, float("nan")])
def test_a_tone_that_cannot_be_heard_is_refused(tone_hz: float) -> None:
    with pytest.raises(AudioError, match="choose 20 to 8000 Hz"):
        render(ToneOrder(tone_hz, 100), 16_000, Humming())


@pytest.mark.parametrize("duration_ms", [0, -1, 600_001, float("inf")])
def test_a_tone_of_no_or_endless_length_is_refused(duration_ms: float) -> None:
    with pytest.raises(AudioError, match="choose 1 ms to 10 minutes"):
        render(ToneOrder(440, duration_ms), 16_000, Humming())


def test_a_file_beyond_ten_minutes_is_refused() -> None:
    content = file_of(np.zeros(8_000 * 601, np.float32), 8_000, "FLAC")
    with pytest.raises(AudioError, match="longer than 10 min"):
        render(FileOrder(content), 16_000, Humming())


def test_speech_beyond_ten_minutes_is_refused() -> None:
    with pytest.raises(AudioError, match="shorten it"):
        render(SpeechOrder("x" * 6001, "hum"), 16_000, Humming())


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(AudioError, match="no sound that can be read"):
        render(FileOrder(b"<html>"), 16_000, Humming())


def test_the_engine_speaks_for_itself_when_it_fails() -> None:
    with pytest.raises(EngineError, match="no such voice"):
        render(SpeechOrder("hello", "nobody"), 16_000, Humming())


def test_ten_minutes_of_48_khz_stereo_take_a_few_seconds() -> None:
    dice = np.random.default_rng(3)
    content = file_of(dice.normal(0, 0.1, (48_000 * 600, 2)).astype(np.float32), 48_000, "WAV", "PCM_16")
    started_s = time.perf_counter()
    samples = render(FileOrder(content), 16_000, Humming())
    assert len(samples) == 16_000 * 600
    assert time.perf_counter() - started_s < 15
