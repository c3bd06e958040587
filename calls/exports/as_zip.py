"""A zip: a folder per call with its transcript in every format and its recordings, written as it is read.

Nothing is sought back in, so each file is followed by its sizes (APPNOTE 4.3.9, data descriptors); sound is stored,
since FLAC is compressed already.
"""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from calls.exports import as_csv, as_json, as_srt, as_text, as_vtt
from calls.exports.rows import ExportedCall


class _Sink(io.RawIOBase):
    """Takes what the zip writes until it is asked for; cannot be sought in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def written(calls: Iterable[ExportedCall], *, exported_at: str, redacted: str, bom: bool = False) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", allowZip64=True) as archive:
        for call in calls:
            at = parse_datetime(call.facts["created_at"])
            folder = folder_of(call)
            for name, text in _texts(call, exported_at, redacted, bom):
                pieces = (each.encode() for each in text())
                yield from _file(archive, sink, f"{folder}/{name}", at, pieces, zipfile.ZIP_DEFLATED)
            for track in call.tracks:
                try:
                    sound = iter(track.chunks())
                    first = next(sound, b"")
                except OSError:
                    said = [f"{track.name} is missing in the storage.\n".encode()]
                    yield from _file(archive, sink, f"{folder}/{track.name}.missing.txt", at, said, zipfile.ZIP_STORED)
                    continue
                yield from _file(archive, sink, f"{folder}/{track.name}", at, _after(first, sound), zipfile.ZIP_STORED)
    yield sink.taken()


def folder_of(call: ExportedCall) -> str:
    """`20261120-101700-1b4e28ba`: when it came and the head of its id; no number and no name."""
    at = parse_datetime(call.facts["created_at"])
    return f"{at:%Y%m%d-%H%M%S}-{call.facts['id'][:8]}"


def _texts(
    call: ExportedCall, exported_at: str, redacted: str, bom: bool
) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
    yield "transcript.json", lambda: as_json.written([call], exported_at=exported_at, redacted=redacted)
    yield "transcript.csv", lambda: as_csv.written([call], bom=bom)
    yield "transcript.vtt", lambda: as_vtt.written(call)
    yield "transcript.srt", lambda: as_srt.written(call)
    yield "transcript.txt", lambda: as_text.written([call])


def _after(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _file(
    archive: zipfile.ZipFile, sink: _Sink, name: str, at: datetime | None, pieces: Iterable[bytes], method: int
) -> Iterator[bytes]:
    entry = zipfile.ZipInfo(name, at.timetuple()[:6] if at and at.year >= 1980 else (1980, 1, 1, 0, 0, 0))
    entry.compress_type = method
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w", force_zip64=True) as file:
        for piece in pieces:
            file.write(piece)
            if part := sink.taken():
                yield part
    yield sink.taken()
