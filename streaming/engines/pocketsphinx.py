"""Speech recognition by Pocketsphinx, on this machine and without a network: quick, English only, no great listener.

It understands what its phrase list lets it expect; free speech it gets half to two thirds right (bench/README.md). The
work is done in processes of its own, see streaming/engines/sphinx/.
"""

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

import msgspec

from streaming.engines.contract import EngineError, Heard, HeardWord, Listening
from streaming.engines.sphinx.wire import BYTES_PER_S, RATE_HZ, Kind, Message, Opened, Opening, Words
from streaming.engines.sphinx.workers import SHARED, Seat, Workers

# So much sound of a voice may be under way in its process; whoever brings more waits.
UNDER_WAY_BYTES: Final = BYTES_PER_S


class Pocketsphinx:
    """A Recogniser."""

    name = "pocketsphinx"
    rate_hz = RATE_HZ

    def __init__(self, listening: Listening, workers: Workers = SHARED) -> None:
        self._listening, self._workers = listening, workers
        self._seat: Seat | None = None
        self._hear: Callable[[Heard], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._change = asyncio.Event()
        self._under_way = 0
        self._unflushed = 0
        self._fault: EngineError | None = None
        self._closed = False
        self._opened: Opened | None = None

    @property
    def guessed(self) -> dict[str, str]:
        """Words of the phrase list that the dictionary lacks, and how they are taken to be spoken (ARPAbet)."""
        return dict(self._opened.guessed) if self._opened else {}

    @property
    def activity(self) -> str:
        """How speech is told from silence: `energy` or `silero`; empty before it is open."""
        return self._opened.activity if self._opened else ""

    @property
    def pid(self) -> int | None:
        """Of the process that listens."""
        return self._seat.pid if self._seat else None

    async def open(self, hear: Callable[[Heard], None]) -> None:
        """Starts a process if there is none with room. Raises EngineError, in words for whoever chose this one."""
        language = self._listening.language
        if language.partition("-")[0].lower() != "en":
            raise EngineError(
                f"Pocketsphinx understands English only, not {language}; choose en-US or another recogniser."
            )
        if find_spec("pocketsphinx") is None:
            raise EngineError(
                "Pocketsphinx is not installed, so nothing is written down; run `pip install pocketsphinx` "
                "or choose another recogniser."
            )
        self._hear, self._loop = hear, asyncio.get_running_loop()
        self._change = asyncio.Event()
        self._seat = await asyncio.to_thread(self._workers.seat, self._from_thread)
        if self._closed:
            self._seat.leave()
            return
        self._seat.send(Kind.OPEN, msgspec.json.encode(Opening(self._listening.phrases)))
        await self._until(lambda: self._opened is not None)

    async def push(self, pcm: bytes) -> None:
        """Waits while a second of sound is under way. Raises EngineError if the process has died."""
        for place in range(0, len(pcm), UNDER_WAY_BYTES):
            piece = pcm[place : place + UNDER_WAY_BYTES]
            await self._until(lambda: self._under_way < UNDER_WAY_BYTES)
            self._under_way += len(piece)
            self._send(Kind.SOUND, piece)

    async def flush(self) -> None:
        """Ends what is being said; raises EngineError if the process has died."""
        await self._until(lambda: True)
        self._unflushed += 1
        self._send(Kind.FLUSH)
        await self._until(lambda: self._unflushed == 0)

    async def close(self) -> None:
        """At once; its process goes on for the others."""
        self._closed = True
        self._hear = None
        if self._seat is not None:
            self._seat.leave()

    def _send(self, kind: Kind, body: bytes = b"") -> None:
        assert self._seat is not None
        self._seat.send(kind, body)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while True:
            if self._fault is not None:
                raise self._fault
            if condition():
                return
            self._change.clear()
            await self._change.wait()

    def _from_thread(self, message: Message | None) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._take, message)
        except RuntimeError:
            self._closed = True  # the loop has ended, and whoever listened with it

    def _take(self, message: Message | None) -> None:
        if message is None:
            self._fault = EngineError("The recognising process has died; a new one can be started.", retryable=True)
        elif message.kind is Kind.TAKEN:
            self._under_way -= int.from_bytes(message.body, "little")
        elif message.kind is Kind.FLUSHED:
            self._unflushed -= 1
        elif message.kind is Kind.OPENED:
            self._opened = msgspec.json.decode(message.body, type=Opened)
        elif message.kind is Kind.FAILED:
            self._fault = EngineError(message.body.decode(), retryable=True)
        elif message.kind is Kind.HEARD and self._hear is not None:
            self._hear(self._heard(msgspec.json.decode(message.body, type=Words)))
        self._change.set()

    def _heard(self, said: Words) -> Heard:
        guessed = sorted({text.lower() for text, _, _ in said.words} & self.guessed.keys())
        return Heard(
            key=said.key,
            text=" ".join(text for text, _, _ in said.words),
            start_s=said.start_s,
            end_s=said.end_s,
            final=said.final,
            confidence=said.confidence,
            language=self._listening.language,
            words=tuple(HeardWord(text, start_s, end_s) for text, start_s, end_s in said.words),
            extra={"guessed_pronunciations": guessed} if guessed else {},
        )
