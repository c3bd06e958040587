"""The line of a call: what it keeps when its socket breaks, and when it ends."""

import asyncio
import json
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import numpy as np
import pytest

from calls.live import LiveEvent
from calls.operations.process import PROCESS_ID
from streaming.audio import PcmFrame
from streaming.journal import journal
from streaming.session import MediaSession
from streaming.switchboard import Switchboard
from tests.journeys.stack import free_port, main_frequency_hz, uvicorn, wait_for
from tests.streaming.doorstep import FAULTS_IN_LOGS, Door, sine

CALL = "d5a0e0c4-6d3e-4a6f-9d7e-0d0f6f6d2a11"


async def nowhere(text: str) -> None:
    """A socket that is not listened to."""


def session() -> MediaSession:
    return MediaSession(16_000, 0.0)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = set(journal.sources)
    yield
    assert journal.sources == before


def test_a_call_that_comes_back_within_the_grace_has_its_line_again() -> None:
    async def come_back() -> None:
        board = Switchboard()
        first, second = session(), session()
        line = board.connect(CALL, 16_000, first, nowhere)
        board.disconnect(line, first, for_good=False)
        assert board.line(CALL) is line
        assert board.connect(CALL, 16_000, second, nowhere) is line
        assert line.ending is None
        board.disconnect(line, first, for_good=True)  # the older socket's word counts no more
        assert board.line(CALL) is line
        board.close()

    asyncio.run(come_back())


def test_a_clean_end_ends_the_line_at_once() -> None:
    async def end() -> None:
        board = Switchboard()
        fed = session()
        line = board.connect(CALL, 16_000, fed, nowhere)
        assert line in journal.sources
        board.disconnect(line, fed, for_good=True)
        assert board.line(CALL) is None
        assert line not in journal.sources

    asyncio.run(end())


def test_a_line_ends_when_its_grace_is_over(settings: object) -> None:
    settings.STREAM_KEEP_S = 0.05  # type: ignore[attr-defined]

    async def wait() -> None:
        board = Switchboard()
        fed = session()
        line = board.connect(CALL, 16_000, fed, nowhere)
        board.disconnect(line, fed, for_good=False)
        assert board.line(CALL) is line
        await asyncio.sleep(0.1)
        assert board.line(CALL) is None

    asyncio.run(wait())


def test_a_stream_of_another_rate_gets_a_new_line() -> None:
    async def change() -> None:
        board = Switchboard()
        first, second = session(), session()
        old = board.connect(CALL, 16_000, first, nowhere)
        new = board.connect(CALL, 24_000, second, nowhere)
        assert new is not old
        assert board.line(CALL) is new
        assert old.session is None
        board.disconnect(old, first, for_good=True)
        assert board.line(CALL) is new
        board.close()
        assert board.line(CALL) is None

    asyncio.run(change())


def test_a_call_that_comes_back_in_another_process_leaves_this_one() -> None:
    def opened(owner: str, call: str = CALL) -> LiveEvent:
        return {"kind": "stream_state", "call": call, "seq": 1, "stream": {"state": "open"}, "owner": owner}

    async def move() -> None:
        board = Switchboard()
        fed = session()
        line = board.connect(CALL, 16_000, fed, nowhere)
        board.disconnect(line, fed, for_good=False)
        for event in (
            opened(PROCESS_ID),
            opened("another", call="another call"),
            LiveEvent(kind="stream_state", call=CALL, seq=2, stream={"state": "closed"}),
            LiveEvent(kind="stream_state", call=CALL, seq=2, stream={"state": "closed"}, owner="another"),
            LiveEvent(kind="dtmf", call=CALL, seq=3, tone="1"),
        ):
            board.heed(event)
        assert board.line(CALL) is line
        board.heed(opened("another"))
        assert board.line(CALL) is None
        board.disconnect(line, fed, for_good=False)
        assert line.ending is None or line.ending.cancelled()

    asyncio.run(move())


def test_a_line_says_levels_and_health_as_dashboards_show_them() -> None:
    async def say() -> None:
        board = Switchboard()
        fed = MediaSession(16_000, 1.0)
        line = board.connect(CALL, 16_000, fed, nowhere)
        sound = sine(100, 16_000).tobytes()
        line.pipeline.feed(PcmFrame("4:+14255550123", sound, 16_000, silent=False, timestamp=None, arrived_s=1.0))
        said = line.live(1.0)
        assert set(said["levels"]["4:+14255550123"]) == {"rms_dbfs", "peak_dbfs", "dc", "speaking", "clipping"}
        assert said["health"] == dict.fromkeys(
            ("frames_received", "frames_sent", "lag_ms", "frame_age_ms", "lost_ms", "gaps", "malformed"), 0
        )
        stalled = line.live(3.5)["health"]
        assert stalled is not None
        assert (stalled["frame_age_ms"], stalled["lag_ms"]) == (2500, 2500)
        assert said["playing"] is None
        board.disconnect(line, fed, for_good=False)
        assert line.live(2.0) == {"levels": {}, "health": None, "playing": None, "line": None}
        board.close()

    asyncio.run(say())


def test_levels_go_on_when_a_newer_socket_takes_over(door: Door) -> None:
    call = door.call()
    with door.page(f"calls/{call.id}/") as page, call.dial().open() as older:
        older.say(sine(300, 16_000))
        with call.dial().open() as newer, newer.saying(sine(1_500, 16_000)):
            older.close_code()
            after = len(page.messages)
            page.take(lambda message: message["kind"] == "levels" and message["levels"], after=after)
            health = page.take(
                lambda message: message["kind"] == "levels" and (message["health"] or {}).get("frames_received", 0) > 40
            )
    assert health["health"]["gaps"] == 0


def test_a_call_that_returns_at_another_rate_hears_new_sounds_at_that_rate(door: Door) -> None:
    call = door.call()
    socket = call.dial().open(16_000)
    order = call.play(tone_hz=440, duration_ms=30_000)
    wait_for(lambda: len(socket.messages) > 20, 5)
    socket.drop()
    with call.dial().open(24_000) as second:
        assert call.reaches(order, "stopped")["error"]["code"] == "stream_closed"
        call.reaches(call.play(tone_hz=880, duration_ms=400), "done")
        frames = [samples for _, samples in second.heard() if samples is not None]
    assert {samples.size for samples in frames} == {480}
    assert main_frequency_hz(np.concatenate(frames), 24_000) == pytest.approx(880, abs=2)
    assert [row["sample_rate_hz"] for row in call.streams()] == [16_000, 24_000]


@pytest.fixture
def two(doors: Callable[..., Door]) -> Iterator[tuple[Door, str]]:
    """A site with two processes, and the address of the second one."""
    door = doors("uvicorn")
    demo = door.stack.demo
    port = free_port()
    second = demo.start("second", *uvicorn(port))
    demo.wait_until(f"http://127.0.0.1:{port}/readyz", second)
    yield door, f"127.0.0.1:{port}"
    second.process.terminate()
    assert second.process.wait(15) is not None
    demo.children.remove(second)
    assert not [line for line in second.log.read_text().splitlines() if any(each in line for each in FAULTS_IN_LOGS)]


def test_orders_and_levels_find_a_call_in_another_process(two: tuple[Door, str]) -> None:
    door, there = two
    call = door.call()
    url = call.transport_url.replace(urlsplit(call.transport_url).netloc, there)
    with door.page(f"calls/{call.id}/") as page:
        socket = call.dial(url=url).open()
        with socket.saying(sine(1_000, 16_000)):
            page.take(lambda message: message["kind"] == "levels" and message["levels"])
            call.reaches(call.play(tone_hz=440, duration_ms=200), "done")
            assert len(socket.heard()) == 10
        order = call.play(tone_hz=440, duration_ms=30_000)
        wait_for(lambda: len(socket.messages) > 30, 5)
        with call.dial().open() as here:
            assert socket.close_code() == 1000
            row = call.reaches(order, "stopped")
            assert row["error"]["code"] == "stream_closed"
            call.reaches(call.play(tone_hz=880, duration_ms=200), "done")
            assert len(here.heard()) == 10
            after = len(page.messages)
            page.take(lambda message: message["kind"] == "levels" and message["health"], after=after)
            told = [json.loads(text) for _, text in page.messages[after:]]
            assert all(each["health"] for each in told if each["kind"] == "levels")
        socket.close()


def test_what_plays_survives_in_the_live_view_while_the_socket_is_away(doors: Callable[..., Door]) -> None:
    door = doors("daphne")
    call = door.call()
    with door.page(f"calls/{call.id}/") as page:
        socket = call.dial().open()
        order = call.play(tone_hz=440, duration_ms=5_000)
        wait_for(lambda: len(socket.messages) > 30, 5)
        socket.drop()
        after = len(page.messages)
        away = page.take(lambda message: message["kind"] == "levels" and message["health"] is None, after=after)
        assert away["playing"]["id"] == order
        later = page.take(lambda message: message["kind"] == "levels" and message["at"] > away["at"], after=after)
        assert later["playing"]["played_ms"] == away["playing"]["played_ms"]
        call.dial().open().close()
        call.reaches(order, "stopped")
    assert json.loads(page.messages[-1][1])
