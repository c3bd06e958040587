"""Azure's second socket: what the people of a stored scenario say, word for word, as its script has it (sheet 2)."""

import asyncio
import json
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, ClientWebSocketResponse, ClientWSTimeout

from acsportal.emulator import errors
from acsportal.emulator.call.results import COMPLETED, TRANSCRIPTION_UNCONFIGURED, TRANSCRIPTION_UNCONNECTED
from acsportal.emulator.call.troubled_words import REFUSALS, TroubledWords
from acsportal.emulator.call.words import Utterance
from acsportal.emulator.callbacks import Result
from acsportal.emulator.identity import SOCKET_TOKEN_S
from acsportal.emulator.media.stream import Order, break_connection
from acsportal.emulator.network import log

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call

TICKS_PER_S = 10_000_000
CONFIDENCE = 0.92
INTERMEDIATE_EACH_S = 0.7


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """``transcriptionOptions`` of the body that set up the call; ``is_configured``: it named an AI service too."""

    transport_url: str
    locale: str
    start: bool
    intermediate: bool
    is_configured: bool


class Transcription:
    def __init__(self, call: "Call", options: TranscriptionOptions) -> None:
        self.options = options
        self.subscription_id = str(uuid.uuid4())
        self.locale = options.locale
        self.state = "off"
        self._call = call
        self._socket: ClientWebSocketResponse | None = None
        self._run_task: asyncio.Task[None] | None = None
        self._failure = TRANSCRIPTION_UNCONNECTED
        self._troubles = TroubledWords(call.network.faults, call.id, self._break_off)

    @property
    def is_active(self) -> bool:
        return self.state in ("starting", "active")

    def begin(self) -> None:
        """The call connected: start if set-up said so."""
        if not self.options.start:
            return
        if self.options.is_configured:
            self.start(None, Order(initial=True))
        else:
            self._tell("Failed", "subscriptionStopped", Order(), TRANSCRIPTION_UNCONFIGURED)

    def start(self, locale: str | None, order: Order) -> None:
        """Raises AzureError when it runs already, or can never run in this call."""
        if not self.options.is_configured:
            raise errors.no_transcription()
        if self.state != "off":
            raise errors.media_mode(f"transcription is {self.state}")
        self.locale = locale or self.locale
        self.state = "starting"
        self._run_task = self._call.tasks.spawn("transcription", self._run(order))

    def update(self, locale: str, order: Order) -> None:
        """Raises AzureError when it does not run."""
        if self.state != "active":
            raise errors.wrong_state("transcription is not active")
        self.locale = locale
        self._call.tasks.spawn("transcription update", self._say_later("Updated", "transcriptionLocaleUpdated", order))

    def stop(self, order: Order) -> None:
        """Raises AzureError when it does not run."""
        if not self.is_active:
            raise errors.wrong_state("transcription is not active")
        self.state = "stopping"
        self._call.tasks.spawn("transcription stop", self._stop(order))

    async def end(self) -> None:
        """The call is over: the socket closes, nothing is announced."""
        self._troubles.end()
        self.state = "off"
        await self._hang_up()

    def _break_off(self) -> None:
        """The socket breaks without a close frame."""
        if self._socket is not None:
            break_connection(self._socket)

    async def _run(self, order: Order) -> None:
        call, timing = self._call, self._call.network.timing
        await asyncio.sleep(call.dice.uniform(*(timing.socket_s if order.initial else timing.streaming_s)))
        status, details, failure = "Started", "subscriptionStarted", "streamConnectionUnsuccessful"
        while self.state == "starting" and (transcription_socket := await self._open()) is not None:
            self._socket, self.state = transcription_socket, "active"
            await _unless_closed(self._speak(transcription_socket, status, details, order))
            if self.state != "active":
                return
            # Whether Azure dials again is not documented; that it does so once is this emulator's own choice.
            self._socket, self.state = None, "starting"
            if status == "Resumed":
                break
            status, details, failure = "Resumed", "streamConnectionReestablished", "streamConnectionInterrupted"
            await asyncio.sleep(timing.reconnect_s)
        if self.state == "starting":
            self.state = "off"
            self._tell("Failed", failure, order, self._failure)

    async def _open(self) -> ClientWebSocketResponse | None:
        call, self._failure = self._call, TRANSCRIPTION_UNCONNECTED
        if (subcode := self._troubles.refusal()) is not None:
            self._failure = REFUSALS[subcode]
            return None
        headers = {
            **call.network.authorization(call.id, "transcription", SOCKET_TOKEN_S),
            "x-ms-call-connection-id": call.call_connection_id,
            "x-ms-call-correlation-id": call.correlation_id,
        }
        try:
            async with asyncio.timeout(call.network.timing.socket_timeout_s):
                return await call.network.http.ws_connect(
                    self.options.transport_url, headers=headers, timeout=ClientWSTimeout(ws_close=1.0)
                )
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            log.warning("call %s: the transcription socket cannot be opened: %s", call.id, type(error).__name__)
            return None

    async def _speak(
        self, transcription_socket: ClientWebSocketResponse, status: str, details: str, order: Order
    ) -> None:
        """Until the socket breaks: what comes from the portal is read and means nothing."""
        speaker = self._call.tasks.spawn("transcript", _unless_closed(self._transcribe(transcription_socket)))
        announcer = self._call.tasks.spawn("announce", self._say_later(status, details, order))
        self._troubles.begin()
        try:
            async for _ in transcription_socket:
                pass
        finally:
            speaker.cancel()
            announcer.cancel()

    async def _transcribe(self, transcription_socket: ClientWebSocketResponse) -> None:
        call = self._call
        opening = {
            "subscriptionId": self.subscription_id,
            "locale": self.locale.lower(),
            "callConnectionId": call.call_connection_id,
            "correlationId": call.correlation_id,
        }
        await _send(transcription_socket, "TranscriptionMetadata", opening | self._troubles.of_metadata(self.locale))
        began_s = call.room.elapsed_s()
        at_s = began_s
        while (utterance := call.words.next(at_s)) is not None:
            at_s = utterance.start_s + 0.001
            if self.options.intermediate:
                await self._say_so_far(transcription_socket, utterance, began_s)
            await self._until(utterance.end_s)
            await self._send(transcription_socket, _heard(utterance, began_s))

    async def _say_so_far(
        self, transcription_socket: ClientWebSocketResponse, utterance: Utterance, began_s: float
    ) -> None:
        """Each 0.7 s the words that have been said by then."""
        so_far_s = INTERMEDIATE_EACH_S
        while so_far_s < utterance.duration_s:
            await self._until(utterance.start_s + so_far_s)
            if heard := _heard_so_far(utterance, began_s, so_far_s):
                await self._send(transcription_socket, heard)
            so_far_s += INTERMEDIATE_EACH_S

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self._call.room.elapsed_s()))

    async def _send(self, transcription_socket: ClientWebSocketResponse, heard: dict[str, Any]) -> None:
        room, raw_id = self._call.room, heard["participantRawID"]
        if raw_id in room.silenced or raw_id not in room.people:
            return
        await _send(transcription_socket, "TranscriptionData", heard | self._troubles.of_words(self.locale))

    async def _say_later(self, what: str, details: str, order: Order) -> None:
        await asyncio.sleep(self._call.dice.uniform(*self._call.network.timing.streaming_s))
        if self.state == "active":
            self._tell(what, details, order, COMPLETED)

    async def _stop(self, order: Order) -> None:
        await asyncio.sleep(self._call.dice.uniform(*self._call.network.timing.streaming_s))
        await self._hang_up()
        if self.state == "stopping":
            self.state = "off"
            self._tell("Stopped", "subscriptionStopped", order, COMPLETED)

    async def _hang_up(self) -> None:
        transcription_socket, self._socket = self._socket, None
        if transcription_socket is not None:
            await transcription_socket.close(code=1000)
        if self._run_task is not None:
            self._run_task.cancel()

    def _tell(self, what: str, details: str, order: Order, result: Result) -> None:
        update = {"transcriptionStatus": f"transcription{what}", "transcriptionStatusDetails": details}
        self._call.tell(f"Transcription{what}", order, result, {"transcriptionUpdate": update})


def _heard(utterance: Utterance, began_s: float) -> dict[str, Any]:
    words = _words(utterance, began_s)
    return {
        "text": utterance.text,
        "format": "display",
        "confidence": CONFIDENCE,
        "offset": words[0]["offset"],
        "duration": words[-1]["offset"] + words[-1]["duration"] - words[0]["offset"],
        "words": words,
        "participantRawID": utterance.raw_id,
        "resultStatus": "Final",
    }


def _heard_so_far(utterance: Utterance, began_s: float, so_far_s: float) -> dict[str, Any] | None:
    """What Azure knows while it is being said; None if no word is finished."""
    latest = _ticks(utterance.start_s - began_s + so_far_s)
    words = [each for each in _words(utterance, began_s) if each["offset"] + each["duration"] <= latest]
    if not words:
        return None
    said = {
        "text": " ".join(utterance.text.split()[: len(words)]),
        "duration": words[-1]["offset"] + words[-1]["duration"] - words[0]["offset"],
        "words": [],
        "resultStatus": "Intermediate",
    }
    return _heard(utterance, began_s) | said


def _words(utterance: Utterance, began_s: float) -> list[dict[str, Any]]:
    """Words take time by their length: the script has times of whole utterances only."""
    texts = utterance.text.split()
    letters = sum(map(len, texts))
    words, offset_s = [], utterance.start_s - began_s
    for text in texts:
        duration_s = utterance.duration_s * len(text) / letters
        spoken = text.strip(".,?!;:").lower()
        words.append({"text": spoken, "offset": _ticks(offset_s), "duration": _ticks(duration_s)})
        offset_s += duration_s
    return words


def _ticks(seconds: float) -> int:
    return round(seconds * TICKS_PER_S)


async def _send(transcription_socket: ClientWebSocketResponse, kind: str, body: dict[str, Any]) -> None:
    message = {"kind": kind, kind[0].lower() + kind[1:]: body}
    await transcription_socket.send_str(json.dumps(message, separators=(",", ":")))


async def _unless_closed(sending: Any) -> None:
    with suppress(ClientError, ConnectionError):
        await sending
