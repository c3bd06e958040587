"""The dashboards' sockets: who may look, what a page is told, and how little one that does not read can do."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.journeys.stack import wait_for
from tests.streaming.doorstep import AzureCall, Door, Socket, sine


def look_alikes(portal: str) -> list[str | None]:
    """Origins that a browser on another page, or a script that wants to look like ours, may send."""
    port = portal.rpartition(":")[2]
    return [
        None,
        "",
        "null",
        "https://evil.example",
        "http://evil.example",
        f"http://evil.example:{port}",
        f"https://127.0.0.1:{port}",
        f"ws://127.0.0.1:{port}",
        f"file://127.0.0.1:{port}",
        "file://",
        "http://127.0.0.1",
        "http://localhost",
        "http://127.0.0.1:1",
        f"http://127.0.0.1:{port}0",
        f"http://127.0.0.1:0{port}",
        f"http://127.0.0.2:{port}",
        f"http://127.1:{port}",
        f"http://2130706433:{port}",
        f"http://[::1]:{port}",
        f"http://[::1:{port}",
        f"http://127.0.0.1.evil.example:{port}",
        f"http://127.0.0.1:{port}.evil.example",
        f"http://evil.example#http://127.0.0.1:{port}",
        f"http://evil.example?http://127.0.0.1:{port}",
        f"http://evil.example/http://127.0.0.1:{port}",
        f"http://127.0.0.1:{port}@evil.example",
        f"http://evil.example@127.0.0.1:{port}",
        f"http://user:password@127.0.0.1:{port}",
        f"http://127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}/live",
        f"http://127.0.0.1:{port}\\@evil.example",
        f"http://127.0.0.1:{port} http://evil.example",
        f"http://127.0.0.1:{port}, http://evil.example",
        f"//127.0.0.1:{port}",
        f"127.0.0.1:{port}",
        f"http:127.0.0.1:{port}",
        f"http:/127.0.0.1:{port}",
        "http://localhost.evil.example",
        f"http://localhost:{port}.",
        f"http://localhost.:{port}",
        f"http://xn--localhost-:{port}",
        "chrome-extension://abcdefghijklmnop",
        "*",
    ]


@pytest.mark.parametrize("path", ["live/", "calls/00000000-0000-4000-8000-000000000000/"])
def test_a_page_of_another_origin_opens_no_dashboard(door: Door, path: str) -> None:
    origins = look_alikes(door.stack.portal)
    assert len(origins) >= 30
    before = len(door.log)
    logged = 0
    for origin in origins:
        with pytest.raises(InvalidStatus, match=r"HTTP 40[03]") as refusal:
            door.page(path, Origin=origin)
        logged += refusal.value.response.status_code == 403
    assert len(door.soon(before, "not one of ALLOWED_ORIGINS")) == logged >= 30


def test_our_own_pages_open_dashboards(door: Door) -> None:
    port = urlsplit(door.stack.portal).port
    for origin in (door.stack.portal, f"http://localhost:{port}", f"HTTP://LOCALHOST:{port}"):
        with door.page("live/", Origin=origin) as page:
            assert page.take(lambda message: message["kind"] == "snapshot")


def test_who_is_not_signed_in_is_told_4401(door: Door) -> None:
    for cookie in (None, "sessionid=nonsense", "sessionid="):
        with door.page("live/", user="", Cookie=cookie) as page:
            assert page.close_code() == 4401
            assert page.messages == []


@pytest.fixture
def strangers(door: Door) -> None:
    """Two people without the permission to look; one of them was sent away for good."""
    door.run(
        "from django.contrib.auth import get_user_model as users\n"
        "from django.contrib.auth.models import Permission\n"
        "from calls.permissions import VIEW\n"
        "for name in ('nobody', 'gone'):\n"
        "    user, _ = users().objects.get_or_create(username=name)\n"
        "    user.set_password(name)\n"
        "    user.is_active = True\n"
        "    user.save()\n"
        "users().objects.get(username='gone').user_permissions.set("
        "Permission.objects.filter(codename=VIEW.partition('.')[2]))\n"
    )


def test_who_may_not_look_is_told_4403(door: Door, strangers: None) -> None:
    call = door.call()
    for path in ("live/", f"calls/{call.id}/"):
        with door.page(path, user="nobody") as page:
            assert page.close_code() == 4403
            assert page.messages == []


def test_who_was_sent_away_is_told_4401(door: Door, strangers: None) -> None:
    with door.page("live/", user="gone") as page:
        assert page.take(lambda message: message["kind"] == "snapshot")
    door.run(
        "from django.contrib.auth import get_user_model as users\n"
        "users().objects.filter(username='gone').update(is_active=False)\n"
    )
    with door.page("live/", user="gone") as page:
        assert page.close_code() == 4401


def events_of(page: Socket) -> list[Any]:
    """Everything but levels, in the order of arrival."""
    return [message for _, text in list(page.messages) if (message := json.loads(text))["kind"] != "levels"]


def test_a_call_page_starts_with_a_snapshot_and_misses_nothing(door: Door) -> None:
    call = door.ring()
    with door.page(f"calls/{call.id}/") as page:
        call.connect()
        with call.dial().open() as socket:
            for key in "123456789*0#":
                socket.send(json.dumps({"kind": "DtmfData", "dtmfData": {"data": key}}))
            call.reaches(call.play(tone_hz=440, duration_ms=200), "done")
        page.take(lambda message: message["kind"] == "stream_state" and message["stream"]["state"] == "closed")
        seen = events_of(page)
    assert seen[0]["kind"] == "snapshot"
    assert {"row", "streams", "injections", "commands", "events", "levels", "history", "at"} <= set(seen[0])
    first = seen[0]["seq"]
    assert [event["seq"] for event in seen[1:]] == list(range(first + 1, first + len(seen)))
    assert {event["call"] for event in seen[1:]} == {call.id}
    kinds = {event["kind"] for event in seen}
    assert kinds >= {"call_state", "stream_state", "injection_state", "event", "dtmf"}
    assert [event["tone"] for event in seen if event["kind"] == "dtmf"] == list("123456789*0#")


def test_a_page_that_asks_gets_a_new_snapshot(door: Door) -> None:
    call = door.call()
    for path, where in (("live/", "calls"), (f"calls/{call.id}/", "row")):
        with door.page(path) as page:
            page.take(lambda message: message["kind"] == "snapshot")
            for noise in ("", "{", "[]", '"snapshot"', '{"kind":"other"}', "x" * 2_000, "[" * 10_000, b"\x00"):
                page.send(noise)
            after = len(page.messages)
            page.send('{"kind":"snapshot"}')
            again = page.take(lambda message: message["kind"] == "snapshot", after=after)
            assert where in again


def test_a_page_that_asks_all_the_time_gets_two_snapshots_a_second(door: Door) -> None:
    with door.page("live/") as page:
        page.take(lambda message: message["kind"] == "snapshot")
        started_s = time.monotonic()
        for _ in range(40):
            page.send('{"kind":"snapshot"}')
            time.sleep(0.05)
        page.send('{"kind":"snapshot"}')
        after = len(page.messages)
        page.take(lambda message: message["kind"] == "snapshot", after=after)
        passed_s = time.monotonic() - started_s
        assert page.is_open
        snapshots = sum(text.startswith('{"kind":"snapshot"') for _, text in page.messages)
    assert 3 <= snapshots <= 2 + passed_s / 0.5


def test_a_page_that_floods_the_portal_is_closed_with_1008(door: Door) -> None:
    with door.page("live/") as page, door.page("live/") as other:
        with suppress(ConnectionClosed):
            for _ in range(400):
                page.send('{"kind":"snapshot"}')
        assert page.close_code() == 1008
        after = len(other.messages)
        other.send('{"kind":"snapshot"}')
        other.take(lambda message: message["kind"] == "snapshot", after=after)


@pytest.mark.parametrize("word", ["x" * 20_000, b"x" * 20_000])
def test_a_page_that_says_too_much_at_once_is_closed_with_1009(door: Door, word: str | bytes) -> None:
    with door.page("live/") as page:
        page.send(word)
        assert page.close_code() == 1009


def test_a_wall_is_told_the_levels_of_the_calls_that_it_shows(door: Door) -> None:
    calls = [door.call() for _ in range(3)]
    ids = {call.id for call in calls}
    with ExitStack() as kept:
        for call in calls:
            socket = kept.enter_context(call.dial().open())
            kept.enter_context(socket.saying(sine(5_000, 16_000)))
        wall = kept.enter_context(door.page("live/"))

        def shows(*wanted: str) -> Any:
            """The next message with these of the three calls and no other."""
            after = len(wall.messages)
            return wall.take(
                lambda message: message["kind"] == "levels" and ids & set(message["calls"]) == set(wanted), after=after
            )

        shows(*ids)
        wall.send(json.dumps({"kind": "show", "calls": [calls[1].id, "nonsense"]}))
        levels = shows(calls[1].id)["calls"][calls[1].id]
        assert set(levels["4:+14255550123"]) == {"rms_dbfs", "peak_dbfs", "dc", "speaking", "clipping"}
        told = wall.take(lambda message: message["kind"] == "levels" and "health" in message, after=len(wall.messages))
        assert set(told["health"]) == {calls[1].id}
        wall.send('{"kind":"show","calls":[]}')
        shows()
        wall.send('{"kind":"show","calls":null}')
        shows(*ids)


def in_state(call: AzureCall, state: str) -> Callable[[Any], bool]:
    return lambda message: message.get("call") == call.id and message["row"]["state"] == state


def test_the_wall_sees_calls_come_and_go(door: Door) -> None:
    with door.page("live/") as page:
        page.take(lambda message: message["kind"] == "snapshot")
        call = door.call()
        for state in ("ringing", "connecting", "connected"):
            page.take(in_state(call, state))
        call.hang_up()
        page.take(in_state(call, "ended"))
        mine = [event for event in events_of(page) if event.get("call") == call.id]
    assert {event["kind"] for event in mine} == {"call_state"}
    assert [event["seq"] for event in mine] == sorted(event["seq"] for event in mine)


def test_a_call_that_does_not_exist_is_refused_like_one_that_may_not_be_seen(door: Door) -> None:
    with door.page("calls/00000000-0000-4000-8000-000000000000/") as page:
        assert page.close_code() == 4403
        assert page.messages == []


def test_an_unknown_dashboard_is_refused(door: Door) -> None:
    with pytest.raises(InvalidStatus):
        door.page("nothing/")


def test_a_page_that_leaves_is_forgotten(door: Door) -> None:
    before = len(door.log)
    pages = [door.page("live/") for _ in range(10)]
    for page in pages[:5]:
        page.drop()
    for page in pages[5:]:
        page.close()
    with door.page("live/") as page:
        wait_for(lambda: page.messages, 5)
    assert not door.lines(before, "failed")


def test_a_page_that_opens_late_is_told_how_the_stream_ran_before(door: Door) -> None:
    call = door.call()

    def marks() -> list[str]:
        with door.page(f"calls/{call.id}/") as page:
            snapshot = page.take(lambda message: message["kind"] == "snapshot")
        found: list[str] = snapshot["history"]["health"]
        return found

    with call.dial().open() as socket, socket.saying(sine(2_000, 16_000)):
        wait_for(lambda: {"well", "wait"} & set(marks()), 10)
