from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calls.background import drain
from calls.models import AuditEntry, Call, CallEvent, CallPolicy
from calls.services.upkeep.overlong import end_long_calls
from tests.azure_stand_in import AzureStandIn, Doors, callback, refusal


@pytest.fixture
def old(doors: Doors, answering: CallPolicy, settings: Any) -> Call:
    """A call that connected five hours ago."""
    call = doors.connect(doors.ring())
    ago = timezone.now() - timedelta(hours=5)
    CallEvent.objects.filter(call=call, type="CallConnected").update(event_time=ago)
    Call.objects.filter(pk=call.pk).update(connected_at=ago)
    return Call.objects.get(pk=call.pk)


def rounds(count: int = 1) -> None:
    for _ in range(count):
        end_long_calls()
        assert drain(20)


def test_a_call_that_lasts_too_long_is_hung_up_once_and_its_end_says_why(
    azure: AzureStandIn, doors: Doors, old: Call
) -> None:
    rounds(3)
    assert azure.verbs().count("terminate") == 1
    doors.tell(
        old, callback("CallDisconnected", old.call_connection_id or "", code=200, subcode=7000, message="Ended.")
    )
    old.refresh_from_db()
    assert (old.state, old.end_text) == (
        "ended",
        "The portal ended the call. It had lasted 4 hours, the longest allowed.",
    )
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert (entry.action, entry.actor, entry.call_id) == ("hang_up", "portal", old.pk)


def test_a_call_within_its_time_goes_on(azure: AzureStandIn, doors: Doors, old: Call, settings: Any) -> None:
    settings.CALL_LONGEST_S = 6 * 3_600
    rounds()
    assert "terminate" not in azure.verbs()


def test_a_call_that_azure_would_not_end_is_hung_up_again_later(azure: AzureStandIn, doors: Doors, old: Call) -> None:
    azure.replies["terminate"] = refusal(500, "9999")
    rounds(2)
    command = old.commands.get(verb="hang_up")
    assert command.state == "failed"
    old.commands.filter(pk=command.pk).update(created_at=timezone.now() - timedelta(seconds=31))
    del azure.replies["terminate"]
    rounds()
    assert old.commands.filter(verb="hang_up", state="accepted").count() == 1
    assert old.events.filter(type="CallTooLong").count() == 1


def test_what_the_caller_ends_by_himself_keeps_his_reason(doors: Doors, old: Call) -> None:
    doors.tell(old, callback("CallDisconnected", old.call_connection_id or "", code=200, subcode=0))
    old.refresh_from_db()
    assert old.end_text == "The caller hung up."
