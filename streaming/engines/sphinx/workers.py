"""The recognising processes of this one: started when a voice needs one, shared, replaced when dead, ended idle."""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from streaming.engines.contract import EngineError
from streaming.engines.sphinx.wire import Kind, Message, Unpacker, pack

VOICES_EACH: Final = 16
IDLE_S: Final = 30.0
END_S: Final = 5.0
PIECE: Final = 1 << 16

_ROOT: Final = Path(__file__).parents[3]
# The portal's secrets are none of the process's business; this much is needed to find Python and the library.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "LANG")

Hear = Callable[[Message | None], None]
"""Gets each answer for one voice, and None if its process has died; called in a thread of the process."""


class Worker:
    """One process, a thread that reads its answers and one that writes to it."""

    def __init__(self, folder: Path, on_death: Callable[["Worker"], None]) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
        with theirs:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 (our own module, no shell)
                [sys.executable, "-P", "-m", "streaming.engines.sphinx.child", str(folder)],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                env=environment,
            )
        self._socket = ours
        self._on_death = on_death
        self._lock = threading.Lock()
        self._voices: dict[int, Hear] = {}
        self._last_voice = 0
        self._to_send: SimpleQueue[bytes | None] = SimpleQueue()
        self.is_dead = False
        for name, serve in (("read", self._read), ("write", self._write)):
            threading.Thread(target=serve, name=f"sphinx-{name}-{self.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def voices(self) -> int:
        return len(self._voices)

    def join(self, hear: Hear) -> int:
        """A new voice; its number."""
        with self._lock:
            if self.is_dead:
                raise EngineError("The recognising process has just ended; try again.", retryable=True)
            self._last_voice += 1
            self._voices[self._last_voice] = hear
            return self._last_voice

    def send(self, kind: Kind, voice: int, body: bytes = b"") -> None:
        """Never waits."""
        if not self.is_dead:
            self._to_send.put(pack(kind, voice, body))

    def leave(self, voice: int) -> None:
        with self._lock:
            self._voices.pop(voice, None)
        self.send(Kind.CLOSE, voice)

    def end(self) -> None:
        """At once; who still listens is told so."""
        self._process.kill()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _read(self) -> None:
        unpacker = Unpacker()
        with suppress(OSError, ValueError):
            while piece := self._socket.recv(PIECE):
                for message in unpacker.feed(piece):
                    hear = self._voices.get(message.voice)
                    if hear is not None:
                        hear(message)
        self._bury()

    def _bury(self) -> None:
        with self._lock:
            self.is_dead = True
            left = list(self._voices.values())
            self._voices.clear()
        self._to_send.put(None)
        self._process.kill()
        self._process.wait()
        self._on_death(self)
        for hear in left:
            hear(None)

    def _write(self) -> None:
        with self._socket, suppress(OSError):
            while (piece := self._to_send.get()) is not None:
                self._socket.sendall(piece)
            return
        while self._to_send.get() is not None:
            pass  # until the reader has noticed as well


class Seat:
    """One voice's place in a process."""

    def __init__(self, workers: "Workers", worker: Worker, hear: Hear) -> None:
        self._workers, self._worker = workers, worker
        self._number = worker.join(hear)

    @property
    def pid(self) -> int:
        return self._worker.pid

    def send(self, kind: Kind, body: bytes = b"") -> None:
        """Never waits."""
        self._worker.send(kind, self._number, body)

    def leave(self) -> None:
        """Twice does no harm."""
        self._worker.leave(self._number)
        self._workers.left(self._worker)


class Workers:
    """At most `limit` processes; one that serves nobody for `idle_s` is ended. Any thread may ask."""

    def __init__(self, limit: int, idle_s: float = IDLE_S, voices_each: int = VOICES_EACH) -> None:
        self.limit = limit
        self._idle_s, self._voices_each = idle_s, voices_each
        self._lock = threading.RLock()
        self._running: list[Worker] = []
        self._timers: dict[Worker, threading.Timer] = {}
        self._folder: Path | None = None

    @property
    def pids(self) -> list[int]:
        """Of the processes that run."""
        with self._lock:
            return [each.pid for each in self._running]

    def seat(self, hear: Hear) -> Seat:
        """A place in the process with the fewest voices; starts one if all are busy and one more may run.

        Takes as long as a process takes to start. Raises EngineError if all are full, or none can be started.
        """
        with self._lock:
            least = min(self._running, key=lambda each: each.voices, default=None)
            if least is None or (least.voices and len(self._running) < self.limit):
                least = self._start()
            if least.voices >= self._voices_each:
                raise EngineError(
                    f"All {len(self._running)} recognising processes are full ({self._voices_each} voices each); "
                    "raise SPEECH_WORKERS.",
                    retryable=True,
                )
            self._stay(least)
            return Seat(self, least, hear)

    def left(self, worker: Worker) -> None:
        """A voice has left it."""
        with self._lock:
            if worker.voices or worker not in self._running:
                return
            self._stay(worker)
            timer = self._timers[worker] = threading.Timer(self._idle_s, self._end_idle, (worker,))
            timer.daemon = True
            timer.start()

    def end(self) -> None:
        """All of them, at once."""
        with self._lock:
            running, self._running = self._running, []
            for worker in running:
                self._stay(worker)
                worker.end()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def _start(self) -> Worker:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="acsportal-speech-"))
            atexit.register(self.end)
        try:
            worker = Worker(self._folder, self._forget)
        except OSError as error:
            raise EngineError(f"No recognising process could be started: {error.strerror}.", retryable=True) from error
        self._running.append(worker)
        return worker

    def _stay(self, worker: Worker) -> None:
        timer = self._timers.pop(worker, None)
        if timer is not None:
            timer.cancel()

    def _end_idle(self, worker: Worker) -> None:
        with self._lock:
            if worker in self._running and not worker.voices:
                self._forget(worker)
                worker.end()

    def _forget(self, worker: Worker) -> None:
        with self._lock:
            self._stay(worker)
            if worker in self._running:
                self._running.remove(worker)


SHARED: Final = Workers(limit=max(1, os.cpu_count() or 1))
"""Those of this process; who starts the portal sets their limit."""
