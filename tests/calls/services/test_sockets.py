from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from calls.commands import group_of
from calls.errors import NotAllowed, NotFound
from calls.models import Call, CallEvent, StreamSession, UsedMediaToken
from calls.services import close_stream, describe_stream, key_pressed, open_stream, sweep
from calls.services.sockets import Caller, sign_of_life
from tests.calls.ear import Ear

CC = "411f0200-abcd-4cdf-8a3e-000000000001"
OWNER = "process 1"


def caller(token: str = "", expires_at: float = 2e9, connection_id: str = CC, enforce: bool = True) -> Caller:
    return Caller(connection_id, "c", token, expires_at, enforce)


@pytest.fixture
def call(transactional_db: None) -> Call:
    return Call.objects.create(
        direction="inbound",
        state="connecting",
        caller_raw_id="4:+14255550123",
        call_connection_id=CC,
        streaming_start="now",
    )


def connected(call: Call) -> None:
    CallEvent.objects.create(call=call, source="callback", type="CallConnected", event_time=timezone.now())


def streaming_state(call: Call) -> str:
    call.refresh_from_db()
    return call.streaming_state


def test_a_socket_is_a_stream_of_its_call_even_before_the_call_is_connected(call: Call) -> None:
    ear = Ear()
    opened = open_stream(call.pk, caller(), OWNER)
    stream = StreamSession.objects.get()
    assert (opened.session_id, opened.call_id, opened.number, opened.profile) == (stream.pk, call.pk, 1, call.profile)
    assert (stream.state, stream.owner, stream.channel_type, stream.bidirectional) == ("open", OWNER, "unmixed", True)
    assert streaming_state(call) == "streaming"
    assert [each["kind"] for each in ear.events()] == ["event", "call_state", "stream_state"]


def test_the_first_socket_of_a_call_binds_its_connection(call: Call) -> None:
    Call.objects.update(call_connection_id=None, correlation_id="")
    open_stream(call.pk, caller(), OWNER)
    call.refresh_from_db()
    assert (call.call_connection_id, call.correlation_id) == (CC, "c")


@pytest.mark.parametrize(
    ("connection_id", "reason"), [("another", "another call connection"), ("", "names no call connection")]
)
def test_a_socket_of_another_or_no_connection_is_refused(call: Call, connection_id: str, reason: str) -> None:
    with pytest.raises(NotAllowed, match=reason):
        open_stream(call.pk, caller(connection_id=connection_id), OWNER)
    assert StreamSession.objects.count() == 0


def test_a_socket_of_no_call_or_of_an_ended_one_is_refused(call: Call) -> None:
    with pytest.raises(NotFound):
        open_stream(uuid4(), caller(), OWNER)
    Call.objects.update(state="ended")
    with pytest.raises(NotAllowed, match="The call is over"):
        open_stream(call.pk, caller(), OWNER)


def test_a_token_opens_one_socket(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    open_stream(call.pk, caller("digest"), OWNER)
    with pytest.raises(NotAllowed, match="opened a socket before"):
        open_stream(call.pk, caller("digest"), OWNER)
    assert StreamSession.objects.count() == 1
    open_stream(call.pk, caller("digest", enforce=False), OWNER)
    assert "its token opened a socket before" in caplog.text


def test_a_token_that_never_expires_is_remembered_as_long_as_a_date_can_be(call: Call) -> None:
    open_stream(call.pk, caller("digest", expires_at=1e300), OWNER)
    assert UsedMediaToken.objects.get().expires_at.year == 9999


def test_a_newer_socket_takes_the_place_of_the_older(call: Call) -> None:
    older = open_stream(call.pk, caller(), OWNER)
    ear, live = Ear(group_of(older.session_id)), Ear()
    newer = open_stream(call.pk, caller(), "process 2")
    stream = StreamSession.objects.get(pk=older.session_id)
    assert (newer.number, stream.state, stream.close_code) == (2, "closed", 1000)
    assert stream.close_reason == "a newer socket took its place"
    [order] = ear.messages()
    assert (order["order"], order["fields"]["code"]) == ("close", 1000)
    shown = [each["stream"] for each in live.events() if each["kind"] == "stream_state"]
    assert [(each["number"], each["state"]) for each in shown] == [(1, "closed"), (2, "open")]
    close_stream(older.session_id, 1006, "late word of the old socket", {"frames_received": 7})
    stream.refresh_from_db()
    assert (stream.close_code, stream.frames_received) == (1000, 7)
    assert streaming_state(call) == "streaming"


@pytest.mark.parametrize(("code", "state"), [(1000, "off"), (1001, "off"), (1006, "failed"), (1011, "failed")])
def test_how_a_socket_closed_decides_what_the_call_says(call: Call, code: int, state: str) -> None:
    connected(call)
    opened = open_stream(call.pk, caller(), OWNER)
    close_stream(opened.session_id, code, "because", {"frames_received": 50, "gaps": 2})
    stream = StreamSession.objects.get()
    assert (stream.state, stream.close_code, stream.close_reason) == ("closed", code, "because")
    assert (stream.frames_received, stream.gaps) == (50, 2)
    assert streaming_state(call) == state
    reopened = open_stream(call.pk, caller(), OWNER)
    assert (reopened.number, streaming_state(call)) == (2, "streaming")


def test_a_socket_that_closes_twice_keeps_its_first_words(call: Call) -> None:
    opened = open_stream(call.pk, caller(), OWNER)
    close_stream(opened.session_id, 1000, "first", {})
    close_stream(opened.session_id, 1006, "second", {})
    assert StreamSession.objects.get().close_reason == "first"
    assert call.events.filter(type="StreamClosed").count() == 1


def test_what_a_socket_tells_of_itself_is_written_and_shown_if_asked(call: Call) -> None:
    opened = open_stream(call.pk, caller(), OWNER)
    ear = Ear()
    describe_stream(opened.session_id, {"sample_rate_hz": 16000, "encoding": "PCM"}, announce=True)
    describe_stream(opened.session_id, {"frames_received": 10}, announce=False)
    stream = StreamSession.objects.get()
    assert (stream.sample_rate_hz, stream.encoding, stream.frames_received) == (16000, "PCM", 10)
    [event] = ear.events()
    assert (event["kind"], event["stream"]["sample_rate_hz"]) == ("stream_state", 16000)


def test_a_key_is_told_with_the_name_of_who_pressed_it(call: Call) -> None:
    opened = open_stream(call.pk, caller(), OWNER)
    ear = Ear()
    key_pressed(opened.session_id, "5", "4:+14255550123")
    event, tone = ear.events()
    assert (event["event"]["text"], event["event"]["icon"]) == ("Caller pressed 5", "keypad")
    assert (tone["kind"], tone["tone"], tone["raw_id"]) == ("dtmf", "5", "4:+14255550123")


def test_a_stream_that_was_given_up_too_early_is_open_again(call: Call) -> None:
    connected(call)
    opened = open_stream(call.pk, caller(), OWNER)
    StreamSession.objects.update(seen_at=timezone.now() - timedelta(seconds=20))
    sweep()
    assert streaming_state(call) == "failed"
    sign_of_life([opened.session_id])
    stream = StreamSession.objects.get()
    assert (stream.state, stream.closed_at, streaming_state(call)) == ("open", None, "streaming")
    assert [each.type for each in call.events.filter(source="stream")] == ["StreamOpened", "StreamLost", "StreamFound"]


def test_a_lost_stream_that_was_replaced_stays_lost(call: Call) -> None:
    lost = open_stream(call.pk, caller(), OWNER)
    StreamSession.objects.update(seen_at=timezone.now() - timedelta(seconds=20))
    sweep()
    open_stream(call.pk, caller(), "process 2")
    sign_of_life([lost.session_id])
    assert list(StreamSession.objects.order_by("number").values_list("state", flat=True)) == ["lost", "open"]


def test_stopping_closes_the_streaming_also_while_the_socket_lingers(call: Call) -> None:
    connected(call)
    opened = open_stream(call.pk, caller(), OWNER)
    CallEvent.objects.create(
        call=call, source="callback", type="MediaStreamingStopped", event_time=timezone.now() + timedelta(seconds=1)
    )
    describe_stream(opened.session_id, {}, announce=False)
    close_stream(opened.session_id, 1006, "", {})
    assert streaming_state(call) == "off"
