"""The text that Prometheus reads: the figures of all processes of this machine, and what the database knows of all."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import django
from django.db import Error
from django.db.models import Count
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from calls.models import Call, Job, Process, Take
from calls.operations import figures
from calls.operations.process import PROCESS_ID

# The layout of the figures' names. Raised when a dashboard of Prometheus has to be changed with it.
NAMES_VERSION: Final = "1"


def text() -> bytes:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    shared = CollectorRegistry()
    shared.register(_Database())
    if folder is None:
        return generate_latest(_ONLY_OURS) + generate_latest(shared)
    _bury_the_dead(Path(folder))
    MultiProcessCollector(shared, folder)  # type: ignore[no-untyped-call]
    return generate_latest(shared)


class _Ours(Collector):
    """Of one process alone: prometheus-client's registry of everything, without what it says of Python itself."""

    def collect(self) -> Iterator[object]:  # type: ignore[override]
        return (each for each in REGISTRY.collect() if each.name.startswith("acsportal_"))


_ONLY_OURS: Final = CollectorRegistry()
_ONLY_OURS.register(_Ours())


def _bury_the_dead(folder: Path) -> None:
    """A process that is gone, in whatever way, has no gauges any more; its counters stay in the sums."""
    pids = {path.stem.rpartition("_")[2] for path in folder.glob("gauge_live*_*.db")}
    for pid in pids:
        if pid.isdecimal() and not _lives(int(pid)):
            mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _Database(Collector):
    """Asked when Prometheus asks: the same answer from every process."""

    def collect(self) -> Iterator[GaugeMetricFamily | InfoMetricFamily]:
        info = InfoMetricFamily("acsportal_build", "What runs here.")
        info.add_metric([], {"django": django.__version__, "names": NAMES_VERSION, "answered_by": PROCESS_ID})
        yield info
        up = GaugeMetricFamily("acsportal_database_up", "1 if the database answered just now.")
        try:
            found = list(_tables())
        except Error:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield from (up, *found)


def _tables() -> Iterator[GaugeMetricFamily]:
    calls = GaugeMetricFamily("acsportal_calls_live", "Calls that ring, connect or talk.", labels=("state",))
    by_state = dict(Call.objects.live().order_by().values_list("state").annotate(Count("pk")))
    for state in Call.LIVE_STATES:
        calls.add_metric([state], by_state.get(state, 0))
    yield calls
    jobs = GaugeMetricFamily("acsportal_jobs", "Jobs by state; done ones are kept for a week.", labels=("state",))
    job_states = dict(Job.objects.order_by().values_list("state").annotate(Count("pk")))
    for job_state in Job.State.values:
        jobs.add_metric([job_state], job_states.get(job_state, 0))
    yield jobs
    yield from _takes()
    workers = GaugeMetricFamily("acsportal_job_workers", "Job workers that give signs of life, on all machines.")
    workers.add_metric([], Process.objects.of_kind(Process.Kind.JOBS).count())
    yield workers


def _takes() -> Iterator[GaugeMetricFamily]:
    takes = GaugeMetricFamily("acsportal_takes", "Recordings of calls by state.", labels=("state",))
    states = dict(Take.objects.order_by().values_list("state").annotate(Count("pk")))
    for state in Take.State.values:
        takes.add_metric([state], states.get(state, 0))
    yield takes
    waiting = GaugeMetricFamily("acsportal_takes_not_stored", "Recordings that the storage has not taken; tried again.")
    waiting.add_metric([], Take.objects.filter(state=Take.State.FINISHING).exclude(error="").count())
    yield waiting


assert figures.PROCESSES  # the figures are registered by being imported
