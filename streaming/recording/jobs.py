"""The jobs of recordings: a take is finished and stored, a deleted one loses its files, an expired one is deleted.

Imported wherever jobs are enqueued or carried out. What was written while the call was on is removed only when all of
it is stored, read back and found equal; until then each job may fail, or die, and be done again.
"""

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.files import File

from calls.counters import count
from calls.models import Recording, Take
from calls.models.recording import recording_store
from calls.operations.jobs import JobKind, register
from calls.services.recordings import storing
from streaming.recording.finishing import Finished, digest_of, finish_mixture, finish_track
from streaming.recording.stored.stores import stored_part
from streaming.recording.wal import TakeFiles, TakeUnreadable, TrackFile, read_take

log = logging.getLogger(__name__)

SCRATCH: Final = "finishing-"
# About a week of tries: a storage that is away for days costs no recording.
TRIES: Final = 700
LONGEST_PAUSE: Final = timedelta(minutes=15)
DELETED_MEANWHILE: Final = "deleted meanwhile"


class StorageFailed(Exception):  # noqa: N818 (said of the storage, not of the program)
    """The storage did not take, hold or give a file; the message is what a person reads."""


def folder_of(take_id: UUID | str) -> Path:
    """Where a take is written while the call is on."""
    return Path(settings.RECORDING_DIR) / str(UUID(str(take_id)))


def finish_take(take: str) -> str:
    """Stores a take and removes what it was made of; said in a sentence."""
    row, folder = storing.to_be_finished(UUID(take)), folder_of(take)
    if row is None:
        if storing.is_complete(UUID(take)) and folder.is_dir():  # killed between its last two steps
            shutil.rmtree(folder)
        return "nothing to do"
    if not folder.is_dir():
        why = f"Its sound is not on this machine: {folder.name} is missing in RECORDING_DIR."
        storing.nothing_to_keep(row.pk, why)
        raise StorageFailed(why)
    try:
        with _told_of(row):
            return _finish(row, folder)
    except TakeUnreadable as error:
        storing.nothing_to_keep(row.pk, str(error))
        raise


def _finish(row: Take, folder: Path) -> str:
    _reach()
    _clear(folder)
    files = read_take(folder, row.duration_s)
    if files.n_samples == 0 or not files.tracks:
        storing.nothing_to_keep(row.pk, "It was stopped before any sound came.")
        shutil.rmtree(folder)
        return "nothing was recorded"
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=folder) as scratch:
        stored = all(_store(*each) for each in _tracks(row, files, Path(scratch)))
    whole = storing.WholeTake(
        files.duration_s, files.rate_hz, files.lost_ms, files.recovered, [asdict(each) for each in files.holes]
    )
    if not stored or not storing.take_complete(row.pk, whole):
        _remove(row.pk)
        return DELETED_MEANWHILE
    shutil.rmtree(folder)
    return f"{len(files.tracks)} tracks of {files.duration_s:.1f} s stored"


Work = tuple[Recording, Finished, storing.StoredTrack]


def _tracks(row: Take, files: TakeFiles, scratch: Path) -> Iterator[Work]:
    """What is not stored by an earlier try, each made when its turn comes, and the mixture last."""
    for track in files.tracks:
        recording = storing.row_of(row, track.recording, track.track, track.raw_id, files.rate_hz)
        if recording.state != Recording.State.COMPLETE:
            made = finish_track(track.pcm, files.n_samples, files.rate_hz, scratch / str(recording.pk))
            yield recording, made, _facts(files, made, track)
    stereo = storing.stereo_of(row, files.rate_hz)
    if stereo.state != Recording.State.COMPLETE:
        ours = [each.pcm for each in files.tracks if each.track == Recording.Track.INJECTED]
        callers = [each.pcm for each in files.tracks if each.track != Recording.Track.INJECTED]
        made = finish_mixture(callers, ours, files.n_samples, files.rate_hz, scratch / str(stereo.pk))
        yield stereo, made, _facts(files, made, None)


def _facts(files: TakeFiles, made: Finished, track: TrackFile | None) -> storing.StoredTrack:
    return storing.StoredTrack(
        duration_s=made.frames / files.rate_hz,
        sample_rate_hz=files.rate_hz,
        silence_ms=track.silence_ms if track else 0,
        lost_ms=track.lost_ms if track else files.lost_ms,
        held_ms=track.held_ms if track else files.held_ms,
        recovered=files.recovered,
        size=made.size,
        sha256=made.sha256,
        error=track.error if track else "",
    )


def _store(recording: Recording, made: Finished, facts: storing.StoredTrack) -> bool:
    """Uploads a track and its outline whole, reads both back, and says so; False if its take was deleted meanwhile."""
    file, peaks = recording.names
    _upload(made.flac, file, made.size, made.sha256)
    _upload(made.peaks, peaks, made.peaks.stat().st_size, digest_of(made.peaks))
    made.flac.unlink()
    return storing.track_stored(recording, facts)


def _upload(path: Path, name: str, size: int, sha256: str) -> None:
    with _storage_says(f"take {name}"):
        if recording_store.exists(name):  # of a try that came to no end
            recording_store.delete(name)
        with path.open("rb") as file:
            saved = recording_store.save(name, File(file, name=path.name))
        if saved != name:
            recording_store.delete(saved)
            raise StorageFailed(f"The storage of recordings wanted to call a file {saved} instead of {name}.")
        digest, length = hashlib.sha256(), recording_store.size(name)
        if length == size:
            for block in stored_part(recording_store, name, 0, size):
                digest.update(block)
        if length != size or digest.hexdigest() != sha256:
            raise StorageFailed(f"The storage of recordings gave back another file than it was given: {name}.")
    count("recording_files_stored")


def _reach() -> None:
    """Asks first, so that nothing is encoded for a storage that is away."""
    with _storage_says("answer"):
        recording_store.exists("recordings/is-it-there")


@contextmanager
def _storage_says(what: str) -> Iterator[None]:
    """Each storage has errors of its own; people read of it in ours."""
    try:
        yield
    except StorageFailed:
        count("recording_storage_failures")
        raise
    except Exception as error:
        count("recording_storage_failures")
        raise StorageFailed(f"The storage of recordings did not {what}: {type(error).__name__}.") from error


@contextmanager
def _told_of(row: Take) -> Iterator[None]:
    """What keeps the take from being stored stands on it, until a later try goes well."""
    try:
        yield
    except TakeUnreadable:
        raise
    except Exception as error:
        said = str(error) if isinstance(error, StorageFailed) else f"It could not be finished: {type(error).__name__}."
        storing.storing_waits(row.pk, f"{said} It is tried again; until then the sound is safe where it was written.")
        raise


def _clear(folder: Path) -> None:
    """What a try left that was killed."""
    for left in folder.glob(f"{SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)


def delete_take_files(take: str) -> str:
    """Removes everything of a deleted take from the storage and from this machine."""
    row = Take.objects.filter(pk=UUID(take), state=Take.State.DELETED).first()
    if row is None:
        return "nothing to do"
    return f"{_remove(row.pk)} files deleted"


def _remove(take_id: UUID) -> int:
    names = [name for each in Recording.objects.filter(take_id=take_id) for name in each.names]
    for name in names:
        with _storage_says(f"delete {name}"):
            recording_store.delete(name)
    folder = folder_of(take_id)
    if folder.is_dir():
        shutil.rmtree(folder)
    storing.files_deleted(take_id)
    return len(names)


def delete_expired_recordings() -> str:
    return f"{storing.delete_expired()} deleted"


register(
    "finish_take",
    JobKind("Store a recording", finish_take, None, timedelta(minutes=30), TRIES, LONGEST_PAUSE),
)
register(
    "delete_take_files",
    JobKind("Delete a recording's files", delete_take_files, None, timedelta(minutes=15), TRIES, LONGEST_PAUSE),
)
register(
    "delete_expired_recordings",
    JobKind("Delete recordings whose days are over", delete_expired_recordings, timedelta(hours=1)),
)
