"""Guards Daphne 4.2 for whoever imports this, as `uvicorn.py` does uvicorn; `daphne_repairs` comes first.

*Requests.* A request's head has eight seconds in all, its body what its address is given: Twisted waits a minute, and
counts that minute anew with each byte. A body that says it is too large is refused before it is read. HTTP/2 is not
offered.

*Bites* of 2 KiB, since Autobahn takes about 30 µs for a frame; *frames* and pieces counted as there. What comes before
the application has let the socket in waits, where Autobahn would take it for another request.
"""

import asyncio
from typing import Any, Final

from daphne.http_protocol import HTTPFactory
from daphne.ws_protocol import WebSocketFactory
from twisted.web.http import HTTPChannel

from acsportal.daphne_repairs import MendedSocket
from acsportal.guards.limits import (
    CONTROLS_AT_ONCE,
    CONTROLS_PER_S,
    HEAD_WITHIN_S,
    LAST_WORDS_BYTES,
    MOST_PIECES,
    POLICY,
    TOO_MANY_CONTROLS,
    TOO_MANY_PIECES,
    Allowance,
    body_limits,
)
from calls.counters import count

BITE_BYTES: Final = 2_048
TOO_LARGE: Final = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_CONTROL: Final = 8
_CONTINUATION: Final = 0
_HTTPChannel: Any = HTTPChannel  # half of its methods have no types


class PunctualRequests(_HTTPChannel):  # type: ignore[misc]
    """One HTTP connection. Its one timer is set at each step of a request, and by nothing that arrives in between."""

    _most_bytes = 0
    _heads = 0

    def connectionMade(self) -> None:  # noqa: N802 (Twisted's names, here and below)
        self.timeOut = HEAD_WITHIN_S
        super().connectionMade()

    def resetTimeout(self) -> None:  # noqa: N802
        """Called with all that arrives."""

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        begins = not self._receivedHeaderSize
        super().lineReceived(line)
        if begins and self._receivedHeaderSize and self._heads:
            self.setTimeout(HEAD_WITHIN_S)  # the time since the request before is not its own

    def allHeadersReceived(self) -> None:  # noqa: N802
        super().allHeadersReceived()
        self._heads += 1
        if self.length == 0:
            return
        kind = self.requests[-1].requestHeaders.getRawHeaders(b"Content-Type") or [b""]
        path = self._path.partition(b"?")[0].decode("latin-1")
        self._most_bytes, within_s = body_limits(path, kind[0].decode("latin-1"))
        self.setTimeout(within_s)
        if self.length is not None and self.length > self._most_bytes:
            self._refuse_body()

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
        if not self._handlingRequest:
            self._most_bytes -= len(data)
            if self._most_bytes < 0:
                self._refuse_body()
                return
        super().rawDataReceived(data)

    def _refuse_body(self) -> None:
        count("refused_body_too_large")
        self._handlingRequest = True  # what still comes is kept back, and soon not even read
        self.transport.write(TOO_LARGE)
        self.loseConnection()

    def timeoutConnection(self) -> None:  # noqa: N802
        if self.requests or self._receivedHeaderSize:
            count("refused_request_too_slow")
        super().timeoutConnection()


class GuardedSocket(MendedSocket):
    def __init__(self) -> None:
        super().__init__()
        self._rest = b""
        self._biting = False
        self._pieces = 0
        self._controls = Allowance(CONTROLS_AT_ONCE, CONTROLS_PER_S)
        self._verdict = ""
        self._last_words = 0

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 (Twisted's and Autobahn's names, here and below)
        if self.state == self.STATE_CONNECTING and not hasattr(self, "handshake_deferred"):
            super().dataReceived(data)  # the request itself
            return
        self._rest += data
        if not self._biting:
            self._bite()

    def onOpen(self) -> None:  # noqa: N802
        super().onOpen()
        if self._rest:
            self._bite_soon()

    def _bite(self) -> None:
        self._biting = False
        if self.state == self.STATE_CONNECTING:
            self.transport.pauseProducing()
            return
        bite, self._rest = self._rest[:BITE_BYTES], self._rest[BITE_BYTES:]
        if self.state == self.STATE_CLOSING:
            self._last_words += len(bite)
            if self._last_words > LAST_WORDS_BYTES:
                self.dropConnection(abort=True)
        super().dataReceived(bite)
        if self.state == self.STATE_CLOSED:
            self._rest = b""
        elif self._rest:
            self.transport.pauseProducing()
            self._bite_soon()
        else:
            self.transport.resumeProducing()

    def _bite_soon(self) -> None:
        self._biting = True
        asyncio.get_running_loop().call_soon(self._bite)

    def onFrameBegin(self) -> None:  # noqa: N802
        opcode = self.current_frame.opcode
        if opcode >= _CONTROL:
            if not self._controls.spend():
                self._refuse("too_many_controls", TOO_MANY_CONTROLS)
        else:
            self._pieces = self._pieces + 1 if opcode == _CONTINUATION else 0
            if self._pieces >= MOST_PIECES:
                self._refuse("too_many_pieces", TOO_MANY_PIECES)
        super().onFrameBegin()

    def _refuse(self, name: str, verdict: str) -> None:
        if self.state == self.STATE_OPEN:
            count(f"refused_socket_{name}")
            self._verdict = verdict
            self.sendCloseFrame(code=POLICY, reasonUtf8=verdict.encode(), isReply=False)
        self.dropConnection(abort=False)

    def onClose(self, was_clean: bool, code: int | None, reason: str | None) -> None:  # noqa: N802
        super().onClose(was_clean, POLICY if self._verdict else code, self._verdict or reason)


HTTPFactory.protocol = PunctualRequests
WebSocketFactory.protocol = GuardedSocket
