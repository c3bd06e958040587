"""A FLAC file as the WAV file that it would be."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.recording.stored.waves import FRAMES, HEADER_BYTES, LONGEST_WAV, wav_header, wav_part, wav_size

N = 2 * FRAMES + 77


def flac(channels: int) -> bytes:
    out = io.BytesIO()
    samples = np.random.default_rng(channels).integers(-9_000, 9_000, (N, channels)).astype(np.int16)
    soundfile.write(out, samples, 16_000, format="FLAC", subtype="PCM_16")
    return out.getvalue()


FLACS = {channels: flac(channels) for channels in (1, 2)}
WHOLE = {
    channels: b"".join(wav_part(io.BytesIO(content), 0, wav_size(N, channels))) for channels, content in FLACS.items()
}


@pytest.mark.parametrize("channels", [1, 2])
def test_the_whole_is_a_file_as_any_program_writes_it(tmp_path: Path, channels: int) -> None:
    samples, rate_hz = soundfile.read(io.BytesIO(FLACS[channels]), dtype="int16")
    soundfile.write(tmp_path / "as_usual.wav", samples, rate_hz, subtype="PCM_16")
    assert WHOLE[channels] == (tmp_path / "as_usual.wav").read_bytes()
    assert len(WHOLE[channels]) == wav_size(N, channels)


@settings(max_examples=150, deadline=None)
@given(channels=st.sampled_from([1, 2]), bounds=st.lists(st.integers(0, wav_size(N, 2)), min_size=2, max_size=2))
def test_any_part_is_that_slice_of_the_whole(channels: int, bounds: list[int]) -> None:
    start, stop = sorted(min(each, len(WHOLE[channels])) for each in bounds)
    source = io.BytesIO(FLACS[channels])
    assert b"".join(wav_part(source, start, stop - start)) == WHOLE[channels][start:stop]
    assert source.closed


def test_a_part_that_nobody_reads_to_its_end_leaves_no_file_open() -> None:
    source = io.BytesIO(FLACS[1])
    part = wav_part(source, 0, wav_size(N, 1))
    next(part)
    part.close()
    assert source.closed


def test_a_file_that_ends_too_early_is_an_error_and_no_short_answer() -> None:
    with pytest.raises(EOFError, match="1000 bytes"):
        list(wav_part(io.BytesIO(FLACS[1]), 0, wav_size(N, 1) + 1_000))


def test_the_longest_wav_has_a_header_that_counts_it() -> None:
    frames = (LONGEST_WAV - HEADER_BYTES) // 4
    header = wav_header(frames, 2, 24_000)
    assert len(header) == HEADER_BYTES
    assert int.from_bytes(header[40:44], "little") == frames * 4
