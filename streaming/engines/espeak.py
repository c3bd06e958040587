"""Speech by espeak-ng, on this machine and without a network: plain, quick, and in one process per utterance."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from streaming.audio import AudioError, Waveform, decode_file
from streaming.engines.contract import EngineError, Voice

LONGEST_TEXT: Final = 2_000
SLOWEST_WPM: Final = 80
FASTEST_WPM: Final = 450

_CHILD: Final = Path(__file__).with_name("espeak_child.py")
# The portal's secrets are none of the child's business; this much is needed to find Python and the library.
_ENVIRONMENT: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT")

# espeak-ng's own name of each voice, where it is not our id: its "en" is the British one.
_OWN_NAMES: Final = {"en-gb": "en", "en-gb+f3": "en+f3", "en-gb+m3": "en+m3"}
_VOICES: Final = (
    Voice("en-us", "English, United States", "en-US"),
    Voice("en-us+f3", "English, United States (female)", "en-US"),
    Voice("en-us+m3", "English, United States (male)", "en-US"),
    Voice("en-gb", "English, Great Britain", "en-GB"),
    Voice("en-gb+f3", "English, Great Britain (female)", "en-GB"),
    Voice("en-gb+m3", "English, Great Britain (male)", "en-GB"),
    Voice("en-gb-scotland", "English, Scotland", "en-GB"),
    Voice("de", "German", "de-DE"),
    Voice("de+f3", "German (female)", "de-DE"),
    Voice("fr", "French", "fr-FR"),
    Voice("fr+f3", "French (female)", "fr-FR"),
    Voice("es", "Spanish, Spain", "es-ES"),
    Voice("es-419", "Spanish, Latin America", "es-419"),
    Voice("it", "Italian", "it-IT"),
    Voice("nl", "Dutch", "nl-NL"),
    Voice("pl", "Polish", "pl-PL"),
    Voice("pt", "Portuguese, Portugal", "pt-PT"),
    Voice("pt-br", "Portuguese, Brazil", "pt-BR"),
    Voice("sv", "Swedish", "sv-SE"),
)


Program = Callable[[str, int], list[str]]
"""A command line from voice and words per minute; it gets the text on standard input and answers with a WAV file."""


def bundled_program(voice: str, speed_wpm: int) -> list[str]:
    """Our own child with the library from the package `espeakng_loader`."""
    return [sys.executable, "-P", str(_CHILD), voice, str(speed_wpm)]


def system_program(voice: str, speed_wpm: int) -> list[str]:
    """The operating system's espeak-ng."""
    return ["espeak-ng", "-b", "1", "-v", voice, "-s", str(speed_wpm), "--stdin", "--stdout"]


def installed_program() -> Program:
    """The better of what is installed. Raises EngineError if nothing is."""
    if find_spec("espeakng_loader"):
        return bundled_program
    if shutil.which("espeak-ng"):
        return system_program
    raise EngineError(
        "espeak-ng is not installed, so text cannot be spoken; run `pip install espeakng-loader` "
        "or `apt-get install espeak-ng`."
    )


class Espeak:
    """A SpeechSynthesizer; holds nothing, so one instance serves any number of threads."""

    name = "espeak-ng"

    def __init__(self, program: Program | None = None, time_limit_s: float = 20.0) -> None:
        self._program = program
        self._time_limit_s = time_limit_s

    def voices(self) -> list[Voice]:
        """The voices that may be ordered, the default one first."""
        return list(_VOICES)

    def speak(self, text: str, voice: str, speed_wpm: int) -> tuple[Waveform, int]:
        """The spoken text as mono from −1 to 1 and its rate, 22050 Hz. Needs about 0.1 s and ends by 20 s.

        The text is only ever text, at most 2,000 characters: neither SSML nor phonemes are understood.
        Raises EngineError.
        """
        if voice not in {known.id for known in _VOICES}:
            raise EngineError(f"espeak-ng has no voice {voice!r} here; choose one of the voices offered.")
        if not SLOWEST_WPM <= speed_wpm <= FASTEST_WPM:
            raise EngineError(f"{speed_wpm} words per minute cannot be spoken; choose {SLOWEST_WPM} to {FASTEST_WPM}.")
        if len(text) > LONGEST_TEXT:
            raise EngineError(f"The text has {len(text)} characters; at most {LONGEST_TEXT} can be spoken at once.")
        program = self._program or installed_program()
        try:
            spoken = decode_file(self._run(program(_OWN_NAMES.get(voice, voice), speed_wpm), _speakable(text)))
        except AudioError as error:
            raise EngineError(f"espeak-ng answered with no speech: {error}", retryable=True) from error
        if not spoken[0].any():
            raise EngineError("The text holds nothing that can be spoken; write words or numbers.")
        return spoken

    def _run(self, command: list[str], text: str) -> bytes:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        try:
            child = subprocess.run(  # noqa: S603 (no shell; the text goes to standard input, the voice is from our list)
                command,
                input=text.encode(),
                capture_output=True,
                timeout=self._time_limit_s,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineError(
                f"espeak-ng did not finish within {self._time_limit_s:g} s and was ended; try again, or say less.",
                retryable=True,
            ) from None
        except OSError as error:
            raise EngineError(f"espeak-ng could not be started: {error.strerror}.", retryable=True) from error
        if child.returncode:
            # What the child writes names no text; its last line is the reason.
            reason = child.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise EngineError(f"espeak-ng failed with exit code {child.returncode}: {reason}", retryable=True)
        return child.stdout


def _speakable(text: str) -> str:
    """The text without control characters, lone surrogates and the brackets that mean phonemes to espeak-ng."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable.replace("[[", "[ [")
