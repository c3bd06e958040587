"""Azure AI Speech through Microsoft's own SDK, which sends one voice over one WebSocket and reconnects by itself.

The SDK works in threads of its own: what they tell is handed to the event loop, and what may block is asked for in
threads. It keeps at most a minute of sound that the service has not answered, and then gives up with an error.
"""

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from streaming.audio import BYTES_PER_SAMPLE
from streaming.engines.access import AzureSpeechAccess, granted
from streaming.engines.contract import EngineError, Heard, HeardWord, Listening
from streaming.engines.turns import Patience

try:
    import azure.cognitiveservices.speech as sdk
except (ImportError, OSError):  # the extra is not installed, or its libraries cannot be loaded on this machine
    sdk = None

INSTALLED: Final = sdk is not None
SERVICE: Final = "Azure AI Speech"
NOT_INSTALLED: Final = (
    "Azure AI Speech needs the package azure-cognitiveservices-speech; run `pip install acsportal[azure-speech]` "
    "or choose another recogniser."
)
NOT_SET_UP: Final = (
    "Azure AI Speech is not set up: set SPEECH_AZURE_KEY and SPEECH_AZURE_REGION (or SPEECH_AZURE_ENDPOINT)."
)
TICKS_IN_S: Final = 10_000_000
# It says what it understands several times a second.
PATIENCE_S: Final = 15.0

# By the SDK's name of the error: what it means here, and whether the same may succeed later.
_TROUBLES: Final = {
    "AuthenticationFailure": (
        "Azure AI Speech refused the key. Check SPEECH_AZURE_KEY, and that its resource is the one of "
        "SPEECH_AZURE_REGION or SPEECH_AZURE_ENDPOINT.",
        False,
    ),
    "Forbidden": ("Azure AI Speech refused: the resource's quota is used up, or it may not transcribe.", False),
    "BadRequest": ("Azure AI Speech did not accept the order; choose a language that it knows.", False),
    "TooManyRequests": ("Azure AI Speech transcribes as much as this resource may have at once.", True),
    "ConnectionFailure": ("Azure AI Speech cannot be reached, or the connection broke off.", True),
    "ServiceError": ("Azure AI Speech failed.", True),
    "ServiceUnavailable": ("Azure AI Speech is not available at the moment.", True),
}
_OTHER_TROUBLE: Final = ("Azure AI Speech gave up for a reason that it did not name.", True)


class AzureSpeech:
    """A Recogniser. After a flush the next sound begins a new recognition; times go on."""

    name = "azure_speech"
    rate_hz = 16_000

    def __init__(self, listening: Listening, access: AzureSpeechAccess | None = None) -> None:
        self._listening, self._access = listening, access
        self._patience = Patience(SERVICE, self.rate_hz, PATIENCE_S)
        self._hear: Callable[[Heard], None] | None = None
        self._recognition: _Recognition | None = None
        self._pushed_bytes = 0
        self._utterance = 0
        self._spoken_of = False
        self._trouble: EngineError | None = None
        self._ready, self._over = asyncio.Event(), asyncio.Event()

    async def open(self, hear: Callable[[Heard], None]) -> None:
        if sdk is None:
            raise EngineError(NOT_INSTALLED)
        self._access = self._access or granted(AzureSpeechAccess, NOT_SET_UP)
        self._hear = hear
        await self._begin()

    async def push(self, pcm: bytes) -> None:
        self._complain()
        if self._recognition is None:
            await self._begin()
        assert self._recognition is not None
        self._patience.pushed(pcm, owed=self._spoken_of)
        self._recognition.write(pcm)
        self._pushed_bytes += len(pcm)

    async def flush(self) -> None:
        self._complain()
        if self._recognition is None:
            return
        self._recognition.end_sound()
        await self._over.wait()
        self._complain()
        self._let_go()

    async def close(self) -> None:
        self._hear = None
        self._let_go()

    async def _begin(self) -> None:
        assert self._access is not None
        self._ready, self._over = asyncio.Event(), asyncio.Event()
        base_s = self._pushed_bytes / BYTES_PER_SAMPLE / self.rate_hz
        recognition = _Recognition(self._access, self._listening, base_s, self._teller())
        self._recognition = recognition
        await asyncio.to_thread(recognition.start)
        await self._ready.wait()
        self._complain()

    def _teller(self) -> "Tell":
        """What the SDK's threads call; what it says of a recognition that was let go is not listened to."""
        loop = asyncio.get_running_loop()

        def tell(recognition: "_Recognition", told: "Told") -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._listen, recognition, told)

        return tell

    def _listen(self, recognition: "_Recognition", told: "Told") -> None:
        if recognition is not self._recognition:
            return
        if told == QUIET and not (self._patience.waits or self._spoken_of):
            self._let_go()
        elif told == QUIET:
            self._trouble = self._trouble or EngineError(f"{SERVICE} did not answer in time.", retryable=True)
        elif isinstance(told, EngineError):
            self._trouble = self._trouble or told
        elif isinstance(told, Heard):
            self._patience.answered()
            self._pass_on(told)
            return
        if told != CONNECTED:
            self._over.set()
        self._ready.set()

    def _pass_on(self, heard: Heard) -> None:
        """An utterance that came to nothing is told only where it had been spoken of."""
        if self._hear is not None and (heard.text or (heard.final and self._spoken_of)):
            self._hear(replace(heard, key=str(self._utterance)))
            self._spoken_of = not heard.final
            self._utterance += heard.final

    def _complain(self) -> None:
        if self._trouble is not None:
            raise self._trouble

    def _let_go(self) -> None:
        recognition, self._recognition = self._recognition, None
        if recognition is not None:
            # Stopping waits for the service, up to 12 s. The loop's own threads are few and others need them.
            threading.Thread(target=recognition.stop, name="azure speech ends", daemon=True).start()


Told = Heard | EngineError | str
# What the SDK tells besides. It is QUIET when a minute of sound brought no answer: in silence that is no fault, and the
# next sound begins a new recognition.
CONNECTED, STOPPED, QUIET = "connected", "stopped", "quiet"
Tell = Callable[["_Recognition", Told], None]


class _Recognition:
    """One continuous recognition of the SDK, from its first sound to its last. `start` and `stop` take their time."""

    def __init__(self, access: AzureSpeechAccess, listening: Listening, base_s: float, tell: Tell) -> None:
        self._access, self._listening, self._base_s, self._tell = access, listening, base_s, tell
        self._turn = threading.Lock()
        self._stopped = False
        self._stream = sdk.audio.PushAudioInputStream(sdk.audio.AudioStreamFormat(AzureSpeech.rate_hz, 16, 1))
        self._recognizer: Any = None
        self._connection: Any = None

    def start(self) -> None:
        with self._turn:
            if self._stopped:
                return
            try:
                self._start()
            except (RuntimeError, ValueError):  # the SDK's words for settings that it cannot use
                self._tell(self, EngineError(f"{SERVICE} could not be started. {NOT_SET_UP}"))

    def _start(self) -> None:
        recognizer = sdk.SpeechRecognizer(
            speech_config=_config(self._access, self._listening.language),
            audio_config=sdk.audio.AudioConfig(stream=self._stream),
        )
        self._recognizer = recognizer
        if self._listening.phrases:
            grammar = sdk.PhraseListGrammar.from_recognizer(recognizer)
            for phrase in self._listening.phrases:
                grammar.addPhrase(phrase)
        recognizer.recognizing.connect(lambda event: self._heard(event.result, final=False))
        recognizer.recognized.connect(lambda event: self._heard(event.result, final=True))
        recognizer.canceled.connect(lambda event: self._cancelled(event.cancellation_details))
        recognizer.session_stopped.connect(lambda _event: self._tell(self, STOPPED))
        self._connection = sdk.Connection.from_recognizer(recognizer)
        self._connection.connected.connect(lambda _event: self._tell(self, CONNECTED))
        self._connection.open(True)
        recognizer.start_continuous_recognition_async().get()

    def write(self, pcm: bytes) -> None:
        self._stream.write(pcm)

    def end_sound(self) -> None:
        self._stream.close()

    def stop(self) -> None:
        with self._turn:
            self._stopped = True
            recognizer, connection = self._recognizer, self._connection
            self._recognizer = self._connection = None
            if recognizer is None:
                return
            for signal in (recognizer.recognizing, recognizer.recognized, recognizer.canceled):
                signal.disconnect_all()
            recognizer.session_stopped.disconnect_all()
            if connection is not None:
                connection.connected.disconnect_all()
            with suppress(RuntimeError):  # it had stopped by itself
                recognizer.stop_continuous_recognition_async().get()

    def _heard(self, result: Any, *, final: bool) -> None:
        """On a thread of the SDK. `result.text` ends after 2,048 bytes; the service's own words do not."""
        if result.reason not in {
            sdk.ResultReason.RecognizingSpeech,
            sdk.ResultReason.RecognizedSpeech,
            sdk.ResultReason.NoMatch,
        }:
            return
        told = _told(result.json)
        text = result.text if final else told.get("Text", result.text)
        best: dict[str, Any] = next(iter(told.get("NBest") or ()), {})
        start_s = self._base_s + result.offset / TICKS_IN_S
        self._tell(
            self,
            Heard(
                key="",
                text=str(best.get("Display") or text),
                start_s=start_s,
                end_s=start_s + result.duration / TICKS_IN_S,
                final=final,
                confidence=best.get("Confidence"),
                language=self._listening.language,
                words=tuple(self._word(word) for word in best.get("Words") or ()),
            ),
        )

    def _word(self, word: dict[str, Any]) -> HeardWord:
        start_s = self._base_s + word["Offset"] / TICKS_IN_S
        return HeardWord(str(word["Word"]), start_s, start_s + word["Duration"] / TICKS_IN_S)

    def _cancelled(self, details: Any) -> None:
        """On a thread of the SDK. Its text names addresses and sessions; ours says what to do."""
        if details.reason == sdk.CancellationReason.EndOfStream:
            self._tell(self, STOPPED)
            return
        if details.code == sdk.CancellationErrorCode.ServiceTimeout:
            self._tell(self, QUIET)
            return
        message, retryable = _TROUBLES.get(details.code.name, _OTHER_TROUBLE)
        self._tell(self, EngineError(message, retryable=retryable))


def _config(access: AzureSpeechAccess, language: str) -> Any:
    where = {"region": access.region}
    if access.endpoint:
        parts = urlsplit(access.endpoint)
        # An address with a path is taken as it is; without one the SDK knows the path itself.
        where = {"endpoint": access.endpoint} if parts.path.strip("/") else {_kind(parts.scheme): access.endpoint}
    config = sdk.SpeechConfig(subscription=access.key or None, speech_recognition_language=language, **where)
    config.output_format = sdk.OutputFormat.Detailed
    config.request_word_level_timestamps()
    return config


def _kind(scheme: str) -> str:
    """A resource's own address is https, a container's host is ws or wss."""
    return "host" if scheme in {"ws", "wss"} else "endpoint"


def _told(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
