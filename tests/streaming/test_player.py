"""Orders to be heard: given by REST, played into Azure's socket, and confirmed in their rows."""

import asyncio
import json
import time
from collections.abc import Callable

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from acsportal.demo import SALES_LINE, SUPPORT_LINE
from calls.commands import PlaySound, StopSound
from calls.models import Call, Command, Injection
from streaming.audio import to_pcm as pcm_of
from streaming.audio import tone, wav
from streaming.journal import journal
from streaming.pipeline.call import CallPipeline
from streaming.player import Player
from tests.journeys.stack import ask, main_frequency_hz, multipart, wait_for
from tests.streaming.doorstep import Door, MediaSocket

LEAD_MS = 200


def frames_of(socket: MediaSocket) -> list[tuple[float, np.ndarray]]:
    return [(arrived_s, samples) for arrived_s, samples in socket.heard() if samples is not None]


def leads_ms(frames: list[tuple[float, np.ndarray]]) -> list[float]:
    """After each frame: how much sound Azure holds, if it plays from the first one's arrival without a pause."""
    began_s = frames[0][0]
    return [(index + 1) * 20 - (arrived_s - began_s) * 1_000 for index, (arrived_s, _) in enumerate(frames)]


@pytest.mark.parametrize(("callee", "rate_hz"), [(SUPPORT_LINE, 16_000), (SALES_LINE, 24_000)])
def test_a_tone_is_played_on_a_20_ms_schedule(door: Door, callee: str, rate_hz: int) -> None:
    call = door.call(callee)
    with call.dial().open(rate_hz) as socket, door.page(f"calls/{call.id}/") as page:
        injection = call.play(tone_hz=440, duration_ms=3_000)
        row = call.reaches(injection, "done")
        frames = frames_of(socket)
        page.take(lambda message: message["kind"] == "injection_state" and message["injection"]["state"] == "done")
        told = [json.loads(text) for _, text in list(page.messages)]
    assert len(frames) == 150
    assert {samples.size for _, samples in frames} == {rate_hz // 50}
    sound = np.concatenate([samples for _, samples in frames])
    assert main_frequency_hz(sound, rate_hz) == pytest.approx(440, abs=1)
    assert np.abs(sound).max() == pytest.approx(32_768 * 10 ** (-12 / 20), rel=0.01)
    leads = leads_ms(frames)
    assert max(leads) <= LEAD_MS + 40
    assert min(leads) > 0
    assert frames[-1][0] - frames[0][0] > (3_000 - LEAD_MS - 40) / 1_000
    assert row["queued_at"] <= row["accepted_at"] <= row["started_at"] <= row["ended_at"]
    assert (row["duration_ms"], row["played_ms"], row["error"]) == (3_000, 3_000, None)
    states = [each["injection"]["state"] for each in told if each["kind"] == "injection_state"]
    assert states[0] == "queued"
    assert states[-2:] == ["playing", "done"]
    playing = [each["playing"] for each in told if each["kind"] == "levels" and each["playing"]]
    assert playing[0]["id"] == injection
    assert [each["left_ms"] for each in playing] == sorted((each["left_ms"] for each in playing), reverse=True)
    ours = [each["levels"]["us"]["rms_dbfs"] for each in told if each["kind"] == "levels" and "us" in each["levels"]]
    assert sorted(ours)[len(ours) // 2] == pytest.approx(-15.05, abs=0.2)
    assert call.closed_stream()["frames_sent"] == 150


def test_sounds_follow_each_other_without_a_gap(door: Door) -> None:
    call = door.call()
    with call.dial().open() as socket:
        orders = [call.play(tone_hz=hz, duration_ms=400) for hz in (500, 1_000, 2_000)]
        for order in orders:
            call.reaches(order, "done")
        frames = frames_of(socket)
    assert len(frames) == 60
    heard = [
        main_frequency_hz(np.concatenate([samples for _, samples in frames[first : first + 20]]), 16_000)
        for first in (0, 20, 40)
    ]
    assert heard == [pytest.approx(hz, abs=2) for hz in (500, 1_000, 2_000)]
    assert min(leads_ms(frames)) > 0


def test_stop_empties_the_queue_and_then_tells_azure(door: Door) -> None:
    call = door.call()
    with call.dial().open() as socket:
        first, second = call.play(tone_hz=440, duration_ms=30_000), call.play(tone_hz=880, duration_ms=30_000)
        call.reaches(first, "playing")
        command = call.stop_sound()
        socket.stopped()
        rows = [call.reaches(each, "stopped") for each in (first, second)]
        wait_for(lambda: door.stack.get(f"commands/{command}/")["state"] == "done", 5)
        assert 0 < rows[0]["played_ms"] < 10_000
        assert rows[0]["error"] is None
        assert rows[1]["played_ms"] == 0
        call.reaches(call.play(tone_hz=660, duration_ms=100), "done")
        heard = [samples for _, samples in socket.heard()]
    stop = next(index for index, samples in enumerate(heard) if samples is None)
    assert stop >= 10
    after = [samples for samples in heard[stop + 1 :] if samples is not None]
    assert len(after) == 5, "only what was ordered after the stop is played after it"


def test_a_loop_plays_until_it_is_stopped(door: Door) -> None:
    call = door.call()
    with call.dial().open() as socket:
        looping = call.play(tone_hz=1_000, duration_ms=100, loop=True)
        wait_for(lambda: len(socket.messages) > 40, 5)
        assert call.injection(looping)["state"] == "playing"
        call.stop_sound()
        assert call.reaches(looping, "stopped")["played_ms"] > 500


def test_a_file_and_a_text_are_heard(door: Door) -> None:
    call = door.call()
    with call.dial().open() as socket:
        body, header = multipart({}, {"audio": ("beep.wav", wav(pcm_of(tone(700, 500, 44_100)), 44_100))})
        url = f"{door.stack.portal}/api/v1/calls/{call.id}/injections/"
        answer = ask("POST", url, body, door.stack.key | header)
        assert answer.status == 202, answer
        row = call.reaches(answer.json["id"], "done")
        assert row["played_ms"] == pytest.approx(500, abs=2)
        beep = np.concatenate([samples for _, samples in frames_of(socket)])
        assert main_frequency_hz(beep, 16_000) == pytest.approx(700, abs=1)
        before = len(socket.messages)
        row = call.reaches(call.play(text="One two."), "done", within_s=20)
        assert row["played_ms"] == row["duration_ms"] > 300
        assert len(socket.messages) - before == -(-row["duration_ms"] // 20)


def test_a_clip_that_was_deleted_fails_with_the_reason_when_its_turn_comes(door: Door) -> None:
    call = door.call()
    body, header = multipart(
        {"name": f"Gone {call.id}"}, {"audio": ("a.wav", wav(pcm_of(tone(700, 200, 16_000)), 16_000))}
    )
    clip = ask("POST", f"{door.stack.portal}/api/v1/clips/", body, door.stack.key | header).json["id"]
    with call.dial() as socket:
        door.stack.until(call.id, lambda row: row["streaming"]["state"] == "streaming")
        order = call.play(clip=clip)
        assert ask("DELETE", f"{door.stack.portal}/api/v1/clips/{clip}/", headers=door.stack.key).status == 204
        socket.open()
        row = call.reaches(order, "failed")
    assert row["error"]["code"] in {"file_gone", "cannot_render"}
    assert "deleted" in row["error"]["message"] or "no longer" in row["error"]["message"]


def test_a_call_that_comes_back_hears_the_rest(door: Door) -> None:
    call = door.call()
    first = call.dial().open()
    order = call.play(tone_hz=440, duration_ms=4_000)
    waiting = call.play(tone_hz=880, duration_ms=200)
    wait_for(lambda: len(first.messages) >= 60, 10)
    first.drop()
    wait_for(lambda: call.streams()[0]["state"] == "closed", 5)
    sent = len(first.messages)
    with call.dial().open() as second:
        row = call.reaches(order, "done")
        call.reaches(waiting, "done")
        rest = len(frames_of(second))
        assert [each["state"] for each in call.streams()] == ["closed", "open"]
    assert row["played_ms"] == 4_000
    # What was sent within the lead had not been heard when the socket broke, so it is sent again.
    assert 210 <= sent + rest <= 210 + (LEAD_MS + 40) // 20


def test_a_stream_that_ends_on_purpose_stops_its_sounds_with_a_reason(door: Door) -> None:
    call = door.call()
    with call.dial().open() as socket:
        orders = [call.play(tone_hz=440, duration_ms=30_000) for _ in range(2)]
        wait_for(lambda: len(socket.messages) > 20, 5)
    rows = [call.reaches(each, "stopped") for each in orders]
    assert [row["error"]["code"] for row in rows] == ["stream_closed"] * 2
    assert rows[0]["played_ms"] > rows[1]["played_ms"] == 0


def test_a_socket_that_never_comes_back_stops_its_sounds_after_the_grace(doors: Callable[..., Door]) -> None:
    door = doors("daphne", STREAM_KEEP_S="1")
    call = door.call()
    socket = call.dial().open()
    order = call.play(tone_hz=440, duration_ms=30_000)
    wait_for(lambda: len(socket.messages) > 20, 5)
    socket.drop()
    assert call.injection(order)["state"] == "playing"
    assert call.reaches(order, "stopped", within_s=5)["error"]["code"] == "stream_closed"


def test_an_order_before_the_metadata_is_played_as_soon_as_the_stream_is_known(door: Door) -> None:
    call = door.call()
    with call.dial() as socket:
        door.stack.until(call.id, lambda row: row["streaming"]["state"] == "streaming")
        order = call.play(tone_hz=440, duration_ms=200)
        assert call.injection(order)["accepted_at"] is None
        socket.open()
        call.reaches(order, "done")
        assert len(frames_of(socket)) == 10


def test_an_order_that_nobody_confirms_fails_and_is_never_played(door: Door) -> None:
    call = door.call()
    with call.dial() as socket:
        door.stack.until(call.id, lambda row: row["streaming"]["state"] == "streaming")
        order = call.play(tone_hz=440, duration_ms=200)
        row = call.reaches(order, "failed", within_s=20)
        assert row["error"]["code"] == "no_worker"
        assert row["accepted_at"] is None
        socket.open()
        call.reaches(call.play(tone_hz=880, duration_ms=200), "done")
        sound = np.concatenate([samples for _, samples in frames_of(socket)])
    assert len(sound) == 3_200
    assert main_frequency_hz(sound, 16_000) == pytest.approx(880, abs=2)


# --- The player alone, with a socket that Azure does not read --------------------------------------------------------


class Peer:
    """The sending side of a socket: takes messages, or holds one back as a server does whose peer does not read."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.reading = asyncio.Event()
        self.reading.set()

    async def send(self, text: str) -> None:
        await self.reading.wait()
        self.messages.append(text)


def row_of(call: Call, **fields: object) -> Injection:
    return Injection.objects.create(call=call, asked_by="test", **fields)


def order_for(injection: Injection, **fields: object) -> PlaySound:
    given = {"kind": "tone", "label": "Tone", "tone_hz": 440, "tone_ms": 5_000} | fields
    return PlaySound(injection=str(injection.pk), **given)  # type: ignore[arg-type]


async def until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < until_s
        await asyncio.sleep(0.01)


@pytest.fixture
def call(transactional_db: None) -> Call:
    return Call.objects.create(direction="inbound", state="connected")


def state_of(injection: Injection) -> str:
    return Injection.objects.get(pk=injection.pk).state


def accepted(injection: Injection) -> bool:
    return Injection.objects.get(pk=injection.pk).accepted_at is not None


def settled(injection: Injection) -> Injection:
    assert journal.flush()
    injection.refresh_from_db()
    return injection


def test_a_peer_that_does_not_read_cannot_hold_up_a_stop(call: Call) -> None:
    playing, waiting = row_of(call, kind="tone"), row_of(call, kind="tone")
    command = Command.objects.create(call=call, verb="stop_sound", asked_by="test")

    async def stop_a_stalled_one() -> list[str]:
        player = Player(CallPipeline(16_000, LEAD_MS))
        peer = Peer()
        player.attach(peer.send)
        player.play(order_for(playing))
        player.play(order_for(waiting))
        await until(lambda: len(peer.messages) > 5)
        peer.reading.clear()
        await asyncio.sleep(0.1)
        stopping = asyncio.create_task(player.stop(StopSound(str(command.pk))))
        await asyncio.sleep(0.1)
        sent = len(peer.messages)
        peer.reading.set()
        await stopping
        await asyncio.sleep(0.2)
        player.close()
        return peer.messages[sent:]

    late = asyncio.run(stop_a_stalled_one())
    assert [json.loads(text)["Kind"] for text in late] in (["StopAudio"], ["AudioData", "StopAudio"])
    assert settled(playing).state == settled(waiting).state == "stopped"
    command.refresh_from_db()
    assert command.state == "done"


def test_a_socket_that_fails_leaves_the_sound_for_the_next_one(call: Call) -> None:
    injection = row_of(call, kind="tone")

    async def lose_a_socket() -> tuple[int, int]:
        player = Player(CallPipeline(16_000, LEAD_MS))
        first, second = Peer(), Peer()

        async def broken(text: str) -> None:
            if len(first.messages) >= 20:
                raise OSError
            await first.send(text)

        player.attach(broken)
        player.play(order_for(injection, tone_ms=1_000))
        await until(lambda: len(first.messages) == 20)
        await asyncio.sleep(0.1)
        player.attach(second.send)
        assert player.frames_sent == 0
        while await journal.ask(state_of, injection) != "done":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        player.close()
        return len(first.messages), len(second.messages)

    first, second = asyncio.run(lose_a_socket())
    assert 50 <= first + second <= 62
    assert settled(injection).played_ms == 1_000


def test_a_player_that_is_closed_while_it_renders_stops_the_order(call: Call) -> None:
    name = default_storage.save("long.wav", ContentFile(wav(pcm_of(tone(440, 60_000, 48_000)), 48_000)))
    injection = row_of(call, kind="file", file=name)

    async def close_early() -> None:
        player = Player(CallPipeline(16_000, LEAD_MS))
        player.play(order_for(injection, kind="file", file=name))
        while not await journal.ask(accepted, injection):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        player.close()
        await asyncio.sleep(0.05)

    asyncio.run(close_early())
    assert settled(injection).state == "stopped"
    assert injection.error_code == "stream_closed"


def test_more_orders_than_a_call_may_hold_fail_at_once(call: Call) -> None:
    rows = [row_of(call, kind="tone") for _ in range(101)]

    async def order_all() -> None:
        player = Player(CallPipeline(16_000, LEAD_MS))
        for row in rows:
            player.play(order_for(row))
        player.close()

    asyncio.run(order_all())
    assert [settled(row).state for row in rows[:100]] == ["stopped"] * 100
    assert (settled(rows[100]).state, rows[100].error_code) == ("failed", "queue_full")
