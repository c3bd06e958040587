"""CSV (RFC 4180): a row per turn, with what is known of its call; a call on which nothing was said has one row.

No cell is a formula to a spreadsheet: what begins like one gets an apostrophe before it (OWASP, CSV Injection), but
for plain numbers and phone numbers, which can do no harm.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Final

from calls.exports.rows import CallFacts, ExportedCall
from calls.selectors.shapes import SegmentJson

BOM: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
OF_A_CALL: Final = (
    *("call", "direction", "state", "caller", "callee", "policy", "tags"),
    *("created_at", "connected_at", "ended_at", "duration_s", "end"),
)
OF_A_TURN: Final = (
    *("start_s", "end_s", "kind", "speaker", "raw_id", "text", "final", "corrected", "original_text"),
    *("language", "confidence", "source"),
)
_FORMULA: Final = re.compile(r"[=+\-@\t\r\n|%]")
_HARMLESS: Final = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,9})?", re.ASCII)


def written(calls: Iterable[ExportedCall], *, bom: bool = False) -> Iterator[str]:
    out = StringIO()
    table = csv.writer(out)
    out.write(BOM if bom else "")
    table.writerow([*OF_A_CALL, *OF_A_TURN])
    for call in calls:
        known = _of_call(call.facts)
        silent = True
        for each in call.segments():
            silent = False
            table.writerow([_cell(value) for value in (*known, *_of_turn(each))])
            yield _taken(out)
        if silent:
            table.writerow([_cell(value) for value in (*known, *("" for _ in OF_A_TURN))])
            yield _taken(out)
    yield _taken(out)


def _taken(out: StringIO) -> str:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text


def _of_call(facts: CallFacts) -> list[object]:
    row: dict[str, object] = {**facts, "call": facts["id"], "tags": "; ".join(facts["tags"])}
    return [row[name] for name in OF_A_CALL]


def _of_turn(segment: SegmentJson) -> list[object]:
    row: dict[str, object] = {**segment, "speaker": segment["label"]}
    return [row[name] for name in OF_A_TURN]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    dangerous = _FORMULA.match(text.lstrip(" ")) and not _HARMLESS.fullmatch(text)
    return f"'{text}" if dangerous else text
