"""WebVTT (W3C, https://www.w3.org/TR/webvtt1/): one call, each speaker in a voice span."""

from collections.abc import Iterator

from calls.exports.rows import ExportedCall
from calls.exports.times import clock, cues


def written(call: ExportedCall) -> Iterator[str]:
    yield "WEBVTT\n"
    for cue in cues(call.segments()):
        voice = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
        times = f"{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}"
        yield f"\n{cue.number}\n{times}\n{voice}{_escaped(cue.text)}\n"


def _escaped(text: str) -> str:
    """An arrow of the timings cannot come from the text, since `>` is escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
