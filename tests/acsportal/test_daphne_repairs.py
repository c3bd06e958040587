import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from acsportal.demo import ROOT
from tests.journeys.stack import free_port

APPLICATION = """
import asyncio
import sys
import acsportal.daphne_repairs

async def application(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    message = await receive()
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


@pytest.mark.parametrize("code", [1000, 1002, 1003, 1009, 1011, 1012, 1013, 4401])
def test_daphne_closes_with_every_code(daphne: tuple[subprocess.Popen[str], str], code: int) -> None:
    with connect(daphne[1]) as socket:
        socket.send(str(code))
        with pytest.raises(ConnectionClosed):
            socket.recv(5)
        assert socket.protocol.close_rcvd is not None
        assert socket.protocol.close_rcvd.code == code


def test_daphne_cancels_its_applications_when_it_stops(daphne: tuple[subprocess.Popen[str], str]) -> None:
    process, url = daphne
    with connect(url) as socket:
        socket.send("stay")
        time.sleep(1.2)  # by now Daphne has looked at its connections once
        process.terminate()
        with suppress(ConnectionClosed):
            socket.recv(5)
    assert "cancelled" in process.communicate(timeout=10)[1]
