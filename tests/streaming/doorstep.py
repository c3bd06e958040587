"""The portal's sockets from outside: real servers, with the test in Azure's part and in the browser's."""

import base64
import http.cookiejar
import json
import os
import re
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection, connect

from acsportal.demo import SUPPORT_LINE
from tests.azure_stand_in import AzureStandIn, bearer, callback, incoming
from tests.calls.loopback import loopback
from tests.journeys.stack import Stack, ask, running, wait_for

CALLER = "4:+14255550123"
FAULTS_IN_LOGS = ("Traceback", "Task was destroyed", "never awaited", "never retrieved")
QUICK_RATES = {"API_READ_RATE": "100000/min", "API_ORDER_RATE": "100000/min"}


def sine(
    duration_ms: float, rate_hz: int, hz: float = 1_000, peak: float = 0.5, start_ms: float = 0
) -> NDArray[np.int16]:
    at = np.arange(round(duration_ms * rate_hz / 1000)) + start_ms * rate_hz / 1000
    return np.rint(peak * 32767 * np.sin(2 * np.pi * hz * at / rate_hz)).astype(np.int16)


def metadata(rate_hz: int = 16_000, **members: Any) -> str:
    body = {"subscriptionId": "sub-1", "encoding": "PCM", "sampleRate": rate_hz, "channels": 1, "length": 640}
    return json.dumps({"kind": "AudioMetadata", "audioMetadata": body | members})


def audio(pcm: bytes, at: datetime, raw_id: str | None = CALLER, *, silent: bool = False) -> str:
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {"timestamp": stamp, "participantRawID": raw_id, "data": base64.b64encode(pcm).decode(), "silent": silent}
    return json.dumps({"kind": "AudioData", "audioData": body})


class Socket:
    """A WebSocket whose messages a thread of its own collects, each with the time of its arrival."""

    def __init__(
        self,
        url: str,
        headers: list[tuple[str, str]],
        open_within_s: float = 10,
        connection: socket.socket | None = None,
    ) -> None:
        """`connection` is one to the same server that is open already."""
        self._kept = ExitStack()
        dialled = connect(
            url,
            additional_headers=headers,
            compression=None,
            max_size=None,
            open_timeout=open_within_s,
            sock=connection,
        )
        self.connection: ClientConnection = self._kept.enter_context(dialled)
        self.messages: list[tuple[float, str]] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(ConnectionClosed):
            for message in self.connection:
                assert isinstance(message, str)
                with self._news:
                    self.messages.append((time.monotonic(), message))
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def send(self, message: str | bytes) -> None:
        self.connection.send(message)

    def take(self, holds: Callable[[Any], bool], within_s: float = 10, after: int = 0) -> Any:
        """The first JSON message from index `after` of which `holds` is true."""
        until_s = time.monotonic() + within_s
        with self._news:
            while True:
                for _, text in self.messages[after:]:
                    message = json.loads(text)
                    if holds(message):
                        return message
                after = len(self.messages)
                left_s = until_s - time.monotonic()
                assert left_s > 0, f"no such message within {within_s:g} s; the last is {self.messages[-1:]}"
                self._news.wait(left_s)

    def close_code(self, within_s: float = 5) -> int:
        """The code the server closed with; fails if it did not close."""
        self._reader.join(within_s)
        assert not self._reader.is_alive(), "the socket is still open"
        received = self.connection.protocol.close_rcvd
        return int(received.code) if received else int(CloseCode.ABNORMAL_CLOSURE)

    @property
    def is_open(self) -> bool:
        return self._reader.is_alive()

    def close(self, code: int = 1000) -> None:
        self.connection.close(code)
        self._end()

    def drop(self) -> None:
        """The network breaks: no close frame."""
        with suppress(OSError):
            self.connection.socket.shutdown(2)
        self._end()

    def _end(self) -> None:
        self._reader.join(5)
        self._kept.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class MediaSocket(Socket):
    """Azure's end of a call's media socket."""

    def __init__(self, url: str, headers: list[tuple[str, str]], open_within_s: float = 10) -> None:
        super().__init__(url, headers, open_within_s)
        self.rate_hz = 16_000
        self.sent_frames = 0
        self._at = datetime.now(UTC)

    def open(self, rate_hz: int = 16_000, **members: Any) -> Self:
        self.rate_hz = rate_hz
        self.send(metadata(rate_hz, **members))
        return self

    def say(self, samples: NDArray[np.int16], *raw_ids: str | None, pace: float = 1.0) -> None:
        """Sends whole 20 ms frames, at `pace` times real time; each one for every speaker."""
        size = self.rate_hz // 50
        started_s = time.monotonic()
        for index in range(len(samples) // size):
            pcm = samples[index * size : (index + 1) * size].tobytes()
            for raw_id in raw_ids or (CALLER,):
                self.send(audio(pcm, self._at, raw_id))
                self.sent_frames += 1
            self._at += timedelta(milliseconds=20)
            time.sleep(max(0.0, started_s + (index + 1) * 0.02 / pace - time.monotonic()))

    @contextmanager
    def saying(self, samples: NDArray[np.int16], *raw_ids: str | None) -> Iterator[None]:
        """Sends in real time beside the test, and is done with all of it at the end."""
        speaker = threading.Thread(target=self.say, args=(samples, *raw_ids), daemon=True)
        speaker.start()
        try:
            yield
        finally:
            speaker.join(60)

    def frame(self) -> str:
        """The next frame of silence, to be sent by the test itself."""
        self._at += timedelta(milliseconds=20)
        self.sent_frames += 1
        return audio(bytes(self.rate_hz // 50 * 2), self._at)

    def heard(self) -> list[tuple[float, NDArray[np.int16] | None]]:
        """What the portal sent: arrival time and samples, None for StopAudio."""
        found: list[tuple[float, NDArray[np.int16] | None]] = []
        for arrived_s, text in list(self.messages):
            message = json.loads(text)
            if message["Kind"] == "StopAudio":
                found.append((arrived_s, None))
            else:
                found.append((arrived_s, np.frombuffer(base64.b64decode(message["AudioData"]["Data"]), "<i2")))
        return found

    def stopped(self, within_s: float = 5) -> None:
        self.take(lambda message: message["Kind"] == "StopAudio", within_s)


def unread(url: str, headers: list[tuple[str, str]]) -> socket.socket:
    """A WebSocket whose peer never reads: as little as possible waits in this machine's buffers."""
    parts = urllib.parse.urlsplit(url)
    assert parts.hostname
    assert parts.port
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.connect((parts.hostname, parts.port))
    sent = {
        "Host": parts.netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    } | dict(headers)
    head = [f"GET {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    raw.sendall("\r\n".join(head).encode())
    assert b" 101 " in raw.recv(64)
    return raw


def masked(text: str) -> bytes:
    """One text frame of a client, masked with zeros, as RFC 6455, 5.3 allows."""
    content = text.encode()
    length = bytes([0x80 | len(content)]) if len(content) < 126 else b"\xfe" + len(content).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + content


@dataclass
class AzureCall:
    """One call that the portal answered, from Azure's side."""

    door: "Door"
    connection_id: str
    callback_url: str
    transport_url: str
    context: str
    words_url: str = ""

    @property
    def id(self) -> str:
        """The portal's id, which its own address says."""
        return str(UUID(hex=self.transport_url.rstrip("/").rpartition("/")[2].partition(".")[0]))

    def tell(self, event_type: str, **fields: Any) -> None:
        event = callback(event_type, self.connection_id, **fields)
        answer = ask("POST", self.callback_url, [event], {"Authorization": bearer()})
        assert answer.status == 200, answer

    def connect(self) -> Self:
        self.tell("CallConnected", context=self.context)
        return self

    def hang_up(self) -> None:
        self.tell("CallDisconnected", message="The conversation has ended.")

    def headers(self, authorization: str | None = "good", connection_id: str | None = "own") -> list[tuple[str, str]]:
        """Azure's headers of a socket; None leaves one out."""
        found = []
        if authorization is not None:
            found.append(("Authorization", bearer() if authorization == "good" else authorization))
        if connection_id is not None:
            found.append(("x-ms-call-connection-id", self.connection_id if connection_id == "own" else connection_id))
        return found

    def dial(self, headers: list[tuple[str, str]] | None = None, url: str = "") -> MediaSocket:
        """Opens the media socket; raises InvalidStatus if the portal refuses."""
        given = self.headers() if headers is None else headers
        return MediaSocket(url or self.transport_url, given)

    def dial_words(self, headers: list[tuple[str, str]] | None = None, url: str = "") -> Socket:
        """Opens the transcription socket; raises InvalidStatus if the portal refuses."""
        return Socket(url or self.words_url, self.headers() if headers is None else headers)

    def refused(self, headers: list[tuple[str, str]] | None = None, url: str = "") -> int:
        """The HTTP status with which the portal refuses a socket."""
        try:
            socket = self.dial(headers, url)
        except InvalidStatus as refusal:
            return refusal.response.status_code
        socket.close()
        raise AssertionError("the socket was let in")

    def row(self) -> Any:
        return self.door.stack.get(f"calls/{self.id}/")

    def streams(self) -> list[Any]:
        """The call's StreamSessions, first one first."""
        rows: list[Any] = self.door.stack.get(f"calls/{self.id}/streams/")["results"]
        return sorted(rows, key=lambda row: row["number"])

    def closed_stream(self, index: int = 0) -> Any:
        """A session's row once it is closed."""
        return wait_for(lambda: row if (row := self.streams()[index])["state"] == "closed" else None, 10)

    def play(self, **sound: Any) -> str:
        """Orders a sound by REST; the injection's id."""
        answer = self.door.stack.order(f"calls/{self.id}/injections/", sound)
        assert answer.status == 202, answer
        return str(answer.json["id"])

    def stop_sound(self) -> str:
        answer = self.door.stack.order(f"calls/{self.id}/injections/stop/")
        assert answer.status == 202, answer
        return str(answer.json["id"])

    def injection(self, injection: str) -> Any:
        return self.door.stack.get(f"injections/{injection}/")

    def reaches(self, injection: str, *states: str, within_s: float = 10) -> Any:
        return wait_for(
            lambda: row if (row := self.injection(injection))["state"] in states else None,
            within_s,
            f"injection is {' or '.join(states)}",
        )


def signed_in(portal: str, user: str) -> str:
    """Signs in as a browser does and returns the cookie; a user's password is the user's name."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    login = f"{portal}/login/"
    with browser.open(login) as page:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())
    assert found is not None
    form = {"csrfmiddlewaretoken": found.group(1), "username": user, "password": user, "next": "/livez"}
    browser.open(urllib.request.Request(login, urllib.parse.urlencode(form).encode())).close()
    cookie = "; ".join(f"{each.name}={each.value}" for each in jar if each.name == "sessionid")
    assert cookie, "the login did not work"
    return cookie


@dataclass
class Door:
    """One running portal, with the test in Azure's part."""

    kind: str
    stack: Stack
    azure: AzureStandIn
    _cookies: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> str:
        return (self.stack.demo.options.folder / "portal.log").read_text(encoding="utf-8", errors="replace")

    def lines(self, after: int, *words: str) -> list[str]:
        """The log's lines behind its first `after` characters that have all these words."""
        return [line for line in self.log[after:].splitlines() if all(word in line for word in words)]

    def soon(self, after: int, *words: str) -> list[str]:
        """The same, as soon as there is one; a log line may come a moment after what it tells of."""
        return wait_for(lambda: self.lines(after, *words), 5, f"a log line with {words}")

    def ring(self, callee: str = SUPPORT_LINE) -> AzureCall:
        """A call rings and is answered by its policy; Azure has not said yet that it is connected."""
        event = incoming(callee=callee)
        secret = self.stack.demo.environment["EVENT_GRID_SECRET"]
        answer = ask("POST", f"{self.stack.portal}/acs/events/?token={secret}", [event])
        assert answer.status == 200, answer
        wanted = event["data"]["incomingCallContext"]
        order = wait_for(
            lambda: next(
                (each for each in list(self.azure.asked) if each.body.get("incomingCallContext") == wanted), None
            ),
            10,
            "the portal answers the call",
        )
        streaming = order.body["mediaStreamingOptions"]["transportUrl"]
        words = order.body.get("transcriptionOptions", {}).get("transportUrl", "")
        return AzureCall(self, order.connection_id, order.body["callbackUri"], streaming, order.context, words)

    def call(self, callee: str = SUPPORT_LINE) -> AzureCall:
        """A call that is connected; its media socket is still to be opened."""
        call = self.ring(callee).connect()
        self.stack.until(call.id, lambda row: row["state"] == "connected")
        return call

    def page(self, path: str, user: str = "demo", **headers: str | None) -> Socket:
        """A browser's socket (`live/`, `calls/<id>/`), signed in as `user` ("" for nobody)."""
        sent = {"Origin": self.stack.portal, "Cookie": self.cookie(user) if user else None} | headers
        given = [(name, value) for name, value in sent.items() if value is not None]
        return Socket(f"ws{self.stack.portal.removeprefix('http')}/ws/{path}", given)

    def cookie(self, user: str) -> str:
        if user not in self._cookies:
            self._cookies[user] = signed_in(self.stack.portal, user)
        return self._cookies[user]

    def run(self, code: str) -> None:
        """Runs Python inside the portal's own set-up, in a process of its own."""
        demo = self.stack.demo
        child = demo.start("shell", "manage.py", "shell", "-v", "0", "-c", code)
        assert child.process.wait(30) == 0, child.log.read_text()
        demo.children.remove(child)


@contextmanager
def opened(kind: str, folder: Path, **environment: str) -> Iterator[Door]:
    """A portal of this kind: `daphne` with SQLite in one process, or `uvicorn` with PostgreSQL and Redis."""
    with loopback() as server:
        azure = AzureStandIn(server)
        given = azure.settings() | QUICK_RATES | environment
        with running(folder, many=kind == "uvicorn", environment=given) as stack:
            door = Door(kind, stack, azure)
            yield door
        faults = [line for line in door.log.splitlines() if any(fault in line for fault in FAULTS_IN_LOGS)]
        assert not faults, f"{kind}: {faults}; see {folder}"
