"""What a live stream costs: the portal beside a stock Channels consumer and bare picows, in interleaved rounds.

Prints one JSON object a row; the last ones are medians with their ratios. See bench/README.md.
"""

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

from bench.rig.azure import answering
from bench.rig.measuring import Row, Size, sounding
from bench.rig.servers import fill, running

MEDIANS: Final = ("cpu_us_per_frame", "core", "p50_ms", "p99_ms", "waited", "rss_mib")
# At one load each group can be compared: CPU for each frame falls as the load grows, since wake-ups are shared.
LIGHT, EQUAL, DAPHNE, FULL = 40, 240, 160, 400
RUNS: Final = (
    ("ours-uvicorn", FULL),
    ("picows", FULL),
    ("ours-uvicorn", EQUAL),
    ("picows", EQUAL),
    ("ours-daphne", DAPHNE),
    ("ours-uvicorn", LIGHT),
    ("stock-uvicorn", LIGHT),
    ("stock-daphne", LIGHT),
)


def say(row: Row) -> None:
    print(json.dumps({"bench": "streams", **row}), flush=True)


def medians(rows: list[Row]) -> Row:
    """The median of each figure over the rounds of one run."""
    found: Row = {name: statistics.median(row[name] for row in rows) for name in MEDIANS if rows[0][name] is not None}
    us = found["cpu_us_per_frame"]
    return found | {
        "streams_per_core": round(0.9e6 / (50 * us)),
        "lost": sum(row["lost"] for row in rows),
        "refused_rounds": sum(row["refused"] is not None for row in rows),
    }


def ratios(found: dict[tuple[str, int], Row]) -> Row:
    """Costs of a frame compared at one load, and the streams that one core carries."""

    def cost(server: str, streams: int) -> float:
        return float(found[server, streams]["cpu_us_per_frame"])

    return {
        "row": "ratios",
        "ours_of_picows_at_equal_load": round(cost("picows", EQUAL) / cost("ours-uvicorn", EQUAL), 2),
        "ours_of_picows_at_full_load": round(cost("picows", FULL) / cost("ours-uvicorn", FULL), 2),
        "stock_uvicorn_by_ours": round(cost("stock-uvicorn", LIGHT) / cost("ours-uvicorn", LIGHT), 2),
        "stock_daphne_by_ours": round(cost("stock-daphne", LIGHT) / cost("ours-uvicorn", LIGHT), 2),
        "ours_streams_per_core_uvicorn": found["ours-uvicorn", FULL]["streams_per_core"],
        "ours_streams_per_core_daphne": found["ours-daphne", DAPHNE]["streams_per_core"],
        "goal_streams_per_core": 400,
        "goal_ours_of_picows": 0.40,
    }


def main() -> None:
    size = Size.asked_for()
    rows: dict[tuple[str, int], list[Row]] = {}
    with tempfile.TemporaryDirectory() as folder, answering() as azure:
        world = fill(Path(folder) / "world", azure, size.of(FULL))
        for number in range(1, size.rounds + 1):
            for kind, streams in RUNS:
                row: dict[str, Any] = {"row": "run", "round": number}
                with running(kind, world, azure) as server:
                    with sounding(server, size.of(streams), size.warm_s) as sound:
                        row |= sound.window(size.seconds)
                    row |= sound.account()
                say(row)
                rows.setdefault((kind, streams), []).append(row)
    found = {run: medians(each) for run, each in rows.items()}
    for (kind, streams), row in found.items():
        say({"row": "median", "server": kind, "streams": size.of(streams), **row})
    say(ratios(found))


if __name__ == "__main__":
    main()
