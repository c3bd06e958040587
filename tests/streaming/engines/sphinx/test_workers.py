import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest

from streaming.engines.contract import EngineError
from streaming.engines.sphinx.wire import Kind, Message, Opening
from streaming.engines.sphinx.workers import Seat, Workers

pytestmark = pytest.mark.timeout(120)


class Ear:
    """Gathers what its process says, None where that has died."""

    def __init__(self) -> None:
        self.heard: list[Message | None] = []
        self._news = threading.Condition()

    def __call__(self, message: Message | None) -> None:
        with self._news:
            self.heard.append(message)
            self._news.notify_all()

    def wait_for(self, kind: Kind | None) -> None:
        def told() -> bool:
            return any((each.kind if each else None) is kind for each in self.heard)

        with self._news:
            assert self._news.wait_for(told, 30), f"never told {kind}"


@pytest.fixture
def make() -> Iterator[Callable[..., Workers]]:
    made: list[Workers] = []

    def workers(**options: float) -> Workers:
        made.append(Workers(**options))  # type: ignore[arg-type]
        return made[-1]

    yield workers
    for each in made:
        each.end()


def seated(workers: Workers) -> tuple[Seat, Ear]:
    ear = Ear()
    seat = workers.seat(ear)
    seat.send(Kind.OPEN, msgspec.json.encode(Opening(())))
    return seat, ear


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid: int) -> bool:
    until = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not is_alive(pid)


def test_voices_share_processes_evenly_and_no_more_run_than_are_allowed(make: Callable[..., Workers]) -> None:
    workers = make(limit=2, voices_each=2)
    assert workers.pids == []
    seats = [workers.seat(Ear()) for _ in range(4)]
    assert len(workers.pids) == 2
    assert sorted(seat.pid for seat in seats) == sorted(workers.pids * 2)
    with pytest.raises(EngineError, match=r"All 2 recognising processes are full.*raise SPEECH_WORKERS") as refused:
        workers.seat(Ear())
    assert refused.value.retryable
    seats[0].leave()
    seats[0].leave()
    assert workers.seat(Ear()).pid == seats[0].pid


def test_a_killed_process_is_told_to_its_voices_and_replaced(make: Callable[..., Workers]) -> None:
    workers = make(limit=1)
    seat, ear = seated(workers)
    ear.wait_for(Kind.OPENED)
    os.kill(seat.pid, signal.SIGKILL)
    ear.wait_for(None)
    assert gone(seat.pid)
    assert workers.pids == []
    seat.send(Kind.SOUND, bytes(100))  # nobody hears it, and nobody minds
    seat.leave()
    other, ear = seated(workers)
    assert other.pid != seat.pid
    ear.wait_for(Kind.OPENED)


def test_an_idle_process_ends_unless_somebody_comes_in_time(make: Callable[..., Workers]) -> None:
    workers = make(limit=1, idle_s=0.4)
    first, _ = seated(workers)
    first.leave()
    second, ear = seated(workers)
    assert second.pid == first.pid
    ear.wait_for(Kind.OPENED)
    time.sleep(0.6)  # longer than it may be idle, and it is not
    assert workers.pids == [first.pid]
    second.leave()
    assert gone(first.pid)
    assert workers.pids == []
    assert None not in ear.heard


def test_all_end_at_once_and_leave_nothing_behind(make: Callable[..., Workers]) -> None:
    workers = make(limit=2)
    seats = [seated(workers) for _ in range(2)]
    folder = workers._folder
    assert folder is not None
    assert folder.is_dir()
    workers.end()
    assert all(gone(seat.pid) for seat, _ in seats)
    assert not folder.exists()
    seats[0][1].wait_for(None)
