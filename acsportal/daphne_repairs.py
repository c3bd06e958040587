"""Mends two faults of Daphne 4.2 for whoever imports this.

*Close codes.* Daphne asks Autobahn's `sendClose`, which takes 1000 and 3000 to 4999 only: with 1002, 1009, 1012 or 1013
it raises, and the socket stays open. One level below, where Daphne itself goes for 1011, every code may be sent.

*The end.* A server that stops is to cancel every application, but stumbles over the HTTP request that each WebSocket
began as, which has none: no socket would be closed, and no stream would write its last words.
"""

from typing import Any, Final

from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

_kill_all: Final = Server.kill_all_applications


class AnyCloseCode(WebSocketProtocol):  # type: ignore[misc] # (Daphne has no types)
    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 (Daphne's name)
        self.sendCloseFrame(code=code or 1000, isReply=False)


def kill_all_applications(server: Any) -> Any:
    for protocol in [each for each, about in server.connections.items() if "application_instance" not in about]:
        del server.connections[protocol]
    return _kill_all(server)


WebSocketFactory.protocol = AnyCloseCode
Server.kill_all_applications = kill_all_applications
