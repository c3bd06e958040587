"""Sound as numbers: PCM frames, decibels, WAV, files of any kind, resampling, a test tone."""

import io
import wave
from datetime import datetime
from typing import Final

import msgspec
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

PCM_TYPE: Final = np.dtype("<i2")

Samples = NDArray[np.int16]
Waveform = NDArray[np.float32]

FRAME_MS: Final = 20
BYTES_PER_SAMPLE: Final = 2
FULL_SCALE: Final = 32768.0
SILENCE_DBFS: Final = -100.0
MIXED: Final = "mixed"
"""The `raw_id` of frames that carry the sum of all participants."""

TONE_PEAK: Final = 10 ** (-12 / 20)
TONE_RAMP_MS: Final = 5

# libsndfile reads two dozen formats. These are the ones we promise; the fewer parsers an upload can reach the better.
FILE_FORMATS: Final = frozenset({"WAV", "WAVEX", "RF64", "MP3", "FLAC", "OGG"})
LOWEST_RATE_HZ: Final = 1_000
HIGHEST_RATE_HZ: Final = 768_000
SAMPLES_AT_ONCE: Final = 1_000_000


class AudioError(Exception):
    """A sound that cannot be used; the message names the fact and the remedy."""


class PcmFrame(msgspec.Struct, frozen=True, gc=False):
    """One message's worth of sound from one participant, normally 20 ms.

    `pcm` is 16-bit little-endian mono; `timestamp` is Azure's clock, if it was sent; `arrived_s` is our monotonic one.
    """

    raw_id: str
    pcm: bytes
    rate_hz: int
    silent: bool
    timestamp: datetime | None
    arrived_s: float


def frame_bytes(rate_hz: int) -> int:
    """Bytes in one 20 ms frame: 640 at 16 kHz, 960 at 24 kHz."""
    return rate_hz * FRAME_MS // 1000 * BYTES_PER_SAMPLE


def duration_ms(pcm_bytes: int, rate_hz: int) -> float:
    """How long so many bytes of PCM sound."""
    return pcm_bytes / BYTES_PER_SAMPLE * 1000 / rate_hz


def samples_of(pcm: bytes) -> Samples:
    """A read-only view of the PCM bytes; nothing is copied."""
    return np.frombuffer(pcm, dtype=PCM_TYPE)


def dbfs(amplitude: float) -> float:
    """Decibels below full scale of an amplitude from 0 to 1; −100 stands for silence."""
    return SILENCE_DBFS if amplitude <= 1e-5 else 20 * float(np.log10(amplitude))


def decode_file(content: bytes, longest_s: float | None = None, to_hz: int | None = None) -> tuple[Waveform, int]:
    """The sound of a WAV, MP3, FLAC or OGG file as mono from −1 to 1, at `to_hz` or else at the file's own rate.

    Channels are averaged. With `to_hz`, memory is bounded by the sound at that rate: a small file may unpack to a
    gigabyte at its own. Raises AudioError if the file cannot be read, holds no sound, or is longer than `longest_s`;
    reading stops there, so that a small file that unpacks to hours costs neither time nor memory.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.format not in FILE_FORMATS:
                raise AudioError(f"A {file.format} file cannot be played; use WAV, MP3, FLAC or OGG.")
            if not LOWEST_RATE_HZ <= file.samplerate <= HIGHEST_RATE_HZ:
                raise AudioError(f"A rate of {file.samplerate} Hz cannot be played; convert it to 16000 Hz or more.")
            rate_hz = to_hz or int(file.samplerate)
            mono = _read_mono(file, longest_s, rate_hz)
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError, OSError) as error:
        raise AudioError("The file holds no sound that can be read; use WAV, MP3, FLAC or OGG.") from error
    if not mono.size:
        raise AudioError("The file is empty: it holds no sound at all.")
    return mono, rate_hz


def _read_mono(file: soundfile.SoundFile, longest_s: float | None, to_hz: int) -> Waveform:
    # A header's promise of so many frames is not believed: the sound is read piece by piece.
    resampler = None if to_hz == file.samplerate else soxr.ResampleStream(file.samplerate, to_hz, 1, dtype="float32")
    at_once = max(1, SAMPLES_AT_ONCE // file.channels)
    parts: list[Waveform] = []
    total = 0
    more = True
    while more:
        block: Waveform = file.read(at_once, dtype="float32", always_2d=True)
        more = len(block) > 0
        total += len(block)
        if longest_s is not None and total > longest_s * file.samplerate:
            raise AudioError(f"The file is longer than {longest_s / 60:g} min; cut it into shorter pieces.")
        mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
        mono = np.nan_to_num(mono, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)
        parts.append(mono if resampler is None else resampler.resample_chunk(mono, last=not more))
    return np.concatenate(parts)


def resample(waveform: Waveform, from_hz: int, to_hz: int) -> Waveform:
    """The same sound at another rate, in high quality; for whole sounds, as its filter looks far ahead."""
    if from_hz == to_hz or not waveform.size:
        return waveform
    resampled: Waveform = soxr.resample(waveform, from_hz, to_hz)
    return resampled


def to_pcm(waveform: Waveform) -> Samples:
    """16-bit samples, rounded; what is beyond full scale saturates and never wraps round."""
    scaled = np.multiply(waveform, np.float32(FULL_SCALE), dtype=np.float32)
    np.nan_to_num(scaled, copy=False, nan=0.0)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled)
    samples: Samples = scaled.astype(PCM_TYPE)
    return samples


def with_gain(waveform: Waveform, gain_db: float) -> Waveform:
    """Louder or softer; saturation is left to `to_pcm`."""
    return waveform if gain_db == 0 else waveform * np.float32(10 ** (gain_db / 20))


def tone(hz: float, duration_ms: float, rate_hz: int) -> Waveform:
    """A sine with its peak at −12 dBFS, faded in and out over 5 ms so that it does not click."""
    count = round(duration_ms * rate_hz / 1000)
    sine = TONE_PEAK * np.sin(2 * np.pi * hz / rate_hz * np.arange(count))
    ramp_count = min(TONE_RAMP_MS * rate_hz // 1000, count // 2)
    ramp = np.linspace(0, 1, ramp_count, endpoint=False)
    sine[:ramp_count] *= ramp
    sine[count - ramp_count :] *= ramp[::-1]
    faded: Waveform = sine.astype(np.float32)
    return faded


def wav(samples: Samples, rate_hz: int) -> bytes:
    """A whole mono 16-bit WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(BYTES_PER_SAMPLE)
        writer.setframerate(rate_hz)
        writer.writeframes(samples.astype(PCM_TYPE, copy=False).tobytes())
    return file.getvalue()
