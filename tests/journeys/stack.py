"""A portal and an emulator as processes of their own, as a deployment has them; and what a test asks them."""

import io
import json
import os
import random
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np
import psycopg
import soundfile
from numpy.typing import NDArray

from acsportal.demo import HOST, Demo, Options, daphne, emulator, environment_of, prepare
from acsportal.serve import SOCKETS

T = TypeVar("T")

POSTGRES = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS = "redis://127.0.0.1:6379/9"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: Any
    headers: dict[str, str]


def ask(
    method: str, url: str, content: Any = None, headers: dict[str, str] | None = None, timeout_s: float = 15
) -> Answer:
    """One HTTP request; `content` is sent as JSON unless it is bytes. Any status is an answer."""
    sent = dict(headers or {})
    body = content
    if content is not None and not isinstance(content, bytes):
        body = json.dumps(content).encode()
        sent.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url, data=body, headers=sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return _answer(response.status, response.read(), dict(response.headers))
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error.read(), dict(error.headers))


def _answer(status: int, body: bytes, headers: dict[str, str]) -> Answer:
    try:
        return Answer(status, json.loads(body) if body else None, headers)
    except ValueError:
        return Answer(status, body, headers)


def free_port() -> int:
    """A port that nobody has; below those that the system hands to clients, who could take it before a server does."""
    while True:
        port = random.randint(12_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


def multipart(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> tuple[bytes, dict[str, str]]:
    """A multipart/form-data body and its header."""
    mark = uuid4().hex
    parts = []
    for name, value in fields.items():
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, (file_name, content) in files.items():
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
        parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{mark}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={mark}"}


def wait_for(question: Callable[[], T | None], within_s: float = 15, what: str = "") -> T:
    """The first true answer; fails with the last one after `within_s`."""
    until_s = time.monotonic() + within_s
    while True:
        found = question()
        if found:
            return found
        if time.monotonic() > until_s:
            raise AssertionError(f"not within {within_s:g} s: {what or question} (last answer {found!r})")
        time.sleep(0.05)


@dataclass
class Stack:
    """One running portal with its emulator."""

    demo: Demo

    @property
    def portal(self) -> str:
        return self.demo.options.portal

    @property
    def emulator(self) -> str:
        return self.demo.options.emulator

    @property
    def key(self) -> dict[str, str]:
        return {"Authorization": f"Api-Key {self.demo.environment['DEMO_API_KEY']}"}

    def get(self, path: str, **query: str) -> Any:
        """A REST answer that must be 200."""
        tail = f"?{urllib.parse.urlencode(query)}" if query else ""
        answer = ask("GET", f"{self.portal}/api/v1/{path}{tail}", headers=self.key)
        assert answer.status == 200, (path, answer)
        return answer.json

    def order(self, path: str, content: Any = None, **headers: str) -> Answer:
        return ask("POST", f"{self.portal}/api/v1/{path}", {} if content is None else content, self.key | headers)

    def ring(self, **call: Any) -> str:
        """Rings the portal; the emulator's id of the call."""
        answer = ask("POST", f"{self.emulator}/emulator/calls", call)
        assert answer.status == 201, answer
        return str(answer.json["id"])

    def emulated(self, call: str) -> Any:
        return ask("GET", f"{self.emulator}/emulator/calls/{call}").json

    def arm(self, **fault: Any) -> Answer:
        return ask("POST", f"{self.emulator}/emulator/faults", fault)

    def caller_hangs_up(self, call: str) -> None:
        ask("POST", f"{self.emulator}/emulator/calls/{call}/hang-up", {})

    def hang_up_all(self) -> None:
        """Ends whatever still talks: sound that nobody listens to any more slows the tests that follow."""
        for call in ask("GET", f"{self.emulator}/emulator/calls").json["results"]:
            if call["state"] != "ended":
                self.caller_hangs_up(call["id"])

    def call_of(self, emulated: str, within_s: float = 15) -> str:
        """The portal's id of a call that the emulator rang with."""
        correlation = self.emulated(emulated)["correlation_id"]

        def find() -> str | None:
            for row in self.get("calls/")["results"]:
                if self.get(f"calls/{row['id']}/")["acs"]["correlation_id"] == correlation:
                    return str(row["id"])
            return None

        return wait_for(find, within_s, "the portal lists the call")

    def streaming_call(self, **call: Any) -> tuple[str, str]:
        """Rings and waits until sound flows: the emulator's id and the portal's."""
        emulated = self.ring(**call)
        found = self.call_of(emulated)
        self.until(found, lambda row: row["streaming"]["state"] == "streaming" and row["state"] == "connected")
        wait_for(lambda: self.get(f"calls/{found}/")["levels"], 10, "levels flow")
        return emulated, found

    def until(self, call: str, holds: Callable[[Any], bool], within_s: float = 15) -> Any:
        """The call's JSON as soon as `holds` is true of it."""
        last: list[Any] = []

        def look() -> Any:
            last[:] = [self.get(f"calls/{call}/")]
            return last[0] if holds(last[0]) else None

        try:
            return wait_for(look, within_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; the call is {last}") from None

    def injection(self, call: str, injection: str) -> Any:
        return next(each for each in self.get(f"calls/{call}/injections/")["results"] if each["id"] == injection)

    def played(self, call: str, injection: str, within_s: float = 20) -> Any:
        """An injection's JSON once it is over."""
        over = {"done", "stopped", "failed"}
        return wait_for(
            lambda: found if (found := self.injection(call, injection))["state"] in over else None, within_s
        )

    def heard(self, emulated: str) -> tuple[NDArray[np.int16], int]:
        """What the caller has heard so far: samples and their rate."""
        return wav_of(self.emulator, emulated)


def wav_of(emulator: str, emulated: str) -> tuple[NDArray[np.int16], int]:
    answer = ask("GET", f"{emulator}/emulator/calls/{emulated}/heard.wav")
    samples, rate_hz = soundfile.read(io.BytesIO(answer.json), dtype="int16")
    return samples, rate_hz


def main_frequency_hz(samples: NDArray[np.int16], rate_hz: int) -> float:
    """The strongest frequency, to a fraction of a hertz (parabola through the peak of a windowed spectrum)."""
    windowed = samples.astype(np.float64) * np.hanning(samples.size)
    spectrum = np.log(np.abs(np.fft.rfft(windowed, 1 << 18)) + 1e-9)
    peak = int(spectrum[1:-1].argmax()) + 1
    before, at, after = spectrum[peak - 1 : peak + 2]
    shift = 0.5 * (before - after) / (before - 2 * at + after)
    return float((peak + shift) * rate_hz / (1 << 18))


def sounding(samples: NDArray[np.int16], threshold: int = 60) -> NDArray[np.int16]:
    """From the first to the last sample that is no silence."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > threshold)
    return samples[loud[0] : loud[-1] + 1] if loud.size else samples[:0]


@contextmanager
def running(
    folder: Path,
    *,
    many: bool = False,
    workers: int = 1,
    environment: dict[str, str] | None = None,
    server: list[str] | None = None,
) -> Iterator[Stack]:
    """`many` False: SQLite, in-memory layer, Daphne. True: PostgreSQL, Redis, uvicorn, as a site with many processes.

    No emulator is started if `environment` names another ACS_ENDPOINT. `server` takes the place of either server; it
    finds its port in the environment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = Options(free_port(), free_port(), folder)
    settings = environment_of(options) | {"PORT": str(options.port)} | (environment or {})
    with _database(settings) if many else _nothing():
        demo = Demo(options, settings)
        try:
            azure = None
            if settings["ACS_ENDPOINT"] == options.emulator:
                azure = demo.start("emulator", *emulator(demo), "--seed", "7")
            prepare(demo)
            usual = uvicorn(options.port, workers) if many else daphne(options.port)
            portal = demo.start("portal", *(server or usual))
            if azure is not None:
                demo.wait_until(f"{options.emulator}/emulator/calls", azure)
            demo.wait_until(f"{options.portal}/readyz", portal)
            yield Stack(demo)
        finally:
            demo.end()


def uvicorn(port: int, workers: int = 1) -> list[str]:
    base = ["-m", "uvicorn", "acsportal.asgi:application", "--host", HOST, "--port", str(port), "--no-access-log"]
    sockets = ["--ws", SOCKETS, "--ws-per-message-deflate", "false", "--ws-max-size", "524288"]
    sockets += ["--ws-ping-interval", "5", "--ws-ping-timeout", "8"]
    loop = ["--loop", "uvloop", "--http", "httptools", "--timeout-graceful-shutdown", "3"]
    return [*base, *sockets, *loop, *(("--workers", str(workers)) if workers > 1 else ())]


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _database(settings: dict[str, str]) -> Iterator[None]:
    """A database of its own on the local PostgreSQL, and a key prefix of its own in Redis."""
    name = f"acs_journey_{uuid4().hex[:8]}"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        settings["DATABASE_URL"] = POSTGRES.rpartition("/")[0] + f"/{name}"
        settings.setdefault("REDIS_URL", REDIS)
        settings["REDIS_PREFIX"] = name
        try:
            yield
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
