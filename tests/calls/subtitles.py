"""Small strict readers of WebVTT (W3C) and SubRip: what they do not know is a fault."""

import html
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    start_s: float
    end_s: float
    speaker: str
    text: str


def read_vtt(text: str) -> list[Line]:
    head, *blocks = text.removesuffix("\n").split("\n\n")
    assert head == "WEBVTT"
    lines = []
    for number, block in enumerate(blocks, 1):
        name, times, payload = block.split("\n")
        assert name == str(number)
        found = re.fullmatch(r"(?:<v ([^>\n]+)>)?([^<>\n]+)", payload)
        assert found, payload
        assert re.sub(r"&(amp|lt|gt);", "", payload).count("&") == 0
        start_s, end_s = _times(times, r"(\d\d+):(\d\d):(\d\d)\.(\d{3})")
        lines.append(Line(start_s, end_s, html.unescape(found[1] or ""), html.unescape(found[2])))
    return _in_order(lines)


def read_srt(text: str) -> list[Line]:
    if not text:
        return []
    assert text.endswith("\n\n")
    lines = []
    for number, block in enumerate(text.removesuffix("\n\n").split("\n\n"), 1):
        name, times, payload = block.split("\n")
        assert name == str(number)
        assert "-->" not in payload
        start_s, end_s = _times(times, r"(\d\d+):(\d\d):(\d\d),(\d{3})")
        lines.append(Line(start_s, end_s, "", payload))
    return _in_order(lines)


def _times(line: str, clock: str) -> tuple[float, float]:
    found = re.fullmatch(f"{clock} --> {clock}", line)
    assert found, line
    numbers = [int(each) for each in found.groups()]
    first, last = (
        hours * 3600 + minutes * 60 + seconds + ms / 1000 for hours, minutes, seconds, ms in (numbers[:4], numbers[4:])
    )
    assert all(each < 60 for each in (*numbers[1:3], *numbers[5:7]))
    assert first < last
    return first, last


def _in_order(lines: list[Line]) -> list[Line]:
    assert [each.start_s for each in lines] == sorted(each.start_s for each in lines)
    return lines
