"""A portal of two workers on one port, as `make serve` starts it; and a way to talk to the worker that a test means."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from acsportal.demo import HOST, Child
from tests.journeys.stack import Answer, Stack, free_port, running, uvicorn, wait_for
from tests.streaming.doorstep import Socket, signed_in

REDIS_SERVER = shutil.which("redis-server")


@dataclass
class OwnRedis:
    """A Redis that a test may kill."""

    folder: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def start(self) -> None:
        assert REDIS_SERVER
        options = ["--port", str(self.port), "--bind", HOST, "--save", "", "--dir", str(self.folder)]
        self._process = subprocess.Popen([REDIS_SERVER, *options], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        client = redis.Redis.from_url(self.url)
        try:
            wait_for(lambda: _answers(client), 10, "Redis answers")
        finally:
            client.close()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


class Page(Socket):
    """A dashboard's socket to one worker."""

    def found(self, holds: Callable[[Any], bool], after: int = 0, within_s: float = 20) -> tuple[float, Any]:
        """The first message from index `after` of which `holds` is true, and when it arrived (monotonic)."""
        self.take(holds, within_s, after)
        return next((at_s, each) for at_s, text in self.messages[after:] if holds(each := json.loads(text)))


class Line:
    """A connection that reaches the same worker again and again."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._connection = http.client.HTTPConnection(HOST, stack.demo.options.port, timeout=20)
        self.worker = str(self.ask("GET", "/livez").json["worker"])

    def ask(self, method: str, path: str, content: Any = None) -> Answer:
        headers = {**self._stack.key, "Content-Type": "application/json"}
        body = None if content is None else json.dumps(content)
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        text = response.read()
        found = json.loads(text) if text and "json" in response.headers.get("Content-Type", "") else text
        return Answer(response.status, found, dict(response.headers))

    def order(self, path: str, content: Any = None) -> str:
        """An order that the portal takes; the id of what came of it."""
        answer = self.ask("POST", f"/api/v1/{path}", {} if content is None else content)
        assert answer.status == 202, answer
        return str(answer.json["id"])

    def page(self, path: str, cookie: str) -> Page:
        """Turns this connection into a dashboard's."""
        portal = self._stack.portal
        headers = [("Origin", portal), ("Cookie", cookie)]
        taken, self._connection.sock = self._connection.sock, None
        return Page(f"ws{portal.removeprefix('http')}/ws/{path}", headers, 20, taken)

    def close(self) -> None:
        self._connection.close()


@dataclass
class Pair:
    """The portal, its workers and its Redis."""

    stack: Stack
    redis: OwnRedis
    _cookie: str = ""
    _opened: list[Line | Page] = field(default_factory=list)

    @property
    def portal(self) -> Child:
        return next(each for each in self.stack.demo.children if each.name == "portal")

    @property
    def log(self) -> str:
        return self.portal.log.read_text(encoding="utf-8", errors="replace")

    @property
    def cookie(self) -> str:
        self._cookie = self._cookie or signed_in(self.stack.portal, "demo")
        return self._cookie

    def worker(self) -> tuple[str, int]:
        """Name and process id of whichever worker answers first."""
        line = Line(self.stack)
        try:
            return line.worker, int(line.ask("GET", "/livez").json["pid"])
        finally:
            line.close()

    def workers(self, but: str = "") -> dict[str, int]:
        """Both workers by name, as soon as there are two besides `but`."""
        found: dict[str, int] = {}

        def look() -> bool:
            with suppress(OSError, http.client.HTTPException):
                name, pid = self.worker()
                found[name] = pid
            for name in [each for each, pid in found.items() if each == but or not _lives(pid)]:
                del found[name]
            return len(found) == 2

        wait_for(look, 60, "both workers answer")
        return found

    def line(self, worker: str) -> Line:
        """A connection to that worker."""

        def knock() -> Line | None:
            line = Line(self.stack)
            if line.worker == worker:
                self._opened.append(line)
                return line
            line.close()
            return None

        return wait_for(knock, 30, f"{worker} answers")

    def page(self, worker: str, path: str) -> Page:
        page = self.line(worker).page(path, self.cookie)
        self._opened.append(page)
        return page

    def hang_up(self) -> None:
        """Closes what a test has opened."""
        while self._opened:
            self._opened.pop().close()

    def streams(self, call: str) -> list[Any]:
        rows: list[Any] = self.stack.get(f"calls/{call}/streams/")["results"]
        return sorted(rows, key=lambda row: row["number"])

    def owner(self, call: str) -> str:
        """The worker that has the call's socket."""
        return str(wait_for(lambda: [each for each in self.streams(call) if each["state"] == "open"], 15)[-1]["owner"])

    def signal(self, number: signal.Signals, *pids: int) -> float:
        """kill -9 and the like; the moment of it (monotonic)."""
        for pid in pids:
            os.kill(pid, number)
        return time.monotonic()

    def kill_all(self) -> None:
        pids = self.workers().values()
        child = self.portal
        self.signal(signal.SIGKILL, child.process.pid, *pids)
        child.process.wait()
        self.stack.demo.children.remove(child)

    def start(self) -> None:
        """The portal again, after `kill_all`."""
        demo = self.stack.demo
        demo.wait_until(f"{self.stack.portal}/readyz", demo.start("portal", *uvicorn(demo.options.port, 2)))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def pair_of_workers(folder: Path, **environment: str) -> Iterator[Pair]:
    own = OwnRedis(folder)
    own.start()
    given = {"REDIS_URL": own.url, "API_READ_RATE": "100000/min", "API_ORDER_RATE": "100000/min", "STREAM_DRAIN_S": "0"}
    try:
        with running(folder, many=True, workers=2, environment=given | environment) as stack:
            pair = Pair(stack, own)
            try:
                yield pair
            finally:
                left = _children(pair.portal.process.pid)
        for pid in left:  # of a supervisor that had to be killed
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    finally:
        own.kill()


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
