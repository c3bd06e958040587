"""Azure's part of the door: a key set on loopback, and the headers with which Azure dials media sockets."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from acsportal.emulator.identity import ISSUER, RESOURCE_ID, SOCKET_TOKEN_S, Identity


@dataclass(frozen=True, slots=True)
class Azure:
    url: str
    identity: Identity

    def environment(self) -> dict[str, str]:
        return {
            "ACS_ENDPOINT": self.url,
            "ACS_ACCESS_KEY": "YmVuY2g=",
            "ACS_RESOURCE_ID": RESOURCE_ID,
            "ACS_ISSUER": ISSUER,
            "ACS_OIDC_URL": f"{self.url}/openid",
            "ACS_TOKEN_CHECK": "enforce",
        }

    def headers(self, connection_id: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.identity.token(SOCKET_TOKEN_S)}",
            "x-ms-call-connection-id": connection_id,
        }


class _Keys(BaseHTTPRequestHandler):
    def __init__(self, identity: Identity, *args: Any) -> None:
        self._identity = identity
        super().__init__(*args)

    def do_GET(self) -> None:
        base = f"http://{self.headers['Host']}"
        documents = {"/openid": self._identity.openid_configuration(base), "/calling/keys": self._identity.keys()}
        content = json.dumps(documents.get(self.path)).encode()
        self.send_response(200 if self.path in documents else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def answering() -> Iterator[Azure]:
    """Only the key set is served; no call is ever set up by it."""
    identity = Identity()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Keys, identity))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Azure(f"http://127.0.0.1:{server.server_address[1]}", identity)
    finally:
        server.shutdown()
        server.server_close()
