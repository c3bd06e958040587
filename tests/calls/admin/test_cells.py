from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from calls.admin import cells
from calls.models import Call, CallEvent, Participant, StreamSession


def test_a_state_is_an_icon_a_colour_and_a_word() -> None:
    shown = cells.chip(cells.CALL_STATES, "connected")
    assert 'data-tone="ok"' in shown
    assert "#live" in shown
    assert "Live" in shown


@pytest.mark.parametrize(
    ("chips", "states"),
    [
        (cells.CALL_STATES, Call.State.values),
        (cells.STREAMING_STATES, Call.Streaming.values),
        (cells.SOCKET_STATES, StreamSession.State.values),
    ],
)
def test_every_state_has_its_chip(chips: cells.Chips, states: list[str]) -> None:
    assert {str(state) for state in chips} == set(states)


def test_a_moment_of_this_year_needs_no_year() -> None:
    now = timezone.now().replace(month=3, day=9, hour=7, minute=5)
    assert ">9 Mar, 07:05<" in cells.when(now)
    assert ">9 Mar 2019, 07:05<" in cells.when(now.replace(year=2019))
    assert cells.when(None) == "–"


def test_an_exact_moment_has_milliseconds_and_its_zone() -> None:
    assert ">20 Nov 2026, 10:40:01.250 UTC<" in cells.exact(datetime(2026, 11, 20, 10, 40, 1, 250_000, UTC))


def test_a_call_is_called_by_the_side_that_is_not_ours() -> None:
    inbound = Call(direction="inbound", caller="+14255550123", callee="+18005550100")
    outbound = Call(direction="outbound", caller="+18005550100", callee="+14255550123")
    hidden = Call(direction="inbound", caller="", caller_raw_id="4:anonymous")
    assert cells.title(inbound) == cells.title(outbound) == "+1 425 555 0123"
    assert cells.title(hidden) == "Anonymous caller"


def test_words_of_others_are_never_taken_for_markup() -> None:
    call = Call(state="ended", end_text="<script>alert(1)</script>", end_code=200)
    assert "<script>" not in cells.how_it_ended(call)
    assert "<script>" not in cells.pretty({"name": "<script>"})
    assert "<script>" not in cells.fault("x", "<script>")


def test_azures_json_is_indented_and_without_its_secrets() -> None:
    shown = cells.pretty({"data": {"incomingCallContext": "secret", "to": "me"}})
    assert "secret" not in shown
    assert "    &quot;to&quot;: &quot;me&quot;" in shown


def test_a_failure_has_its_remedy_below_it() -> None:
    event = CallEvent(type="MediaStreamingFailed", code=500, subcode=8603)
    shown = cells.event_words(event)
    assert "Azure could not open our media socket" in shown
    assert 'class="remedy">Start streaming again' in shown


def test_a_stream_is_healthy_until_something_is_lost() -> None:
    assert "Healthy" in cells.health(StreamSession())
    ill = cells.health(StreamSession(lost_ms=1_200, gaps=3, malformed=1))
    assert "1.2 s lost, 3 gaps, 1 malformed" in ill


def test_people_are_on_the_call_held_muted_or_gone() -> None:
    call = Call(state="connected")
    assert "On the call" in cells.presence(Participant(call=call))
    assert "On hold" in cells.presence(Participant(call=call, on_hold=True))
    assert "Muted" in cells.presence(Participant(call=call, muted=True))
    assert "Left" in cells.presence(Participant(call=call, left_at=timezone.now()))
    assert "Left" in cells.presence(Participant(call=Call(state="ended")))


def test_how_long_an_order_took_is_said_in_seconds() -> None:
    asked_at = timezone.now()
    assert cells.after(asked_at, asked_at + timedelta(milliseconds=340)) == "0.3 s"
    assert cells.after(asked_at, None) == "–"
