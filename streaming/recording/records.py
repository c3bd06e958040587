"""The files of a take as bytes: what is written ahead of everything else while a call is recorded.

A take has a folder of its own under RECORDING_DIR, named by its id. In it:

* `manifest.json`: the take, its rate and start, and its tracks;
* `<n>.pcm` for track n: the samples that were sent (16-bit little-endian mono), one after the other;
* `<n>.idx`: a header, then records of 32 bytes that say where on the take's clock each piece belongs;
* `take.idx`: the same for the whole take: what was held back, a tick each second, and the end.

Silence is not stored, only skipped. Each record has a CRC of its own and one of its samples, so a file that was torn or
damaged is read up to, and behind, what is wrong in it; what cannot be trusted comes back as silence, and is counted.

Participants are placed by Azure's clock, all else by ours. How much the first frame of all was late is known only some
frames later: the manifest's `late` is added to all positions by our clock, and taken from the start of the take.
"""

import json
import struct
import zlib
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Final, NamedTuple

MANIFEST: Final = "manifest.json"
TAKE_INDEX: Final = "take.idx"
BYTES_PER_SAMPLE: Final = 2
MAGIC: Final = b"ACSWAL1\n"
HEAD: Final = struct.Struct("<8sII")
# sequence, kind, why, –, position, length, offset (of the samples in the PCM file), CRC of the samples, CRC of this
RECORD: Final = struct.Struct("<IBBHqIIII")
BODY: Final = RECORD.size - 4
LONGEST_HEADER: Final = 65_536


class Kind(IntEnum):
    SOUND = 1
    QUIET = 2
    """Samples that were sent and are all zero."""
    LOST = 3
    HELD_FROM = 4
    HELD_UNTIL = 5
    TICK = 6
    END = 7


class Why(IntEnum):
    NONE = 0
    GAP = 1
    DISK = 2
    PAUSE = 3
    SENSITIVE = 4


class Record(NamedTuple):
    sequence: int
    kind: int
    why: int
    position: int
    length: int
    offset: int
    pcm_crc: int


@dataclass(frozen=True, slots=True)
class TrackHead:
    """`track` is participant or injected; `raw_id` is whose voice it is. `by_azure`: placed by Azure's clock."""

    recording: str
    track: str
    raw_id: str
    name: str
    by_azure: bool = False


@dataclass(frozen=True, slots=True)
class TakeHead:
    take: str
    call: str
    rate_hz: int
    started_at: str
    owner: str


def head_bytes(head: TakeHead, track: TrackHead | None = None) -> bytes:
    """What an index begins with. Each track knows its take as well, should the manifest be gone."""
    said = {"take": asdict(head)} | ({"track": asdict(track)} if track else {})
    text = json.dumps(said).encode()
    return HEAD.pack(MAGIC, len(text), zlib.crc32(text)) + text


def record_bytes(
    sequence: int, kind: Kind, position: int, length: int = 0, why: Why = Why.NONE, offset: int = 0, pcm_crc: int = 0
) -> bytes:
    body = RECORD.pack(sequence & 0xFFFFFFFF, kind, why, 0, position, length, offset, pcm_crc, 0)[:BODY]
    return body + zlib.crc32(body).to_bytes(4, "little")


def manifest_bytes(head: TakeHead, tracks: list[TrackHead], late: int) -> bytes:
    said = asdict(head) | {"version": 1, "late": late, "tracks": [asdict(each) for each in tracks]}
    return json.dumps(said, indent=1).encode()


def pcm_name(track: TrackHead) -> str:
    return f"{track.name}.pcm"


def index_name(track: TrackHead) -> str:
    return f"{track.name}.idx"
