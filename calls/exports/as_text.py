"""Plain text, as one would read it out: a head per call, then a line per turn."""

from collections.abc import Iterable, Iterator

from calls.exports.rows import CallFacts, ExportedCall


def written(calls: Iterable[ExportedCall]) -> Iterator[str]:
    for number, call in enumerate(calls):
        yield ("\n\n" if number else "") + _head(call.facts)
        for each in call.segments():
            text = " ".join(each["text"].split())
            mark = " (corrected)" if each["corrected"] else "" if each["final"] else " (not finished)"
            words = f"[{text}]" if each["kind"] == "gap" else f"{each['label']}: {text}" if each["label"] else text
            yield f"{_clock(each['start_s'])}  {words}{mark}\n"
        for note in call.facts["notes"]:
            about = "" if note["about_s"] is None else f" at {_clock(note['about_s'])}"
            yield f"Note by {note['author']}{about}: {' '.join(note['text'].split())}\n"


def _head(facts: CallFacts) -> str:
    began = (facts["connected_at"] or facts["created_at"]).replace("T", " ")[:19]
    lines = [
        f"Call {facts['id']}",
        f"{facts['direction'].capitalize()}, {facts['title']} with {facts['other_title']}, {began} UTC, "
        + ("never connected" if facts["duration_s"] is None else f"{_clock(facts['duration_s'])} long"),
    ]
    if facts["policy"]:
        lines.append(f"Policy {facts['policy']}")
    if facts["tags"]:
        lines.append(f"Tags {', '.join(facts['tags'])}")
    return "\n".join(lines) + "\n\n"


def _clock(seconds: float) -> str:
    """`1:02:03.4`, `−0:04.0` before the call connected."""
    tenths = round(abs(seconds) * 10)
    minutes, second = divmod(tenths // 10, 60)
    hours, minute = divmod(minutes, 60)
    sign = "−" if seconds < 0 and tenths else ""
    whole = f"{hours}:{minute:02}" if hours else f"{minute}"
    return f"{sign}{whole}:{second:02}.{tenths % 10}"
