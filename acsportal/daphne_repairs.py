"""Mends four faults of Daphne 4.2 for whoever imports this.

*Close codes.* Daphne asks Autobahn's `sendClose`, which takes 1000 and 3000 to 4999 only: with 1002, 1009, 1012 or 1013
it raises, and the socket stays open. One level below, where Daphne itself goes for 1011, every code may be sent.

*Back-pressure.* Daphne takes whatever it is to send and keeps it until the peer reads, however much that is. Twisted
tells a socket's "producer" when more than 64 KiB wait: from then on `send` waits as well, as uvicorn's does. And a peer
that is behind has ten seconds to come to the close, not one.

*The end.* A server that stops is to cancel every application, but stumbles over the HTTP request that each WebSocket
began as, which has none: no socket would be closed, and no stream would write its last words.

*The very end.* A request that was under way waits in its thread for an event loop that stands still, and Python waits
for that thread for ever: a portal that was asked to end would never be gone.
"""

import asyncio
import atexit
import os
import threading
import time
from typing import Any, Final

from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

CLOSE_WITHIN_S: Final = 10
END_WITHIN_S: Final = 6

_kill_all: Final = Server.kill_all_applications
_handle_reply: Final = Server.handle_reply
_run: Final = Server.run


class Gauge:
    """What Twisted calls when too much waits to be sent, and when it is sent."""

    def __init__(self) -> None:
        self.writable = asyncio.Event()
        self.writable.set()

    def pauseProducing(self) -> None:  # noqa: N802 (Twisted's name)
        self.writable.clear()

    def resumeProducing(self) -> None:  # noqa: N802 (Twisted's name)
        self.writable.set()

    def stopProducing(self) -> None:  # noqa: N802 (Twisted's name)
        self.writable.set()


class MendedSocket(WebSocketProtocol):  # type: ignore[misc] # (Daphne has no types)
    gauge: Gauge | None = None

    def onOpen(self) -> None:  # noqa: N802 (Autobahn's name)
        self.transport.unregisterProducer()  # the HTTP channel that the socket began as
        self.gauge = Gauge()
        self.closeHandshakeTimeout = CLOSE_WITHIN_S
        self.transport.registerProducer(self.gauge, True)
        super().onOpen()

    def _closeConnection(self, abort: bool = False) -> None:  # noqa: N802 (Autobahn's name)
        if self.gauge is not None:
            self.transport.unregisterProducer()  # Twisted would wait for more from it before it closes
            self.gauge.stopProducing()
        super()._closeConnection(abort)

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 (Daphne's name)
        self.sendCloseFrame(code=code or 1000, isReply=False)


async def handle_reply(server: Any, protocol: Any, message: Any) -> None:
    gauge = getattr(protocol, "gauge", None)
    if gauge is not None:
        await gauge.writable.wait()
    await _handle_reply(server, protocol, message)


def kill_all_applications(server: Any) -> Any:
    for protocol in [each for each, about in server.connections.items() if "application_instance" not in about]:
        del server.connections[protocol]
    return _kill_all(server)


def run(server: Any) -> None:
    _run(server)
    threading.Thread(target=_end_anyway, name="end-anyway", daemon=True).start()


def _end_anyway() -> None:
    """If Python has not ended by itself by then: what is registered for the end is done, and nobody is waited for."""
    time.sleep(END_WITHIN_S)
    atexit._run_exitfuncs()
    os._exit(0)


WebSocketFactory.protocol = MendedSocket
Server.run = run
Server.handle_reply = handle_reply
Server.kill_all_applications = kill_all_applications
