"""The calls whose sound this process has: one line per call, kept for a while after its socket breaks.

A pipeline belongs to the call and not to the socket, so that a call that comes back within the grace goes on where it
was: queued sounds are played to their end.
"""

import asyncio
import logging
import time
from dataclasses import dataclass

from django.conf import settings

from calls.live import CallLive, Health, Level, LiveEvent, hub
from calls.operations.process import PROCESS_ID
from streaming.journal import journal
from streaming.keeping import Keeping
from streaming.pipeline.call import CallPipeline
from streaming.player import Player, Send
from streaming.session import STALLED_S, MediaSession

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Line:
    """One call in this process: its pipeline, its player, and the session of the socket that feeds it now."""

    call_id: str
    pipeline: CallPipeline
    player: Player
    keeping: Keeping
    session: MediaSession | None = None
    ending: asyncio.TimerHandle | None = None

    def live(self, now_s: float) -> CallLive:
        levels: dict[str, Level] = {**self.pipeline.levels_now(now_s)}
        self.keeping.talk.look(now_s, levels)
        return {
            "levels": levels,
            "health": self._health(now_s),
            "playing": self.pipeline.playing_now(now_s),
            "line": self.keeping.transcript.line.now(now_s),
        }

    def _health(self, now_s: float) -> Health | None:
        if self.session is None:
            return None
        facts, idle_s = self.session.facts, self.session.idle_s(now_s)
        # While nothing comes, what comes next is at least so late.
        lag_ms = max(facts.lag_ms, idle_s * 1000 if idle_s >= STALLED_S else 0)
        return {
            "frames_received": facts.frames_received,
            "frames_sent": self.player.frames_sent,
            "lag_ms": round(lag_ms),
            "frame_age_ms": round(idle_s * 1000),
            "lost_ms": round(facts.lost_ms),
            "gaps": facts.gaps,
            "malformed": facts.malformed_total,
        }


class Switchboard:
    """One per event loop."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def connect(self, call_id: str, rate_hz: int, session: MediaSession, send: Send) -> Line:
        """The call's line, new or as the last socket left it, fed by `session` and sending by `send` from now on."""
        line = self._lines.get(call_id)
        if line is not None and line.pipeline.playout.rate_hz != rate_hz:
            self._end(line)
            line = None
        if line is None:
            pipeline = CallPipeline(rate_hz, settings.STREAM_LEAD_MS)
            line = self._lines[call_id] = Line(call_id, pipeline, Player(pipeline), Keeping(call_id, pipeline))
            journal.sources.add(line)
        if line.ending is not None:
            line.ending.cancel()
            line.ending = None
        line.session = session
        line.player.attach(send)
        return line

    def disconnect(self, line: Line, session: MediaSession, *, for_good: bool) -> None:
        """The socket is gone. Unless a newer one feeds the line already, it ends now or after its grace."""
        if line.session is not session:
            return
        line.session = None
        line.keeping.socket_gone()
        line.player.detach()
        if for_good:
            self._end(line)
        else:
            line.ending = asyncio.get_running_loop().call_later(settings.STREAM_KEEP_S, self._end, line)

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(self._lines.values())

    def line(self, call_id: str) -> Line | None:
        return self._lines.get(call_id)

    def heed(self, event: LiveEvent) -> None:
        """Another process has a newer socket of the call: the call goes on there, and its line here ends."""
        elsewhere = event["kind"] == "stream_state" and event.get("owner", PROCESS_ID) != PROCESS_ID
        if elsewhere and event["stream"]["state"] == "open" and (line := self._lines.get(event["call"])) is not None:
            self._end(line)

    def close(self) -> None:
        """The process ends: no line is kept for a socket that may come back."""
        for line in tuple(self._lines.values()):
            self._end(line)

    def _end(self, line: Line) -> None:
        if self._lines.get(line.call_id) is line:
            del self._lines[line.call_id]
        line.session = None
        if line.ending is not None:
            line.ending.cancel()
        journal.sources.discard(line)
        line.player.close()
        line.keeping.close()
        line.pipeline.close()
        log.info("line of call %s ended after %.0f s", line.call_id, time.monotonic() - line.pipeline.began_s)


switchboard = Switchboard()
hub.on_event.add(switchboard.heed)
