"""The short way through uvicorn says exactly what the long way says, however the bytes are cut."""

import asyncio
import random
import struct
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from acsportal import asgi as asgi  # whose guards uvicorn gets, as when it serves the portal
from acsportal.uvicorn_sockets import LARGE_BYTES, MOST_WAITING, Inbox, Sockets

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: portal\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MOST_BYTES = 262_144
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


class Wire(asyncio.Transport):
    """The server's end of a connection, without a network."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.reading, self.closing, self.pauses = True, False, 0

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closing = True

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading = False
        self.pauses += 1

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


def frame(
    payload: bytes, opcode: int = TEXT, *, last: bool = True, mask: bytes = b"\x11\x22\x33\x44", rsv: int = 0
) -> bytes:
    """What a client sends; the length in its shortest form."""
    head = bytes([(0x80 if last else 0) | rsv | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    elif len(payload) < 65_536:
        head += bytes([0x80 | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", len(payload))
    return head + mask + bytes(byte ^ mask[number % 4] for number, byte in enumerate(payload))


async def told(
    protocol: type[WebSocketsSansIOProtocol], pieces: list[bytes], slowly: bool, most_bytes: int
) -> tuple[Any, ...]:
    """What the application got of these reads, what the peer got in return, and whether the connection was closed."""
    messages: list[Any] = []
    go_on = asyncio.Event()

    async def application(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            if slowly:
                await go_on.wait()
            message = await receive()
            messages.append(message)
            if message["type"] == "websocket.disconnect":
                return

    config = Config(
        application, ws_max_size=most_bytes, ws_per_message_deflate=False, ws_ping_interval=None, log_config=None
    )
    config.load()
    socket, wire = protocol(config, ServerState(), {}, asyncio.get_running_loop()), Wire()
    socket.connection_made(wire)
    socket.data_received(HANDSHAKE)
    await settled()
    for piece in pieces:
        if wire.closing:
            break
        socket.data_received(piece)
        if not slowly:
            await settled()
    go_on.set()
    await settled(60)
    closed = wire.closing
    answered = bytes(wire.written)
    socket.connection_lost(None)
    await settled()
    return messages, answered.partition(b"\r\n\r\n")[2], closed


async def settled(turns: int = 8) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


def cut(content: bytes, places: Iterable[int]) -> list[bytes]:
    edges = sorted({0, len(content), *places})
    return [content[first:last] for first, last in pairwise(edges)]


def same_both_ways(
    frames: list[bytes], places: list[int] | None = None, *, slowly: bool = False, most_bytes: int = MOST_BYTES
) -> tuple[Any, ...]:
    """Sends the frames, cut into reads at these places (None: all in one), and compares with uvicorn's own protocol.

    That one forgets whole messages that came in one read with a fault behind them; so at least what it says of these
    reads has to be said, and at most what it says if every byte is a read of its own. Without a fault both are one.
    """
    content = b"".join(frames)
    given = {place % (len(content) + 1) for place in places or []}
    bytewise = asyncio.run(told(WebSocketsSansIOProtocol, cut(content, range(len(content))), True, most_bytes))
    least = asyncio.run(told(WebSocketsSansIOProtocol, cut(content, given), slowly, most_bytes))
    found = asyncio.run(told(Sockets, cut(content, given), slowly, most_bytes))
    heard, at_least, at_most = ([each for each in said[0] if "code" not in each] for said in (found, least, bytewise))
    assert heard[: len(at_least)] == at_least
    assert at_most[: len(heard)] == heard
    assert (found[0][len(heard) :], *found[1:]) == (least[0][len(at_least) :], *least[1:])
    return found


words = st.text(max_size=12).map(str.encode)
texts = st.builds(lambda word, times: word * times, words, st.integers(1, 60))
payloads = st.one_of(texts, st.binary(max_size=300), st.integers(120, 140).map(lambda size: b"a" * size))
masks = st.one_of(st.just(bytes(4)), st.binary(min_size=4, max_size=4))
whole = st.builds(lambda payload, mask: frame(payload, mask=mask), texts, masks)
# What an honest peer would hardly send.
odd = st.builds(
    lambda payload, opcode, last, mask, rsv: frame(payload, opcode, last=last, mask=mask, rsv=rsv),
    payloads,
    st.sampled_from([0, TEXT, BINARY, CLOSE, PING, 10, 3, 11]),
    st.booleans(),
    masks,
    st.sampled_from([0, 0, 0, 0x40, 0x10]),
)
unmasked = texts.map(lambda payload: bytes([0x81, 126]) + struct.pack("!H", len(payload)) + payload)
long_form = texts.map(lambda payload: b"\x81\xff" + struct.pack("!Q", len(payload)) + bytes(4) + payload)
rubbish = st.binary(min_size=1, max_size=20)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.one_of(whole, whole, whole, whole, odd, unmasked, long_form, rubbish), max_size=12),
    st.lists(st.integers(0, 5_000), max_size=12),
    st.booleans(),
)
def test_any_frames_cut_anywhere_are_read_as_uvicorn_reads_them(
    frames: list[bytes], places: list[int], slowly: bool
) -> None:
    same_both_ways(frames, places, slowly=slowly)


def test_every_cut_of_two_messages_is_read_alike() -> None:
    frames = [frame(b"{" + b"x" * 200 + b"}"), frame("ü".encode() * 80)]
    for place in range(1, len(frames[0]) + len(frames[1])):
        messages, _, closed = same_both_ways(frames, [place])
        assert [len(each["text"]) for each in messages[:2]] == [202, 80]
        assert not closed


def test_every_byte_may_come_by_itself() -> None:
    frames = [frame(b"a" * 130), frame(b"ping", PING), frame(b"b" * 130)]
    messages, answer, _ = same_both_ways(frames, list(range(500)))
    assert [each["text"][:1] for each in messages[:2]] == ["a", "b"]
    assert answer.endswith(b"\x8a\x04ping")


@pytest.mark.parametrize("slowly", [False, True])
@pytest.mark.parametrize(
    ("frames", "places"),
    [
        # The parser has read a head and waits for the rest: nothing is in its buffer, and yet no frame begins.
        ([frame(b"a" * 200), frame(b"b" * 200)], [4]),
        ([frame(b"a" * 200)[:8], frame(b"b" * 200), frame(b"c" * 200)], [8, 216]),
        ([frame(b"first", last=False), frame(b"b" * 200)], []),  # a message within a fragmented one is a fault
        ([frame(b"first", last=False), frame(b"b" * 200)], [11]),
        ([frame(b"a" * 126, last=False), frame(b"b" * 200, 0), frame(b"c" * 200)], []),
        ([frame(b"\xff" * 200), frame(b"after" * 40)], []),
        ([frame(b"a" * 200), frame(b"\xff" * 200), frame(b"after" * 40)], [416]),
        ([frame(b"\x03\xe8", CLOSE), frame(b"after" * 40)], [8]),
        ([frame(b"\x03\xe8", CLOSE), frame(b"after" * 40)], []),
        ([frame(b"a" * 200), frame(b"\x03\xe8bye", CLOSE)], []),
        ([frame(b"a" * 65_535), frame(b"a" * 65_536), frame(b"b" * 200)], []),
        ([frame(b"a" * 200), frame(b"a" * (MOST_BYTES + 1))], []),
        ([frame(b"a" * 200, rsv=0x40)], []),
    ],
)
def test_what_is_no_plain_message_is_left_to_the_parser(frames: list[bytes], places: list[int], slowly: bool) -> None:
    same_both_ways(frames, places, slowly=slowly)


def test_a_read_with_very_many_messages_loses_none() -> None:
    sent = [b"%04d" % number + b"." * 200 for number in range(10 * MOST_WAITING)]
    messages, _, _ = same_both_ways([frame(each) for each in sent], slowly=True)
    assert [each["text"].encode() for each in messages[:-1]] == sent


def test_a_message_above_the_limit_is_refused_alike() -> None:
    messages, _, closed = same_both_ways([frame(b"a" * 200), frame(b"b" * 300)], most_bytes=250)
    assert closed
    assert [each.get("text") or each["code"] for each in messages] == ["a" * 200, 1009]


def test_what_came_later_does_not_overtake_what_is_still_being_read() -> None:
    many = [frame(b"%02d" % (number % 100)) for number in range(1_500)]
    assert 4_096 % len(many[0]) == 0, "each bite ends at a frame's boundary"
    messages, _, _ = same_both_ways([*many, frame(b"last" * 40)], [len(b"".join(many))], slowly=True)
    assert [each["text"][:4] for each in messages[:-1]] == [*(f"{number % 100:02}" for number in range(1_500)), "last"]


async def waiting(sizes: list[int]) -> Wire:
    """The wire after messages of these sizes, none of which the application has taken."""

    async def application(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.sleep(60)

    config = Config(application, ws_max_size=MOST_BYTES, ws_ping_interval=None, log_config=None)
    config.load()
    socket, wire = Sockets(config, ServerState(), {}, asyncio.get_running_loop()), Wire()
    socket.connection_made(wire)
    socket.data_received(HANDSHAKE)
    await settled()
    wire.resume_reading()
    for size in sizes:
        socket.data_received(frame(b"a" * size))
    for task in tuple(socket.tasks):
        task.cancel()
    await settled()
    socket.connection_lost(None)
    return wire


def test_reading_stops_at_some_waiting_messages_or_at_one_large_one() -> None:
    assert asyncio.run(waiting([1_000] * (MOST_WAITING - 1))).pauses == 0
    assert asyncio.run(waiting([1_000] * MOST_WAITING)).pauses == 1
    assert asyncio.run(waiting([LARGE_BYTES + 1])).pauses == 1


def test_a_reader_that_gives_up_leaves_its_message_to_the_next_one() -> None:
    async def tale() -> Any:
        inbox = Inbox()
        first, second = asyncio.create_task(inbox.get()), asyncio.create_task(inbox.get())
        await settled()
        inbox.put_nowait({"type": "a"})  # wakes the first one
        first.cancel()
        return await asyncio.wait_for(second, 1)

    assert asyncio.run(tale()) == {"type": "a"}


def test_readers_are_served_in_order() -> None:
    async def tale() -> list[Any]:
        inbox = Inbox()
        readers = [asyncio.create_task(inbox.get()) for _ in range(3)]
        await settled()
        for number in random.Random(1).sample(range(3), 3):
            inbox.put_nowait({"number": number})
        return [each["number"] for each in await asyncio.gather(*readers)]

    assert asyncio.run(tale()) == random.Random(1).sample(range(3), 3)
