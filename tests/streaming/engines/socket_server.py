"""A real WebSocket server in a thread of its own: what plays a speech service in tests listens behind it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Serve = Callable[[ServerConnection], Awaitable[None]]
Refuse = Callable[[Request], tuple[int, str] | None]


def query_of(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}


@contextmanager
def listening(talk: Serve, refuse: Refuse, subprotocol: str | None = None) -> Iterator[str]:
    """The server's address, such as ws://127.0.0.1:1234. `refuse` answers a handshake with a status and a text."""
    loop = asyncio.new_event_loop()
    ready: threading.Event = threading.Event()
    address: list[str] = []
    stopped = asyncio.Event()

    def turn_away(connection: ServerConnection, request: Request) -> Response | None:
        refusal = refuse(request)
        if refusal is None:
            return None
        status, text = refusal
        headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(text.encode()))})
        return Response(status, HTTPStatus(status).phrase, headers, text.encode())

    async def run() -> None:
        subprotocols = [Subprotocol(subprotocol)] if subprotocol else None
        async with serve(
            talk,
            "127.0.0.1",
            0,
            process_request=turn_away,
            subprotocols=subprotocols,
            compression=None,
            max_size=None,
            open_timeout=2,
            close_timeout=0.5,
        ) as server:
            address.append(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}")
            ready.set()
            await stopped.wait()
            server.close(close_connections=False)  # who is cut off dials again at once
            for connection in list(server.connections):
                connection.transport.abort()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(15)
        assert not thread.is_alive(), "a connection does not end"
        loop.close()
