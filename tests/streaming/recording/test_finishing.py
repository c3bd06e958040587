"""Raw samples become files that decode to the same samples."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from streaming.recording import finishing
from streaming.recording.finishing import (
    FRAMES,
    KNEE,
    NotLossless,
    Samples,
    digest_of,
    finish_mixture,
    finish_track,
    together,
)
from streaming.recording.peaks import from_json

ROOT = Path(__file__).resolve().parents[3]
LENGTHS = [1, 2, 319, 16_000, FRAMES - 1, FRAMES, FRAMES + 1, 2 * FRAMES + 17]


def pcm(folder: Path, samples: Samples, name: str = "one") -> Path:
    path = folder / f"{name}.pcm"
    path.write_bytes(samples.astype("<i2").tobytes())
    return path


def noise(frames: int, seed: int = 0, peak: int = 32_767) -> Samples:
    return np.random.default_rng(seed).integers(-peak, peak + 1, frames).astype(np.int16)


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
@pytest.mark.parametrize("frames", LENGTHS)
def test_a_track_is_lossless_at_any_length(tmp_path: Path, frames: int, rate_hz: int) -> None:
    samples = noise(frames)
    made = finish_track(pcm(tmp_path, samples), frames, rate_hz, tmp_path / "track")
    found, found_rate_hz = soundfile.read(made.flac, dtype="int16")
    assert (found_rate_hz, made.frames) == (rate_hz, frames)
    assert np.array_equal(found, samples)
    assert soundfile.info(made.flac).subtype == "PCM_16"
    content = made.flac.read_bytes()
    assert (made.size, made.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert from_json(made.peaks.read_bytes())["duration_s"] == frames / rate_hz


@pytest.mark.parametrize("extreme", [-32_768, 32_767])
def test_the_loudest_samples_are_lossless(tmp_path: Path, extreme: int) -> None:
    samples = np.full(1_000, extreme, np.int16)
    made = finish_track(pcm(tmp_path, samples), 1_000, 16_000, tmp_path / "track")
    assert np.array_equal(soundfile.read(made.flac, dtype="int16")[0], samples)


def test_a_track_that_is_shorter_than_its_take_ends_in_silence(tmp_path: Path) -> None:
    samples = noise(1_000)
    made = finish_track(pcm(tmp_path, samples), 1_500, 16_000, tmp_path / "track")
    found = soundfile.read(made.flac, dtype="int16")[0]
    assert np.array_equal(found, np.concatenate((samples, np.zeros(500, np.int16))))


def test_what_does_not_decode_to_what_was_recorded_is_no_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finishing, "_decoded", lambda _: b"as a damaged disk gives it back")
    with pytest.raises(NotLossless, match=r"track\.flac does not decode"):
        finish_track(pcm(tmp_path, noise(100)), 100, 16_000, tmp_path / "track")


@pytest.mark.parametrize("frames", [1, FRAMES + 5])
def test_callers_are_left_and_we_are_right(tmp_path: Path, frames: int) -> None:
    first, second, ours = (noise(frames, seed, 9_000) for seed in range(3))
    made = finish_mixture(
        [pcm(tmp_path, first, "a"), pcm(tmp_path, second, "b")], [pcm(tmp_path, ours, "c")], frames, 16_000,
        tmp_path / "stereo",
    )  # fmt: skip
    found = soundfile.read(made.flac, dtype="int16")[0]
    assert np.array_equal(found, np.column_stack((first + second, ours)))


@pytest.mark.parametrize("side", ["callers", "ours"])
def test_a_side_without_anybody_is_silent(tmp_path: Path, side: str) -> None:
    samples = noise(700)
    there = [pcm(tmp_path, samples)]
    callers, ours = (there, []) if side == "callers" else ([], there)
    made = finish_mixture(callers, ours, 700, 16_000, tmp_path / "stereo")
    found = soundfile.read(made.flac, dtype="int16")[0]
    heard, silent = (0, 1) if side == "callers" else (1, 0)
    assert np.array_equal(found[:, heard], samples)  # one voice alone stays as it is, however loud
    assert not found[:, silent].any()


def test_voices_together_never_wrap_round_and_keep_their_order() -> None:
    steps = np.arange(-32_768, 32_768, 16, dtype=np.int32).astype(np.int16)
    for others in (1, 2, 7):
        mixed = together([steps] * (1 + others), len(steps)).astype(int)
        assert (np.diff(mixed) >= 0).all()
        quiet = np.abs(steps.astype(int) * (1 + others)) <= KNEE
        assert np.array_equal(mixed[quiet], steps[quiet].astype(int) * (1 + others))
        assert mixed.min() >= -32_767
        assert mixed.max() <= 32_767


MEASURE = """
import re, sys
from pathlib import Path
from streaming.recording.finishing import finish_mixture
def peak_kb():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
folder, frames = Path(sys.argv[1]), int(sys.argv[2])
before = peak_kb()
finish_mixture([folder / "0.pcm"], [folder / "0.pcm"], frames, 16_000, folder / "stereo")
print(peak_kb() - before)
"""


@pytest.mark.long
def test_two_hours_need_the_memory_of_some_blocks(tmp_path: Path) -> None:
    frames = 2 * 3_600 * 16_000
    minute = np.random.default_rng(1).normal(0, 1_500, 60 * 16_000).astype("<i2").tobytes()
    with (tmp_path / "0.pcm").open("wb") as file:
        for _ in range(120):
            file.write(minute)
    command = [sys.executable, "-c", MEASURE, str(tmp_path), str(frames)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert 1_000 < int(done.stdout) < 100_000, f"{done.stdout} kB"  # the samples alone are 460 MB
    assert soundfile.info(tmp_path / "stereo.flac").frames == frames


def test_a_digest_is_that_of_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1_000_000)
    assert digest_of(path) == hashlib.sha256(b"x" * 1_000_000).hexdigest()
