"""What the portal and a recognising process say to each other: a kind, a voice's number, a length, and so many bytes.

Only what is asked for comes back, and sound is sent against credit (`Kind.TAKEN`), so neither end can flood the other.
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

import msgspec

RATE_HZ: Final = 16_000
BYTES_PER_S: Final = RATE_HZ * 2
LONGEST: Final = 1 << 20
_HEAD: Final = struct.Struct("<BII")


class Kind(IntEnum):
    OPEN = 1
    SOUND = 2
    FLUSH = 3
    CLOSE = 4
    OPENED = 11
    TAKEN = 12
    HEARD = 13
    FLUSHED = 14
    FAILED = 15


class Message(msgspec.Struct, frozen=True):
    kind: Kind
    voice: int
    body: bytes


class Opening(msgspec.Struct, frozen=True):
    phrases: tuple[str, ...]


class Opened(msgspec.Struct, frozen=True):
    """`activity` says how speech is told from silence; `guessed` are pronunciations of words no dictionary has."""

    activity: str
    guessed: dict[str, str]


class Words(msgspec.Struct, frozen=True):
    """One utterance so far. Seconds since the voice was opened; `words` are text, start and end each."""

    key: str
    final: bool
    start_s: float
    end_s: float
    words: tuple[tuple[str, float, float], ...]
    confidence: float | None


def pack(kind: Kind, voice: int, body: bytes = b"") -> bytes:
    return _HEAD.pack(kind, voice, len(body)) + body


class Unpacker:
    """Bytes as they come → messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, piece: bytes) -> Iterator[Message]:
        """Raises ValueError for what is no message of ours."""
        self._rest += piece
        while len(self._rest) >= _HEAD.size:
            kind, voice, length = _HEAD.unpack_from(self._rest)
            if length > LONGEST:
                raise ValueError(f"A message says it has {length} bytes; at most {LONGEST} are meant.")
            end = _HEAD.size + length
            if len(self._rest) < end:
                return
            body = bytes(self._rest[_HEAD.size : end])
            del self._rest[:end]
            yield Message(Kind(kind), voice, body)
