"""`make serve`: the portal alone under uvicorn, one process per core.

What keeps it from starting is one sentence with the remedy. uvicorn's supervisor is used as it is but for two things:
asked to end a second time, it tells its workers so; and a restart (SIGHUP) does not wait an hour for each worker's
calls before it turns to the next (acsportal/drain.py).
"""

import json
import logging.config
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Final

import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from acsportal import logs

log = logging.getLogger(__name__)

APPLICATION: Final = "acsportal.asgi:application"
SOCKETS: Final = "acsportal.uvicorn_sockets:Sockets"
LARGEST_MESSAGE_BYTES: Final = 262_144
# Whose socket is dead, such as by a cable that was pulled, is known 13 s later.
PING_EACH_S: Final = 5.0
PONG_WITHIN_S: Final = 8.0
# Sockets that do not answer 1012 are dropped after this.
LAST_WORDS_S: Final = 10
# So long a new worker may take to start on a busy machine, and an old one not to answer its supervisor.
PATIENCE_S: Final = 30
MOST_WORKERS: Final = 64
FOLDER_NAME: Final = "PROMETHEUS_MULTIPROC_DIR"


class ServeError(Exception):
    """The portal cannot be served; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the settings say that decides how many processes there may be."""

    redis: bool
    postgresql: bool
    log_format: logs.Format
    log_level: str

    @property
    def for_many(self) -> bool:
        return self.redis and self.postgresql


def preflight() -> Facts:
    """Loads the settings as a worker would; raises ServeError with what they lack."""
    done = subprocess.run([sys.executable, "-m", "acsportal.preflight"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["The settings cannot be loaded."]
        raise ServeError(lines[-1])
    return Facts(**json.loads(done.stdout.splitlines()[-1]))


def workers(facts: Facts) -> int:
    """WORKERS, or one a core; a single one where processes could not know of each other."""
    text = os.environ.get("WORKERS", "").strip()
    if not text:
        return (os.cpu_count() or 1) if facts.for_many else 1
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise ServeError(f"WORKERS is {text!r}; it may be 1 to {MOST_WORKERS}.")
    if int(text) > 1 and not facts.for_many:
        missing = " and ".join(
            [*([] if facts.redis else ["REDIS_URL"]), *([] if facts.postgresql else ["DATABASE_URL=postgres://…"])]
        )
        raise ServeError(f"{text} workers need {missing} to know of each other's calls: set it, or WORKERS=1.")
    return int(text)


def address() -> tuple[str, int]:
    """HOST and PORT, which nobody else may have."""
    host, text = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise ServeError(f"PORT is {text!r}, which is no port; choose 1 to 65535.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(text)))
        except OSError as error:
            fault = error.strerror or str(error)
            raise ServeError(f"{host} port {text} cannot be had ({fault}); choose another with PORT=….") from None
    return host, int(text)


def configuration(host: str, port: int, count: int) -> uvicorn.Config:
    return uvicorn.Config(
        APPLICATION,
        host=host,
        port=port,
        workers=count,
        ws=SOCKETS,
        loop="uvloop",
        http="httptools",
        ws_per_message_deflate=False,
        ws_max_size=LARGEST_MESSAGE_BYTES,
        ws_ping_interval=PING_EACH_S,
        ws_ping_timeout=PONG_WITHIN_S,
        timeout_graceful_shutdown=LAST_WORDS_S,
        timeout_worker_healthcheck=PATIENCE_S,
        access_log=False,
        log_config=None,
    )


class Supervisor(Multiprocess):
    """uvicorn's, with workers that may take an hour to leave."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self.leaving: list[Process] = []

    def restart_all(self) -> None:
        """Each worker gets its successor at once, and leaves when its calls are over."""
        for index, old in enumerate(self.processes):
            new = Process(self.config, self.sockets)
            new.start()
            if not new.wait_until_ready(self.config.timeout_worker_healthcheck, self.should_exit):
                new.kill()
                new.join()
                log.error("a new worker did not start: the old ones stay")
                return
            old.terminate()
            self.leaving.append(old)
            self.processes[index] = new

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        self.leaving = [each for each in self.leaving if each.process.is_alive()]

    def join_all(self) -> None:
        """Until the last worker's last call is over. Who asks again is heard by all of them."""
        while remaining := [each for each in (*self.processes, *self.leaving) if each.process.is_alive()]:
            remaining[0].process.join(0.2)
            while self.signal_queue:
                number = self.signal_queue.pop(0)
                if number in {signal.SIGTERM, signal.SIGINT}:
                    for each in remaining:
                        os.kill(each.pid or 0, number) if each.process.is_alive() else None


def serve(facts: Facts, host: str, port: int, count: int) -> None:
    config = configuration(host, port, count)
    if count == 1:
        # uvicorn raises the signal that ended it once more at its end; by its default it would leave our folder behind.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        uvicorn.Server(config).run()
        return
    logging.config.dictConfig(logs.configuration(facts.log_format, facts.log_level, f"supervisor-{os.getpid()}"))
    Supervisor(config, [config.bind_socket()]).run()


def main() -> int:
    try:
        facts = preflight()
        count, (host, port) = workers(facts), address()
    except ServeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    why = "" if facts.for_many else " (more need REDIS_URL and a DATABASE_URL of PostgreSQL)"
    sys.stderr.write(f"Serving http://{host}:{port} with {count} process{'es' if count > 1 else ''}{why}.\n")
    # What the processes count, they count into files of one folder, so that any of them can answer /metrics for all.
    folder = tempfile.mkdtemp(prefix="acsportal-figures-")
    os.environ[FOLDER_NAME] = folder
    try:
        serve(facts, host, port, count)
    except KeyboardInterrupt:
        pass
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
