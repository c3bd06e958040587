from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calls.commands import BeginSensitive, EndSensitive, group_of, read
from calls.errors import BadInput, CallStateError
from calls.models import Call, Command, StreamSession
from calls.selectors import call_row
from calls.services import Actor, begin_sensitive, end_sensitive, key_pressed, sweep
from calls.services.keeping import kept_now
from calls.services.recordings.sensitive import sensitive_confirmed, spoken
from calls.services.transcripts.held import is_held
from tests.calls.ear import Ear
from tests.calls.scene import live_call

ANA = Actor("user", "ana")
SECOND = timedelta(seconds=1)


@pytest.fixture
def call(transactional_db: None) -> Call:
    return live_call()


@pytest.fixture
def stream(call: Call) -> StreamSession:
    return call.streams.get()


def types(call: Call) -> list[str]:
    return list(call.events.filter(type__startswith="Sensitive").order_by("event_time").values_list("type", flat=True))


def test_a_sensitive_pause_is_one_order_and_every_page_shows_it(call: Call, stream: StreamSession) -> None:
    ear, pages = Ear(group_of(stream.pk)), Ear()
    command = begin_sensitive(ANA, call, 60)
    [order] = [read(message) for message in ear.messages()]
    assert isinstance(order, BeginSensitive)
    assert order.command == str(command.pk)
    assert order.until_at == pytest.approx(timezone.now().timestamp() + 60, abs=2)
    rows = [each["event"]["row"] for each in pages.messages() if each["event"]["kind"] == "call_state"]
    assert [row["sensitive"]["by"] for row in rows] == ["ana"]
    assert types(call) == ["SensitiveBegan"]
    assert command.state == "queued"
    sensitive_confirmed(str(command.pk))
    command.refresh_from_db()
    assert command.state == "done"


def test_it_ends_by_hand_before_its_time(call: Call, stream: StreamSession) -> None:
    begin_sensitive(ANA, call)
    ear = Ear(group_of(stream.pk))
    command = end_sensitive(ANA, call)
    assert [read(message) for message in ear.messages()] == [EndSensitive(str(command.pk))]
    call.refresh_from_db()
    assert (call.is_sensitive, call.sensitive_until, call_row(call)["sensitive"]) == (False, None, None)
    assert types(call) == ["SensitiveBegan", "SensitiveEnded"]


def test_it_ends_by_itself_at_its_time_and_the_timeline_says_when(call: Call) -> None:
    begin_sensitive(ANA, call, 5)
    until = timezone.now() - SECOND
    Call.objects.filter(pk=call.pk).update(sensitive_until=until)
    pages = Ear()
    sweep()
    call.refresh_from_db()
    assert call.sensitive_until is None
    end = call.events.get(type="SensitiveEnded")
    assert end.event_time == until
    assert "by itself" in end.message
    rows = [each["event"]["row"] for each in pages.messages() if each["event"]["kind"] == "call_state"]
    assert [row["sensitive"] for row in rows] == [None]
    sweep()
    assert call.events.filter(type="SensitiveEnded").count() == 1


def test_it_ends_with_its_call(call: Call) -> None:
    begin_sensitive(ANA, call, 600)
    at = timezone.now()
    Call.objects.filter(pk=call.pk).update(state="ended", ended_at=at)
    assert not Call.objects.get(pk=call.pk).is_sensitive
    sweep()
    assert call.events.get(type="SensitiveEnded").event_time == at


def test_begun_again_it_lasts_as_long_from_then_and_stays_one_moment(call: Call) -> None:
    begin_sensitive(ANA, call, 60)
    begin_sensitive(ANA, call, 300)
    call.refresh_from_db()
    assert call.sensitive_until is not None
    assert call.sensitive_until > timezone.now() + timedelta(seconds=290)
    assert types(call) == ["SensitiveBegan", "SensitiveProlonged"]


def test_the_portal_says_how_long_if_nobody_does(call: Call, settings: Any) -> None:
    settings.RECORDING_SENSITIVE_S = 45
    begin_sensitive(ANA, call)
    call.refresh_from_db()
    assert call.sensitive_until is not None
    assert call.sensitive_until < timezone.now() + timedelta(seconds=46)
    assert "for 45 s at most" in call.events.get(type="SensitiveBegan").message


@pytest.mark.parametrize("seconds", [0, 4, 3_601, -5])
def test_it_lasts_5_s_to_an_hour(call: Call, seconds: int) -> None:
    with pytest.raises(BadInput, match="5 to 3600 s"):
        begin_sensitive(ANA, call, seconds)
    assert not call.events.filter(type="SensitiveBegan").exists()


def test_what_does_not_last_cannot_be_ended(call: Call) -> None:
    with pytest.raises(CallStateError, match="Nothing is held back"):
        end_sensitive(ANA, call)


def test_it_works_while_nothing_streams_and_holds_for_the_socket_that_comes(transactional_db: None) -> None:
    call = live_call(streams=False)
    assert begin_sensitive(ANA, call, 60).state == "done"
    call.refresh_from_db()
    assert call.is_sensitive
    assert isinstance(kept_now(call, "web-1")[0], BeginSensitive)


def test_what_was_said_in_it_is_known_as_held_however_late_it_comes(call: Call) -> None:
    begin_sensitive(ANA, call, 60)
    now = timezone.now()
    call.events.update(event_time=now - 20 * SECOND)
    Call.objects.filter(pk=call.pk).update(sensitive_until=now - 10 * SECOND)
    for _ in range(2):
        call.refresh_from_db()
        assert is_held(call, now - 15 * SECOND, now - 14 * SECOND)
        assert not is_held(call, now - 9 * SECOND, now - 8 * SECOND)
        sweep()


def test_an_order_that_no_worker_confirms_says_that_sound_may_still_be_kept(call: Call) -> None:
    command = begin_sensitive(ANA, call, 600)
    Command.objects.filter(pk=command.pk).update(created_at=timezone.now() - timedelta(seconds=11))
    sweep()
    command.refresh_from_db()
    call.refresh_from_db()
    assert command.error_code == "no_worker"
    assert "may still get what is said" in command.error_message
    assert call.is_sensitive


def test_keys_that_are_pressed_in_it_are_not_kept(call: Call, stream: StreamSession) -> None:
    begin_sensitive(ANA, call, 60)
    pages = Ear()
    key_pressed(stream.pk, "4", "")
    event = call.events.get(type="DtmfPressed")
    assert "4" not in event.message + str(event.raw)
    assert "'tone': '4'" not in str(pages.messages())
    end_sensitive(ANA, call)
    key_pressed(stream.pk, "4", "")
    assert call.events.filter(type="DtmfPressed", raw__tone="4").count() == 1


def test_lengths_are_said_as_people_say_them() -> None:
    assert [spoken(45), spoken(60), spoken(125)] == ["45 s", "1:00 min", "2:05 min"]
