"""A take's files while they are written. Whatever goes wrong, nothing is taken from a queue before it is on the disk,
and a write that failed halfway is done again at the same place.
"""

import os
import zlib
from pathlib import Path
from typing import Final

from streaming.recording.records import (
    BYTES_PER_SAMPLE,
    MANIFEST,
    RECORD,
    TAKE_INDEX,
    Kind,
    TrackHead,
    Why,
    head_bytes,
    index_name,
    manifest_bytes,
    pcm_name,
    record_bytes,
)
from streaming.recording.sinks import Entry, TakeSink, TrackSink

MOST_QUIET_S: Final = 1
"""A silence that goes on is written down so often, so that a killed process leaves it to be found."""
MOST_FRAMES: Final = 50
"""In one record: what is damaged later costs so much."""
_OPEN: Final = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC


class _File:
    """Appends at a place that only moves on when all was written."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, _OPEN, 0o640)
        self._end = 0

    def append(self, content: bytes) -> None:
        at, left = self._end, memoryview(content)
        while left:
            count = os.pwrite(self.fd, left, at)
            at, left = at + count, left[count:]
        self._end = at


class _Index:
    """Numbers its records, which only count once they are written."""

    def __init__(self, path: Path, head: bytes) -> None:
        self.file = _File(path)
        self._sequence = 0
        try:
            self.file.append(head)
        except OSError:
            os.close(self.file.fd)
            raise

    def append(self, records: list[tuple[Kind, int, int, Why, int, int]]) -> None:
        """Each is kind, position, length, why, offset, CRC."""
        content = b"".join(record_bytes(self._sequence + at, *record) for at, record in enumerate(records))
        self.file.append(content)
        self._sequence += len(content) // RECORD.size


class _TrackFiles:
    def __init__(self, folder: Path, take: TakeSink, sink: TrackSink) -> None:
        self._sink = sink
        self._index = _Index(folder / index_name(sink.head), head_bytes(take.head, sink.head))
        try:
            self._pcm = _File(folder / pcm_name(sink.head))
        except OSError:
            os.close(self._index.file.fd)
            raise
        self._stored = 0
        self._quiet: tuple[int, int] | None = None
        self._most_quiet = MOST_QUIET_S * take.head.rate_hz

    @property
    def fds(self) -> tuple[int, int]:
        return self._pcm.fd, self._index.file.fd

    def write(self, *, all_of_it: bool) -> None:
        """All that waits, as one piece of sound and some records. A silence is kept back for what may follow it."""
        entries = [self._sink.waiting[at] for at in range(len(self._sink.waiting))]
        batch = _Batch(self._stored, self._quiet)
        for entry in entries:
            batch.take(entry)
        batch.end_piece()
        if batch.quiet and (all_of_it or batch.quiet[1] >= self._most_quiet):
            batch.end_quiet()
        if batch.records:
            if batch.sound:
                self._pcm.append(b"".join(batch.sound))
            self._index.append(batch.records)
        self._quiet, self._stored = batch.quiet, batch.stored
        self._done_with(entries)

    def _done_with(self, entries: list[Entry]) -> None:
        taken = 0
        for kind, _, position, length, _ in entries:
            self._sink.waiting.popleft()
            if kind == Kind.SOUND:
                self._sink.marks.was_sent(position, length)
                taken += length
        self._sink.taken += taken


class _Batch:
    """Entries of a queue as they go to the disk: neighbours joined, digital silence only told of."""

    def __init__(self, stored: int, quiet: tuple[int, int] | None) -> None:
        self.stored, self.quiet = stored, quiet
        self.sound: list[bytes] = []
        self.records: list[tuple[Kind, int, int, Why, int, int]] = []
        self._piece: list[bytes] = []
        self._piece_at = self._piece_end = 0

    def take(self, entry: Entry) -> None:
        kind, why, position, length, pcm = entry
        if kind != Kind.SOUND:
            self.records.append((Kind(kind), position, length, Why(why), 0, 0))
        elif pcm == bytes(len(pcm)):
            if self.quiet and sum(self.quiet) == position:
                self.quiet = self.quiet[0], self.quiet[1] + length
            else:
                self.end_quiet()
                self.quiet = position, length
        else:
            if self._piece_end != position or len(self._piece) == MOST_FRAMES:
                self.end_piece()
            if not self._piece:
                self._piece_at = position
            self._piece.append(pcm)
            self._piece_end = position + length

    def end_quiet(self) -> None:
        if self.quiet:
            self.records.append((Kind.QUIET, *self.quiet, Why.NONE, 0, 0))
            self.quiet = None

    def end_piece(self) -> None:
        if self._piece:
            pcm = b"".join(self._piece)
            length = len(pcm) // BYTES_PER_SAMPLE
            self.records.append((Kind.SOUND, self._piece_at, length, Why.NONE, self.stored, zlib.crc32(pcm)))
            self.sound.append(pcm)
            self.stored += length
            self._piece = []


class TakeWriting:
    """One take's folder, in the writer's thread; OSError leaves it as it was, to be tried again."""

    def __init__(self, folder: Path, sink: TakeSink) -> None:
        self.folder, self.sink = folder, sink
        self._index: _Index | None = None
        self._tracks: list[_TrackFiles] = []
        self._manifest: tuple[int, int] | None = None
        self.is_new = True
        """Whether names of files were made since the folder was synced."""

    @property
    def is_written(self) -> bool:
        """Whether anything of it can be found again."""
        return self._index is not None

    def write(self) -> None:
        """All that waits now."""
        ends_at = self.sink.ends_at  # read first: what was put in before it was set is written now
        if self._index is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._index = _Index(self.folder / TAKE_INDEX, head_bytes(self.sink.head))
        self._open_tracks()
        for track in self._tracks:
            track.write(all_of_it=ends_at is not None)
        entries = [self.sink.waiting[at] for at in range(len(self.sink.waiting))]
        if entries:
            self._index.append([(Kind(kind), at, 0, Why(why), 0, 0) for kind, why, at, _, _ in entries])
            for _ in entries:
                self.sink.waiting.popleft()

    def _open_tracks(self) -> None:
        wanted = list(self.sink.tracks)
        for sink in wanted[len(self._tracks) :]:
            self._tracks.append(_TrackFiles(self.folder, self.sink, sink))
        if self._manifest != (len(wanted), self.sink.late):
            self._write_manifest([sink.head for sink in wanted])
            self._manifest = len(wanted), self.sink.late
            self.is_new = True

    def _write_manifest(self, tracks: list[TrackHead]) -> None:
        new = self.folder / f"{MANIFEST}.new"
        new.write_bytes(manifest_bytes(self.sink.head, tracks, self.sink.late))
        new.replace(self.folder / MANIFEST)

    @property
    def fds(self) -> list[int]:
        files = [self._index.file.fd] if self._index else []
        return [*files, *(fd for track in self._tracks for fd in track.fds)]

    def sync_folder(self) -> None:
        """So that a power cut does not take the files' names."""
        for folder in (self.folder, self.folder.parent):
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
