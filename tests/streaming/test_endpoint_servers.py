"""What the media endpoint does when the ASGI server itself is in trouble: spoken to as a server speaks to it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from calls.models import Call, Injection, StreamSession
from calls.tokens import call_token
from streaming.endpoint import MediaEndpoint
from streaming.journal import journal
from streaming.switchboard import switchboard
from tests.streaming.doorstep import metadata

Message = dict[str, Any]


class Server:
    """An ASGI server with one socket. `sending` is what becomes of a message that the endpoint sends."""

    def __init__(self, call: Call) -> None:
        self.sent: list[Message] = []
        self.refuses = ""
        self.writable = asyncio.Event()
        self.writable.set()
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self.take(type="websocket.connect")
        scope = {
            "type": "websocket",
            "headers": [(b"x-ms-call-connection-id", b"connection")],
            "url_route": {"kwargs": {"token": call_token(call.pk, "media")}},
        }
        self.task = asyncio.create_task(MediaEndpoint()(scope, self._received.get, self._send))

    def take(self, **message: Any) -> None:
        self._received.put_nowait(message)

    async def _send(self, message: Message) -> None:
        await self.writable.wait()
        if message["type"] == self.refuses:
            raise OSError("the client is gone")
        self.sent.append(message)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 (a server has no event for this)
                await asyncio.sleep(0.01)

    async def open(self) -> None:
        self.take(type="websocket.receive", text=metadata())
        await self.until(lambda: bool(switchboard_lines()))


def switchboard_lines() -> list[str]:
    return [source.call_id for source in journal.sources]


@pytest.fixture
def call(transactional_db: None, settings: Any) -> Call:
    settings.ACS_TOKEN_CHECK = "off"
    return Call.objects.create(
        direction="inbound", state="connected", call_connection_id="connection", streaming_state="streaming"
    )


def run(play: Coroutine[Any, Any, None]) -> StreamSession:
    """Plays a scene, and returns the one session that it leaves."""

    async def scene() -> None:
        try:
            await play
        finally:
            switchboard.close()

    asyncio.run(scene())
    assert journal.flush()
    assert journal.sockets == set()
    return StreamSession.objects.get()


def test_a_socket_that_is_gone_before_it_is_accepted_leaves_a_closed_session(call: Call) -> None:
    async def scene() -> None:
        server = Server(call)
        server.refuses = "websocket.accept"
        await server.task

    row = run(scene())
    assert (row.state, row.close_code) == ("closed", 1006)


def test_a_server_that_stops_has_nothing_to_log(call: Call) -> None:
    async def scene() -> None:
        server = Server(call)
        await server.open()
        server.task.cancel()
        await server.task
        assert server.sent[-1]["type"] == "websocket.close"
        assert server.sent[-1]["code"] == 1012

    row = run(scene())
    assert (row.state, row.close_code, row.close_reason) == ("closed", 1012, "The portal stops.")


def test_a_peer_that_does_not_read_loses_its_socket_and_keeps_its_sounds(
    call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    sound = Injection.objects.create(call=call, kind="tone", tone_hz=440, tone_ms=60_000, asked_by="test")

    async def scene() -> None:
        server = Server(call)
        await server.open()
        await server.until(lambda: len(server.sent) > 20)
        server.writable.clear()
        await asyncio.wait_for(server.task, 10)
        line = switchboard.line(str(call.pk))
        assert line is not None
        assert line.session is None
        playing = line.pipeline.playing_now(asyncio.get_running_loop().time())
        assert playing is not None
        assert playing["id"] == str(sound.pk)

    row = run(scene())
    assert (row.state, row.close_code, row.close_reason) == ("closed", 1011, "The peer does not read.")
    assert "the peer does not read" in caplog.text
    assert row.frames_sent >= 20


def test_a_close_without_an_answer_ends_the_socket_all_the_same(call: Call) -> None:
    async def scene() -> None:
        server = Server(call)
        await server.open()
        server.take(type="websocket.receive", text='{"kind":"AudioMetadata","audioMetadata":{"sampleRate":8000}}')
        await asyncio.wait_for(server.task, 5)
        assert [each["code"] for each in server.sent if each["type"] == "websocket.close"] == [1003]

    assert run(scene()).close_code == 1003


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"code": 1005}, 1006),  # uvicorn's word for a connection that broke
        ({"code": 1005, "reason": ""}, 1005),  # a close frame without a code
        ({"code": 1006}, 1006),
        ({"code": 1000}, 1000),
        ({"code": 1001, "reason": "bye"}, 1001),
        ({"code": None}, 1006),
        ({}, 1006),
    ],
)
def test_the_close_codes_of_servers_mean_the_same(call: Call, said: Message, kept: int) -> None:
    async def scene() -> None:
        server = Server(call)
        await server.open()
        server.take(type="websocket.disconnect", **said)
        await server.task

    row = run(scene())
    assert (row.state, row.close_code, row.close_reason) == ("closed", kept, said.get("reason", ""))


def test_a_stage_that_fails_closes_the_socket_with_1011(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    class Failing:
        def feed(self, frame: object) -> None:
            raise ValueError

        def close(self) -> None: ...

    async def scene() -> None:
        server = Server(call)
        await server.open()
        line = switchboard.line(str(call.pk))
        assert line is not None
        line.pipeline.stages.append(Failing())
        server.take(type="websocket.receive", text='{"kind":"AudioData","audioData":{"data":"AAAAAA=="}}')
        await server.task
        assert server.sent[-1]["code"] == 1011

    assert run(scene()).close_code == 1011
    assert "failed" in caplog.text
