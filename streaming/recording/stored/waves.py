"""A stored FLAC file as the WAV file that it would be, of which any part can be had without making the rest."""

import struct
from collections.abc import Generator
from typing import BinaryIO, Final

import numpy as np
import soundfile

HEADER_BYTES: Final = 44
SAMPLE_BYTES: Final = 2
# A WAV file counts its bytes in 32 bits.
LONGEST_WAV: Final = 2**32 - 1
FRAMES: Final = 32_768


def wav_size(frames: int, channels: int) -> int:
    """Bytes of the whole file."""
    return HEADER_BYTES + frames * channels * SAMPLE_BYTES


def wav_header(frames: int, channels: int, rate_hz: int) -> bytes:
    """RIFF, `fmt ` (PCM, 16 bit) and the head of `data`: 44 bytes."""
    frame = channels * SAMPLE_BYTES
    sound = frames * frame
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        sound + HEADER_BYTES - 8,
        b"WAVE",
        b"fmt ",
        16,
        1,
        channels,
        rate_hz,
        rate_hz * frame,
        frame,
        SAMPLE_BYTES * 8,
        b"data",
        sound,
    )


def wav_part(flac: BinaryIO, start: int, length: int) -> Generator[bytes]:
    """`length` bytes of the WAV file from `start` on, in blocks; closes `flac` when it is through or closed."""
    with flac, soundfile.SoundFile(flac) as sound:
        frame = sound.channels * SAMPLE_BYTES
        header = wav_header(sound.frames, sound.channels, sound.samplerate)[start : start + length]
        if header:
            yield header
        left, at = length - len(header), max(0, start - HEADER_BYTES)
        skipped = at % frame
        if left:
            sound.seek(at // frame)
        while left:
            block = sound.read(min(FRAMES, -(-(left + skipped) // frame)), dtype="int16", always_2d=True)
            if not len(block):
                raise EOFError(f"A stored recording ends {left} bytes of sound too early.")
            found = block.astype(np.dtype("<i2"), copy=False).tobytes()[skipped : skipped + left]
            left, skipped = left - len(found), 0
            yield found
