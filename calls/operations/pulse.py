"""This process's sign of life, and its eye on the others.

Beats come from a thread of their own, so that a process that is busy for some seconds is not taken for dead. But a
process whose event loop stands still moves no sound, whatever its threads do: it stops beating, and is given up.
"""

import asyncio
import logging
import os
import threading
import time
from typing import Final

from django.db import connection

from calls.operations.process import HOST, PROCESS_ID, STARTED_AT
from calls.services.upkeep import processes
from calls.services.upkeep.processes import SILENT_S, Watch

log = logging.getLogger(__name__)

BEAT_S: Final = 0.5
TURN_S: Final = 0.25
HUNG_S: Final = 5.0
FAREWELL_S: Final = 3.0


class Pulse:
    """One per process. `run` lives in the event loop that it watches."""

    def __init__(
        self, name: str = PROCESS_ID, *, beat_s: float = BEAT_S, silent_s: float = SILENT_S, hung_s: float = HUNG_S
    ) -> None:
        self._name = name
        self._beat_s, self._silent_s, self._hung_s = beat_s, silent_s, hung_s
        self._turned_s = 0.0
        self._given_up: dict[str, threading.Thread] = {}

    async def run(self) -> None:
        """Until cancelled; then what this process still has in its hands is given up at once."""
        ended = threading.Event()
        self._turned_s = time.monotonic()
        thread = threading.Thread(target=self._beat_until, args=(ended,), name="pulse", daemon=True)
        thread.start()
        try:
            while True:
                self._turned_s = time.monotonic()
                await asyncio.sleep(min(TURN_S, self._hung_s / 4))
        finally:
            ended.set()
            await asyncio.to_thread(thread.join, FAREWELL_S)

    def _beat_until(self, ended: threading.Event) -> None:
        watch = Watch(self._silent_s)
        well = True
        try:
            while True:
                well = self._beat(watch, well)
                if ended.wait(self._beat_s):
                    break
            self._take_leave()
        finally:
            connection.close()

    def _beat(self, watch: Watch, well: bool) -> bool:
        """One beat and one look at the others. What is wrong is logged once; `well` says how it went before."""
        stands_s = time.monotonic() - self._turned_s
        if stands_s > self._hung_s:
            if well:
                log.error("the event loop has stood still for %.0f s: this process gives no sign of life", stands_s)
            return False
        try:
            processes.beat(self._name, HOST, os.getpid(), STARTED_AT)
            beats = processes.all_beats()
            for name in watch.look(beats, time.monotonic()):
                self._give_up(name, beats[name])
        except Exception as error:  # the database's, in whatever form; nothing may end this thread
            connection.close()
            if well:
                log.warning("no sign of life could be given (%s)", type(error).__name__)
            return False
        return True

    def _give_up(self, name: str, beats: int) -> None:
        """In a thread of its own: it may take seconds, and who does not beat meanwhile is given up next."""
        under_way = self._given_up.get(name)
        if under_way is None or not under_way.is_alive():
            self._given_up = {each: thread for each, thread in self._given_up.items() if thread.is_alive()}
            self._given_up[name] = threading.Thread(target=_give_up, args=(name, beats), name="give-up", daemon=True)
            self._given_up[name].start()

    def _take_leave(self) -> None:
        try:
            processes.give_up(self._name, processes.all_beats().get(self._name, 0))
        except Exception as error:
            log.warning("the others will find out that this process ended (%s)", type(error).__name__)


def _give_up(name: str, beats: int) -> None:
    try:
        processes.give_up(name, beats)
    except Exception as error:  # it is tried again with the next beat
        log.warning("process %s could not be given up (%s)", name, type(error).__name__)
    finally:
        connection.close()


pulse = Pulse()
