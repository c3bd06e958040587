"""Several processes: one dies, or what they share goes away, and calls are heard on. Figures are printed (`-s`)."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest

from acsportal.demo import daphne
from tests.journeys.conftest import services_answer
from tests.journeys.stack import POSTGRES, Stack, ask, main_frequency_hz, running, sounding, wait_for
from tests.journeys.workers import REDIS_SERVER, Line, Pair, pair_of_workers
from tests.rings import count_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

SUPPORT = {"caller": "+14255550123", "callee": "+18005550100", "scenario": "support"}  # unmixed, 16 kHz
SHOWN_WITHIN_S = 5.0
RIGHT_WITHIN_S = 3.0
WELL_WITHIN_S = 5.0
TONE = {"tone_hz": 440, "duration_ms": 1_000}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, lacks: Callable[[str], NoReturn]) -> Iterator[Pair]:
    if not services_answer() or REDIS_SERVER is None:
        lacks("PostgreSQL and Redis on 127.0.0.1, and redis-server")
    with pair_of_workers(tmp_path_factory.mktemp("pair")) as found:
        yield found


@pytest.fixture(autouse=True)
def tidy(pair: Pair) -> Iterator[None]:
    yield
    pair.hang_up()


def hears_the_tone(stack: Stack, emulated: str, found: str, desk: Line | None = None) -> None:
    """The next sound that is played into the call reaches the caller: 1 s of 440 Hz at the end of all he heard."""
    path = f"calls/{found}/injections/"
    order = desk.order(path, TONE) if desk else stack.order(path, TONE).json["id"]
    over = stack.played(found, order)
    assert over["state"] == "done", over
    samples, rate_hz = stack.heard(emulated)
    end = sounding(samples)[-rate_hz * 9 // 10 :]
    assert abs(main_frequency_hz(end, rate_hz) - 440) < 2


def end_well(pair: Pair, emulated: str, found: str) -> list[Any]:
    """The caller hangs up; nothing of the call stays open. Its streams."""
    pair.stack.caller_hangs_up(emulated)
    pair.stack.until(found, lambda row: row["state"] == "ended", 20)
    wait_for(lambda: all(each["state"] != "open" for each in pair.streams(found)), 20, "no stream is open")
    assert [each["state"] for each in pair.stack.get(f"calls/{found}/injections/")["results"]] != ["playing"]
    return pair.streams(found)


def test_a_killed_worker_costs_a_call_a_moment_and_the_caller_hears_on(pair: Pair) -> None:
    emulated, found = pair.stack.streaming_call(**SUPPORT)
    workers = pair.workers()
    gone = pair.owner(found)
    [stays] = workers.keys() - {gone}
    page, desk = pair.page(stays, f"calls/{found}/"), pair.line(stays)
    playing = desk.order(f"calls/{found}/injections/", {"tone_hz": 600, "duration_ms": 60_000})
    waiting = desk.order(f"calls/{found}/injections/", {"tone_hz": 700, "duration_ms": 1_000})
    wait_for(lambda: pair.stack.injection(found, playing)["state"] == "playing")
    wait_for(lambda: pair.stack.injection(found, waiting)["accepted_at"])
    before, [stream] = len(page.messages), pair.streams(found)

    killed_s = pair.signal(signal.SIGKILL, workers[gone])
    shown_s, event = page.found(
        lambda each: each["kind"] == "stream_state" and each["stream"]["state"] == "lost", before
    )
    asked = pair.line(stays).ask("GET", f"/api/v1/calls/{found}/streams/").json["results"]
    print(f"lost was shown {shown_s - killed_s:.1f} s after kill -9")
    assert event["stream"]["id"] == stream["id"]
    assert [each["state"] for each in asked if each["id"] == stream["id"]] == ["lost"]
    assert shown_s - killed_s <= SHOWN_WITHIN_S

    assert pair.owner(found) in pair.workers(but=gone)
    for order in (playing, waiting):
        over = pair.stack.played(found, order)
        assert (over["state"], over["error"]["code"]) == ("failed", "process_gone")
        assert over["error"]["message"].endswith("is gone. Play it again.")
    hears_the_tone(pair.stack, emulated, found, pair.line(stays))  # idle, a connection is kept for 5 s only
    print(f"the caller had heard the next sound {time.monotonic() - killed_s:.1f} s after kill -9")
    assert [each["state"] for each in end_well(pair, emulated, found)] == ["lost", "closed"]


def test_a_worker_that_only_slept_takes_its_streams_back(pair: Pair) -> None:
    emulated, found = pair.stack.streaming_call(**SUPPORT)
    asleep = pair.owner(found)
    pid = pair.workers()[asleep]
    slept_s = pair.signal(signal.SIGSTOP, pid)
    # Not 5 s: then uvicorn's own supervisor ends a worker that does not answer.
    with suppress(AssertionError):
        wait_for(lambda: pair.streams(found)[0]["state"] == "lost", 4.3)
    print(f"a worker slept for {pair.signal(signal.SIGCONT, pid) - slept_s:.1f} s: {pair.streams(found)[0]['state']}")
    wait_for(lambda: pair.streams(found)[0]["state"] == "open", 10)
    hears_the_tone(pair.stack, emulated, found)
    assert resumed(pair, found) == []
    assert [each["owner"] for each in end_well(pair, emulated, found)] == [asleep]


def resumed(pair: Pair, found: str) -> list[str]:
    """What the call's timeline says of streaming that the portal started again."""
    events = pair.stack.get(f"calls/{found}/events/")["results"]
    return [each["text"] for each in events if each["type"] == "StreamingResumed"]


def test_streaming_is_started_again_when_azure_does_not_dial_by_itself(pair: Pair) -> None:
    emulated, found = pair.stack.streaming_call(**SUPPORT)
    assert pair.stack.arm(fault="stream_refused", call=emulated).status == 201
    gone = pair.owner(found)
    killed_s = pair.signal(signal.SIGKILL, pair.workers()[gone])
    wait_for(lambda: len(pair.streams(found)) == 2, 30, "a second socket")
    print(f"the portal had Azure dial again {time.monotonic() - killed_s:.1f} s after kill -9")
    [text] = resumed(pair, found)
    assert text.startswith("The portal starts streaming again: ")
    assert text.endswith("try 1 of 6.")
    commands = pair.stack.get(f"calls/{found}/commands/")["results"]
    mine = [each for each in commands if each["asked_by"] == "portal, after a break"]
    assert [each["verb"] for each in mine] == ["start_streaming"]
    hears_the_tone(pair.stack, emulated, found)
    end_well(pair, emulated, found)


@pytest.mark.long
def test_sound_flows_again_by_itself_after_the_whole_portal_was_away(pair: Pair) -> None:
    emulated, found = pair.stack.streaming_call(**SUPPORT)
    pair.kill_all()
    time.sleep(5)
    pair.start()
    started_s = time.monotonic()
    wait_for(lambda: pair.stack.get(f"calls/{found}/")["levels"], 40, "levels flow")
    print(f"sound flowed again {time.monotonic() - started_s:.1f} s after the portal was back")
    assert len(resumed(pair, found)) >= 1
    hears_the_tone(pair.stack, emulated, found)
    assert [each["state"] for each in end_well(pair, emulated, found)] == ["lost", "closed"]


@pytest.mark.long
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_portal_of_one_process_heals_too(tmp_path: Path, end: signal.Signals) -> None:
    with running(tmp_path) as stack:
        emulated, found = stack.streaming_call(**SUPPORT)
        [portal] = [each for each in stack.demo.children if each.name == "portal"]
        portal.process.send_signal(end)
        portal.process.wait(20)
        stack.demo.children.remove(portal)
        time.sleep(5)
        stack.demo.wait_until(f"{stack.portal}/readyz", stack.demo.start("portal", *daphne(stack.demo.options.port)))
        started_s = time.monotonic()
        wait_for(lambda: stack.get(f"calls/{found}/")["levels"], 40, "levels flow")
        print(f"{end.name}: sound flowed again {time.monotonic() - started_s:.1f} s after Daphne was back")
        hears_the_tone(stack, emulated, found)


@pytest.mark.long
def test_what_an_operator_stopped_stays_stopped_when_the_portal_returns(pair: Pair) -> None:
    emulated, found = pair.stack.streaming_call(**SUPPORT)
    assert pair.stack.order(f"calls/{found}/streaming/stop/").status == 202
    pair.stack.until(found, lambda row: row["streaming"]["state"] == "off")
    pair.kill_all()
    pair.start()
    time.sleep(8)  # longer than a stream that is wanted would be missed
    assert pair.stack.get(f"calls/{found}/")["streaming"]["state"] == "off"
    assert resumed(pair, found) == []
    end_well(pair, emulated, found)


def has_levels(message: Any) -> bool:
    return bool(message["kind"] == "levels" and (message.get("levels") or message.get("calls")))


def test_redis_may_be_restarted_in_mid_call(pair: Pair) -> None:
    emulated, found = pair.stack.streaming_call(**SUPPORT)
    pages = [pair.page(worker, f"calls/{found}/") for worker in pair.workers()]
    walls = [pair.page(worker, "live/") for worker in pair.workers()]
    for page in (*pages, *walls):
        page.take(has_levels)
    pair.redis.kill()
    ask("POST", f"{pair.stack.emulator}/emulator/calls/{emulated}/dtmf", {"tones": "1"})
    order = pair.stack.order(f"calls/{found}/injections/", TONE)
    assert order.status == 202, order
    wait_for(lambda: pair.stack.get(f"calls/{found}/events/")["results"][-1]["type"] == "DtmfPressed", 10)
    marks = [len(page.messages) for page in (*pages, *walls)]
    pair.redis.start()
    back_s = time.monotonic()
    for page, mark in zip((*pages, *walls), marks, strict=True):
        at_s, shown = page.found(lambda each: each["kind"] == "snapshot", mark)
        print(f"a page had its new snapshot {at_s - back_s:.1f} s after Redis was back")
        assert at_s - back_s <= RIGHT_WITHIN_S
        if page in pages:
            told = [each["type"] for each in shown["events"]]
            assert "DtmfPressed" in told
            assert [each["id"] for each in shown["streams"]] == [each["id"] for each in pair.streams(found)]
        at_s, _ = page.found(has_levels, mark)
        assert at_s - back_s <= RIGHT_WITHIN_S
    over = pair.stack.played(found, order.json["id"])
    assert over["state"] == "done", over
    print(f"the sound asked for while Redis was away had been heard {time.monotonic() - back_s:.1f} s after its return")
    hears_the_tone(pair.stack, emulated, found)
    for page in pages:
        page.take(lambda each: each["kind"] == "injection_state" and each["injection"]["state"] == "done")
    lost_nothing(pair, emulated, found)


def lost_nothing(pair: Pair, emulated: str, found: str) -> None:
    """Every frame that Azure sent arrived over one socket."""
    [stream] = end_well(pair, emulated, found)
    sent = pair.stack.emulated(emulated)["streaming"]["frames_sent"]
    print(f"{stream['frames_received']} of {sent} frames arrived, {stream['gaps']} gaps")
    assert (stream["state"], stream["gaps"], stream["lost_ms"]) == ("closed", 0, 0)
    assert 0 <= sent - stream["frames_received"] <= 2, "what was on its way when the call ended"


@pytest.mark.long
def test_an_order_while_redis_is_away_arrives_later_or_fails_with_the_reason(pair: Pair) -> None:
    emulated, found = pair.stack.streaming_call(**SUPPORT)
    pair.redis.kill()
    down_s = time.monotonic()
    early = pair.stack.order(f"calls/{found}/injections/", TONE).json["id"]
    time.sleep(8)
    late = pair.stack.order(f"calls/{found}/injections/", TONE).json["id"]
    wait_for(lambda: time.monotonic() - down_s >= 10, 15)
    pair.redis.start()
    first, second = pair.stack.played(found, early), pair.stack.played(found, late)
    print(f"asked 10 s before Redis was back: {first['state']} ({first['error']}); 2 s before: {second['state']}")
    assert first["state"] == "done" or first["error"]["code"] == "no_worker"
    assert first["state"] == "done" or first["error"]["message"] == "No worker answered: nothing was played. Ask again."
    assert second["state"] == "done"
    lost_nothing(pair, emulated, found)


class Cut:
    """The portal's connections to its database break, as the database's server would break them."""

    def __init__(self, pair: Pair) -> None:
        self._name = pair.stack.demo.environment["DATABASE_URL"].rpartition("/")[2]
        self.broken = 0

    def once(self) -> None:
        self._run("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s", [self._name])

    @contextmanager
    def again_and_again(self) -> Iterator[None]:
        over = threading.Event()

        def cut() -> None:
            while not over.wait(0.7):
                self.once()

        thread = threading.Thread(target=cut)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @contextmanager
    def away(self) -> Iterator[None]:
        """New connections are refused as well."""
        self._run(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS false")
        try:
            self.once()
            yield
        finally:
            self._run(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS true")

    def _run(self, statement: str, values: list[str] | None = None) -> None:
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            self.broken += int(cursor.fetchall()[0][0]) if cursor.description else 0


def answers(pair: Pair, paths: Sequence[str], seconds: float) -> list[tuple[float, int, str]]:
    """What is answered meanwhile: when (monotonic), status, path."""
    found = []
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        for path in paths:
            headers = pair.stack.key if "api" in path else {} if path == "/readyz" else {"Cookie": pair.cookie}
            status = ask("GET", f"{pair.stack.portal}{path}", headers=headers).status
            found.append((time.monotonic(), status, path))
    return found


@pytest.mark.long
@pytest.mark.parametrize("kind", ["drops every connection", pytest.param("is away for 10 s", marks=pytest.mark.long)])
def test_a_database_costs_no_sound_and_no_row_when_it(pair: Pair, kind: str) -> None:
    emulated, found = pair.stack.streaming_call(**SUPPORT)
    paths = ("/api/v1/calls/", f"/api/v1/calls/{found}/", "/readyz", "/calls/", "/admin/login/")
    playing = pair.stack.order(f"calls/{found}/injections/", {"tone_hz": 500, "duration_ms": 5_000}).json["id"]
    wait_for(lambda: pair.stack.injection(found, playing)["state"] == "playing")
    assert {status for _, status, _ in answers(pair, paths, 0.1)} == {200}
    cut = Cut(pair)
    with cut.away() if kind.startswith("is away") else cut.again_and_again():
        during = answers(pair, paths, 10 if kind.startswith("is away") else 3)
    back_s = time.monotonic()
    after = answers(pair, paths, 6)
    well_s = max([at_s - back_s for at_s, status, _ in after if status != 200], default=0.0)
    odd = sorted({(status, path) for _, status, path in (*during, *after) if status not in {200, 503}})
    slowest_s, slowest = max((later - sooner, path) for (sooner, *_), (later, _, path) in pairwise(during))
    counted = dict(Counter(status for _, status, _ in during))
    print(f"a database that {kind}: {cut.broken} connections broken; answers {counted}")
    print(f"the slowest answer took {slowest_s:.1f} s ({slowest}); all was well {well_s:.1f} s after")
    assert cut.broken >= 4
    assert not odd
    assert well_s <= WELL_WITHIN_S
    assert slowest_s < 15
    assert pair.stack.played(found, playing)["state"] == "done"
    hears_the_tone(pair.stack, emulated, found)
    assert not [each for each in pair.stack.get(f"calls/{found}/events/")["results"] if each["type"] == "StreamLost"]
    lost_nothing(pair, emulated, found)


def kill_now_and_then(pair: Pair, times: int) -> None:
    """Kills one worker after another at random moments of two calls; nothing may stay open or live."""
    dice = random.Random(times)
    calls = [pair.stack.streaming_call(**SUPPORT) for _ in range(2)]
    for number in range(times):
        workers = pair.workers()
        time.sleep(dice.uniform(0, 4))
        owner = pair.streams(calls[number % 2][1])[-1]["owner"]
        pair.signal(signal.SIGKILL, workers.get(owner) or workers[dice.choice(sorted(workers))])
    pair.workers()
    for emulated, found in calls:
        wait_for(lambda found=found: pair.stack.get(f"calls/{found}/")["levels"], 60, "sound flows")  # type: ignore[misc]
        hears_the_tone(pair.stack, emulated, found)
    for emulated, found in calls:
        rows = end_well(pair, emulated, found)
        print(
            f"after {times} kills: {[each['state'] for each in rows]}, {len(resumed(pair, found))} starts by the portal"
        )
        assert pair.stack.get(f"calls/{found}/")["state"] == "ended"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_workers_killed_at_random_moments_leave_nothing_open(pair: Pair) -> None:
    kill_now_and_then(pair, count_of(10, 3))
