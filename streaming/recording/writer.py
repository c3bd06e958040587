"""The one writer of this process: each 30 ms it puts to disk what waits of all takes, unbuffered, and a second thread
has it synced each second, since a disk may take long over that. Neither ever holds up the event loop.

A process that is killed loses what came since the last round; a machine without power what came since the last sync.
"""

import atexit
import errno
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from calls.counters import count, counts
from calls.operations.queues import Queue, announce
from streaming.audio import FRAME_MS
from streaming.recording.files import TakeWriting
from streaming.recording.sinks import QUEUE_S, TakeSink

log = logging.getLogger(__name__)

EVERY_S: Final = 0.03
SYNC_S: Final = 1.0
RETRY_S: Final = 1.0
GIVE_UP_S: Final = 5.0
"""A take that has ended and cannot be written is given up so much later."""
LAST_WORDS_S: Final = 3.0
_WORDS: Final[dict[int, str]] = {
    errno.ENOSPC: "the disk is full. Make room on it",
    errno.EDQUOT: "the disk is full. Make room on it",
    errno.EFBIG: "a file may not grow any more. Raise the portal's limit of file sizes",
    errno.EROFS: "the folder of recordings is read-only. Make it writable",
    errno.EACCES: "the portal may not write into the folder of recordings. Give it the right to",
    errno.EPERM: "the portal may not write into the folder of recordings. Give it the right to",
    errno.EIO: "the disk has a fault. Look at the machine's log",
    errno.EMFILE: "the portal has too many files open. Raise its limit",
}


def words_of(error: OSError) -> str:
    """What is wrong with the disk and what helps, without a full stop."""
    known = _WORDS.get(error.errno or 0)
    return known or f"the folder of recordings cannot be written ({error.strerror or type(error).__name__}). Look at it"


@dataclass(eq=False)
class _Open:
    writing: TakeWriting
    trouble: str = ""
    """In words; "" while all is well."""
    again_s: float = 0.0
    closed_s: float | None = None
    synced: bool = True
    closing: threading.Event = field(default_factory=threading.Event)


class Writer:
    """Its threads begin with the first take."""

    def __init__(self, *, every_s: float = EVERY_S, sync_s: float = SYNC_S, retry_s: float = RETRY_S) -> None:
        self._every_s, self._sync_s, self._retry_s = every_s, sync_s, retry_s
        self._takes: dict[TakeSink, _Open] = {}
        self._changed = threading.Condition()
        self._hurry = threading.Event()
        self._sync_now = threading.Event()
        self._rounds = 0
        self._round_began_s: float | None = None
        self._threads: list[threading.Thread] = []

    def open(self, sink: TakeSink, folder: Path) -> None:
        """Begins with a take; returns at once, whatever the disk does."""
        with self._changed:
            self._takes[sink] = _Open(TakeWriting(folder, sink))
            self._ensure_threads()
            self._changed.notify_all()

    @property
    def takes(self) -> frozenset[str]:
        """The ids of those that are not closed to the end."""
        return frozenset(sink.head.take for sink in tuple(self._takes))

    @property
    def waiting_samples_s(self) -> float:
        """Seconds of sound of the track that waits most."""
        return max((sink.waiting_samples / sink.head.rate_hz for sink in tuple(self._takes)), default=0.0)

    def stuck_s(self) -> float:
        """How long the disk has not answered."""
        began_s = self._round_began_s
        return 0.0 if began_s is None else time.monotonic() - began_s

    def flush(self, within_s: float = LAST_WORDS_S) -> bool:
        """Waits until all that was put in is on the disk, and what was closed is closed; False if that takes longer."""
        until_s = time.monotonic() + within_s
        with self._changed:
            wanted = self._rounds + 2
            while self._takes and (self._rounds < wanted or any(sink.ends_at is not None for sink in self._takes)):
                self._hurry.set()
                self._sync_now.set()
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    log.error(
                        "the last sound of %d recordings may be missing: the disk does not keep up", len(self._takes)
                    )
                    return False
                self._changed.wait(min(left_s, 0.05))
        return True

    def _ensure_threads(self) -> None:
        if not self._threads:
            atexit.register(self.flush)
        if not all(thread.is_alive() for thread in self._threads) or not self._threads:
            work: dict[str, Callable[[], None]] = {
                "recording": self._write_forever,
                "recording-sync": self._sync_forever,
            }
            self._threads = [threading.Thread(target=run, name=name, daemon=True) for name, run in work.items()]
            for thread in self._threads:
                thread.start()

    def _write_forever(self) -> None:
        while True:
            with self._changed:
                while not self._takes:
                    self._changed.wait()
            self._hurry.wait(self._every_s)
            self._hurry.clear()
            for sink, opened in tuple(self._takes.items()):
                self._round_began_s = time.monotonic()
                try:
                    self._round(sink, opened)
                except Exception:  # nothing may end this thread
                    log.exception("take %s could not be written", sink.head.take)
            self._round_began_s = None
            with self._changed:
                self._rounds += 1
                self._changed.notify_all()

    def _round(self, sink: TakeSink, opened: _Open) -> None:
        if opened.closing.is_set():
            return  # the syncing thread has it
        now_s = time.monotonic()
        ends = sink.ends_at is not None  # read first: all that belongs to the end has been put in before it
        if ends and opened.closed_s is None:
            opened.closed_s = opened.again_s = now_s
        if opened.trouble and now_s < opened.again_s:
            return
        try:
            opened.writing.write()
        except OSError as error:
            self._has_trouble(sink, opened, error)
            if opened.closed_s is not None and now_s - opened.closed_s > GIVE_UP_S:
                opened.closing.set()
                self._sync_now.set()
            return
        opened.synced = False
        if opened.trouble:
            opened.trouble = ""
            _tell(sink.on_well)
        if ends:
            opened.closing.set()
            self._sync_now.set()

    def _has_trouble(self, sink: TakeSink, opened: _Open, error: OSError) -> None:
        opened.again_s = time.monotonic() + self._retry_s
        if not opened.trouble:
            count("recording_troubles")
            log.error("take %s cannot be written (%s)", sink.head.take, error.strerror)
            opened.trouble = words_of(error)
            _tell(sink.on_trouble, opened.trouble)

    def _sync_forever(self) -> None:
        while True:
            self._sync_now.wait(self._sync_s)
            self._sync_now.clear()
            for sink, opened in tuple(self._takes.items()):
                try:
                    self._sync(sink, opened)
                except Exception:
                    log.exception("take %s could not be synced", sink.head.take)

    def _sync(self, sink: TakeSink, opened: _Open) -> None:
        closing, writing = opened.closing.is_set(), opened.writing
        fds = writing.fds
        try:
            if not opened.synced:
                opened.synced = True
                for fd in fds:
                    os.fsync(fd)
            if writing.is_new and writing.is_written:
                writing.is_new = False
                writing.sync_folder()
        except OSError as error:
            self._has_trouble(sink, opened, error)
        if closing:
            for fd in fds:
                os.close(fd)
            for track in sink.tracks:
                track.abandon()
            _tell(sink.on_closed, sink.facts(written=writing.is_written, trouble=opened.trouble))
            with self._changed:
                del self._takes[sink]
                self._changed.notify_all()


def _tell(callback: Callable[..., Any], *args: Any) -> None:
    try:
        callback(*args)
    except Exception:
        log.exception("what became of a recording could not be told")


writer = Writer()
announce(
    Queue(
        "recording",
        QUEUE_S * 1000 // FRAME_MS,
        "Frames become silence that is counted, and the recording says so.",
        lambda: round(writer.waiting_samples_s * 1000 / FRAME_MS),
        lambda: counts().get("recording_frames_dropped", 0),
    )
)
