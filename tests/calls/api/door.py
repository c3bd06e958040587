"""The API as a client sees it: addresses, JSON, status codes."""

from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

V1 = "/api/v1/"


@dataclass(frozen=True)
class Answer:
    status: int
    json: Any
    headers: Any
    body: bytes

    @property
    def error(self) -> Any:
        return self.json["error"]


@dataclass(frozen=True)
class Door:
    client: Client

    def get(self, path: str, **query: Any) -> Answer:
        return _answer(self.client.get(_at(path), query))

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        if body is None:
            return _answer(self.client.post(_at(path), b"", content_type="application/json", headers=headers))
        return _answer(self.client.post(_at(path), body, content_type="application/json", headers=headers))

    def send(self, path: str, **parts: str | SimpleUploadedFile) -> Answer:
        """Multipart."""
        return _answer(self.client.post(_at(path), parts))

    def raw(self, method: str, path: str, body: bytes = b"", content_type: str = "application/json") -> Answer:
        return _answer(self.client.generic(method, _at(path), body, content_type=content_type))

    def delete(self, path: str) -> Answer:
        return _answer(self.client.delete(_at(path)))


def _at(path: str) -> str:
    return path if path.startswith(("/", "http")) else V1 + path


def _answer(response: Any) -> Answer:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    is_json = response.headers.get("Content-Type", "").startswith("application/json")
    return Answer(response.status_code, response.json() if is_json and body else None, response.headers, body)
