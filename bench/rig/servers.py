"""The servers that are measured: how each is started, where its sockets are, and who may open them."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from acsportal.demo import daphne as demo_daphne
from bench.rig.azure import Azure
from bench.rig.gauge import Gauge
from bench.rig.pinning import cores, stay_on

ROOT: Final = Path(__file__).resolve().parent.parent.parent
READY_WITHIN_S: Final = 30.0
END_WITHIN_S: Final = 15.0


class BenchError(Exception):
    """A measurement that cannot be made; the message says why."""


def ours(port: int) -> list[str]:
    """Under uvicorn, with the configuration of `make serve`."""
    return ["-m", "bench.rig.serving", "bench.rig.portal:application", str(port)]


def uvicorn(application: str, port: int) -> list[str]:
    """With the switches that suit audio best, but nothing of ours."""
    switches = "--ws websockets-sansio --loop uvloop --http httptools --ws-per-message-deflate false --no-access-log"
    return ["-m", "uvicorn", application, "--host", "127.0.0.1", "--port", str(port), *switches.split()]


def daphne(application: str, port: int) -> list[str]:
    """As the demo starts it."""
    return [*demo_daphne(port)[:-1], application]


KINDS: Final[dict[str, Callable[[int], list[str]]]] = {
    "ours-uvicorn": ours,
    "ours-daphne": lambda port: daphne("bench.rig.portal:application", port),
    "stock-uvicorn": lambda port: uvicorn("bench.rig.stock:application", port),
    "stock-daphne": lambda port: daphne("bench.rig.stock:application", port),
    "picows": lambda port: ["-m", "bench.rig.bare", "--port", str(port)],
}


@dataclass(frozen=True, slots=True)
class World:
    """A filled database, to be copied for each server."""

    folder: Path
    environment: dict[str, str]
    calls: list[dict[str, Any]]
    cookie: str


@dataclass(slots=True)
class Server:
    kind: str
    process: subprocess.Popen[bytes]
    port: int
    gauge: Gauge
    folder: Path
    world: World
    azure: Azure

    @property
    def is_ours(self) -> bool:
        return self.kind.startswith("ours")

    def doors(self, streams: int) -> list[tuple[str, dict[str, str]]]:
        """Path and headers of so many media sockets."""
        if not self.is_ours:
            return [(f"/ws/{number}/", {}) for number in range(streams)]
        chosen = self.world.calls[:streams]
        return [(each["path"], self.azure.headers(each["connection_id"])) for each in chosen]

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2_000:]

    def received(self, sent: int, within_s: float = 30) -> int:
        """The frames that the server says it had: ours by its database once all streams are closed."""
        until_s = time.monotonic() + within_s
        while True:
            count, open_streams = self._stored() if self.is_ours else (int(self.gauge.counts().sum()), 0)
            if (count >= sent and not open_streams) or time.monotonic() > until_s:
                return count
            time.sleep(0.1)

    def _stored(self) -> tuple[int, int]:
        query = (
            "SELECT COALESCE(SUM(frames_received), 0), COUNT(*) FILTER (WHERE state = 'open') FROM calls_streamsession"
        )
        connection = sqlite3.connect(self.folder / "portal.sqlite3")
        try:
            received, still_open = connection.execute(query).fetchone()
        finally:
            connection.close()
        return int(received), int(still_open)


def fill(folder: Path, azure: Azure, calls: int) -> World:
    """A database with so many calls that talk."""
    folder.mkdir(parents=True)
    environment = (
        {name: value for name, value in os.environ.items() if not name.startswith(("ACS_", "REDIS_", "DATABASE_"))}
        | azure.environment()
        | {
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "bench-only-" + "0" * 40,
            "DJANGO_SETTINGS_MODULE": "acsportal.settings",
            "VAR_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}",
            "PYTHONPATH": str(ROOT),
            "LOG_LEVEL": "WARNING",
        }
    )
    command = [sys.executable, "-m", "bench.rig.world", str(calls)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"The database could not be filled: {done.stderr[-2000:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    return World(folder, environment, said["calls"], said["cookie"])


@contextmanager
def running(kind: str, world: World, azure: Azure) -> Iterator[Server]:
    """A new server on a core of its own, with a copy of the world's database."""
    folder = world.folder / f"{kind}-{time.monotonic_ns()}"
    folder.mkdir()
    shutil.copy(world.folder / "portal.sqlite3", folder / "portal.sqlite3")
    port = _free_port()
    environment = world.environment | {
        "VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "BENCH_GAUGE": str(folder / "gauge"),
    }
    gauge = Gauge(folder / "gauge")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *KINDS[kind](port)],
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=log,
            preexec_fn=lambda: stay_on(cores()[0]),
        )
    try:
        _wait_until_it_listens(process, port, folder / "log")
        yield Server(kind, process, port, gauge, folder, world, azure)
    finally:
        process.terminate()
        try:
            process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until_s = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until_s:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise BenchError(f"A server did not start: {log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
