"""JSON: `{"exported_at", "redacted", "calls": [{…, "segments": […]}]}`, written as it is read, so of any size."""

import json
from collections.abc import Iterable, Iterator

from calls.exports.rows import ExportedCall


def written(calls: Iterable[ExportedCall], *, exported_at: str, redacted: str) -> Iterator[str]:
    yield f'{{"exported_at": {_text(exported_at)}, "redacted": {_text(redacted)}, "calls": ['
    for number, call in enumerate(calls):
        yield (",\n" if number else "\n") + _text(call.facts)[:-1] + ', "segments": ['
        for at, segment in enumerate(call.segments()):
            yield (",\n  " if at else "\n  ") + _text(segment)
        yield "]}"
    yield "\n]}\n"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
