"""A bench whose callbacks the portal's own parser must be able to read, and a shelf of files to play."""

import io
import json
import threading
import wave
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calls.events import CallbackEvent, parse_callbacks
from tests.acsportal.emulator.conftest import Bench


def read_by_the_portal(event: dict[str, Any]) -> None:
    (read,) = parse_callbacks(json.dumps([event]).encode())
    assert isinstance(read, CallbackEvent), read
    told, result = event["data"], event["data"]["resultInformation"]
    assert event["type"] == told["publicEventType"] == f"Microsoft.Communication.{read.type}"
    assert (read.code, read.subcode, read.message) == (result["code"], result["subCode"], result["message"])
    assert read.call_connection_id == told["callConnectionId"]
    assert read.operation_context == told.get("operationContext", "")
    assert read.event_time is not None
    if "participant" in told:
        assert read.participant is not None
        assert read.participant.raw_id == told["participant"]["rawId"]


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()
    for _, _, event in bench.portal.callbacks:
        read_by_the_portal(event)


def wav(seconds: float, hz: float = 440.0, rate_hz: int = 16000, channels: int = 1) -> bytes:
    """A tone at a third of full scale."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    pcm = np.rint(11000 * np.sin(2 * np.pi * hz * time_s)).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(np.repeat(pcm, channels).tobytes())
    return file.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Not a word."""


@pytest.fixture
def shelve(tmp_path: Path) -> Iterator[Callable[[str, bytes], str]]:
    """Puts a file where Azure can fetch it; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def put(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return f"http://127.0.0.1:{server.server_address[1]}/{name}"

    yield put
    server.shutdown()
    server.server_close()
    thread.join()
