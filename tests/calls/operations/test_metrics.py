"""The figures as Prometheus reads them: of one process here, of several in processes of their own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from calls.counters import count
from calls.models import Job, Take
from calls.operations.figures import read_process
from streaming.figures import totals
from tests.calls.prometheus import figure
from tests.calls.scene import live_call

ROOT = Path(__file__).resolve().parents[3]
FORBIDDEN = {"call", "call_id", "stream", "user", "number", "caller", "callee", "raw_id"}


@pytest.mark.django_db
def test_every_figure_has_a_help_text_a_prefix_and_no_label_of_a_call() -> None:
    count("refused_media_token_expired")
    live_call()
    read_process(totals.reading())
    text = Client().get("/metrics").content.decode()
    families = list(text_string_to_metric_families(text))
    assert len(families) > 30
    for family in families:
        assert family.name.startswith("acsportal_"), family.name
        assert family.documentation.endswith("."), family.name
        assert not FORBIDDEN & {label for sample in family.samples for label in sample.labels}, family.name
        if family.type == "counter":
            assert all(sample.name.endswith(("_total", "_created")) for sample in family.samples)
    assert not re.search(r"_(ms|millis|minutes)(_|$| |{)", text), "units are the base units"


@pytest.mark.django_db
def test_calls_and_jobs_are_counted_by_their_state() -> None:
    live_call()
    live_call("+14255550124", state="ringing")
    live_call("+14255550125", state="ended")
    Job.objects.create(kind="x", state="failed")
    assert figure("calls_live", state="connected") == 1
    assert figure("calls_live", state="ringing") == 1
    assert figure("jobs", state="failed") == 1
    assert figure("database_up") == 1


@pytest.mark.django_db
def test_recordings_are_counted_by_their_state_and_what_waits_for_the_storage() -> None:
    call = live_call()
    for number, (state, error) in enumerate((("complete", ""), ("finishing", ""), ("finishing", "It is away."))):
        Take.objects.create(call=call, number=number, state=state, error=error, owner="web-1", asked_by="dana")
    assert figure("takes", state="complete") == 1
    assert figure("takes", state="finishing") == 2
    assert figure("takes", state="failed") == 0
    assert figure("takes_not_stored") == 1


SAY = """
import django, os, sys, time
django.setup()
from calls.counters import count
from calls.operations.figures import read_process, JOURNAL_BATCH
from streaming.figures import totals
count("refused_metrics", int(sys.argv[1]))
class Source:
    def __init__(self):
        from streaming.session import StreamFacts
        self.facts, self.frames_sent = StreamFacts(frames_received=int(sys.argv[1])), 0
source = Source()
totals.enter(source)
read_process(totals.reading())
print(os.getpid(), flush=True)
sys.stdin.readline()
"""
ASK = """
import django, json, re
django.setup()
from django.test import Client
text = Client().get("/metrics").content.decode()
print(json.dumps(dict(re.findall(r"^(acsportal_[a-z_]+(?:{[^}]*})?) (\\S+)$", text, re.MULTILINE))))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "figures"
    folder.mkdir()
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}",
        "REDIS_URL": "",
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
    }


def ask(environment: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return {name: float(value) for name, value in json.loads(done.stdout).items()}


def test_one_process_answers_for_all_and_the_dead_keep_only_their_counters(environment: dict[str, str]) -> None:
    script: list[Any] = [sys.executable, "-c", SAY]
    said = []
    for number in ("5", "7"):
        process = subprocess.Popen(
            [*script, number], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        said.append(process)
    try:
        for process in said:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == str(process.pid)
        together = ask(environment)
        assert together["acsportal_frames_received_total"] == 12
        assert together['acsportal_refusals_total{door="http",reason="metrics"}'] == 12
        assert together["acsportal_streams_open"] == 2
        assert together["acsportal_processes"] == 2
        assert together["acsportal_database_up"] == 0  # there is none in this test, and the figures come all the same
        said[0].kill()
        said[0].wait()
        left = ask(environment)
        assert left["acsportal_frames_received_total"] == 12
        assert left["acsportal_streams_open"] == 1
        assert left["acsportal_processes"] == 1
        assert not [name for name in left if f'pid="{said[0].pid}"' in name]
    finally:
        for process in said:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()
