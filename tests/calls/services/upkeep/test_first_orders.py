from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from calls.background import drain
from calls.counters import counts
from calls.models import Call, CallPolicy
from calls.services import PORTAL, answer, sweep
from calls.services.upkeep.first_orders import PAUSES_S
from tests.azure_stand_in import AzureStandIn, Doors, refusal
from tests.calls.loopback import Reply

BUSY = refusal(503, "9999")


def throttled(seconds: int) -> Any:
    def reply(asked: Any) -> Reply:
        body = refusal(429, "8516")(asked)
        return Reply(body.status, body.body, {**body.headers, "Retry-After": str(seconds)})

    return reply


def later(call: Call, seconds: float) -> None:
    """Time passes, and the sweep comes round."""
    for event in call.events.filter(type="OrderPutOff"):
        said = event.raw["again_at"]
        if said:
            event.raw["again_at"] = (datetime.fromisoformat(said) - timedelta(seconds=seconds)).isoformat()
            event.save(update_fields=["raw"])
    Call.objects.filter(pk=call.pk).update(ringing_at=(call.ringing_at or timezone.now()) - timedelta(seconds=seconds))
    sweep()
    assert drain(20)
    call.refresh_from_db()


def put_off(call: Call) -> list[str]:
    return [event.message for event in call.events.filter(type="OrderPutOff").order_by("received_at")]


def test_what_azure_puts_off_is_asked_again_after_a_pause(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    before = counts().get("orders_put_off", 0)
    azure.replies["answer"] = throttled(5)
    call = doors.ring()
    assert (call.state, call.commands.get().error_code) == ("ringing", "azure_throttled")
    assert put_off(call) == [
        "it is asked again in 5 s. Azure slows this resource down. "
        "Azure asks us to wait 5 s (Retry-After); then try again."
    ]
    assert counts()["orders_put_off"] == before + 1
    del azure.replies["answer"]
    later(call, 4)
    assert call.commands.count() == 1
    later(call, 2)
    assert [each.state for each in call.commands.order_by("created_at")] == ["failed", "accepted"]
    assert {each.asked_by for each in call.commands.all()} == {f"policy {answering.name}"}
    assert doors.connect(call).state == "connected"


def test_the_pauses_grow(azure: AzureStandIn, doors: Doors, answering: CallPolicy) -> None:
    azure.replies["answer"] = BUSY
    call = doors.ring()
    for pause_s in PAUSES_S[:3]:
        later(call, pause_s)
    assert [words[: words.index(".")] for words in put_off(call)] == [
        f"it is asked again in {pause_s:g} s" for pause_s in PAUSES_S
    ]


def test_a_call_that_rings_too_short_a_time_is_left_to_operators(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    azure.replies["answer"] = throttled(40)
    call = doors.ring()
    assert put_off(call)[0].startswith("it rings too short a time to be asked again. Azure slows")
    later(call, 20)
    assert call.commands.count() == 1
    del azure.replies["answer"]
    answer(PORTAL, call)
    assert doors.connect(call).state == "connected"


def test_what_an_operator_did_meanwhile_is_not_done_again(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    azure.replies["answer"] = BUSY
    call = doors.ring()
    del azure.replies["answer"]
    answer(PORTAL, call)
    later(call, 5)
    assert call.commands.count() == 2


@pytest.mark.parametrize(("action", "verb"), [("reject", "reject"), ("redirect", "redirect")])
def test_whatever_a_policy_orders_is_asked_again(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy, action: str, verb: str
) -> None:
    CallPolicy.objects.update(action=action, redirect_target="+14255550199")
    azure.replies[verb] = BUSY
    call = doors.ring()
    assert call.state == "ringing"
    del azure.replies[verb]
    later(call, 2)
    assert call.state == "ended"


def test_what_azure_refuses_for_good_is_not_asked_again(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    azure.replies["answer"] = refusal(403, "7504")
    call = doors.ring()
    assert (call.state, put_off(call)) == ("failed", [])
