from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from streaming.audio import PcmFrame, Samples, dbfs, resample, to_pcm
from streaming.engines.espeak import Espeak
from streaming.pipeline.levels import Level, Levels
from streaming.protocol import AudioData, decode

GOLDEN = Path(__file__).parents[2] / "messages" / "audio-data-2022.json"
RATE_HZ = 16_000


class Meter:
    """Feeds samples as 20 ms frames on a clock of its own and reads the meter after each 100 ms."""

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        self.levels = Levels()
        self.rate_hz = rate_hz
        self.now_s = 50.0

    def feed(self, samples: Samples, raw_id: str = "a", silent: bool = False) -> list[Level]:
        readings: list[Level] = []
        count = self.rate_hz // 50
        for index, start in enumerate(range(0, len(samples) - count + 1, count)):
            pcm = samples[start : start + count].astype("<i2").tobytes()
            self.levels.feed(PcmFrame(raw_id, pcm, self.rate_hz, silent, None, self.now_s))
            self.now_s += 0.02
            if index % 5 == 4:
                readings.append(self.levels.snapshot(self.now_s)[raw_id])
        return readings

    def last(self, samples: Samples) -> Level:
        return self.feed(samples)[-1]


def sine(amplitude: float, hz: float = 440, seconds: float = 0.1, rate_hz: int = RATE_HZ) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = amplitude * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)
    return wave


def pcm(waveform: NDArray[np.float64]) -> Samples:
    return to_pcm(waveform.astype(np.float32))


def noise(level_dbfs: float, seconds: float) -> Samples:
    return pcm(np.random.default_rng(7).normal(0, 10 ** (level_dbfs / 20), round(RATE_HZ * seconds)))


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
@pytest.mark.parametrize("amplitude", [0.9, 0.5, 0.1, 0.01, 0.002])
def test_a_sine_reads_its_peak_and_3_db_less(amplitude: float, rate_hz: int) -> None:
    level = Meter(rate_hz).last(pcm(sine(amplitude, rate_hz=rate_hz)))
    assert level.peak_dbfs == pytest.approx(dbfs(amplitude), abs=0.1)
    assert level.rms_dbfs == pytest.approx(dbfs(amplitude) - 3.01, abs=0.1)
    assert level.dc == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("amplitude", [0.9, 0.05])
def test_a_square_wave_reads_the_same_for_peak_and_rms(amplitude: float) -> None:
    level = Meter().last(pcm(np.where(np.arange(1600) % 64 < 32, amplitude, -amplitude)))
    assert level.rms_dbfs == pytest.approx(dbfs(amplitude), abs=0.1)
    assert level.peak_dbfs == pytest.approx(dbfs(amplitude), abs=0.1)


@pytest.mark.parametrize("dc", [-0.9, -0.1, 0.007, 0.5, 0.9])
def test_an_offset_is_a_value_of_its_own_and_changes_no_level(dc: float) -> None:
    level = Meter().last(pcm(sine(0.05) + dc))
    assert level.dc == pytest.approx(dc, abs=1e-4)
    assert level.rms_dbfs == pytest.approx(dbfs(0.05) - 3.01, abs=0.1)
    assert level.peak_dbfs == pytest.approx(dbfs(0.05), abs=0.1)
    assert level.raw_peak_dbfs == pytest.approx(dbfs(abs(dc) + 0.05), abs=0.1)


def test_a_whisper_on_a_large_offset_is_still_measured() -> None:
    level = Meter().last(pcm(sine(0.0005) + 0.95))
    assert level.rms_dbfs == pytest.approx(dbfs(0.0005) - 3.01, abs=0.15)


def test_the_golden_frame_reads_as_microsoft_published_it() -> None:
    message = decode(GOLDEN.read_text())
    assert isinstance(message, AudioData)
    level = Meter().last(np.tile(np.frombuffer(message.pcm, "<i2"), 5))
    assert level.rms_dbfs == pytest.approx(-60.1, abs=0.1)
    assert level.raw_peak_dbfs == pytest.approx(-40.0, abs=0.1)
    assert level.dc * 32_768 == pytest.approx(227, abs=1)
    assert not level.speaking


def test_digital_silence_reads_minus_100() -> None:
    level = Meter().last(np.zeros(1600, np.int16))
    assert level == Level(-100, -100, -100, 0, speaking=False, silence_ratio=1, clipping_ratio=0)


def test_clipping_is_the_share_of_samples_at_the_edge() -> None:
    clipped = np.zeros(1600, np.int16)
    clipped[:100], clipped[100:200], clipped[200:240], clipped[240:300] = 32_767, -32_768, 32_766, 32_765
    assert Meter().last(clipped).clipping_ratio == pytest.approx(240 / 1600)


def test_nothing_is_shown_before_a_whole_window() -> None:
    meter = Meter()
    meter.feed(np.zeros(1280, np.int16))
    assert meter.levels.snapshot(meter.now_s) == {}


def test_everybody_has_a_level_of_their_own() -> None:
    meter = Meter()
    meter.feed(pcm(sine(0.5)), "a")
    meter.feed(pcm(sine(0.05)), "b")
    snapshot = meter.levels.snapshot(meter.now_s)
    assert snapshot["a"].rms_dbfs - snapshot["b"].rms_dbfs == pytest.approx(20, abs=0.1)


def test_who_sends_nothing_for_500_ms_is_not_shown() -> None:
    meter = Meter()
    meter.feed(pcm(sine(0.5)))
    assert meter.levels.snapshot(meter.now_s + 0.47)
    assert not meter.levels.snapshot(meter.now_s + 0.53)


def test_half_a_window_from_before_an_absence_is_dropped() -> None:
    meter = Meter()
    meter.feed(pcm(sine(0.5)))
    meter.feed(pcm(sine(0.5, seconds=0.06)))
    meter.now_s += 1
    assert meter.last(np.zeros(1600, np.int16)).rms_dbfs == -100


def test_a_stream_that_changes_its_rate_is_measured_afresh() -> None:
    meter = Meter(16_000)
    meter.feed(pcm(sine(0.5, seconds=0.14)))
    meter.rate_hz = 24_000
    level = meter.last(pcm(sine(0.1, rate_hz=24_000)))
    assert level.peak_dbfs == pytest.approx(-20, abs=0.1)


@pytest.mark.parametrize("frame_ms", [10, 40, 60, 1000])
def test_frames_of_any_length_are_measured(frame_ms: int) -> None:
    levels = Levels()
    samples = pcm(sine(0.5, seconds=2.0))
    count = RATE_HZ * frame_ms // 1000
    for index in range(len(samples) // count):
        piece = samples[index * count : (index + 1) * count].tobytes()
        levels.feed(PcmFrame("a", piece, RATE_HZ, False, None, index * frame_ms / 1000))
    levels.feed(PcmFrame("a", b"", RATE_HZ, False, None, 2.0))
    assert levels.snapshot(2.0)["a"].rms_dbfs == pytest.approx(-9.03, abs=0.1)


def test_silence_is_the_share_of_the_last_second_that_was_silent() -> None:
    meter = Meter()
    meter.feed(pcm(sine(0.5, seconds=1.0)))
    assert meter.feed(np.zeros(RATE_HZ * 3 // 10, np.int16))[-1].silence_ratio == pytest.approx(0.3)
    assert meter.feed(noise(-75, 1.0))[-1].silence_ratio == 1
    assert meter.feed(noise(-40, 1.0))[-1].silence_ratio == 0


def test_frames_flagged_as_silent_count_as_silence_whatever_they_hold() -> None:
    meter = Meter()
    assert meter.feed(noise(-60, 1.0), silent=True)[-1].silence_ratio == 1


def test_speech_speaks_and_its_pauses_do_not() -> None:
    meter = Meter()
    spoken, rate_hz = Espeak().speak("Good morning, you are through to the service desk.", "en-us", 165)
    speech = to_pcm(resample(spoken, rate_hz, RATE_HZ) * np.float32(0.5))
    room = noise(-62, len(speech) / RATE_HZ + 1)[: len(speech)]
    pause = [level.speaking for level in meter.feed(noise(-62, 2.0))]
    talk = [level.speaking for level in meter.feed(speech + room)]
    after = [level.speaking for level in meter.feed(noise(-62, 2.0))]
    assert not any(pause)
    assert sum(talk) / len(talk) > 0.8
    assert sum(after) <= 3


def test_speaking_holds_for_300_ms_and_then_ends() -> None:
    meter = Meter()
    meter.feed(noise(-65, 0.5))
    assert meter.feed(pcm(sine(0.1)))[-1].speaking
    assert [level.speaking for level in meter.feed(noise(-65, 0.6))] == [True, True, True, False, False, False]


@pytest.mark.parametrize("level_dbfs", [-55, -45, -30])
def test_a_steady_noise_is_soon_no_speech(level_dbfs: float) -> None:
    meter = Meter()
    readings = meter.feed(noise(level_dbfs, 15.0))
    assert not any(level.speaking for level in readings[-10:])


def test_speech_above_a_noisy_room_still_speaks() -> None:
    meter = Meter()
    meter.feed(noise(-45, 5.0))
    assert meter.feed(pcm(sine(0.1, seconds=0.3)))[-1].speaking


def test_participants_long_gone_are_forgotten() -> None:
    meter = Meter()
    meter.feed(pcm(sine(0.5)))
    assert meter.levels.snapshot(meter.now_s + 61) == {}
    assert meter.levels.snapshot(meter.now_s) == {}


def test_a_closed_meter_shows_nobody() -> None:
    meter = Meter()
    meter.feed(pcm(sine(0.5)))
    meter.levels.close()
    assert meter.levels.snapshot(meter.now_s) == {}
