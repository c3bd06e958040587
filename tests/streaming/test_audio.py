import io
import json
import math
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from streaming import audio
from streaming.protocol import AudioData, decode

GOLDEN = Path(__file__).parents[1] / "messages" / "audio-data-2022.json"


def sine(hz: float, rate_hz: int, seconds: float = 1.0, amplitude: float = 0.5) -> audio.Waveform:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)).astype(np.float32)


def loudest_hz(waveform: audio.Waveform, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)), rate_hz * 10))
    return float(np.argmax(spectrum)) / 10


def as_file(waveform: audio.Waveform, rate_hz: int, file_format: str, subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, waveform, rate_hz, format=file_format, subtype=subtype)
    return file.getvalue()


def test_a_frame_of_20_ms_has_640_bytes_at_16_khz_and_960_at_24_khz() -> None:
    assert (audio.frame_bytes(16_000), audio.frame_bytes(24_000)) == (640, 960)


def test_the_length_of_pcm_is_told_in_milliseconds() -> None:
    assert audio.duration_ms(640, 16_000) == 20
    assert audio.duration_ms(320, 16_000) == 10


def test_decibels_count_down_from_full_scale_and_end_at_minus_100() -> None:
    assert audio.dbfs(1.0) == 0
    assert audio.dbfs(0.5) == pytest.approx(-6.02, abs=0.01)
    assert audio.dbfs(1e-5) == audio.dbfs(0.0) == -100


def test_the_golden_frame_has_320_samples_from_137_to_327() -> None:
    message = decode(GOLDEN.read_text())
    assert isinstance(message, AudioData)
    samples = audio.samples_of(message.pcm)
    assert (samples.size, samples.min(), samples.max()) == (320, 137, 327)
    assert json.loads(GOLDEN.read_text())["kind"] == "AudioData"


def test_pcm_is_rounded_and_saturates_instead_of_wrapping_round() -> None:
    waveform = np.array([0, 0.25, 1.0, 7.0, -1.0, -7.0, math.nan, 0.6 / 32768], np.float32)
    assert audio.to_pcm(waveform).tolist() == [0, 8192, 32767, 32767, -32768, -32768, 0, 1]


def test_gain_is_in_decibels() -> None:
    waveform = np.array([0.1, -0.1], np.float32)
    assert audio.with_gain(waveform, 20).tolist() == pytest.approx([1.0, -1.0])
    assert audio.with_gain(waveform, 0).tolist() == waveform.tolist()


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_a_tone_has_its_pitch_its_level_and_its_length(rate_hz: int) -> None:
    waveform = audio.tone(440, 1000, rate_hz)
    assert len(waveform) == rate_hz
    assert loudest_hz(waveform, rate_hz) == pytest.approx(440, abs=1)
    assert audio.dbfs(float(np.abs(waveform).max())) == pytest.approx(-12, abs=0.1)


def test_a_tone_fades_in_and_out_within_5_ms() -> None:
    waveform = audio.tone(1000, 100, 16_000)
    assert waveform[0] == waveform[-1] == 0
    assert np.abs(waveform[:20]).max() < 0.1 < np.abs(waveform[80:100]).max()


@pytest.mark.parametrize("duration_ms", [1, 3, 7])
def test_a_tone_shorter_than_its_ramps_is_still_a_tone(duration_ms: int) -> None:
    waveform = audio.tone(440, duration_ms, 16_000)
    assert len(waveform) == duration_ms * 16
    assert np.isfinite(waveform).all()


@pytest.mark.parametrize("file_format", ["WAV", "FLAC", "MP3", "OGG"])
@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_44100_hz_stereo_of_any_promised_format_becomes_mono_at_our_rate(file_format: str, rate_hz: int) -> None:
    stereo = np.stack([sine(440, 44_100), sine(440, 44_100, amplitude=0.25)], axis=1)
    mono, file_hz = audio.decode_file(as_file(stereo, 44_100, file_format))
    ours = audio.resample(mono, file_hz, rate_hz)
    assert file_hz == 44_100
    assert mono.dtype == ours.dtype == np.float32
    assert len(ours) == pytest.approx(rate_hz, rel=0.06)  # MP3 adds its frames' padding
    assert loudest_hz(ours, rate_hz) == pytest.approx(440, abs=1)
    assert float(np.abs(ours[2000:-2000]).max()) == pytest.approx(0.375, rel=0.05)


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_a_file_read_at_our_rate_sounds_as_if_it_were_resampled_whole(rate_hz: int) -> None:
    content = as_file(sine(440, 44_100, 30.0), 44_100, "WAV", "FLOAT")
    ours, ours_hz = audio.decode_file(content, to_hz=rate_hz)
    whole = audio.resample(*audio.decode_file(content), rate_hz)
    assert (ours_hz, len(ours)) == (rate_hz, len(whole))
    assert float(np.abs(ours - whole).max()) < 1e-4


def test_a_small_file_that_unpacks_to_much_costs_little_memory() -> None:
    content = as_file(np.zeros((655_350 * 30, 2), np.float32), 655_350, "FLAC")
    tracemalloc.start()
    ours, _ = audio.decode_file(content, to_hz=16_000)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(content) < 200_000
    assert len(ours) == 16_000 * 30
    assert peak_bytes < 20_000_000  # at its own rate it would be 157 MB


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "FLOAT", "ULAW"])
def test_every_usual_kind_of_wav_is_read(subtype: str) -> None:
    mono, _ = audio.decode_file(as_file(sine(440, 8000), 8000, "WAV", subtype))
    assert loudest_hz(mono, 8000) == pytest.approx(440, abs=1)


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    waveform = sine(440, 16_000)
    assert audio.resample(waveform, 16_000, 16_000) is waveform


def test_resampling_silently_passes_over_no_sound() -> None:
    assert audio.resample(np.zeros(0, np.float32), 8000, 16_000).size == 0


def test_nothing_above_the_new_band_folds_back_into_it() -> None:
    ours = audio.resample(sine(11_000, 48_000), 48_000, 16_000)
    assert float(np.abs(ours[500:-500]).max()) < 1e-3


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"not a sound at all" * 100, b"ID3" + bytes(5000), b"OggS" + bytes(500), bytes(10_000)]
)
def test_what_is_no_sound_is_refused_with_a_remedy(content: bytes) -> None:
    with pytest.raises(audio.AudioError, match="use WAV, MP3, FLAC or OGG"):
        audio.decode_file(content)


@pytest.mark.parametrize("file_format", ["WAV", "FLAC", "MP3", "OGG"])
def test_a_file_cut_short_or_damaged_is_read_as_far_as_it_goes_or_refused(file_format: str) -> None:
    whole = as_file(sine(440, 44_100, 2.0), 44_100, file_format)
    damaged = bytearray(whole)
    damaged[len(whole) // 3 : len(whole) // 3 + 200] = b"\xff" * 200
    for content in (whole[: len(whole) // 2], bytes(damaged), whole[:60], whole[1:]):
        try:
            mono, _ = audio.decode_file(content)
        except audio.AudioError:
            continue
        assert np.isfinite(mono).all()


def test_a_format_that_was_never_promised_is_refused_by_its_name() -> None:
    with pytest.raises(audio.AudioError, match="AIFF file cannot be played"):
        audio.decode_file(as_file(sine(440, 16_000), 16_000, "AIFF"))


def test_a_file_without_a_sample_is_refused() -> None:
    with pytest.raises(audio.AudioError, match="empty"):
        audio.decode_file(as_file(np.zeros(0, np.float32), 16_000, "WAV"))


def test_an_absurd_rate_is_refused() -> None:
    with pytest.raises(audio.AudioError, match="999 Hz cannot be played"):
        audio.decode_file(as_file(sine(100, 999), 999, "WAV"))


def test_a_file_beyond_the_limit_is_refused_while_it_is_read() -> None:
    content = as_file(np.zeros(16_000 * 61, np.float32), 16_000, "FLAC")
    with pytest.raises(audio.AudioError, match="longer than 1 min;"):
        audio.decode_file(content, longest_s=60)


def test_numbers_that_are_none_become_silence_or_full_scale() -> None:
    waveform = np.array([math.nan, math.inf, -math.inf, 0.5], np.float32)
    mono, _ = audio.decode_file(as_file(waveform, 16_000, "WAV", "FLOAT"))
    assert mono.tolist() == [0, 1, -1, 0.5]


def test_a_wav_file_can_be_read_by_others() -> None:
    content = audio.wav(np.array([1, -2, 3], np.int16), 24_000)
    with wave.open(io.BytesIO(content)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 24_000)
        assert audio.samples_of(reader.readframes(3)).tolist() == [1, -2, 3]
