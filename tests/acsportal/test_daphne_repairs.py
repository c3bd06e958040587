import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from acsportal.daphne_repairs import END_WITHIN_S
from acsportal.demo import ROOT
from tests.journeys.stack import free_port
from tests.streaming.doorstep import masked, unread

APPLICATION = """
import asyncio
import atexit
import sys
import threading
import acsportal.daphne_repairs

atexit.register(lambda: sys.stderr.write("last words\\n"))

async def application(scope, receive, send):
    if scope["type"] == "http":
        await asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    await receive()
    await send({"type": "websocket.accept"})
    message = await receive()
    if message.get("text") == "pour":
        sent = 0
        try:
            async with asyncio.timeout(2):
                while sent < 1_000:
                    await send({"type": "websocket.send", "text": f"{sent:065536}"})
                    sent += 1
        except TimeoutError:
            pass
        sys.stderr.write(f"sent {sent}\\n")
        await send({"type": "websocket.close", "code": 1013})
        return
    try:
        if message.get("text") != "stay":
            await send({"type": "websocket.close", "code": int(message["text"])})
        await receive()
    except asyncio.CancelledError:
        sys.stderr.write("cancelled\\n")
        raise
"""


@pytest.fixture
def daphne(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Daphne with an application that closes with the code it is told."""
    (tmp_path / "closing.py").write_text(APPLICATION)
    port = free_port()
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "closing:application"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Listening on" in line:
                break
        yield process, f"ws://127.0.0.1:{port}/"
        process.kill()


CLOSE = b"\x88\x02"


def up_to_close(raw: socket.socket) -> bytes:
    """All that the server still sends, with its close frame: two bytes of head and two of code."""
    raw.settimeout(15)
    received = bytearray()
    while received[-4:-2] != CLOSE:
        piece = raw.recv(1 << 20)
        assert piece, "the server ended without a close"
        received += piece
    return bytes(received)


@pytest.mark.parametrize("code", [1000, 1002, 1003, 1009, 1011, 1012, 1013, 4401])
def test_daphne_closes_with_every_code(daphne: tuple[subprocess.Popen[str], str], code: int) -> None:
    with connect(daphne[1]) as peer:
        peer.send(str(code))
        with pytest.raises(ConnectionClosed):
            peer.recv(5)
        assert peer.protocol.close_rcvd is not None
        assert peer.protocol.close_rcvd.code == code


def test_daphne_waits_for_a_peer_that_does_not_read(daphne: tuple[subprocess.Popen[str], str]) -> None:
    process, url = daphne
    with unread(url.replace("ws:", "http:"), []) as stuck:
        stuck.sendall(masked("pour"))
        assert process.stderr is not None
        sent = next(int(line.split()[1]) for line in process.stderr if line.startswith("sent"))
        assert 0 < sent < 200, "the kernel's buffers are full, and no more is taken"
        received = up_to_close(stuck)
    assert received.count(b"0" * 65_000) == sent
    assert int.from_bytes(received[-2:], "big") == 1013


def test_daphne_pours_as_much_as_is_read(daphne: tuple[subprocess.Popen[str], str]) -> None:
    poured = []
    with connect(daphne[1]) as peer, suppress(ConnectionClosed):
        peer.send("pour")
        while True:
            poured.append(int(peer.recv(5)[-8:]))
    assert len(poured) > 200
    assert poured == list(range(len(poured)))


def test_daphne_cancels_its_applications_when_it_stops(daphne: tuple[subprocess.Popen[str], str]) -> None:
    process, url = daphne
    with connect(url) as peer:
        peer.send("stay")
        time.sleep(1.2)  # by now Daphne has looked at its connections once
        process.terminate()
        with suppress(ConnectionClosed):
            peer.recv(5)
    assert "cancelled" in process.communicate(timeout=10)[1]


def test_a_request_that_waits_for_ever_does_not_keep_the_process_from_its_end(
    daphne: tuple[subprocess.Popen[str], str],
) -> None:
    process, url = daphne
    host, port = url.removeprefix("ws://").rstrip("/").split(":")
    with socket.create_connection((host, int(port.split("/")[0]))) as asking:
        asking.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.5)
        process.terminate()
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(END_WITHIN_S + 4) == 0
    assert "last words" in said
