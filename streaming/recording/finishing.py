"""From the raw samples of a take to files that last: FLAC for each track and for the mixture, and their outlines.

Everything streams in blocks of four seconds or less: a call of hours needs no more memory than one of minutes.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from streaming.recording.peaks import PeakMeter, to_json

FRAMES: Final = 65_536
_PCM: Final = np.dtype("<i2")
# Where voices that are louder together than one may be begin to be pressed: 3 dB below full scale.
KNEE: Final = 23_198
_CEILING: Final = 32_767

Samples = NDArray[np.int16]


class NotLossless(Exception):  # noqa: N818 (a fact of the file that was written)
    """What was encoded does not decode to what was recorded."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A FLAC file and its outline; `sha256` and `size` are of the FLAC file."""

    flac: Path
    peaks: Path
    frames: int
    size: int
    sha256: str


def finish_track(pcm: Path, frames: int, rate_hz: int, to: Path) -> Finished:
    """Encodes one track: 16-bit little-endian mono, of which exactly `frames` samples count. `to` has no suffix yet."""
    with pcm.open("rb") as file:
        return _encode(_blocks(file, frames), rate_hz, 1, to)


def finish_mixture(callers: Sequence[Path], ours: Sequence[Path], frames: int, rate_hz: int, to: Path) -> Finished:
    """Encodes all callers as the left side and all that we played as the right one."""
    with ExitStack() as kept:
        sides = [[_blocks(kept.enter_context(path.open("rb")), frames) for path in each] for each in (callers, ours)]
        return _encode(_stereo(sides[0], sides[1], frames), rate_hz, 2, to)


def together(voices: Sequence[Samples], frames: int) -> Samples:
    """Voices added up. One alone stays as it is; where several are louder than KNEE, the sum bends instead of
    breaking off."""
    if not voices:
        return np.zeros(frames, np.int16)
    if len(voices) == 1:
        return voices[0]
    added = np.sum([voice.astype(np.int32) for voice in voices], axis=0)
    loud = np.abs(added) > KNEE
    if not loud.any():
        return np.asarray(added, np.int16)
    room = _CEILING - KNEE
    bent = np.sign(added) * (KNEE + room * np.tanh((np.abs(added) - KNEE) / room))
    return np.asarray(np.where(loud, np.rint(bent), added), np.int16)


def _blocks(file: BinaryIO, frames: int) -> Iterator[Samples]:
    """As many samples as are said, in blocks; silence if the file has fewer."""
    for at in range(0, frames, FRAMES):
        wanted = min(FRAMES, frames - at)
        read = file.read(wanted * _PCM.itemsize)
        found = np.frombuffer(read[: len(read) // 2 * 2], _PCM)
        yield np.asarray(found if len(found) == wanted else np.pad(found, (0, wanted - len(found))), np.int16)


def _stereo(left: list[Iterator[Samples]], right: list[Iterator[Samples]], frames: int) -> Iterator[Samples]:
    for at in range(0, frames, FRAMES):
        wanted = min(FRAMES, frames - at)
        sides = [together([next(voice) for voice in side], wanted) for side in (left, right)]
        yield np.column_stack(sides)


def _encode(blocks: Iterable[Samples], rate_hz: int, channels: int, to: Path) -> Finished:
    flac, peaks = to.with_suffix(".flac"), to.with_suffix(".peaks.json")
    meter, recorded, frames = PeakMeter(rate_hz), hashlib.sha256(), 0
    with soundfile.SoundFile(flac, "w", rate_hz, channels, "PCM_16", format="FLAC") as file:
        for block in blocks:
            file.write(block)
            meter.feed(block)
            recorded.update(block.astype(_PCM, copy=False).tobytes())
            frames += len(block)
    if _decoded(flac) != recorded.digest():
        raise NotLossless(f"{flac.name} does not decode to what was recorded. Its disk may be damaged.")
    peaks.write_bytes(to_json(meter.result()))
    return Finished(flac, peaks, frames, flac.stat().st_size, digest_of(flac))


def _decoded(flac: Path) -> bytes:
    """The digest of all samples of a file."""
    digest = hashlib.sha256()
    with soundfile.SoundFile(flac) as file:
        while len(block := file.read(FRAMES, dtype="int16")):
            digest.update(block.astype(_PCM, copy=False).tobytes())
    return digest.digest()


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
