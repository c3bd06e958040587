"""What an export is asked to be."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Audio(StrEnum):
    STEREO = "stereo"
    TRACKS = "tracks"
    NONE = "none"


# Format → its media type. WebVTT and SRT hold one call; the others hold as many as there are.
FORMATS: Final[dict[str, str]] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "zip": "application/zip",
}
OF_ONE_CALL: Final = frozenset({"vtt", "srt"})


@dataclass(frozen=True, slots=True)
class Options:
    """`digits` hides what was said as figures, `numbers` phone numbers in what is known of the call. `audio` None is
    stereo where that may be, and nothing where it may not."""

    format: str
    digits: bool = False
    numbers: bool = False
    language: str = ""
    final: bool = True
    audio: Audio | None = None
    bom: bool = False

    @property
    def redacted(self) -> str:
        """`digits,numbers`, as it was asked for; empty if nothing is hidden."""
        return ",".join(name for name, hidden in (("digits", self.digits), ("numbers", self.numbers)) if hidden)
