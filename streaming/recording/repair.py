"""Takes that a process of this machine left behind: found by their folders, and handed on to be finished."""

import logging
import time
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings

from calls.operations.process import PROCESS_ID
from calls.services.recordings import tracks
from streaming.recording.wal import TakeUnreadable, duration_of
from streaming.recording.writer import writer

log = logging.getLogger(__name__)

AT_ONCE: Final = 50
STILL_S: Final = 5.0
"""A process that only slept goes on writing. Each second of a take leaves a mark in its files."""


def repair() -> int:
    """Hands on what has a folder here and no process that writes it any more; how many. All processes may do so."""
    folder = Path(settings.RECORDING_DIR)
    writing = writer.takes  # read first: what ends meanwhile has told so before its row is looked at
    folders = _takes_in(folder)
    if not folders:
        return 0
    left = tracks.left_here(folders, PROCESS_ID, writing)
    still = [take_id for take_id in left if _is_still(folder / str(take_id))]
    return sum(_hand_on(folder / str(take_id), take_id) for take_id in still[:AT_ONCE])


def _is_still(folder: Path) -> bool:
    try:
        newest_s = max((each.stat().st_mtime for each in folder.iterdir()), default=0.0)
    except OSError:
        return False
    return abs(time.time() - newest_s) >= STILL_S


def _takes_in(folder: Path) -> list[str]:
    try:
        names = [each.name for each in folder.iterdir()]
    except OSError:
        return []
    return [name for name in names if _is_id(name)]


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _hand_on(folder: Path, take_id: UUID) -> bool:
    try:
        started_at, duration_s = duration_of(folder)
    except (TakeUnreadable, OSError):
        handed = tracks.take_left(take_id)  # the job says what is wrong with it
    else:
        handed = tracks.take_left(take_id, started_at, duration_s)
    if handed:
        log.warning("take %s was left by its process and is put together", take_id)
    return handed
