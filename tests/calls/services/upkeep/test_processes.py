"""Processes watch each other by what they count, and by no clock but their own."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from calls.models import Call, CallEvent, Injection, Process, StreamSession
from calls.operations.process import STARTED_AT
from calls.services import open_stream
from calls.services.sockets import Caller, sign_of_life
from calls.services.sound import injection_accepted, injection_over, injection_started
from calls.services.upkeep.processes import Watch, all_beats, beat, give_up
from tests.calls.ear import Ear

GONE, HERE = "host-1-gone", "host-2-here"


def looks(watch: Watch, *rounds: tuple[float, dict[str, int]]) -> list[list[str]]:
    return [watch.look(beats, at_s) for at_s, beats in rounds]


def test_who_counts_no_more_is_silent_after_three_seconds_that_were_watched() -> None:
    rounds = [(at_s / 2, {GONE: 7, HERE: at_s}) for at_s in range(8)]
    assert looks(Watch(3.0), *rounds) == [[]] * 6 + [[GONE], [GONE]]


def test_who_counts_on_is_never_silent_however_slowly_we_look() -> None:
    assert looks(Watch(3.0), *((9.0 * number, {HERE: number}) for number in range(9))) == [[]] * 9


def test_time_in_which_nobody_looked_is_nobodys_silence() -> None:
    """The database was away for a minute: the others get time to count on."""
    assert looks(Watch(3.0), (0, {HERE: 7}), (60, {HERE: 7}), (60.5, {HERE: 7}), (61, {HERE: 8})) == [[]] * 4


def test_who_starts_to_count_again_was_only_asleep() -> None:
    assert looks(Watch(1.0), (0, {HERE: 7}), (1, {HERE: 7}), (2, {HERE: 8}), (2.5, {HERE: 8})) == [[], [HERE], [], []]


@pytest.fixture
def call(transactional_db: None) -> Call:
    made = Call.objects.create(
        direction="inbound", state="connected", call_connection_id=str(uuid4()), connected_at=timezone.now()
    )
    CallEvent.objects.create(call=made, source="callback", type="CallConnected", event_time=timezone.now())
    beat(GONE, "host", 1, STARTED_AT)
    beat(GONE, "host", 1, STARTED_AT)
    return made


def opened(call: Call, owner: str) -> StreamSession:
    caller = Caller(call.call_connection_id or "", "c", "", 2e9)
    return StreamSession.objects.get(pk=open_stream(call.pk, caller, owner).session_id)


def states(call: Call) -> list[str]:
    return list(call.streams.order_by("number").values_list("state", flat=True))


def sound_of(call: Call, owner: str) -> Injection:
    sound = Injection.objects.create(call=call, kind="tone", tone_hz=440, tone_ms=1000, asked_by="ana")
    assert injection_accepted(sound.pk, owner)
    return sound


def test_a_process_counts_from_one_row(call: Call) -> None:
    [process] = Process.objects.all()
    assert (process.name, process.host, process.pid, process.beats) == (GONE, "host", 1, 1)
    assert all_beats() == {GONE: 1}


def test_what_a_silent_process_had_open_is_lost_and_shown_so(call: Call) -> None:
    opened(call, GONE)
    ear = Ear()
    assert give_up(GONE, 1)
    call.refresh_from_db()
    assert (states(call), call.streaming_state) == (["lost"], "failed")
    shown = [each for each in ear.events() if each["kind"] == "stream_state"]
    assert [(each["stream"]["state"], each["stream"]["owner"]) for each in shown] == [("lost", GONE)]
    assert call.events.filter(type="StreamLost").count() == 1
    assert not Process.objects.exists()
    assert not give_up(GONE, 1), "whoever comes second has nothing to do"


def test_a_stream_that_azure_has_replaced_after_its_process_died_is_lost_and_not_closed(call: Call) -> None:
    opened(call, GONE)
    opened(call, HERE)
    assert states(call) == ["closed", "open"]
    give_up(GONE, 1)
    call.refresh_from_db()
    assert (states(call), call.streaming_state) == (["lost", "open"], "streaming")
    lost = call.streams.get(number=1)
    assert (lost.close_code, lost.close_reason) == (None, "")


def test_a_stream_that_was_replaced_while_its_process_lived_stays_closed(call: Call) -> None:
    opened(call, GONE)
    opened(call, HERE)
    beat(GONE, "host", 1, STARTED_AT)
    give_up(GONE, 2)
    assert states(call) == ["closed", "open"]


def test_who_has_counted_on_meanwhile_keeps_everything(call: Call) -> None:
    opened(call, GONE)
    sound = sound_of(call, GONE)
    beat(GONE, "host", 1, STARTED_AT)
    assert not give_up(GONE, 1)
    sound.refresh_from_db()
    assert (states(call), sound.state) == (["open"], "queued")


def test_what_a_silent_process_played_has_failed_though_another_has_the_call_by_now(call: Call) -> None:
    opened(call, GONE)
    playing, waiting, untouched = sound_of(call, GONE), sound_of(call, GONE), sound_of(call, HERE)
    injection_started(playing.pk)
    Injection.objects.filter(pk=playing.pk).update(started_at=timezone.now() - timedelta(milliseconds=700))
    opened(call, HERE)
    give_up(GONE, 1)
    for sound in (playing, waiting, untouched):
        sound.refresh_from_db()
    assert (playing.state, playing.error_code) == ("failed", "process_gone")
    assert playing.error_message == "The process that played this is gone. Play it again."
    assert 0 < playing.played_ms <= 1000
    assert (waiting.state, waiting.played_ms) == ("failed", 0)
    assert waiting.error_message == "The process that was to play this is gone. Play it again."
    assert untouched.state == "queued"


def test_a_process_that_was_only_asleep_has_the_last_word_on_what_it_plays(call: Call) -> None:
    stream, sound = opened(call, GONE), sound_of(call, GONE)
    give_up(GONE, 1)
    sign_of_life([stream.pk])
    assert injection_started(sound.pk)
    sound.refresh_from_db()
    assert (sound.state, sound.error_code, sound.ended_at) == ("playing", "", None)
    assert injection_over(sound.pk, "done", 1000)
    sound.refresh_from_db()
    assert (states(call), sound.state, sound.error_message) == (["open"], "done", "")


def test_a_process_that_ended_in_order_leaves_nothing_but_its_row(call: Call) -> None:
    assert give_up(GONE, 1)
    assert not Process.objects.exists()
    assert call.events.filter(type="StreamLost").count() == 0
