"""What a media socket says: levels of good frames, counts of bad ones, and the code it is closed with."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from acsportal.demo import SALES_LINE, SUPPORT_LINE
from tests.journeys.stack import wait_for
from tests.streaming.conftest import KINDS
from tests.streaming.doorstep import AzureCall, Door, MediaSocket, Socket, metadata, opened, sine

EXPERT = "8:acs:6d889502-3d7a-41a8-befa-d21fd80e8767_00000031-44bb-d83b-23e1-6f8ded7cfe24"
BOTH = ("4:+14255550123", EXPERT)


def levels_of(message: Any, call: AzureCall) -> Any:
    """The levels of one call in a `levels` message of either page."""
    return message["calls"].get(call.id, {}) if "calls" in message else message["levels"]


@pytest.mark.parametrize(
    ("callee", "rate_hz", "speakers", "shown"),
    [(SUPPORT_LINE, 16_000, BOTH, set(BOTH)), (SALES_LINE, 24_000, (None,), {"mixed"})],
)
def test_levels_reach_both_pages_ten_times_a_second(
    door: Door, callee: str, rate_hz: int, speakers: tuple[str | None, ...], shown: set[str]
) -> None:
    call = door.call(callee)
    sound = sine(3_500, rate_hz)
    with (
        call.dial().open(rate_hz) as socket,
        door.page("live/") as wall,
        door.page(f"calls/{call.id}/") as page,
        socket.saying(sound, *speakers),
    ):
        for each in (wall, page):
            each.take(lambda message: message["kind"] == "levels" and set(levels_of(message, call)) >= shown)
        started_s = time.monotonic()
        wait_for(lambda: time.monotonic() > started_s + 2.2, 5)
        for each in (wall, page):
            arrived = [
                json.loads(text)
                for arrived_s, text in list(each.messages)
                if started_s + 0.1 <= arrived_s < started_s + 2.1 and '"kind":"levels"' in text
            ]
            assert 18 <= len(arrived) <= 22
            for message in arrived:
                levels = levels_of(message, call)
                assert set(levels) == shown
                for level in levels.values():
                    assert level["rms_dbfs"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.1)
                    assert level["peak_dbfs"] == pytest.approx(20 * np.log10(0.5), abs=0.1)
                    assert abs(level["dc"]) < 1e-3
                    assert (level["speaking"], level["clipping"]) == (True, False)
        rest = door.stack.get(f"calls/{call.id}/")["levels"]
        assert set(rest) == shown
    row = call.closed_stream()
    assert row["frames_received"] == 175 * len(speakers)
    assert (row["gaps"], row["malformed"], row["wrong_size"]) == (0, 0, 0)
    assert (row["sample_rate_hz"], row["subscription_id"], row["encoding"]) == (rate_hz, "sub-1", "PCM")


def test_the_last_minute_is_in_the_snapshot(door: Door) -> None:
    call = door.call()
    with call.dial().open() as socket:
        socket.say(sine(1_000, 16_000))
        with door.page(f"calls/{call.id}/") as page:
            snapshot = page.take(lambda message: message["kind"] == "snapshot")
    track = snapshot["history"]["tracks"][BOTH[0]]
    assert snapshot["history"]["period_ms"] == 100
    assert track.count(-9) >= 7


MALFORMED: dict[str, str] = {
    "not_json": "{",
    "not_an_object": "[1, 2]",
    "unknown_kind": '{"kind":"MarkData","markData":{"id":"1"}}',
    "no_kind": "{}",
    "bad_base64": '{"kind":"AudioData","audioData":{"data":"%%%%"}}',
    "odd_length": '{"kind":"AudioData","audioData":{"data":"AAAA"}}',
    "missing_data": '{"kind":"AudioData","audioData":{}}',
    "missing_body": '{"kind":"AudioData"}',
    "wrong_type": '{"kind":"AudioData","audioData":{"data":"AAA=","silent":"no"}}',
    "unknown_tone": '{"kind":"DtmfData","dtmfData":{"data":"hello"}}',
}


@pytest.fixture
def neighbour(door: Door) -> Any:
    """A stream beside the test's own, on the same server, that must notice nothing."""
    call = door.call()
    with call.dial().open() as socket, socket.saying(sine(1_000, 16_000)):
        yield
    row = call.closed_stream()
    assert (row["frames_received"], row["gaps"], row["lost_ms"], row["malformed"]) == (50, 0, 0, 0)
    assert row["close_code"] == 1000


def test_malformed_messages_are_counted_and_the_stream_goes_on(door: Door, neighbour: None) -> None:
    call = door.call()
    before = len(door.log)
    with call.dial().open() as socket, door.page(f"calls/{call.id}/") as page:
        for _ in range(3):
            for text in MALFORMED.values():
                for _ in range(5):
                    socket.send(text)
            socket.say(sine(400, 16_000))
        health = page.take(lambda message: (message.get("health") or {}).get("malformed") == 150)
        assert health["health"]["gaps"] == 0
        session = call.streams()[0]["id"]
        for kind in MALFORMED:
            assert len(door.soon(before, session, f"malformed messages ({kind})")) == 1
        assert socket.is_open
    row = call.closed_stream()
    assert row["malformed_kinds"] == dict.fromkeys(MALFORMED, 15)
    assert (row["malformed"], row["frames_received"], row["close_code"]) == (150, 60, 1000)
    assert len(door.lines(before, session, "malformed messages (")) == len(MALFORMED)


def test_frames_of_a_wrong_size_are_taken_and_counted(door: Door, neighbour: None) -> None:
    call = door.call()
    before = len(door.log)
    with call.dial().open() as socket:
        socket.rate_hz = 24_000  # 960 bytes at a time, on a stream of 640
        socket.say(sine(400, 24_000))
        door.soon(before, call.streams()[0]["id"], "malformed messages (wrong_size)")
    row = call.closed_stream()
    assert (row["frames_received"], row["wrong_size"], row["malformed"]) == (20, 20, 0)
    assert len(door.lines(before, row["id"], "malformed messages (")) == 1


def frame_before_metadata(socket: MediaSocket) -> None:
    socket.send(socket.frame())


def binary(socket: MediaSocket) -> None:
    socket.open().send(b"\0" * 640)


def too_big(socket: MediaSocket) -> None:
    socket.open().send('{"kind":"' + "x" * (257 * 1024) + '"}')


def far_too_big(socket: MediaSocket) -> None:
    socket.open().send('{"kind":"' + "x" * (1024 * 1024) + '"}')


def eight_kilohertz(socket: MediaSocket) -> None:
    socket.open(8_000)


def nonsense(socket: MediaSocket) -> None:
    socket.open()
    for _ in range(250):
        socket.send("{")


@pytest.mark.parametrize(
    ("misbehave", "code", "kind"),
    [
        (frame_before_metadata, 1002, "audio_before_metadata"),
        (binary, 1003, "binary"),
        (eight_kilohertz, 1003, None),
        (nonsense, 1007, "not_json"),
        (too_big, 1009, "too_big"),
    ],
)
def test_what_makes_no_sense_closes_the_socket_with_its_code(
    door: Door, neighbour: None, misbehave: Callable[[MediaSocket], None], code: int, kind: str | None
) -> None:
    call = door.call()
    before = len(door.log)
    with call.dial() as socket:
        misbehave(socket)
        assert socket.close_code() == code
    row = call.closed_stream()
    assert row["close_code"] == code
    assert row["close_reason"]
    if kind:
        assert row["malformed_kinds"].get(kind, 0) >= 1
        assert len(door.soon(before, row["id"], f"malformed messages ({kind})")) == 1
    assert len(door.soon(before, row["id"], f"closed with {code}")) == 1
    call.dial().open().close()  # the call itself may come back


def test_a_message_beyond_the_servers_own_limit_ends_only_its_socket(door: Door, neighbour: None) -> None:
    call = door.call()
    with call.dial() as socket:
        far_too_big(socket)
        assert socket.close_code() in {1006, 1009}
    assert call.closed_stream()["close_code"] in {1006, 1009}


def test_a_connection_that_breaks_is_closed_with_1006(door: Door) -> None:
    call = door.call()
    socket = call.dial().open()
    socket.say(sine(100, 16_000))
    socket.drop()
    row = call.closed_stream()
    assert (row["close_code"], row["frames_received"]) == (1006, 5)
    assert call.row()["state"] == "connected"


def test_the_code_that_azure_closes_with_is_kept(door: Door) -> None:
    call = door.call()
    socket = call.dial().open()
    socket.close(1001)
    assert call.closed_stream()["close_code"] == 1001


def test_keys_are_events_of_the_call(door: Door) -> None:
    call = door.call()
    with call.dial().open() as socket, door.page(f"calls/{call.id}/") as page:
        page.take(lambda message: message["kind"] == "snapshot")
        socket.send('{"kind":"DtmfData","dtmfData":{"data":"5"}}')
        assert page.take(lambda message: message["kind"] == "dtmf")["tone"] == "5"


def test_a_flood_of_keys_does_not_cost_another_stream_its_last_word(door: Door) -> None:
    call, other = door.call(), door.call()
    with call.dial().open() as socket, other.dial().open() as quiet:
        with suppress(ConnectionClosed):  # so many keys are a flood, which ends with 1008
            for _ in range(3_000):
                socket.send('{"kind":"DtmfData","dtmfData":{"data":"5"}}')
        quiet.say(sine(100, 16_000))
        quiet.close()
        assert wait_for(lambda: (row := other.streams()[0])["state"] == "closed" and row, 40)["frames_received"] == 5


def test_metadata_that_names_too_much_does_not_cost_the_row(door: Door) -> None:
    call = door.call()
    with call.dial() as socket:
        socket.send(metadata(subscriptionId="s" * 200))
        socket.say(sine(40, 16_000))
    row = call.closed_stream()
    assert (row["frames_received"], row["subscription_id"]) == (2, "s" * 128)


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_stopped_writes_down_what_it_had(
    kind: str, doors: Callable[..., Door], tmp_path: Path
) -> None:
    if kind == "uvicorn":
        doors(kind)  # says aloud if the machine cannot
    with opened(kind, tmp_path) as door:
        call = door.call()
        socket = call.dial().open()
        socket.say(sine(200, 16_000))
        playing = call.play(tone_hz=440, duration_ms=60_000)
        call.reaches(playing, "playing")
        page = door.page("live/")
        page.take(lambda message: message["kind"] == "snapshot")
        portal = door.stack.demo.children[-1].process
        portal.terminate()
        assert socket.close_code() == 1012
        assert page.close_code() in ({1012} if kind == "uvicorn" else {1006, 1012})
        portal.wait(10)
        assert len(door.soon(0, call.id, "closed with 1012: 10 frames received")) == 1
        door.run(
            "from calls.models import Injection, StreamSession\n"
            "row = StreamSession.objects.get()\n"
            "assert (row.state, row.close_code, row.frames_received) == ('closed', 1012, 10), vars(row)\n"
            "sound = Injection.objects.get()\n"
            "assert (sound.state, sound.error_code) == ('stopped', 'stream_closed'), vars(sound)\n"
            "assert sound.played_ms > 0\n"
        )
        for each in (socket, page):
            each.close()
    assert isinstance(page, Socket)
