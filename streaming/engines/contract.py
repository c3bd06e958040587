"""What a speech engine has to offer, and how the chosen one is found."""

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from streaming.audio import Waveform


class EngineError(Exception):
    """A speech engine could not do it; `retryable` if the same order may succeed later."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


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


def load(dotted_path: str) -> SpeechSynthesizer:
    """The engine of that class, such as "streaming.engines.espeak.Espeak". Raises EngineError if there is none."""
    module_path, _, class_name = dotted_path.rpartition(".")
    try:
        # An engine's packages may be absent where another engine is chosen, so a module is only imported on demand.
        engine: SpeechSynthesizer = getattr(import_module(module_path), class_name)()
    except (ImportError, AttributeError, ValueError) as error:
        raise EngineError(f"There is no speech engine {dotted_path!r}: {error}.") from error
    return engine
