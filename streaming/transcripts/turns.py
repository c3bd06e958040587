"""What one recogniser says of one voice, turn by turn: dated, told not too often, none left open at its end. Pure."""

from collections.abc import Callable
from datetime import datetime

from streaming.engines.contract import Heard
from streaming.transcripts.arrivals import Arrivals
from streaming.transcripts.voice import Outlet, Turn, WordTold


class Turns:
    """Of one voice. What a recogniser says after its end is not heard any more."""

    def __init__(self, raw_id: str, outlet: Outlet, each_s: float, moment: Callable[[float], datetime]) -> None:
        self._raw_id, self._outlet, self._each_s, self._moment = raw_id, outlet, each_s, moment
        self.source = ""
        self.heard_until_s = 0.0
        self._run = self._mark = ""
        self._arrivals = Arrivals()
        self._open: dict[str, Heard] = {}
        self._due: set[str] = set()
        self._told_s = 0.0

    @property
    def any_open(self) -> bool:
        return bool(self._open)

    def begin(self, run: str, arrivals: Arrivals) -> str:
        """A new recogniser, of whose words `run` is the mark; its seconds count from now on."""
        self._run, self._mark, self._arrivals = run, run, arrivals
        return run

    def hear(self, run: str, heard: Heard, now_s: float) -> None:
        if run != self._run or not self._arrivals.length_s:
            return
        self.heard_until_s = max(self.heard_until_s, self._arrivals.ends_at(heard.end_s))
        if heard.final:
            self._open.pop(heard.key, None)
            self._due.discard(heard.key)
            self._outlet.turn(self._turn(heard, final=True))
        else:
            self._open[heard.key] = heard
            self._due.add(heard.key)
            self.tell_due(now_s)

    def tell_due(self, now_s: float) -> None:
        """The newest partials, if the last were told long enough ago."""
        if not self._due or now_s - self._told_s < self._each_s:
            return
        self._told_s = now_s
        for key in self._due:
            self._outlet.turn(self._turn(self._open[key], final=False))
        self._due.clear()

    def end(self) -> None:
        """The recogniser is gone: what it understood so far is what was said."""
        self._run = ""
        self._due.clear()
        for heard in self._open.values():
            self._outlet.turn(self._turn(heard, final=True))
        self._open.clear()

    def _turn(self, heard: Heard, *, final: bool) -> Turn:
        started_s = self._arrivals.starts_at(heard.start_s)
        ended_s = max(started_s, self._arrivals.ends_at(heard.end_s))
        return Turn(
            f"{self._mark}-{heard.key}"[:80],
            self._raw_id,
            heard.text,
            self._moment(started_s),
            self._moment(ended_s),
            final,
            self.source,
            heard.confidence,
            heard.language,
            tuple(
                WordTold(
                    text=word.text,
                    start_s=round(self._arrivals.starts_at(word.start_s) - started_s, 3),
                    end_s=round(self._arrivals.ends_at(word.end_s) - started_s, 3),
                )
                for word in heard.words
            ),
            dict(heard.extra),
        )
