"""One run: the emulator rings the portal with so many calls, all talk for a while, and hang up.

The portal and the emulator are processes that run already and stay as they are. The emulator plays Azure: Event Grid,
REST, callbacks, tokens, and a media socket for each call with fifty frames a second.
"""

import statistics
import time
from dataclasses import dataclass
from typing import Final

from acsportal.load.azure import EmulatedCalls
from acsportal.load.portal import Portal, Spending, port_of
from acsportal.load.processes import listening

FRAMES_PER_S: Final = 50
CLOSED_WITHIN_S: Final = 15.0
KEPT_UP: Final = 0.98
BUSY: Final = 0.85
LATENCY: Final = (
    "from a ping that the emulator sends on a media socket, between the frames of sound, to the portal's pong; "
    "it waits where the frames wait, and the emulator's own delay is in it"
)


@dataclass(frozen=True, slots=True)
class Result:
    """CPU and memory are those of the portal's processes, None if these are not on this machine; frames are those of
    the whole run, latency too, CPU that of its `seconds`. `limited_by` says why a run tells nothing of the portal."""

    portal: str
    streams: int
    seconds: float
    frames_sent: int
    frames_received: int
    frames_lost: int
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    latency_is: str
    cpu_us_per_frame: float | None
    cpu_core: float | None
    memory_mib: float | None
    processes: int
    emulator_core: float | None
    setup_s: float
    limited_by: str | None


@dataclass(frozen=True, slots=True)
class Talk:
    """What was measured while all calls talked."""

    frames: int
    seconds: float
    core: float | None
    emulator_core: float | None
    memory_mib: float | None
    round_trips_ms: list[float]

    def limit(self, streams: int) -> str | None:
        if self.emulator_core is not None and self.emulator_core > BUSY:
            return f"the emulator, which used {self.emulator_core:.2f} of a core"
        expected = streams * FRAMES_PER_S * self.seconds
        if self.frames < KEPT_UP * expected:
            return f"the emulator or this machine: {self.frames} of {expected:.0f} frames were sent in time"
        return None


def load(portal: Portal, calls: EmulatedCalls, streams: int, seconds: float) -> Result:
    """Raises LoadError."""
    calls.ask("GET", "calls")
    portal.check()
    spending, emulator = Spending(portal.processes()), Spending(frozenset(listening(port_of(calls.emulator))))
    began_s = time.monotonic()
    try:
        calls.ring(streams)
        setup_s = time.monotonic() - began_s
        talk = _talk(calls, spending, emulator, seconds)
    finally:
        calls.hang_up()
    sent, received = _account(portal, calls)
    trips = sorted(talk.round_trips_ms)
    return Result(
        portal=portal.url,
        streams=streams,
        seconds=seconds,
        frames_sent=sent,
        frames_received=received,
        frames_lost=sent - received,
        latency_p50_ms=round(statistics.median(trips), 2) if trips else None,
        latency_p99_ms=round(trips[int(len(trips) * 0.99)], 2) if trips else None,
        latency_is=LATENCY,
        cpu_us_per_frame=round(talk.core * talk.seconds / talk.frames * 1e6, 1) if talk.core and talk.frames else None,
        cpu_core=talk.core,
        memory_mib=talk.memory_mib,
        processes=len(spending.pids),
        emulator_core=talk.emulator_core,
        setup_s=round(setup_s, 1),
        limited_by=talk.limit(streams),
    )


def _talk(calls: EmulatedCalls, spending: Spending, emulator: Spending, seconds: float) -> Talk:
    frames, began_s = calls.frames_sent(), time.monotonic()
    spending.begin()
    emulator.begin()
    time.sleep(seconds)
    core, emulator_core = spending.core(), emulator.core()
    frames, took_s = calls.frames_sent() - frames, time.monotonic() - began_s
    return Talk(frames, took_s, core, emulator_core, spending.memory_mib(), list(calls.round_trips_ms()))


def _account(portal: Portal, calls: EmulatedCalls) -> tuple[int, int]:
    """Every frame that the emulator sent on these calls, and that the portal counted on them when they were over."""
    until_s = time.monotonic() + CLOSED_WITHIN_S
    while True:
        rows = calls.rows()
        sent = {row["streaming"]["subscription_id"]: row["streaming"]["frames_sent"] for row in rows}
        heard = portal.frames_received(sent)
        is_over = all(row["state"] == "ended" for row in rows) and all(closed for _, closed in heard.values())
        if (is_over and heard.keys() == sent.keys()) or time.monotonic() > until_s:
            return sum(sent.values()), sum(frames for frames, _ in heard.values())
        time.sleep(0.5)
