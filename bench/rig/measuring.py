"""One measurement: sockets are dialled, sound flows, and for some seconds the server's cost is read from outside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from acsportal.load.processes import read, rss_mib
from bench.rig.gauge import percentile_ms
from bench.rig.servers import ROOT, BenchError, Server

RATE_HZ: Final = 16_000
CORE_SHARE: Final = 0.9
GENERATOR_BUSY: Final = 0.85
GENERATOR_LATE_MS: Final = 10

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How long and how large the measurements are; `BENCH_QUICK=1` asks for a glance that only shows that all works."""

    rounds: int = 3
    seconds: float = 4.0
    warm_s: float = 2.0
    quick: bool = False

    @classmethod
    def asked_for(cls) -> "Size":
        if os.environ.get("BENCH_QUICK"):
            return cls(rounds=1, seconds=1.0, warm_s=0.3, quick=True)
        return cls(int(os.environ.get("BENCH_ROUNDS", "3")), float(os.environ.get("BENCH_SECONDS", "4")))

    def of(self, streams: int, quick: int = 4) -> int:
        return min(quick, streams) if self.quick else streams


@dataclass(slots=True)
class Sound:
    """So many streams that send in real time. `said` is what the generator has to say of itself at its end."""

    server: Server
    streams: int
    said: Row = field(default_factory=dict)

    def window(self, seconds: float) -> Row:
        """What the server spent and did in the seconds to come.

        `waited` is the share of them in which a thread of the server was runnable and did not run: above 0.1 or so the
        row tells more of the machine's other work than of the server.
        """
        pid = self.server.process.pid
        counts, began = self.server.gauge.counts(), read(pid)
        time.sleep(seconds)
        ended, heard = read(pid), self.server.gauge.counts() - counts
        frames, cpu_s, wall_s = int(heard.sum()), ended.cpu_s - began.cpu_s, ended.at_s - began.at_s
        us = cpu_s / frames * 1e6 if frames else None
        return {
            "server": self.server.kind,
            "streams": self.streams,
            "frames": frames,
            "core": round(cpu_s / wall_s, 3),
            "cpu_us_per_frame": round(us, 1) if us else None,
            "streams_per_core": round(CORE_SHARE * 1e6 / (50 * us)) if us else None,
            "p50_ms": percentile_ms(heard, 0.5),
            "p99_ms": percentile_ms(heard, 0.99),
            "waited": round((ended.waited_s - began.waited_s) / wall_s, 3),
            "rss_mib": rss_mib(pid),
        }

    def wait_until_all_are_heard(self, within_s: float = 20) -> None:
        """The measured server notes frames of all streams; ours is told of each by its journal, in its own time."""
        until_s = time.monotonic() + within_s
        while True:
            before, began_s = self.server.gauge.counts().sum(), time.monotonic()
            time.sleep(0.5)
            a_second = float(self.server.gauge.counts().sum() - before) / (time.monotonic() - began_s)
            if a_second > 0.97 * 50 * self.streams:
                return
            if time.monotonic() > until_s:
                said = f"{self.server.kind} is done with {a_second:.0f} of {50 * self.streams} frames a second"
                raise BenchError(f"{said}: it is overloaded, or this machine is.")

    def account(self) -> Row:
        """After the end: every frame that was sent, received and lost, and whether the generator kept up."""
        received = self.server.received(self.said["sent"])
        busy = self.said["cpu_share"] > GENERATOR_BUSY or self.said["late_p99_ms"] > GENERATOR_LATE_MS
        return {
            "sent": self.said["sent"],
            "received": received,
            "lost": self.said["sent"] - received,
            "sockets_lost": self.said["closed_early"],
            "generator_core": self.said["cpu_share"],
            "generator_late_p99_ms": self.said["late_p99_ms"],
            "refused": "the generator could not keep up; the row says nothing of the server" if busy else None,
        }


@contextmanager
def sounding(server: Server, streams: int, warm_s: float) -> Iterator[Sound]:
    """Sound on so many sockets, warm at the beginning of the block and closed at its end."""
    paths, headers = zip(*server.doors(streams), strict=True)
    plan = {"port": server.port, "paths": paths, "headers": headers, "rate_hz": RATE_HZ}
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.rig.generator"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    sound = Sound(server, streams)
    try:
        process.stdin.write(json.dumps(plan) + "\n")
        process.stdin.flush()
        if not process.stdout.readline():
            raise BenchError(f"{server.kind} let not all of {streams} sockets in: {server.log()}")
        time.sleep(warm_s)
        sound.wait_until_all_are_heard()
        yield sound
        process.stdin.close()
        sound.said = json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()
