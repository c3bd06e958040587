"""OpenAI's Realtime transcription, at OpenAI or at Azure OpenAI: one voice over one WebSocket.

Where the model itself finds out when somebody ends to talk, the server cuts the turns; where it cannot, we do.
"""

import asyncio
import json
import logging
import ssl
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import pybase64
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from streaming.engines.access import OpenAIAccess, granted
from streaming.engines.contract import EngineError, Heard, Listening
from streaming.engines.realtime_words import (
    RATE_HZ,
    VAD_PREFIX_MS,
    VAD_SILENCE_MS,
    address,
    confidence_of,
    headers,
    is_preview,
    model_of,
    not_written_down,
    nothing_to_commit,
    refusal,
    session_update,
    trouble,
)
from streaming.engines.turns import Patience, Turn, TurnTaking

log = logging.getLogger(__name__)
# The library's own lines would show the key and what was said.
_wire = logging.getLogger(f"{__name__}.wire")
_wire.setLevel(logging.WARNING)

SERVICE: Final = "OpenAI"
NOT_SET_UP: Final = (
    "OpenAI is not set up: set SPEECH_OPENAI_KEY (and for Azure OpenAI SPEECH_OPENAI_URL and SPEECH_OPENAI_MODEL)."
)
HANDSHAKE_S: Final = 8.0
PING_S: Final = 10.0
CLOSE_S: Final = 0.5
LARGEST_MESSAGE: Final = 1024 * 1024
MOST_ITEMS: Final = 100
MOST_UNKNOWN: Final = 20
# A model that cuts no turns says what it understands at once; the others say it when somebody has ended to talk.
PATIENCE_S: Final = 15.0
PATIENCE_WITH_TURNS_S: Final = 45.0


@dataclass(slots=True)
class _Item:
    """One utterance, which the server knows under an id; `timed` if its time is the server's, not ours."""

    turn: Turn
    timed: bool = False
    text: str = ""
    stopped: bool = False
    committed: bool = False


class OpenAIRealtime:
    """A Recogniser."""

    name = "openai_realtime"
    rate_hz = RATE_HZ

    def __init__(self, listening: Listening, access: OpenAIAccess | None = None) -> None:
        self._listening, self._access = listening, access
        self._patience = Patience(SERVICE, RATE_HZ, PATIENCE_S)
        self._hear: Callable[[Heard], None] | None = None
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._trouble: EngineError | None = None
        self._news = asyncio.Event()
        self._created: Mapping[str, Any] | None = None
        self._updated = False
        self._server_turns = True
        self._turns = TurnTaking(RATE_HZ)
        self._cut: deque[Turn] = deque()
        self._items: dict[str, _Item] = {}
        self._commits = 0
        self._committed_until_s = 0.0
        self.unknown_events: Counter[str] = Counter()

    async def open(self, hear: Callable[[Heard], None]) -> None:
        access = self._access = self._access or granted(OpenAIAccess, NOT_SET_UP)
        self._hear = hear
        self._server_turns = model_of(access.model).turns
        self._socket = await _dialled(access)
        self._reader = asyncio.create_task(self._read(self._socket), name="openai realtime")
        await self._until(lambda: self._created is not None)
        await self._agree(access)
        self._patience = Patience(SERVICE, RATE_HZ, PATIENCE_WITH_TURNS_S if self._server_turns else PATIENCE_S)

    async def _agree(self, access: OpenAIAccess) -> None:
        """The session's terms; a deployment whose model does not cut turns refuses that, and then we do it."""
        assert self._created is not None
        while not self._updated:
            order = session_update(
                is_preview(self._created), access.model, self._listening, server_turns=self._server_turns
            )
            had_turns = self._server_turns
            await self._send(order)
            await self._until(lambda had_turns=had_turns: self._updated or self._server_turns != had_turns)  # type: ignore[misc]

    async def push(self, pcm: bytes) -> None:
        self._complain()
        self._patience.pushed(pcm, owed=bool(self._commits or self._unfinished()))
        await self._send({"type": "input_audio_buffer.append", "audio": pybase64.b64encode(pcm).decode()})
        for turn in self._turns.feed(pcm):
            if not self._server_turns:
                await self._commit(turn)

    async def flush(self) -> None:
        self._complain()
        turn = self._turns.end()
        # To silence alone a model makes words up, so it is not asked.
        if self._turns.loud_until_s > self._committed_until_s:
            await self._commit(turn)
        await self._until(lambda: not self._commits and not self._unfinished())

    async def close(self) -> None:
        self._hear = None
        if self.unknown_events:
            log.info("OpenAI sent events that are not known: %s", dict(self.unknown_events))
        if self._reader is not None:
            self._reader.cancel()
        if self._socket is not None:
            with suppress(Exception):
                async with asyncio.timeout(CLOSE_S):
                    await self._socket.close()
            self._socket.transport.abort()

    def _unfinished(self) -> bool:
        return any(item.stopped or item.committed for item in self._items.values())

    async def _commit(self, turn: Turn | None) -> None:
        """What was said since the last time is an utterance; `turn` is when, as far as we know."""
        heard_s = self._turns.heard_s
        self._cut.append(turn or Turn(min(self._committed_until_s, heard_s), heard_s, open=False))
        self._commits += 1
        self._committed_until_s = heard_s
        await self._send({"type": "input_audio_buffer.commit"})

    async def _send(self, order: Mapping[str, Any]) -> None:
        assert self._socket is not None
        try:
            await self._socket.send(json.dumps(order))
        except ConnectionClosed:
            await self._until(lambda: False)  # the reader says why

    async def _until(self, holds: Callable[[], bool]) -> None:
        while True:
            self._complain()
            if holds():
                return
            self._news.clear()
            await self._news.wait()

    def _complain(self) -> None:
        if self._trouble is not None:
            raise self._trouble

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                self._listen(message)
                self._news.set()
            self._fail(EngineError("OpenAI ended the session.", retryable=True))
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
            said = f"OpenAI closed the connection ({code})." if code else "The connection to OpenAI broke off."
            self._fail(EngineError(said, retryable=True))
        except Exception as error:
            log.warning("OpenAI sent what cannot be understood (%s)", type(error).__name__)
            self._fail(EngineError("OpenAI sent what cannot be understood.", retryable=True))

    def _fail(self, error: EngineError) -> None:
        self._trouble = self._trouble or error
        self._news.set()

    def _listen(self, message: str | bytes) -> None:
        event = json.loads(message)
        kind = str(event.get("type"))
        if take := _EVENTS.get(kind):
            take(self, event)
        elif kind not in _OF_NO_INTEREST and (kind in self.unknown_events or len(self.unknown_events) < MOST_UNKNOWN):
            self.unknown_events[kind[:80]] += 1

    def _is_created(self, event: Mapping[str, Any]) -> None:
        self._created = event

    def _is_updated(self, _event: Mapping[str, Any]) -> None:
        self._updated = True

    def _speech_started(self, event: Mapping[str, Any]) -> None:
        self._patience.answered()
        # What the server names begins so long before the speech, but never before the sound itself.
        start_s = event["audio_start_ms"] / 1000 + VAD_PREFIX_MS / 1000
        if not event["audio_start_ms"]:
            start_s = self._turns.turn.start_s if self._turns.turn else 0.0
        item = self._item(event["item_id"])
        item.turn, item.timed = Turn(start_s, max(start_s, self._turns.heard_s)), True

    def _speech_stopped(self, event: Mapping[str, Any]) -> None:
        item = self._item(event["item_id"])
        item.stopped, item.turn.open = True, False
        end_s = event["audio_end_ms"] / 1000
        item.turn.end_s = max(item.turn.start_s, end_s - VAD_SILENCE_MS / 1000)
        self._committed_until_s = max(self._committed_until_s, end_s)

    def _is_committed(self, event: Mapping[str, Any]) -> None:
        self._patience.answered()
        item = self._item(event["item_id"])
        item.committed = True
        if not item.stopped:  # else the server cut it, and ours is still to be answered
            turn = self._answered_commit()
            if turn is not None and not item.timed:
                item.turn = turn
        item.turn.open = False

    def _answered_commit(self) -> Turn | None:
        self._commits = max(0, self._commits - 1)
        return self._cut.popleft() if self._cut else None

    def _delta(self, event: Mapping[str, Any]) -> None:
        self._patience.answered()
        item = self._item(event["item_id"])
        item.text += str(event.get("delta") or "")
        if item.turn.open:
            item.turn.end_s = max(item.turn.end_s, self._turns.loud_until_s)
        if item.text.strip():
            self._tell(event["item_id"], item, item.text, final=False)

    def _completed(self, event: Mapping[str, Any]) -> None:
        self._patience.answered()
        key = event["item_id"]
        item = self._item(key)
        text = str(event.get("transcript") or "").strip()
        if text or item.text.strip():
            self._tell(key, item, text, final=True, confidence=confidence_of(event))
        del self._items[key]

    def _is_failed(self, event: Mapping[str, Any]) -> None:
        self._fail(not_written_down(event.get("error") or {}))

    def _error(self, event: Mapping[str, Any]) -> None:
        error = event.get("error") or {}
        if nothing_to_commit(error):
            self._answered_commit()
        elif not self._updated and self._server_turns and "turn_detection" in str(error.get("param")):
            self._server_turns = False
        else:
            self._fail(trouble(error, starting=not self._updated))

    def _item(self, item_id: str) -> _Item:
        """The utterance of that id; a new one is of the oldest turn that waits for one, or of what is being said."""
        item = self._items.get(item_id)
        if item is None:
            if len(self._items) >= MOST_ITEMS:
                raise ValueError("too many utterances are open")
            heard_s = self._turns.heard_s
            turn = self._cut[0] if self._cut else self._turns.turn
            item = self._items[item_id] = _Item(turn or Turn(heard_s, heard_s))
        return item

    def _tell(self, key: str, item: _Item, text: str, *, final: bool, confidence: float | None = None) -> None:
        if self._hear is not None:
            language = self._listening.language
            turn = item.turn
            self._hear(
                Heard(key, text.strip(), turn.start_s, max(turn.start_s, turn.end_s), final, confidence, language)
            )


_EVENTS: Final[dict[str, Callable[[OpenAIRealtime, Mapping[str, Any]], None]]] = {
    "session.created": OpenAIRealtime._is_created,
    "transcription_session.created": OpenAIRealtime._is_created,
    "session.updated": OpenAIRealtime._is_updated,
    "transcription_session.updated": OpenAIRealtime._is_updated,
    "input_audio_buffer.speech_started": OpenAIRealtime._speech_started,
    "input_audio_buffer.speech_stopped": OpenAIRealtime._speech_stopped,
    "input_audio_buffer.committed": OpenAIRealtime._is_committed,
    "conversation.item.input_audio_transcription.delta": OpenAIRealtime._delta,
    "conversation.item.input_audio_transcription.completed": OpenAIRealtime._completed,
    "conversation.item.input_audio_transcription.failed": OpenAIRealtime._is_failed,
    "error": OpenAIRealtime._error,
}
_OF_NO_INTEREST: Final = {
    "conversation.created",
    "conversation.item.created",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.segment",
    "input_audio_buffer.cleared",
    "rate_limits.updated",
}


async def _dialled(access: OpenAIAccess) -> ClientConnection:
    """Raises EngineError."""
    try:
        return await connect(
            address(access.url),
            additional_headers=headers(access),
            compression=None,
            open_timeout=HANDSHAKE_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            close_timeout=CLOSE_S,
            max_size=LARGEST_MESSAGE,
            logger=_wire,
        )
    except InvalidStatus as refused:
        raise refusal(refused.response.status_code, _error_of(refused.response.body)) from None
    except ssl.SSLCertVerificationError as error:
        said = f"The certificate at SPEECH_OPENAI_URL is not to be trusted: {error.verify_message}."
        raise EngineError(said) from None
    except (OSError, TimeoutError, WebSocketException) as error:
        raise EngineError(f"OpenAI cannot be reached ({type(error).__name__}).", retryable=True) from error


def _error_of(body: bytes | bytearray | None) -> Mapping[str, Any]:
    """The error that the body of a refusal tells, if it does."""
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return {}
    error = told.get("error") if isinstance(told, dict) else None
    return error if isinstance(error, dict) else {}
