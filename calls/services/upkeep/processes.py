"""The portal's processes as they see each other. Each counts on in its own row; who counts no more is given up by the
others: its streams are lost, its sounds have failed. One that was only asleep takes its streams back by itself
(`sockets.sign_of_life`).
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db.models import F
from django.utils import timezone

from calls.counters import count
from calls.models import Process
from calls.services.recordings.tracks import leave_takes_of
from calls.services.sockets import lose_streams_of
from calls.services.sound import end_sounds_of

log = logging.getLogger(__name__)

SILENT_S: Final = 3.0
LONGEST_LOOK_S: Final = 1.0


def beat(name: str, host: str, pid: int, started_at: datetime) -> None:
    """This process lives."""
    if not Process.objects.filter(pk=name).update(beats=F("beats") + 1, seen_at=timezone.now()):
        Process.objects.create(name=name, host=host, pid=pid, started_at=started_at)


def all_beats() -> dict[str, int]:
    """How far each process has counted, by name."""
    return dict(Process.objects.values_list("name", "beats"))


class Watch:
    """How long each of the others has been silent, as one process sees it.

    Only silence that was watched counts, at most LONGEST_LOOK_S for each look: while the database was away or this
    process slept, the others may have lived well, and clocks may jump as they like.
    """

    def __init__(self, silent_s: float = SILENT_S) -> None:
        self._silent_s = silent_s
        self._looked_s: float | None = None
        self._beats: Mapping[str, int] = {}
        self._silences_s: dict[str, float] = {}

    def look(self, beats: Mapping[str, int], now_s: float) -> list[str]:
        """The names of those that have been silent too long, given everybody's count and a monotonic time."""
        before_s, self._looked_s = self._looked_s, now_s
        passed_s = 0.0 if before_s is None else min(now_s - before_s, LONGEST_LOOK_S)
        self._silences_s = {
            name: self._silences_s.get(name, 0.0) + passed_s if self._beats.get(name) == counted else 0.0
            for name, counted in beats.items()
        }
        self._beats = beats
        return [name for name, silence_s in self._silences_s.items() if silence_s >= self._silent_s]


def give_up(name: str, beats: int) -> bool:
    """Ends what a process held that has counted no further than `beats`; False if it has, or if another was faster.

    Each step may be taken by several processes at once. The row goes last, so that nothing is forgotten if this process
    dies over it.
    """
    unchanged = Process.objects.filter(pk=name, beats=beats)
    process = unchanged.first()
    if process is None:
        return False
    streams, sounds, takes = lose_streams_of(process), end_sounds_of(process), leave_takes_of(name)
    if unchanged.delete()[0] == 0:
        return False
    if streams or sounds or takes:
        told = "process %s gave no sign of life: %d streams lost, %d sounds ended, %d recordings broken off"
        log.warning(told, name, streams, sounds, takes)
    else:
        log.info("process %s is gone and had nothing in its hands", name)
    count("processes_given_up")
    return True
