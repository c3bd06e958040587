"""The benchmarks run, and each prints its rows as JSON. Their figures are not looked at here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.alone, pytest.mark.timeout(400)]
ROOT = Path(__file__).resolve().parent.parent
linux = pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks read /proc")


def rows_of(bench: str) -> list[dict[str, Any]]:
    environment = os.environ | {"BENCH_QUICK": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, f"bench/{bench}"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["bench"] for row in rows} == {bench.removesuffix(".py")}
    return rows


@linux
def test_the_portal_and_its_peers_are_measured_in_turn() -> None:
    rows = rows_of("streams.py")
    runs = [row for row in rows if row["row"] == "run"]
    assert {row["server"] for row in runs} == {"ours-uvicorn", "ours-daphne", "stock-uvicorn", "stock-daphne", "picows"}
    for row in runs:
        assert row["frames"] > 0
        assert row["p50_ms"] <= row["p99_ms"]
    assert len([row for row in rows if row["row"] == "median"]) == len(runs)
    assert rows[-1]["row"] == "ratios"
    assert rows[-1]["ours_of_picows_at_equal_load"] > 0


@linux
def test_dashboards_are_measured_with_and_without_and_stalled() -> None:
    rows = rows_of("dashboards.py")
    assert [row["shown"] for row in rows if row["row"] == "run"] == ["none", "screen", "all"]
    watched = [row for row in rows if row.get("dashboards") and row["row"] == "run"]
    assert all(row["messages_a_second"] > 1 and row["left"] == 0 for row in watched)
    assert {row["row"] for row in rows[-3:]} == {"account", "stalled", "median"}


def test_recognition_is_measured_on_general_speech_and_on_phrases_apart() -> None:
    rows = rows_of("recognition.py")
    assert [(row["row"].partition(",")[0], row["phrases"] > 0) for row in rows] == [
        ("general speech", False),
        ("general speech", True),
        ("phrases in other words", False),
        ("phrases in other words", True),
        ("demo scenario", True),
    ]
    assert all(row["word_error_rate"] > 0 and row["rtf"] > 0 for row in rows)


def test_the_path_of_a_frame_is_measured_at_both_rates() -> None:
    rows = rows_of("frame_path.py")
    assert [row["rate_hz"] for row in rows] == [16_000, 24_000]
    assert all(row["ours_us"] < row["straightforward_us"] for row in rows)


def test_recording_is_measured_beside_levels_at_both_rates() -> None:
    rows = rows_of("recording.py")
    assert [(row["row"], row["rate_hz"]) for row in rows] == [
        ("frame", 16_000),
        ("paced", 16_000),
        ("frame", 24_000),
        ("paced", 24_000),
    ]
    assert all(row["recording_us"] < row["levels_us"] for row in rows if row["row"] == "frame")
    assert all(row["most_waiting_ms"] < 10_000 for row in rows if row["row"] == "paced")
