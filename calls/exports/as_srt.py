"""SubRip: one call, each line with its speaker. It has no escapes: what looks like timings is written anew."""

from collections.abc import Iterator

from calls.exports.rows import ExportedCall
from calls.exports.times import clock, cues


def written(call: ExportedCall) -> Iterator[str]:
    for cue in cues(call.segments()):
        line = f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text
        times = f"{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}"
        yield f"{cue.number}\n{times}\n{line.replace('-->', '→')}\n\n"
