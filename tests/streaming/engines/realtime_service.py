"""OpenAI's Realtime transcription as a real server that understands tones: general availability and preview.

Its events are those of the API reference, with every member that the `openai` package's types of version 3.51 name.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

from tests.streaming.engines.socket_server import listening, query_of
from tests.streaming.engines.tones import PAUSE_MS, Ear

RATE_HZ = 24_000
SHORTEST_COMMIT_BYTES = RATE_HZ * 2 // 10


@dataclass
class Session:
    """One connection, and all that it was told."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    updates: list[Any] = field(default_factory=list)
    pcm: bytearray = field(default_factory=bytearray)
    commits: int = 0
    largest_append: int = 0

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.pcm).hexdigest()

    @property
    def input(self) -> dict[str, Any]:
        """What the newest update said of the sound, in either dialect under the newer names."""
        session = self.updates[-1]["session"]
        if "audio" in session:
            return dict(session["audio"]["input"])
        return {
            "format": session["input_audio_format"],
            "transcription": session["input_audio_transcription"],
            "turn_detection": session["turn_detection"],
        }


@dataclass
class RealtimeService:
    """How it behaves: all of it may be changed while it runs."""

    url: str = ""
    flavour: Literal["ga", "preview"] = "ga"
    key: str = "sk-realtime-key"
    key_header: Literal["authorization", "api-key"] = "authorization"
    path: str = "/v1/realtime"
    refuse: tuple[int, Any] | None = None
    """The status and the error of each handshake."""
    refuses_turn_detection: bool = False
    error_at_start: Any = None
    error_after_words: tuple[int, Any] | None = None
    """After so many words an `error` event."""
    fails: Any = None
    """The error of each utterance's transcription."""
    silent_after_words: int = 1_000_000
    """After so many words it takes sound and says nothing more."""
    drop_after_s: float | None = None
    close_after_s: tuple[float, int] | None = None
    strange: list[Any] = field(default_factory=list)
    """What it says besides, after the session was updated."""
    sessions: list[Session] = field(default_factory=list)

    @property
    def socket_url(self) -> str:
        return f"{self.url}{self.path}"

    def turn_away(self, request: Request) -> tuple[int, str] | None:
        if self.refuse is not None:
            return self.refuse[0], json.dumps({"error": self.refuse[1]})
        given = request.headers.get(self.key_header) or ""
        if given.removeprefix("Bearer ") != self.key:
            said = f"Incorrect API key provided: {given.removeprefix('Bearer ')}. You can find your API key there."
            return 401, json.dumps(
                {"error": {"message": said, "type": "invalid_request_error", "code": "invalid_api_key"}}
            )
        if request.path.partition("?")[0] != self.path or query_of(request).get("intent") != "transcription":
            return 404, json.dumps({"error": {"message": "Not Found", "type": "invalid_request_error", "code": None}})
        return None

    async def serve(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        session = Session(request.path.partition("?")[0], query_of(request), headers)
        self.sessions.append(session)
        with suppress(ConnectionClosed):
            await _Talk(self, connection, session).run()


@dataclass
class _Talk:
    service: RealtimeService
    connection: ServerConnection
    session: Session
    ear: Ear = field(default_factory=lambda: Ear(RATE_HZ))
    item: str = ""
    previous: str | None = None
    words: int = 0
    from_byte: int = 0

    @property
    def cuts(self) -> bool:
        return bool(self.session.input["turn_detection"])

    async def run(self) -> None:
        preview = self.service.flavour == "preview"
        created = {"id": "sess_1", "object": "realtime.transcription_session", "expires_at": 1_900_000_000}
        if preview:
            await self.say(
                "transcription_session.created", session=created | {"input_audio_format": "pcm16", "modalities": []}
            )
        else:
            await self.say("session.created", session=created | {"type": "transcription", "audio": {"input": {}}})
        async for message in self.connection:
            order = json.loads(message)
            if order["type"] == ("transcription_session.update" if preview else "session.update"):
                await self.update(order)
            elif order["type"] == "input_audio_buffer.append":
                self.session.largest_append = max(self.session.largest_append, len(message))
                await self.sound(base64.b64decode(order["audio"], validate=True))
            elif order["type"] == "input_audio_buffer.commit":
                await self.commit()
            else:
                await self.error({"type": "invalid_request_error", "code": "invalid_value", "param": "type"})

    async def update(self, order: Any) -> None:
        self.session.updates.append(order)
        if self.service.error_at_start is not None:
            await self.error(self.service.error_at_start)
        elif self.service.refuses_turn_detection and self.cuts:
            said = "Turn detection is not supported."
            param = "session.audio.input.turn_detection"
            await self.error(
                {"type": "invalid_request_error", "code": "invalid_value", "param": param, "message": said}
            )
        else:
            preview = self.service.flavour == "preview"
            await self.say("transcription_session.updated" if preview else "session.updated", session=order["session"])
            for event in self.service.strange:
                await self.connection.send(event if isinstance(event, str) else json.dumps(event))

    async def sound(self, pcm: bytes) -> None:
        self.session.pcm += pcm
        await self.behave()
        for event in self.ear.listen(pcm):
            if event == "began":
                self.item = f"item_{uuid4().hex[:12]}"
                if self.cuts:
                    start_ms = max(0, round((self.ear.began_s or 0) * 1000) - 300)
                    await self.say("input_audio_buffer.speech_started", audio_start_ms=start_ms, item_id=self.item)
            elif event == "word":
                await self.word()
            elif self.cuts:
                end_ms = round(self.ear.words[-1].end_s * 1000) + 500
                await self.say("input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=self.item)
                await self.utterance()

    async def behave(self) -> None:
        heard_s = len(self.session.pcm) / 2 / RATE_HZ
        if self.service.drop_after_s is not None and heard_s >= self.service.drop_after_s:
            self.connection.transport.abort()
        if self.service.close_after_s is not None and heard_s >= self.service.close_after_s[0]:
            await self.connection.close(self.service.close_after_s[1])

    async def word(self) -> None:
        """Each word as soon as it is over. Without turn detection the ear's own pauses mean nothing."""
        self.words += 1
        if self.service.error_after_words and self.words == self.service.error_after_words[0]:
            await self.error(self.service.error_after_words[1])
        word = self.ear.words[-1].text
        delta = word if len(self.ear.words) == 1 else f" {word}"
        await self.say(
            "conversation.item.input_audio_transcription.delta",
            item_id=self.item,
            content_index=0,
            delta=delta,
            logprobs=None,
        )

    async def commit(self) -> None:
        self.session.commits += 1
        if len(self.session.pcm) - self.from_byte < SHORTEST_COMMIT_BYTES:
            said = "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio."
            code = "input_audio_buffer_commit_empty"
            await self.error({"type": "invalid_request_error", "code": code, "message": said})
            return
        if self.ear.end() and self.ear.words[-1].end_s * 1000 > self.ear.words[-1].start_s * 1000 + PAUSE_MS:
            await self.word()
        self.item = self.item or f"item_{uuid4().hex[:12]}"
        await self.utterance()

    async def utterance(self) -> None:
        self.from_byte = len(self.session.pcm)
        item, self.item = self.item, ""
        await self.say("input_audio_buffer.committed", item_id=item, previous_item_id=self.previous)
        await self.say("conversation.item.added", item={"id": item}, previous_item_id=self.previous)
        self.previous = item
        named = {"item_id": item, "content_index": 0}
        if self.service.fails is not None:
            await self.say("conversation.item.input_audio_transcription.failed", error=self.service.fails, **named)
            return
        logprobs = [{"token": word.text, "logprob": -0.1, "bytes": []} for word in self.ear.words]
        await self.say(
            "conversation.item.input_audio_transcription.completed",
            transcript=f"{self.ear.text.capitalize()}." if self.ear.words else "",
            logprobs=logprobs if self.session.updates[-1]["session"].get("include") else None,
            usage={"type": "duration", "seconds": 1},
            **named,
        )
        self.ear.words = []

    async def error(self, error: Any) -> None:
        await self.say("error", error={"message": None, "param": None, "event_id": None} | error)

    async def say(self, kind: str, **members: Any) -> None:
        if self.words > self.service.silent_after_words:
            return
        await self.connection.send(json.dumps({"type": kind, "event_id": f"event_{uuid4().hex[:8]}", **members}))


@contextmanager
def realtime_service(**manners: Any) -> Iterator[RealtimeService]:
    service = RealtimeService(**manners)
    with listening(service.serve, service.turn_away) as service.url:
        yield service
