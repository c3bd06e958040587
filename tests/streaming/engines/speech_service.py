"""Azure AI Speech as the SDK meets it: a real server that speaks the Universal Speech Protocol and understands tones.

The messages are those of MicrosoftDocs/azure-docs, "Speech WebSocket protocol", and what the SDK 1.53 was seen to send.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

from tests.streaming.engines.socket_server import listening, query_of
from tests.streaming.engines.tones import Ear

RATE_HZ = 16_000
TICKS_IN_S = 10_000_000
WAV_HEADER = 44


@dataclass
class Visit:
    """One connection of an SDK, and all that it said."""

    path: str
    query: dict[str, str]
    key: str | None
    config: Any = None
    contexts: list[Any] = field(default_factory=list)
    pcm: bytearray = field(default_factory=bytearray)
    from_byte: int = 0
    """Where in the whole sound `pcm` begins."""
    wav_header: bytes = b""
    ended: int = 0

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.pcm).hexdigest()

    @property
    def phrases(self) -> list[str]:
        """What the phrase list of the newest turn holds."""
        groups = self.contexts[-1].get("dgi", {}).get("Groups", [])
        return [item["Text"] for group in groups for item in group["Items"]]


@dataclass
class SpeechService:
    """How it behaves: all of it may be changed while it runs."""

    url: str = ""
    key: str = "speech-key"
    refuse: int = 0
    """The status of each handshake, if not 0."""
    silent_visits: int = 0
    """On so many connections it takes the sound and says nothing."""
    silent_after_words: int = 1_000_000
    """After so many words it takes sound and says nothing more."""
    deaf: bool = False
    """It does not even read."""
    drop_after_s: float | None = None
    """So much sound, and the connection breaks without a word."""
    close_after_s: tuple[float, int, str] | None = None
    """So much sound, and it closes with this code and reason."""
    turn_of: int = 1_000
    """So many utterances, and it ends the turn; the SDK begins the next one by itself."""
    visits: list[Visit] = field(default_factory=list)

    def turn_away(self, request: Request) -> tuple[int, str] | None:
        if self.refuse:
            return self.refuse, json.dumps({"error": {"code": str(self.refuse), "message": "refused"}})
        if request.headers.get("Ocp-Apim-Subscription-Key") != self.key:
            return 401, json.dumps(
                {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}}
            )
        return None

    async def serve(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        key = request.headers.get("Ocp-Apim-Subscription-Key")
        visit = Visit(request.path.partition("?")[0], query_of(request), key)
        self.visits.append(visit)
        with suppress(ConnectionClosed):
            await _Talk(self, connection, visit).run()


@dataclass
class _Talk:
    service: SpeechService
    connection: ServerConnection
    visit: Visit
    request_id: str = ""
    ear: Ear = field(default_factory=lambda: Ear(RATE_HZ))
    utterances: int = 0
    words: int = 0
    in_turn: bool = False

    async def run(self) -> None:
        if self.service.deaf:
            await self.connection.wait_closed()
        while True:
            message = await self.connection.recv()
            if isinstance(message, str):
                head, _, body = message.partition("\r\n\r\n")
                await self.told(_headers(head), body)
            else:
                length = int.from_bytes(message[:2], "big")
                await self.sound(_headers(message[2 : 2 + length].decode()), message[2 + length :])

    async def told(self, headers: dict[str, str], body: str) -> None:
        if headers["path"] == "speech.config":
            self.visit.config = json.loads(body)
        elif headers["path"] == "speech.context":
            context = json.loads(body)
            self.visit.contexts.append(context)
            if headers["x-requestid"] != self.request_id:
                self.begin_turn(headers["x-requestid"], context)

    def begin_turn(self, request_id: str, context: Any) -> None:
        """A turn's times count from its own first sound, which the SDK sends again from where the last one ended."""
        self.request_id, self.in_turn, self.ear = request_id, False, Ear(RATE_HZ)
        stream = context.get("continuation", {}).get("audio", {}).get("streams", {}).get("1", {})
        begins_at = int(stream.get("offset", 0)) * RATE_HZ * 2 // TICKS_IN_S
        if not self.visit.pcm:
            self.visit.from_byte = begins_at
        del self.visit.pcm[max(0, begins_at - self.visit.from_byte) :]

    async def sound(self, headers: dict[str, str], sound: bytes) -> None:
        assert headers["path"] == "audio"
        if headers["x-requestid"] != self.request_id:
            return  # of a turn that is over
        if not self.in_turn:
            self.in_turn = True
            await self.say("turn.start", {"context": {"serviceTag": uuid4().hex}})
        if sound[:4] == b"RIFF":
            self.visit.wav_header, sound = sound[:WAV_HEADER], sound[WAV_HEADER:]
            if not sound:
                return
        if not sound:
            await self.end()
            return
        self.visit.pcm += sound
        await self.behave()
        for event in self.ear.listen(sound):
            if event == "began":
                await self.say("speech.startDetected", {"Offset": _ticks(self.ear.began_s or 0)})
            elif event == "word":
                await self.hypothesis()
            else:
                await self.phrase()
                if self.utterances % self.service.turn_of == 0:
                    await self.end_turn()
                    return

    async def behave(self) -> None:
        heard_s = len(self.visit.pcm) / 2 / RATE_HZ
        if self.service.drop_after_s is not None and heard_s >= self.service.drop_after_s:
            self.connection.transport.abort()
        if self.service.close_after_s is not None and heard_s >= self.service.close_after_s[0]:
            await self.connection.close(*self.service.close_after_s[1:])

    async def end(self) -> None:
        self.visit.ended += 1
        if self.ear.end():
            await self.phrase()
        await self.say("speech.endDetected", {"Offset": _ticks(len(self.visit.pcm) / 2 / RATE_HZ)})
        await self.say(
            "speech.phrase", {"RecognitionStatus": "EndOfDictation", "Offset": _ticks(self.visit_s), "Duration": 0}
        )
        await self.end_turn()

    @property
    def visit_s(self) -> float:
        return len(self.visit.pcm) / 2 / RATE_HZ

    async def end_turn(self) -> None:
        await self.say("turn.end", {})
        self.request_id = ""

    async def hypothesis(self) -> None:
        self.words += 1
        await self.say("speech.hypothesis", {"Id": uuid4().hex, "Text": self.ear.text, **self.span()})

    async def phrase(self) -> None:
        """As the service says it in its detailed form; the SDK asks for that in its address or its context."""
        self.utterances += 1
        words = [
            {"Word": word.text, "Offset": _ticks(word.start_s), "Duration": _ticks(word.end_s - word.start_s)}
            for word in self.ear.words
        ]
        best = {"Confidence": 0.875, "Lexical": self.ear.text, "ITN": self.ear.text, "MaskedITN": self.ear.text}
        await self.say(
            "speech.phrase",
            {
                "Id": uuid4().hex,
                "RecognitionStatus": "Success",
                "DisplayText": f"{self.ear.text.capitalize()}.",
                **self.span(),
                "NBest": [{**best, "Display": f"{self.ear.text.capitalize()}.", "Words": words}],
            },
        )

    def span(self) -> dict[str, int]:
        start_s, end_s = self.ear.words[0].start_s, self.ear.words[-1].end_s
        return {"Offset": _ticks(start_s), "Duration": _ticks(end_s - start_s)}

    async def say(self, path: str, body: Any) -> None:
        if any(self.visit is each for each in self.service.visits[: self.service.silent_visits]):
            return
        if self.words > self.service.silent_after_words:
            return
        head = f"X-RequestId:{self.request_id}\r\nContent-Type:application/json; charset=utf-8\r\nPath:{path}\r\n\r\n"
        await self.connection.send(head + json.dumps(body))


def _headers(head: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.split("\r\n") if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _ticks(seconds: float) -> int:
    return round(seconds * TICKS_IN_S)


@contextmanager
def speech_service(**manners: Any) -> Iterator[SpeechService]:
    service = SpeechService(**manners)
    with listening(service.serve, service.turn_away, "USP") as service.url:
        yield service
