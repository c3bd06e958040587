"""The figures that /metrics shows: names, help texts, and how each second's readings get into them.

Nothing here is called per frame. Streams count for themselves; once a second `read_process` takes what is new. With
PROMETHEUS_MULTIPROC_DIR set (acsportal/serve.py does it) every process writes into files of that folder and whichever
is asked answers for all; a process that is gone keeps its counters there and loses its gauges.
"""

import resource
import time
from collections import Counter as Tally
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypedDict

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from calls.counters import counts
from calls.errors import CallError
from calls.operations import queues
from calls.operations.process import STARTED_AT, draining
from calls.wire import wire

ORDER_BUCKETS_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
GATEWAY_BUCKETS_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 7, 10)
LAG_BUCKETS_S: Final = (0.005, 0.01, 0.02, 0.04, 0.1, 0.25, 0.5, 1, 5)
SWEEP_BUCKETS_S: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)
BATCH_BUCKETS: Final = (1, 2, 5, 10, 20, 50)


# A second series for each, with nothing in it that anybody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]


def _gauge(name: str, text: str, labels: tuple[str, ...] = (), mode: str = "livesum") -> Gauge:
    return Gauge(f"acsportal_{name}", text, labels, multiprocess_mode=mode)  # type: ignore[arg-type]


def _counter(name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
    return Counter(f"acsportal_{name}", text, labels)


# --- Written each second by `read_process` ---------------------------------------------------------------------------
STREAMS = _gauge("streams_open", "Media sockets that Azure has open to us.")
LINES = _gauge("lines_kept", "Calls whose sound a process has, with a socket or waiting for one to return.")
DASHBOARDS = _gauge("dashboards_open", "Pages that are open and live.")
LAG_WORST = _gauge("stream_lag_worst_seconds", "Lag of the stream that is furthest behind.", mode="livemax")
LAG = Histogram("acsportal_stream_lag_seconds", "Lag of every open stream, asked once a second.", buckets=LAG_BUCKETS_S)
RECEIVED = _counter("frames_received", "Audio frames that arrived from Azure.")
SENT = _counter("frames_sent", "Audio frames that we sent to Azure.")
GAPS = _counter("stream_gaps", "Holes in arriving sound.")
LOST = _counter("stream_lost_seconds", "Arriving sound that is missing.")
UNDERRUNS = _counter("playout_underruns", "Times that a sound we play came too late and was heard with a hole.")
MALFORMED = _counter("malformed_messages", "Messages of media sockets that made no sense.", ("kind",))
REFUSED = _counter("refusals", "What a door turned away.", ("door", "reason"))
COUNTED = _counter("incidents", "What else the portal counts: things dropped, given up or done again.", ("kind",))
QUEUE_LENGTH = _gauge("queue_length", "How much waits in a queue, all processes together.", ("queue",))
QUEUE_BOUND = _gauge("queue_bound", "How much a queue of one process may hold.", ("queue",), mode="livemax")
QUEUE_DROPPED = _counter("queue_dropped", "What a full queue had to drop.", ("queue",))
LAYER_UP = _gauge("layer_up", "1 while the channel layer answers every process.", mode="livemin")
DRAINING = _gauge("processes_draining", "Processes that were asked to end and wait for their calls.")
PROCESSES = _gauge("processes", "Processes that serve the portal on this machine.")
PROCESS_STARTED = _gauge("process_start_time_seconds", "When each process started, Unix time.", mode="liveall")
PROCESS_CPU = _gauge("process_cpu_seconds", "Processor time of each process since its start.", mode="liveall")
PROCESS_MEMORY = _gauge("process_peak_memory_bytes", "The most memory that each process has held.", mode="liveall")

# --- Written when it happens, a few times a second at most -----------------------------------------------------------
ORDERS = _counter("orders", "Orders that are over.", ("verb", "outcome"))
ORDER_TIME = Histogram("acsportal_order_seconds", "From an order to its end.", ("verb",), buckets=ORDER_BUCKETS_S)
INJECTIONS = _counter("injections", "Sounds for callers that are over.", ("kind", "outcome"))
GATEWAY_TIME = Histogram(
    "acsportal_gateway_request_seconds",
    "What Azure took to answer, by operation and by how it ended.",
    ("operation", "outcome"),
    buckets=GATEWAY_BUCKETS_S,
)
SWEEP_TIME = Histogram("acsportal_sweep_seconds", "One round of the sweep.", buckets=SWEEP_BUCKETS_S)
JOURNAL_BATCH = Histogram("acsportal_journal_batch_rows", "Rows that one transaction wrote.", buckets=BATCH_BUCKETS)

DOORS: Final = ("media", "dashboard", "callback", "event_grid")


@contextmanager
def asking_azure(operation: str) -> Iterator[None]:
    """Measures one request to Azure."""
    began_s, outcome = time.monotonic(), "broken"
    try:
        yield
        outcome = "done"
    except CallError as error:
        outcome = error.code
        raise
    finally:
        GATEWAY_TIME.labels(operation, outcome).observe(time.monotonic() - began_s)


class StreamReading(TypedDict):
    """What all streams of this process say together; counts only ever grow."""

    streams: int
    lines: int
    dashboards: int
    lags_s: list[float]
    frames_received: int
    frames_sent: int
    gaps: int
    lost_s: float
    underruns: int


_taken: Final[Tally[str]] = Tally()


def read_process(reading: StreamReading) -> None:
    """Once a second: everything of this process that is counted elsewhere."""
    _read_streams(reading)
    for name, total in counts().items():
        if new := _new(f"count {name}", total):
            _counter_of(name).inc(new)
    for queue in queues.all_queues():
        QUEUE_LENGTH.labels(queue.name).set(queue.waiting())
        QUEUE_BOUND.labels(queue.name).set(queue.bound)
        QUEUE_DROPPED.labels(queue.name).inc(_new(f"queue {queue.name}", queue.dropped()))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    PROCESSES.set(1)
    DRAINING.set(draining.is_set())
    LAYER_UP.set(wire.answers)
    PROCESS_STARTED.set(STARTED_AT.timestamp())
    PROCESS_CPU.set(time.process_time())
    PROCESS_MEMORY.set(usage.ru_maxrss * 1024)


def _read_streams(reading: StreamReading) -> None:
    STREAMS.set(reading["streams"])
    LINES.set(reading["lines"])
    DASHBOARDS.set(reading["dashboards"])
    LAG_WORST.set(max(reading["lags_s"], default=0.0))
    for lag_s in reading["lags_s"]:
        LAG.observe(max(0.0, lag_s))
    RECEIVED.inc(_new("received", reading["frames_received"]))
    SENT.inc(_new("sent", reading["frames_sent"]))
    GAPS.inc(_new("gaps", reading["gaps"]))
    LOST.inc(_new("lost ms", round(reading["lost_s"] * 1000)) / 1000)
    UNDERRUNS.inc(_new("underruns", reading["underruns"]))


def _new(name: str, total: int) -> int:
    """By how much a count has grown since it was asked last."""
    new = max(0, total - _taken[name])
    _taken[name] = max(total, _taken[name])
    return new


def _counter_of(name: str) -> Counter:
    if name.startswith("malformed_"):
        return MALFORMED.labels(name.removeprefix("malformed_"))
    if name.startswith("refused_"):
        reason = name.removeprefix("refused_")
        door = next((each for each in DOORS if reason.startswith(f"{each}_")), "http")
        return REFUSED.labels(door, reason.removeprefix(f"{door}_"))
    return COUNTED.labels(name)
