"""What the guards must not harm, on both servers, and their limits one by one. Attacks are in tests/hostile."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from acsportal.demo import ROOT
from acsportal.guards.limits import (
    BODY_WITHIN_S,
    CALLBACK_BYTES,
    DOOR_BODY_WITHIN_S,
    FORM_BYTES,
    HEAD_WITHIN_S,
    LAST_WORDS_BYTES,
    MOST_PIECES,
    UPLOAD_BYTES,
    Allowance,
    body_limits,
)
from tests.hostile.wire import CLOSE, CONTINUATION, PING, TEXT, Wire, frame, request, upgrade
from tests.journeys.stack import free_port, multipart

APPLICATION = """
import asyncio
from acsportal.guards import daphne as guarded_daphne, uvicorn as guarded_uvicorn
from acsportal.guards.bodies import limited

async def answer(scope, receive, send):
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    body = str(size).encode()
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})

async def talk(scope, receive, send):
    await receive()
    await asyncio.sleep(0.3 if scope["path"] == "/late" else 0)
    await send({"type": "websocket.accept"})
    heard = []
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "go":
            await send({"type": "websocket.close", "code": 1008})
        elif message.get("text") == "what":
            in_order = heard == [str(number).rjust(len(text), "0") for number, text in enumerate(heard)]
            await send({"type": "websocket.send", "text": f"{len(heard)} {in_order}"})
        else:
            heard.append(message["text"])
        if scope["path"] == "/sleepy":
            await asyncio.sleep(0.001)

async def application(scope, receive, send):
    if scope["type"] == "http":
        await limited(answer, scope, receive, send)
    elif scope["type"] == "websocket":
        await talk(scope, receive, send)
    else:
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
"""
SERVERS = {
    "daphne": ["daphne", "-v", "0", "-b", "127.0.0.1", "-p"],
    "uvicorn": [
        *("uvicorn", "--log-level", "error", "--ws", "websockets-sansio", "--http", "httptools"),
        *("--ws-per-message-deflate", "false", "--ws-max-size", "262144", "--port"),
    ],
}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a guarded server."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    (folder / "guarded.py").write_text(APPLICATION)
    port = free_port()
    module, *given = SERVERS[request.param]
    command = [sys.executable, "-m", module, *given, str(port), "guarded:application"]
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        until_s = time.monotonic() + 30
        while True:
            try:
                Wire(f"http://127.0.0.1:{port}").close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < until_s
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        said = process.communicate(timeout=15)[1]
        assert "Traceback" not in said, said


def texts(count: int, size: int) -> bytes:
    """So many messages, each with its number."""
    return b"".join(frame(TEXT, str(number).rjust(size, "0").encode()) for number in range(count))


def heard(wire: Wire, count: int) -> bool:
    """Whether the application has heard so many messages, each in its place."""
    wire.send(frame(TEXT, b"what"))
    return wire.read(f"{count} True".encode(), 20).endswith(f"{count} True".encode())


@pytest.mark.parametrize("path", ["/", "/sleepy"])
@pytest.mark.parametrize(("count", "size"), [(1_500, 1), (1_500, 40), (300, 1_400), (4, 100_000)])
def test_what_comes_at_once_arrives_whole_and_in_its_order(server: str, path: str, count: int, size: int) -> None:
    size = max(size, 5)
    with Wire(f"{server}{path}") as wire:
        assert wire.open([]) == 101
        wire.send(texts(count, size))
        assert heard(wire, count)
        wire.send(frame(PING, b"still here"))
        assert wire.read(b"still here", 5).endswith(b"still here")


def test_what_comes_before_the_socket_is_let_in_waits(server: str) -> None:
    with Wire(f"{server}/late") as wire:
        wire.send(upgrade(wire.url, []))
        time.sleep(0.1)
        wire.send(texts(200, 1_000))
        assert wire.status() == 101
        wire.read()
        assert heard(wire, 200)


def test_a_message_may_come_in_a_few_pieces(server: str) -> None:
    with Wire(server) as wire:
        assert wire.open([]) == 101
        for _ in range(3):
            wire.send(frame(TEXT, b"0", fin=False))
            for _ in range(MOST_PIECES - 3):
                wire.send(frame(CONTINUATION, b"0", fin=False))
            wire.send(frame(CONTINUATION, b"0"))
        wire.send(frame(TEXT, b"what"))
        assert wire.read(b"3 False", 5).endswith(b"3 False")


@pytest.mark.parametrize("piece", [b"", b"x"])
def test_a_message_in_too_many_pieces_is_closed_with_its_reason(server: str, piece: bytes) -> None:
    with Wire(server) as wire:
        assert wire.open([]) == 101
        wire.send(frame(TEXT, b"", fin=False))
        for _ in range(MOST_PIECES):
            wire.send(frame(CONTINUATION, piece, fin=False))
            time.sleep(0.001)
        assert wire.closed(2) == 1008
        assert f"A message may come in {MOST_PIECES} pieces.".encode() in wire.received


def test_a_peer_that_was_told_to_go_may_say_little_more(server: str) -> None:
    with Wire(server) as wire:
        assert wire.open([]) == 101
        wire.send(frame(TEXT, b"go"))
        assert wire.closed(2) == 1008
        wire.send(texts(10, 1_000) + frame(CLOSE, (1008).to_bytes(2, "big")))
        assert wire.gone(2)
    with Wire(server) as wire:
        assert wire.open([]) == 101
        wire.send(frame(TEXT, b"go"))
        assert wire.closed(2) == 1008
        for _ in range(LAST_WORDS_BYTES // 10_000 + 2):
            wire.send(texts(10, 1_000))
        assert wire.gone(2)


def get(path: str) -> bytes:
    return request("GET", path, [("Host", "localhost")])


def test_a_connection_serves_one_request_after_another(server: str) -> None:
    with Wire(server) as wire:
        for _ in range(3):
            wire.send(get("/"))
            assert wire.status() == 200
            assert wire.read(b"\r\n\r\n0").endswith(b"0")


def test_requests_that_come_together_are_answered_in_turn(server: str) -> None:
    with Wire(server) as wire:
        wire.send(get("/slow") + get("/") + get("/"))
        for _ in range(3):
            assert wire.status() == 200
            wire.read(b"\r\n\r\n0")


def test_a_request_may_take_a_while_to_be_answered_and_to_be_sent(server: str) -> None:
    with Wire(server) as wire:
        for letter in get("/slow"):
            wire.send(bytes([letter]))
            time.sleep(0.01)
        assert wire.status() == 200


@pytest.mark.parametrize("size", [0, 1, 300_000, FORM_BYTES])
def test_a_body_within_its_limits_is_read(server: str, size: int) -> None:
    with Wire(server) as wire:
        wire.send(request("POST", "/", [("Host", "localhost"), ("Content-Length", str(size))], b"x" * size))
        assert wire.status() == 200
        assert wire.read(f"\r\n\r\n{size}".encode()).endswith(str(size).encode())


def test_an_upload_is_read(server: str) -> None:
    body, kind = multipart({}, {"file": ("clip.wav", b"x" * 5 * FORM_BYTES)})
    headers = [("Host", "localhost"), ("Content-Length", str(len(body))), *kind.items()]
    with Wire(server) as wire:
        wire.send(request("POST", "/", headers, body))
        assert wire.status() == 200


def test_a_head_with_many_bytes_is_read(server: str) -> None:
    with Wire(server) as wire:
        wire.send(request("GET", "/", [("Host", "localhost"), ("Cookie", "x" * 12_000)]))
        assert wire.status() == 200


@pytest.mark.parametrize(
    ("path", "kind", "most_bytes", "within_s"),
    [
        ("/acs/callbacks/x/", "application/json", CALLBACK_BYTES, DOOR_BODY_WITHIN_S),
        ("/acs/callbacks/x/", "multipart/form-data", CALLBACK_BYTES, DOOR_BODY_WITHIN_S),
        ("/acs/events/", "application/json", FORM_BYTES, DOOR_BODY_WITHIN_S),
        ("/api/v1/clips/", "Multipart/Form-Data; boundary=x", UPLOAD_BYTES, BODY_WITHIN_S),
        ("/login/", "application/x-www-form-urlencoded", FORM_BYTES, DOOR_BODY_WITHIN_S),
        ("/", "", FORM_BYTES, DOOR_BODY_WITHIN_S),
    ],
)
def test_each_address_has_its_limits(path: str, kind: str, most_bytes: int, within_s: float) -> None:
    assert body_limits(path, kind) == (most_bytes, within_s)
    assert HEAD_WITHIN_S <= 10


def test_an_allowance_is_spent_and_earned_again() -> None:
    allowance = Allowance(3, 2, now_s=0)
    assert [allowance.spend(0) for _ in range(4)] == [True, True, True, False]
    assert [allowance.spend(0.5), allowance.spend(0.5)] == [True, False]
    assert [allowance.spend(1_000) for _ in range(4)] == [True, True, True, False]
