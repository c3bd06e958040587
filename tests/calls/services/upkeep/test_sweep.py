import logging
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from calls.models import Call, CallEvent, Command, Injection, StreamSession
from calls.services import sweep
from calls.services.sound import injection_accepted, injection_started, sound_stopped

LONG_AGO = timedelta(hours=1)


@pytest.fixture
def call(transactional_db: None) -> Call:
    return Call.objects.create(
        direction="inbound",
        state="connected",
        call_connection_id=str(uuid4()),
        connected_at=timezone.now(),
        streaming_state="streaming",
    )


@pytest.fixture
def stream(call: Call) -> StreamSession:
    CallEvent.objects.create(call=call, source="callback", type="CallConnected", event_time=timezone.now())
    return StreamSession.objects.create(call=call, owner="process 1", channel_type="unmixed")


def aged(row: Any, **ages_s: float) -> None:
    """Moves a row's times into the past."""
    type(row).objects.filter(pk=row.pk).update(
        **{name: timezone.now() - timedelta(seconds=seconds) for name, seconds in ages_s.items()}
    )
    row.refresh_from_db()


def swept(row: Any) -> Any:
    sweep()
    row.refresh_from_db()
    return row


def test_a_round_without_work_changes_nothing(stream: StreamSession) -> None:
    sweep()
    stream.refresh_from_db()
    assert (stream.state, CallEvent.objects.count()) == ("open", 1)


def test_a_sound_that_no_process_confirms_fails_after_ten_seconds_and_is_never_accepted(call: Call) -> None:
    sound = Injection.objects.create(call=call, kind="tone", tone_hz=440, tone_ms=1000, asked_by="ana")
    aged(sound, queued_at=9)
    assert swept(sound).state == "queued"
    aged(sound, queued_at=11)
    swept(sound)
    assert (sound.state, sound.error_code) == ("failed", "no_worker")
    assert sound.ended_at is not None
    assert not injection_accepted(sound.pk)
    assert not injection_started(sound.pk)
    sound.refresh_from_db()
    assert (sound.state, sound.accepted_at) == ("failed", None)


def test_a_sound_that_was_confirmed_may_wait_its_turn(call: Call, stream: StreamSession) -> None:
    sound = Injection.objects.create(call=call, kind="tone", asked_by="ana")
    assert injection_accepted(sound.pk)
    aged(sound, queued_at=500, accepted_at=499)
    assert swept(sound).state == "queued"


def test_a_stop_that_no_process_confirms_fails_after_ten_seconds_and_stays_so(call: Call) -> None:
    command = Command.objects.create(call=call, verb="stop_sound", asked_by="ana")
    aged(command, created_at=9)
    assert swept(command).state == "queued"
    aged(command, created_at=11)
    assert (swept(command).state, command.error_code) == ("failed", "no_worker")
    sound_stopped(command.pk)
    command.refresh_from_db()
    assert command.state == "failed"


def test_the_streams_of_a_silent_process_become_lost_and_the_call_says_so(call: Call, stream: StreamSession) -> None:
    aged(stream, seen_at=14)
    assert swept(stream).state == "open"
    aged(stream, seen_at=16)
    swept(stream)
    call.refresh_from_db()
    assert (stream.state, stream.close_code) == ("lost", None)
    assert stream.closed_at is not None
    assert (call.state, call.streaming_state) == ("connected", "failed")
    assert call.streaming_error.startswith("The media socket broke.")
    assert call.events.filter(type="StreamLost").count() == 1
    sweep()
    assert call.events.filter(type="StreamLost").count() == 1


def test_a_sound_whose_process_is_gone_ends_when_nobody_can_still_play_it(call: Call, stream: StreamSession) -> None:
    playing = Injection.objects.create(call=call, kind="tone", asked_by="ana", state="playing", played_ms=700)
    waiting = Injection.objects.create(call=call, kind="tone", asked_by="ana")
    for sound in (playing, waiting):
        aged(sound, queued_at=100, accepted_at=100)
    StreamSession.objects.update(state="lost", closed_at=timezone.now() - timedelta(seconds=30))
    assert [swept(each).state for each in (playing, waiting)] == ["playing", "queued"]
    StreamSession.objects.update(closed_at=timezone.now() - timedelta(seconds=60))
    assert [(swept(each).state, each.error_code) for each in (playing, waiting)] == [("stopped", "stream_closed")] * 2
    assert playing.played_ms == 700


def test_one_broken_row_does_not_keep_the_sweep_from_the_others(call: Call, caplog: Any) -> None:
    """An event that cannot be read again stays behind; everything else is looked after."""
    event = CallEvent.objects.create(
        source="event_grid", azure_id="x", type="IncomingCall", event_time=timezone.now(), raw={}, waiting=True
    )
    sound = Injection.objects.create(call=call, kind="tone", asked_by="ana")
    aged(sound, queued_at=11)
    with caplog.at_level(logging.ERROR):
        assert swept(sound).state == "failed"
    event.refresh_from_db()
    assert event.call is None


def test_many_processes_may_sweep_at_once(call: Call, stream: StreamSession) -> None:
    sounds = [Injection.objects.create(call=call, kind="tone", asked_by="ana") for _ in range(5)]
    for sound in sounds:
        aged(sound, queued_at=11)
    aged(stream, seen_at=16)
    together = threading.Barrier(4)
    failures: list[Exception] = []

    def race() -> None:
        try:
            together.wait(10)
            sweep()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert {each.state for each in Injection.objects.all()} == {"failed"}
    assert call.events.filter(type="StreamLost").count() == 1
