"""The real application, with one more stage behind the levels of each call: it notes when a frame was done with.

The stage is added from outside, by the portal's own seams: the journal knows the line of each call that this process
has, and a pipeline's row of stages is open to more of them.
"""

import asyncio
import os
from pathlib import Path
from typing import Any, Final

from acsportal.asgi import application as portal
from bench.rig.gauge import Gauge
from streaming.audio import PcmFrame
from streaming.journal import journal
from streaming.switchboard import Line

LOOK_EVERY_S: Final = 0.2


class Arrivals:
    """A stage that keeps nothing."""

    def __init__(self, gauge: Gauge) -> None:
        self._note = gauge.note

    def feed(self, frame: PcmFrame) -> None:
        self._note(frame.pcm)

    def close(self) -> None:
        pass


arrivals = Arrivals(Gauge(Path(os.environ["BENCH_GAUGE"])))
_watching: list[asyncio.Task[None]] = []


async def watch() -> None:
    while True:
        for line in tuple(journal.sources):
            if isinstance(line, Line) and arrivals not in line.pipeline.stages:
                line.pipeline.stages.append(arrivals)
        await asyncio.sleep(LOOK_EVERY_S)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if not _watching:
        _watching.append(asyncio.create_task(watch()))
    await portal(scope, receive, send)
