"""Who talks about what: the stored conversations, and those that somebody uploads as sound files."""

import json
import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from acsportal.emulator.media.tracks import Sound, Track, Voice, decode, render

MUTE = Voice()
_rendering = threading.Lock()
SCENARIOS = Path(__file__).parent / "scenarios"


class UnknownScenarioError(ValueError):
    """No scenario has that name."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody on the call besides the portal; ``raw_id`` is Azure's, e.g. ``4:+14255550123``."""

    raw_id: str
    name: str
    voice: Voice = MUTE


@dataclass(frozen=True, slots=True)
class Scenario:
    """The first speaker is the one who calls, or who is called. ``gives_up_s``: hangs up while it still rings."""

    name: str
    speakers: tuple[Speaker, ...]
    title: str = ""
    gives_up_s: float | None = None
    is_stored: bool = False

    def starring(self, raw_id: str | None) -> "Scenario":
        """The same conversation, led by somebody else."""
        if raw_id is None:
            return self
        return replace(self, speakers=(replace(self.speakers[0], raw_id=raw_id), *self.speakers[1:]))


def names() -> list[str]:
    return sorted(path.stem for path in SCENARIOS.glob("*.json"))


def script(name: str) -> dict[str, Any]:
    """The stored script: speakers, utterances with text and times. Raises UnknownScenarioError."""
    if name not in names():
        raise UnknownScenarioError(f"There is no scenario “{name}”. Available: {', '.join(names())}.")
    content: dict[str, Any] = json.loads((SCENARIOS / f"{name}.json").read_text(encoding="utf-8"))
    return content


@lru_cache(maxsize=32)
def load(name: str) -> Scenario:
    """A stored conversation with its sound. Reads and decodes files: call it outside the event loop."""
    content = script(name)
    files = {utterance["file"]: decode(SCENARIOS / utterance["file"]) for utterance in content["utterances"]}
    speakers = tuple(
        Speaker(speaker["rawId"], speaker["name"], _voice(content, number, files))
        for number, speaker in enumerate(content["speakers"])
    )
    return Scenario(name, speakers, content["title"], content["gives_up_s"], is_stored=True)


def _voice(content: dict[str, Any], number: int, files: dict[str, Sound]) -> Voice:
    role = content["speakers"][number]["role"]
    sounds = tuple(
        (utterance["start_s"], files[utterance["file"]].part(utterance["offset_s"], utterance["duration_s"]))
        for utterance in content["utterances"]
        if utterance["speaker"] == role
    )
    return Voice(sounds, content["duration_s"], content["loop"], content["background_dbfs"], seed=number + 1)


def track(scenario: Scenario, voices: tuple[Voice, ...], rate_hz: int) -> Track:
    """Frames of these voices together. Slow: call it outside the event loop.

    Calls with the same stored conversation share its frames, made once; uploads are forgotten with their call.
    """
    if not scenario.is_stored:
        return render(voices, rate_hz)
    with _rendering:
        return _shared_track(voices, rate_hz)


@lru_cache(maxsize=64)
def _shared_track(voices: tuple[Voice, ...], rate_hz: int) -> Track:
    return render(voices, rate_hz)
