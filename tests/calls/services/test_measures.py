from datetime import timedelta

import pytest
from django.utils import timezone

from calls.models import Call, CallMeasures, StreamSession, TalkSpan
from calls.services.measures import measure_ended_calls, spans_heard
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db


def over(seconds_ago: float = 60, **fields: object) -> Call:
    now = timezone.now()
    return live_call(
        f"+1425555{Call.objects.count():04}",
        streams=False,
        state="ended",
        connected_at=now - timedelta(seconds=seconds_ago + 60),
        ended_at=now - timedelta(seconds=seconds_ago),
        **fields,
    )


def test_turns_told_twice_are_kept_once() -> None:
    call = over()
    span = ("4:+1", call.since, call.since + timedelta(seconds=3))
    spans_heard(call.pk, [span])
    spans_heard(call.pk, [span, ("us", span[1], span[2])])
    assert TalkSpan.objects.count() == 2


def test_a_call_is_measured_once_when_its_last_words_have_come() -> None:
    call = over()
    spans_heard(call.pk, [("4:+1", call.since, call.since + timedelta(seconds=15))])
    measure_ended_calls()
    kept = CallMeasures.objects.get(call=call)
    assert (kept.their_talk_s, kept.silence_s) == (15, 45)
    assert kept.people[0]["share"] == 1
    computed_at = kept.computed_at
    measure_ended_calls()
    assert CallMeasures.objects.get(call=call).computed_at == computed_at


def test_calls_that_have_just_ended_live_or_never_connected_are_not_measured() -> None:
    over(seconds_ago=1)
    live_call()
    Call.objects.filter(pk=over().pk).update(state="failed", connected_at=None)
    measure_ended_calls()
    assert not CallMeasures.objects.exists()


def test_a_call_whose_socket_is_still_open_is_waited_for() -> None:
    call = over()
    StreamSession.objects.create(call=call, owner="here", channel_type="unmixed")
    measure_ended_calls()
    assert not CallMeasures.objects.exists()
