"""What a process says of itself, and whom it sees beside it."""

import os
import time

import pytest

from calls.models import Process
from calls.operations.heartbeat import JobWorkerBeats, others_take_calls, siblings_take_calls, tell
from calls.operations.process import HOST, PROCESS_ID, STARTED_AT, draining
from calls.services.upkeep.processes import beat
from tests.journeys.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def neighbour(name: str, **fields: object) -> None:
    beat(name, HOST, 1, STARTED_AT)
    Process.objects.filter(pk=name).update(supervisor=os.getppid())
    Process.objects.filter(pk=name).update(**fields)


def test_a_process_tells_how_it_is_once_it_has_a_row() -> None:
    tell({"streams": 3})
    assert not Process.objects.exists()
    beat(PROCESS_ID, HOST, os.getpid(), STARTED_AT)
    draining.set()
    try:
        tell({"streams": 3})
    finally:
        draining.clear()
    row = Process.objects.get()
    assert (row.facts, row.draining, row.supervisor, row.kind) == ({"streams": 3}, True, os.getppid(), "portal")


def test_only_portals_that_stay_take_calls() -> None:
    neighbour(PROCESS_ID)
    assert not others_take_calls()
    neighbour("job-worker", kind="jobs")
    neighbour("leaves as well", draining=True)
    assert not others_take_calls()
    neighbour("far", host="elsewhere", supervisor=1)
    assert (others_take_calls(), siblings_take_calls()) == (True, False)
    neighbour("near")
    assert siblings_take_calls()


def test_a_job_worker_beats_while_it_works_and_goes_without_a_trace() -> None:
    beats = JobWorkerBeats()
    beats.start()
    first = wait_for(lambda: Process.objects.of_kind("jobs").first())
    wait_for(lambda: Process.objects.get().beats > first.beats, 5)
    began_s = time.monotonic()
    beats.stop()
    assert time.monotonic() - began_s < 1
    assert not Process.objects.exists()
