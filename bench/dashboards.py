"""What open dashboards cost: the same calls with and without a hundred of them, in turn, and what one that never reads
keeps in memory.

Prints one JSON object a row; the last ones are medians. See bench/README.md.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from acsportal.load.processes import rss_mib
from bench.rig.azure import answering
from bench.rig.measuring import Row, Size, sounding
from bench.rig.servers import ROOT, BenchError, Server, fill, running

CALLS: Final = 400
DASHBOARDS: Final = 100
# A screen shows some thirty rows of the wall, and the wall tells which; who does not tell gets all calls.
ON_SCREEN: Final = 30
STALLED: Final = 5
STALL_S: Final = 20.0


def say(row: Row) -> None:
    print(json.dumps({"bench": "dashboards", **row}), flush=True)


@contextmanager
def watching(server: Server, count: int, shown: list[str] | None, *, reads: bool = True) -> Iterator[Row]:
    """So many open walls; what they got stands in the row after the block."""
    plan = {"port": server.port, "cookie": server.world.cookie, "count": count, "shown": shown, "reads": reads}
    said: Row = {}
    with subprocess.Popen(
        [sys.executable, "-m", "bench.rig.viewers"],
        cwd=ROOT,
        env=server.world.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(plan) + "\n")
        process.stdin.flush()
        if not process.stdout.readline():
            raise BenchError(f"The dashboards were not let in: {server.log()}")
        yield said
        process.stdin.close()
        said |= json.loads(process.stdout.readline())


def compared(server: Server, size: Size, calls: list[str]) -> list[Row]:
    """Windows with no dashboard, with pages that show a part, and with pages that show all, in turn."""
    rows = []
    with sounding(server, len(calls), size.warm_s) as sound:
        for number in range(1, size.rounds + 1):
            for name, count, shown in (
                ("none", 0, None),
                ("screen", size.of(DASHBOARDS), calls[:ON_SCREEN]),
                ("all", size.of(DASHBOARDS), None),
            ):
                row: Row = {"row": "run", "round": number, "shown": name, "dashboards": count}
                if count:
                    with watching(server, count, shown) as said:
                        time.sleep(size.warm_s)
                        row |= sound.window(size.seconds)
                    row |= said
                else:
                    row |= sound.window(size.seconds)
                rows.append(row)
                say(row)
    say({"row": "account", **sound.account()})
    return rows


def stalled(server: Server, size: Size, calls: list[str]) -> Row:
    """The server's memory before and after some dashboards have read nothing for a while."""
    seconds = 1.0 if size.quick else STALL_S
    with sounding(server, len(calls), size.warm_s):
        time.sleep(0 if size.quick else 5)
        before = rss_mib(server.process.pid)
        time.sleep(seconds)
        alone = rss_mib(server.process.pid)
        with watching(server, size.of(STALLED), None, reads=False):
            time.sleep(seconds)
            after = rss_mib(server.process.pid)
    return {
        "row": "stalled",
        "dashboards": size.of(STALLED),
        "seconds": seconds,
        "growth_alone_mib": round(alone - before, 1),
        "growth_mib": round(after - alone, 1),
        "growth_mib_each": round(((after - alone) - (alone - before)) / size.of(STALLED), 1),
        "goal_growth_mib_each": 5,
    }


def main() -> None:
    size = Size.asked_for()
    with tempfile.TemporaryDirectory() as folder, answering() as azure:
        world = fill(Path(folder) / "world", azure, size.of(CALLS))
        calls = [str(each["id"]) for each in world.calls]
        with running("ours-uvicorn", world, azure) as server:
            rows = compared(server, size, calls)
        with running("ours-uvicorn", world, azure) as server:
            say(stalled(server, size, calls))
    core = {
        name: statistics.median(row["core"] for row in rows if row["shown"] == name)
        for name in ("none", "screen", "all")
    }
    points = {f"points_of_a_core_{name}": round(100 * (core[name] - core["none"]), 1) for name in ("screen", "all")}
    say({"row": "median", "dashboards": size.of(DASHBOARDS), "streams": len(calls), **points, "goal_points": 8})


if __name__ == "__main__":
    main()
