"""What a speech engine has to offer, and how the chosen one is found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from streaming.audio import Waveform


class EngineError(Exception):
    """A speech engine could not do it; `retryable` if the same order may succeed later.

    `unheard_s` is how much of the newest sound a recogniser had taken without a word about it.
    """

    def __init__(self, message: str, *, retryable: bool = False, unheard_s: float = 0.0) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.unheard_s = unheard_s


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of an engine: `id` for orders, `name` for people, `language` as a BCP 47 tag."""

    id: str
    name: str
    language: str


class SpeechSynthesizer(Protocol):
    """Turns text into sound."""

    @property
    def name(self) -> str:
        """The engine's name, for people."""

    def voices(self) -> list[Voice]:
        """The voices that may be ordered, the default one first."""

    def speak(self, text: str, voice: str, speed_wpm: int) -> tuple[Waveform, int]:
        """The spoken text as mono from −1 to 1 and its rate in Hz. Takes its time: call it from a worker thread.

        Raises EngineError.
        """


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One word; seconds of the sound that was pushed since the recogniser was opened."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser has understood of one utterance so far, or in the end.

    `key` names the utterance among those of this recogniser: partials and their final one share it. Times are seconds
    of the sound that was pushed since the recogniser was opened. `confidence` is 0 to 1, None where it is not told;
    `extra` is what only this engine tells.
    """

    key: str
    text: str
    start_s: float
    end_s: float
    final: bool
    confidence: float | None = None
    language: str = ""
    words: tuple[HeardWord, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listening:
    """What a recogniser is asked to do: `language` as a BCP 47 tag, `phrases` that are to be expected."""

    language: str
    phrases: tuple[str, ...] = ()


class Recogniser(Protocol):
    """Writes one voice down. Made with a Listening by its class, opened once, used from one task, closed once.

    Whoever uses it bounds how long each step may take, gives up one that stalls or fails, and opens a new one after a
    pause: an engine itself neither retries nor remembers. All of them run in the event loop and never hold it up.
    """

    name: str
    """Short, for the segments' `source`, such as "pocketsphinx"."""
    rate_hz: int
    """The rate at which it wants its sound."""

    async def open(self, hear: Callable[[Heard], None]) -> None:
        """Gets ready; from now on `hear` is called, in the event loop, with whatever is understood."""

    async def push(self, pcm: bytes) -> None:
        """Takes 16-bit little-endian mono sound at `rate_hz`; waits as long as the engine cannot take more."""

    async def flush(self) -> None:
        """When it returns, all that was pushed has been heard as final."""

    async def close(self) -> None:
        """Lets go of everything, at once; after an error as well."""


def recogniser_class(dotted_path: str) -> Callable[[Listening], Recogniser]:
    """The recogniser's class, such as "streaming.engines.pocketsphinx.Pocketsphinx". Raises EngineError."""
    module_path, _, class_name = dotted_path.rpartition(".")
    try:
        found: Callable[[Listening], Recogniser] = getattr(import_module(module_path), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise EngineError(f"There is no recogniser {dotted_path!r}: {error}.") from error
    return found


def load(dotted_path: str) -> SpeechSynthesizer:
    """The engine of that class, such as "streaming.engines.espeak.Espeak". Raises EngineError if there is none."""
    module_path, _, class_name = dotted_path.rpartition(".")
    try:
        # An engine's packages may be absent where another engine is chosen, so a module is only imported on demand.
        engine: SpeechSynthesizer = getattr(import_module(module_path), class_name)()
    except (ImportError, AttributeError, ValueError) as error:
        raise EngineError(f"There is no speech engine {dotted_path!r}: {error}.") from error
    return engine
