"""Moments that are held back: found from what the call's timeline says, however late something arrives."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from calls.models import Call, CallEvent
from calls.services.transcripts.held import is_held
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db


def test_a_moment_reaches_from_its_beginning_to_its_end() -> None:
    call = live_call()
    told(call, "SensitiveBegan", 10)
    told(call, "SensitiveEnded", 20)
    assert not is_held(call, at(call, 5), at(call, 10.3))
    assert is_held(call, at(call, 5), at(call, 12))
    assert is_held(call, at(call, 19), at(call, 25))
    assert not is_held(call, at(call, 20), at(call, 25))


def test_one_that_goes_on_holds_all_that_comes() -> None:
    call = live_call()
    told(call, "SensitiveBegan", 200)
    Call.objects.filter(pk=call.pk).update(sensitive_until=timezone.now() + timedelta(seconds=60))
    call.refresh_from_db()
    assert is_held(call, at(call, 240), at(call, 241))


def test_one_that_ran_out_holds_up_to_its_time_even_if_nobody_told_its_end() -> None:
    call = live_call()
    told(call, "SensitiveBegan", 10)
    Call.objects.filter(pk=call.pk).update(sensitive_until=at(call, 30))
    call.refresh_from_db()
    assert is_held(call, at(call, 28), at(call, 29))
    assert not is_held(call, at(call, 31), at(call, 32))


def at(call: Call, second: float) -> datetime:
    return call.since + timedelta(seconds=second)


def told(call: Call, event_type: str, second: float) -> None:
    CallEvent.objects.create(call=call, source="portal", type=event_type, event_time=at(call, second))
