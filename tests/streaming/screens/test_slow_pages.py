"""A page that does not read: what it costs, how it is let go, and that nobody else notices."""

import socket as sockets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from acsportal.demo import Child
from tests.journeys.stack import free_port, uvicorn
from tests.streaming.doorstep import AzureCall, Door, Socket, masked, sine, unread

pytestmark = pytest.mark.long

CLOSE = b"\x88\x02"
SLOW = "a dashboard reads too slowly"


@dataclass
class Process:
    """A process of the portal to which pages are opened."""

    door: Door
    child: Child
    url: str

    @property
    def browser(self) -> list[tuple[str, str]]:
        return [("Origin", self.door.stack.portal), ("Cookie", self.door.cookie("demo"))]

    def page(self, path: str) -> Socket:
        return Socket(f"ws{self.url.removeprefix('http')}/ws/{path}", self.browser)

    def stuck_page(self, path: str) -> sockets.socket:
        return unread(f"{self.url}/ws/{path}", self.browser)

    def given_up(self) -> int:
        """How many pages it has told to be too slow."""
        return self.child.log.read_text(encoding="utf-8").count(SLOW)

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.child.process.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@pytest.fixture
def process(door: Door) -> Iterator[Process]:
    """Daphne's one process; or another one of uvicorn's, which does not end sockets for unanswered pings."""
    demo = door.stack.demo
    if door.kind == "daphne":
        yield Process(door, next(child for child in demo.children if child.name == "portal"), door.stack.portal)
        return
    port = free_port()
    child = demo.start("patient", *uvicorn(port), "--ws-ping-interval", "600")
    child.log.write_text("")
    demo.wait_until(f"http://127.0.0.1:{port}/readyz", child)
    yield Process(door, child, f"http://127.0.0.1:{port}")
    child.process.terminate()
    assert child.process.wait(15) is not None
    demo.children.remove(child)


def fill_the_timeline(call: AzureCall) -> None:
    """So many events that a snapshot has half a megabyte, and a few of them fill every buffer on the way."""
    call.door.run(
        "from django.utils import timezone\n"
        "from calls.models import Call, CallEvent\n"
        f"call = Call.objects.get(pk={call.id!r})\n"
        "CallEvent.objects.bulk_create(\n"
        "    CallEvent(call=call, type='DtmfPressed', source='stream',"
        " event_time=timezone.now(), raw={'data': '5' * 100})\n"
        "    for _ in range(1_000)\n"
        ")"
    )


def end_of(raw: sockets.socket) -> bytes:
    """The last that the server sends: a close is opcode 8, two bytes of code, no reason."""
    raw.settimeout(15)
    received = b""
    while received[-4:-2] != CLOSE:
        piece = raw.recv(1 << 20)
        assert piece, "the server ended without a close"
        received = (received + piece)[-1_000:]
    return received


def test_a_page_that_does_not_read_is_closed_with_1013_and_slows_nobody(process: Process) -> None:
    call = process.door.call()
    before = process.given_up()
    with call.dial().open() as socket, process.page("live/") as other:
        fill_the_timeline(call)
        with process.stuck_page(f"calls/{call.id}/") as stuck, socket.saying(sine(20_000, 16_000)):
            started_s = time.monotonic()
            while process.given_up() == before:
                assert time.monotonic() < started_s + 30
                stuck.sendall(masked('{"kind":"snapshot"}'))
                time.sleep(0.1)
            received = end_of(stuck)
        gaps = [
            later - earlier
            for (earlier, _), (later, _) in zip(other.messages[5:], other.messages[6:], strict=False)
            if earlier > started_s
        ]
        assert max(gaps) < 1.0
        assert sorted(gaps)[len(gaps) // 2] < 0.15
    assert int.from_bytes(received[-2:], "big") == 1013
    assert call.closed_stream()["gaps"] == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_page_that_does_not_read_costs_the_portal_five_megabytes_at_most(process: Process) -> None:
    pages = 8
    call = process.door.call()
    with ExitStack() as kept:
        fill_the_timeline(call)
        with process.page(f"calls/{call.id}/") as page:  # what the first snapshot costs is not its reader's fault
            page.take(lambda message: message["kind"] == "snapshot" and len(message["events"]) > 1_000)
        before, before_mb = process.given_up(), process.memory_mb()
        stuck = [kept.enter_context(process.stuck_page(f"calls/{call.id}/")) for _ in range(pages)]
        started_s = time.monotonic()
        # Snapshots of half a megabyte, twice a second to each of them, until the last one is given up.
        while process.given_up() < before + pages:
            assert time.monotonic() < started_s + 60
            for each in stuck:
                each.sendall(masked('{"kind":"snapshot"}'))
            time.sleep(0.25)
        growth_mb = process.memory_mb() - before_mb
    print(f"{process.door.kind}: a page that does not read costs {growth_mb / pages:.1f} MB")
    assert growth_mb / pages < 5
