"""Reading a take back, however its writing ended: see records.py for what lies in its folder."""

import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from streaming.recording.marks import Hole, Marks, holes_of, ms, share_of
from streaming.recording.records import (
    BODY,
    BYTES_PER_SAMPLE,
    HEAD,
    LONGEST_HEADER,
    MAGIC,
    MANIFEST,
    RECORD,
    TAKE_INDEX,
    Kind,
    Record,
    TakeHead,
    TrackHead,
    Why,
    index_name,
    pcm_name,
)
from streaming.recording.spans import Span, total, union, within

_KINDS: Final = frozenset(int(kind) for kind in Kind)
_WHYS: Final = frozenset(int(why) for why in Why)
NO_INDEX: Final = "Its index is gone: the sound is here, but when it was heard is not known."


@dataclass(frozen=True, slots=True)
class TrackFile:
    """One track as it was found. `pcm` has exactly `n_samples` of the take, silence where nothing was sent."""

    recording: str
    track: str
    raw_id: str
    pcm: Path
    n_samples: int
    silence_ms: int
    lost_ms: int
    held_ms: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class TakeFiles:
    """A whole take. `recovered` if its process did not end it, or if something in its files was damaged."""

    take: str
    call: str
    rate_hz: int
    started_at: datetime
    n_samples: int
    tracks: tuple[TrackFile, ...]
    holes: tuple[Hole, ...]
    lost_ms: int
    held_ms: int
    recovered: bool

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.rate_hz


class TakeUnreadable(Exception):  # noqa: N818 (an answer, not a fault)
    """Nothing of the take can be put together; the message says why."""


@dataclass
class _Index:
    """`damaged` counts records that are not what was written."""

    take: TakeHead | None = None
    track: TrackHead | None = None
    records: list[Record] = field(default_factory=list)
    damaged: int = 0


def _read_index(path: Path) -> _Index:
    """All that can be trusted of an index; a torn end is no damage, it is what a killed process leaves."""
    found = _Index()
    try:
        content = memoryview(path.read_bytes())
    except OSError:
        return found
    begin = _read_head(content, found)
    if begin is None:
        return found
    for at in range(begin, len(content) - RECORD.size + 1, RECORD.size):
        *fields, crc = RECORD.unpack_from(content, at)
        sequence, kind, why, _, position, length, offset, pcm_crc = fields
        known = kind in _KINDS and why in _WHYS
        if not known or crc != zlib.crc32(content[at : at + BODY]) or position < 0:
            found.damaged += 1
            continue
        if sequence != (at - begin) // RECORD.size:
            found.damaged += 1
            continue
        found.records.append(Record(sequence, kind, why, position, length, offset, pcm_crc))
    return found


def _read_head(content: memoryview, found: _Index) -> int | None:
    """Where the records begin; None if the header cannot be trusted, as then nothing behind it has a place."""
    if len(content) < HEAD.size:
        return None
    magic, length, crc = HEAD.unpack_from(content)
    text = content[HEAD.size : HEAD.size + length]
    if magic != MAGIC or length > LONGEST_HEADER or len(text) != length or zlib.crc32(text) != crc:
        return None
    said = json.loads(bytes(text))
    found.take = TakeHead(**said["take"])
    found.track = TrackHead(**said["track"]) if "track" in said else None
    return int(HEAD.size + length)


@dataclass(frozen=True, slots=True)
class _Heads:
    take: TakeHead
    tracks: tuple[TrackHead, ...]
    late: int
    whole: bool


def _read_heads(folder: Path) -> _Heads:
    """From the manifest, or else from the headers of the indexes."""
    written = {path.stem: _read_index_head(path) for path in sorted(folder.glob("*.idx"))}
    by_name = {each.track.name: each.track for each in written.values() if each.track}
    said = _read_manifest(folder)
    if said is not None:
        head = TakeHead(**{name: said[name] for name in TakeHead.__slots__})
        listed = {each["name"]: TrackHead(**each) for each in said["tracks"]}
        return _Heads(head, tuple((by_name | listed).values()), int(said["late"]), True)
    take = next((each.take for each in written.values() if each.take), None)
    if take is None:
        raise TakeUnreadable("Neither the manifest nor an index of the take can be read.")
    return _Heads(take, tuple(by_name.values()), 0, False)


def _read_index_head(path: Path) -> _Index:
    found = _Index()
    try:
        with path.open("rb") as file:
            _read_head(memoryview(file.read(HEAD.size + LONGEST_HEADER)), found)
    except (OSError, ValueError, TypeError, KeyError):
        return _Index()
    return found


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    """Its content if it is one; every member is used as it is, so every member is looked at."""
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
        TakeHead(**{name: said[name] for name in TakeHead.__slots__})
        datetime.fromisoformat(said["started_at"])
        for each in said["tracks"]:
            TrackHead(**each)
        usable = int(said["rate_hz"]) > 0 and int(said["late"]) >= 0 and said["version"] == 1
        return said if usable else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _held_spans(records: list[Record], shift: int, count: int) -> list[tuple[int, int, Why]]:
    """What was held back; a pause that nobody ended lasts until the end of the take."""
    open_since: dict[Why, int] = {}
    spans = []
    for record in records:
        why = Why(record.why)
        if record.kind == Kind.HELD_FROM:
            open_since.setdefault(why, record.position + shift)
        elif record.kind == Kind.HELD_UNTIL and why in open_since:
            spans.append((open_since.pop(why), record.position + shift, why))
    return [*spans, *((since, count, why) for why, since in open_since.items())]


def _ends(index: _Index, shift: int) -> Iterator[int]:
    for record in index.records:
        yield record.position + record.length + shift


def _stored_samples(folder: Path, track: TrackHead) -> int:
    try:
        return (folder / pcm_name(track)).stat().st_size // BYTES_PER_SAMPLE
    except OSError:
        return 0


@dataclass
class _Scan:
    heads: _Heads
    take: _Index
    tracks: list[tuple[TrackHead, _Index, int]]
    n_samples: int
    ended: bool
    damaged: bool


def _scan(folder: Path) -> _Scan:
    heads = _read_heads(folder)
    take = _read_index(folder / TAKE_INDEX)
    late = heads.late
    tracks = []
    for track in heads.tracks:
        index = _read_index(folder / index_name(track))
        tracks.append((track, index, 0 if track.by_azure else late))
    end = next((each.position + late for each in take.records if each.kind == Kind.END), None)
    longest = max((at for _, index, shift in tracks for at in _ends(index, shift)), default=0)
    unplaced = (_stored_samples(folder, track) for track, index, _ in tracks if index.take is None)
    longest = max([longest, *unplaced])
    n_samples = end if end is not None else max([longest, *_ends(take, late)], default=0)
    broken = take.damaged or not heads.whole or any(each.damaged for _, each, _ in tracks)
    return _Scan(heads, take, tracks, n_samples, end is not None, bool(broken))


def duration_of(folder: Path) -> tuple[datetime, float]:
    """When the take in this folder began and how many seconds it has; raises TakeUnreadable. Reads no sound."""
    found = _scan(folder)
    return _started_at(found.heads), found.n_samples / found.heads.take.rate_hz


def _started_at(heads: _Heads) -> datetime:
    return datetime.fromisoformat(heads.take.started_at) - timedelta(seconds=heads.late / heads.take.rate_hz)


def read_take(folder: Path, lasted_s: float | None = None) -> TakeFiles:
    """Puts the take's tracks together, each as one PCM file in the same folder; may be done again.

    `lasted_s` is what is known otherwise of its length: where the files end before it, the disk took no more.
    Raises TakeUnreadable if nothing of it can be read, OSError if the tracks cannot be written.
    """
    scan = _scan(folder)
    head, rate_hz, count = scan.heads.take, scan.heads.take.rate_hz, scan.n_samples
    missing = 0 if scan.ended or lasted_s is None else max(0, round(lasted_s * rate_hz) - count)
    count += missing
    held = _held_spans(scan.take.records, scan.heads.late, count)
    held_spans = union(within(((begin, end) for begin, end, _ in held), count))
    laid = [_lay_out(folder, track, index, shift, count) for track, index, shift in scan.tracks]
    for each in laid:
        if missing:
            each.marks.was_lost(count - missing, missing, Why.DISK)
    holes, lost = holes_of([each.marks for each in laid], held, count, rate_hz)
    return TakeFiles(
        take=head.take,
        call=head.call,
        rate_hz=rate_hz,
        started_at=_started_at(scan.heads),
        n_samples=count,
        tracks=tuple(_track_file(each, held_spans, count, rate_hz) for each in laid),
        holes=holes,
        lost_ms=ms(lost, rate_hz),
        held_ms=ms(total(held_spans), rate_hz),
        recovered=not scan.ended or scan.damaged or any(each.damaged for each in laid),
    )


@dataclass
class _LaidOut:
    track: TrackHead
    pcm: Path
    marks: Marks = field(default_factory=Marks)
    damaged: bool = False
    error: str = ""


def _track_file(laid: _LaidOut, held: list[Span], count: int, rate_hz: int) -> TrackFile:
    share = share_of(laid.marks, held, count)
    return TrackFile(
        laid.track.recording,
        laid.track.track,
        laid.track.raw_id,
        laid.pcm,
        count,
        silence_ms=ms(share.silence, rate_hz),
        lost_ms=ms(share.lost, rate_hz),
        held_ms=ms(share.held, rate_hz),
        error=laid.error,
    )


def _lay_out(folder: Path, track: TrackHead, index: _Index, shift: int, count: int) -> _LaidOut:
    """Writes the track as `count` samples; what its records cannot vouch for stays silent and counts as lost."""
    laid = _LaidOut(track, folder / f"{track.name}.track")
    stored, unfinished = folder / pcm_name(track), laid.pcm.with_suffix(".new")
    source = stored.open("rb") if stored.is_file() else None
    with unfinished.open("wb") as out:
        if source is not None:
            with source:
                if index.take is None:
                    laid.error, laid.damaged = NO_INDEX, True
                    _copy_unplaced(source, out, laid.marks, count)
                else:
                    _copy_records(source, out, index.records, laid, shift, count)
        else:
            _copy_marks(index.records, laid, shift)
        out.truncate(count * BYTES_PER_SAMPLE)
    os.replace(unfinished, laid.pcm)
    return laid


def _copy_records(source: Any, out: Any, records: list[Record], laid: _LaidOut, shift: int, count: int) -> None:
    for record in records:
        position = record.position + shift
        if record.kind != Kind.SOUND:
            _mark(record, position, laid.marks)
            continue
        source.seek(record.offset * BYTES_PER_SAMPLE)
        pcm = source.read(record.length * BYTES_PER_SAMPLE)
        if len(pcm) != record.length * BYTES_PER_SAMPLE or zlib.crc32(pcm) != record.pcm_crc:
            laid.damaged = True
            laid.marks.was_lost(position, record.length, Why.DISK)
            continue
        out.seek(position * BYTES_PER_SAMPLE)
        out.write(pcm[: max(0, count - position) * BYTES_PER_SAMPLE])
        laid.marks.was_sent(position, record.length)


def _copy_marks(records: list[Record], laid: _LaidOut, shift: int) -> None:
    """Without its sound."""
    for record in records:
        if record.kind == Kind.SOUND:
            laid.damaged = True
            laid.marks.was_lost(record.position + shift, record.length, Why.DISK)
        else:
            _mark(record, record.position + shift, laid.marks)


def _mark(record: Record, position: int, marks: Marks) -> None:
    if record.kind == Kind.QUIET:
        marks.was_sent(position, record.length)
    elif record.kind == Kind.LOST:
        marks.was_lost(position, record.length, Why(record.why))


def _copy_unplaced(source: Any, out: Any, marks: Marks, count: int) -> None:
    pcm = source.read(count * BYTES_PER_SAMPLE)
    pcm = pcm[: len(pcm) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE]
    out.write(pcm)
    marks.was_sent(0, len(pcm) // BYTES_PER_SAMPLE)
