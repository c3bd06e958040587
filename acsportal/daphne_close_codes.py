"""Lets Daphne close sockets with every code of RFC 6455.

Daphne asks Autobahn's `sendClose`, which takes 1000 and 3000 to 4999 only: with 1002, 1009, 1012 or 1013 it raises, and
the socket stays open. One level below, where Daphne itself goes for 1011, every code may be sent.
"""

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol


class AnyCloseCode(WebSocketProtocol):  # type: ignore[misc] # (Daphne has no types)
    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 (Daphne's name)
        self.sendCloseFrame(code=code or 1000, isReply=False)


WebSocketFactory.protocol = AnyCloseCode
