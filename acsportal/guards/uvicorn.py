"""Guards uvicorn 0.54 (httptools, websockets-sansio) for whoever imports this; its own limits are options of its own.

*Requests.* A request's head has eight seconds and 64 KiB: uvicorn would wait for ever and keep all of it.

*Bites.* What came at once is read in bites of 4 KiB, and the other sockets have their turn in between: 256 KiB of tiny
frames would keep the event loop for a quarter of a second. The next bite waits until the application took the last.

*Frames.* Sixty-four pieces to a message, a hundred pings a second. uvicorn counts the bytes of a message but not its
pieces, which may be empty, and nobody counts pings.

*Ends.* A handshake that websockets refuses by itself, such as one with a header above 8 KiB, is answered and closed:
uvicorn would keep it without a word. A peer that was told to go and sends 64 KiB more is cut
off. Text that is no UTF-8 leaves no traceback in the log.
"""

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets import websockets_sansio_impl
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import ProtocolError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.server import ServerProtocol

from acsportal.guards.limits import (
    CONTROLS_AT_ONCE,
    CONTROLS_PER_S,
    HEAD_BYTES,
    HEAD_WITHIN_S,
    LAST_WORDS_BYTES,
    MOST_PIECES,
    POLICY,
    TOO_MANY_CONTROLS,
    TOO_MANY_PIECES,
    Allowance,
)
from calls.counters import count

BITE_BYTES: Final = 4_096
TOO_LONG: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

_requested: Final = HttpToolsProtocol.connection_made
_read_request: Final = HttpToolsProtocol.data_received
_read_head: Final = HttpToolsProtocol.on_headers_complete
_lost_request: Final = HttpToolsProtocol.connection_lost
_opened: Final = WebSocketsSansIOProtocol.connection_made
_read_frames: Final = WebSocketsSansIOProtocol.data_received
_start_keepalive: Final = WebSocketsSansIOProtocol.start_keepalive
_deliver: Final = WebSocketsSansIOProtocol.send_receive_event_to_app
_lost_socket: Final = WebSocketsSansIOProtocol.connection_lost


class Head:
    """A request's line and headers while they are awaited."""

    def __init__(self, protocol: HttpToolsProtocol) -> None:
        self.bytes = 0
        self._protocol = protocol
        self._timer = protocol.loop.call_later(HEAD_WITHIN_S, self._too_slow)

    def _too_slow(self) -> None:
        count("refused_request_too_slow")
        self._protocol.transport.close()

    def done(self) -> None:
        self._timer.cancel()


def connection_made(self: Any, transport: Any) -> None:
    _requested(self, transport)
    self.head = Head(self)


def data_received(self: Any, data: bytes) -> None:
    # Between two requests; also the rest of a body that was refused.
    if self.head is None and self.cycle is not None and self.cycle.response_complete:
        self.head = Head(self)
    _read_request(self, data)
    if self.head is not None and not self.transport.is_closing():
        self.head.bytes += len(data)
        if self.head.bytes > HEAD_BYTES:
            count("refused_request_too_long")
            self.transport.write(TOO_LONG)
            self.transport.close()


def on_headers_complete(self: Any) -> None:
    _done(self)
    _read_head(self)


def connection_lost(self: Any, error: Exception | None) -> None:
    _done(self)
    _lost_request(self, error)


def _done(protocol: Any) -> None:
    if protocol.head is not None:
        protocol.head.done()
        protocol.head = None


class GuardedFrames(ServerProtocol):
    """Counts what costs more to read than its bytes say."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._pieces = 0
        self._controls = Allowance(CONTROLS_AT_ONCE, CONTROLS_PER_S)
        self._verdict = ""

    def recv_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CONT:
            self._pieces += 1
            if self._pieces >= MOST_PIECES:
                self._refuse("too_many_pieces", TOO_MANY_PIECES)
        elif frame.opcode is Opcode.TEXT or frame.opcode is Opcode.BINARY:
            self._pieces = 0
        elif not self._controls.spend():
            self._refuse("too_many_controls", TOO_MANY_CONTROLS)
        super().recv_frame(frame)

    def _refuse(self, name: str, verdict: str) -> None:
        count(f"refused_socket_{name}")
        self._verdict = verdict
        raise ProtocolError(verdict)  # the parser's own way to stop at once

    def fail(self, code: int, reason: str = "") -> None:
        super().fail(*((POLICY, self._verdict) if self._verdict else (code, reason)))


def socket_made(self: Any, transport: Any) -> None:
    _opened(self, transport)
    self.rest = bytearray()
    self.biting = False
    self.last_words = 0


def frames_received(self: Any, data: bytes) -> None:
    if self.rest or len(data) > BITE_BYTES or _waits_to_be_let_in(self):
        self.rest += data
        self.read_paused = True
        self.transport.pause_reading()
        if not self.biting:
            _bite(self)
    else:
        _read(self, data)


def _waits_to_be_let_in(self: Any) -> bool:
    """Frames that come too early would be read as such, and what is wrong with them has no way to be said."""
    return bool(self.handshake_initiated and not self.handshake_complete)


def start_keepalive(self: Any) -> None:
    """Called when the socket is let in."""
    _start_keepalive(self)
    _more(self)


def _bite(self: Any) -> None:
    self.biting = False
    if _waits_to_be_let_in(self):
        return
    if self.transport.is_closing():
        self.rest.clear()
        return
    bite = bytes(self.rest[:BITE_BYTES])
    del self.rest[:BITE_BYTES]
    _read(self, bite)
    if self.queue.empty() or self.close_sent:
        _more(self)  # nobody will ask for it: there was no whole message, or the socket is being closed


def _more(self: Any) -> None:
    """Whoever waits for the next message has none."""
    if self.rest:
        _bite_soon(self)
    elif self.read_paused and not self.transport.is_closing():
        self.read_paused = False
        self.transport.resume_reading()


def _bite_soon(self: Any) -> None:
    if not self.biting:
        self.biting = True
        self.loop.call_soon(_bite, self)


def _read(self: Any, data: bytes) -> None:
    if self.close_sent:
        self.last_words += len(data)
        if self.last_words > LAST_WORDS_BYTES:
            self.transport.abort()
            return
    _read_frames(self, data)
    if self.conn.handshake_exc is not None and not self.handshake_complete:
        count("refused_socket_handshake")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.handshake_complete = self.close_sent = True
        self.transport.close()


def socket_lost(self: Any, error: Exception | None) -> None:
    self.rest.clear()
    _lost_socket(self, error)


async def receive(self: Any) -> Any:
    message = await self.queue.get()
    if self.queue.empty():
        _more(self)
    return message


def message_received(self: Any) -> None:
    if self.curr_msg_data_type == "text" and not self.close_sent:
        try:
            b"".join(self.frames).decode()
        except UnicodeDecodeError:
            self.conn.fail(CloseCode.INVALID_DATA, "The text is no UTF-8.")
            self.handle_parser_exception()
            return
    _deliver(self)


for _name, _guarded in {
    "connection_made": connection_made,
    "data_received": data_received,
    "on_headers_complete": on_headers_complete,
    "connection_lost": connection_lost,
}.items():
    setattr(HttpToolsProtocol, _name, _guarded)
for _name, _guarded in {
    "connection_made": socket_made,
    "data_received": frames_received,
    "connection_lost": socket_lost,
    "receive": receive,
    "start_keepalive": start_keepalive,
    "send_receive_event_to_app": message_received,
}.items():
    setattr(WebSocketsSansIOProtocol, _name, _guarded)
setattr(websockets_sansio_impl, "ServerProtocol", GuardedFrames)  # noqa: B010 (a name it does not export)
