from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calls.errors import Full
from calls.models import AuditEntry, Call, CallPolicy
from calls.services import Actor, place
from tests.azure_stand_in import CALLEE, CALLER, AzureStandIn, Doors

ANA = Actor("user", "ana")


def test_a_call_more_than_may_live_hears_busy_and_says_why(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy, settings: Any
) -> None:
    settings.CALLS_AT_ONCE = 2
    first, second, third = (doors.ring() for _ in range(3))
    assert azure.verbs() == ["answer", "answer", "reject"]
    assert azure.asked[-1].body["callRejectReason"] == "busy"
    assert (third.state, third.end_text) == (
        "ended",
        "We rejected the call as busy. 2 calls live already, as many as CALLS_AT_ONCE allows.",
    )
    assert {first.state, second.state} == {"connecting"}
    entry = AuditEntry.objects.filter(call=third).get()
    assert (entry.action, entry.actor) == ("reject", "portal")


def test_a_line_that_is_free_again_is_answered(doors: Doors, answering: CallPolicy, settings: Any) -> None:
    settings.CALLS_AT_ONCE = 1
    first = doors.ring()
    assert doors.ring().state == "ended"
    Call.objects.filter(pk=first.pk).update(state="ended", ended_at=timezone.now())
    assert doors.ring().state == "connecting"


def test_no_call_is_placed_when_as_many_live_as_may(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy, settings: Any
) -> None:
    settings.CALLS_AT_ONCE = 1
    doors.ring()
    with pytest.raises(Full) as caught:
        place(ANA, callee=CALLER, caller=CALLEE)
    assert (caught.value.status, "CALLS_AT_ONCE" in caught.value.message) == (503, True)
    assert azure.verbs() == ["answer"]
    assert Call.objects.count() == 1


def test_calls_that_are_over_do_not_count(doors: Doors, answering: CallPolicy, settings: Any) -> None:
    settings.CALLS_AT_ONCE = 1
    Call.objects.create(direction="inbound", state="ended", ended_at=timezone.now() - timedelta(hours=1))
    assert doors.ring().state == "connecting"
