"""What happens now and then is counted when it happens: refusals, orders, requests to Azure, rounds of the sweep."""

import pytest

from calls.counters import count
from calls.errors import GatewayError
from calls.models import Call, CallEvent, CallPolicy, Command, Injection
from calls.operations.figures import asking_azure
from calls.services.sound import injection_over
from calls.services.state import fail_command, finish_command
from tests.azure_stand_in import AzureStandIn, Doors
from tests.calls.prometheus import figure
from tests.calls.scene import live_call


@pytest.mark.django_db
def test_what_doors_refuse_is_counted_by_door_and_reason() -> None:
    names = ("refused_media_token_expired", "refused_event_grid_secret", "refused_callback_body", "malformed_not_json")
    labels = [
        ("refusals_total", {"door": "media", "reason": "token_expired"}),
        ("refusals_total", {"door": "event_grid", "reason": "secret"}),
        ("refusals_total", {"door": "callback", "reason": "body"}),
        ("malformed_messages_total", {"kind": "not_json"}),
    ]
    before = [figure(name, **each) for name, each in labels]
    for name in names:
        count(name, 3)
    assert [figure(name, **each) for name, each in labels] == [each + 3 for each in before]


@pytest.mark.django_db(transaction=True)
def test_orders_and_sounds_are_counted_when_they_are_over() -> None:
    call = live_call()
    done, failed = (figure("orders_total", verb="hang_up", outcome=each) for each in ("done", "no_worker"))
    took = figure("order_seconds_count", verb="hang_up")
    finish_command(Command.objects.create(call=call, verb="hang_up"))
    fail_command(Command.objects.create(call=call, verb="hang_up"), "no_worker", "No worker.")
    assert figure("orders_total", verb="hang_up", outcome="done") == done + 1
    assert figure("orders_total", verb="hang_up", outcome="no_worker") == failed + 1
    assert figure("order_seconds_count", verb="hang_up") == took + 2
    assert Injection.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_sound_is_counted_once_by_how_it_ended() -> None:
    injection = Injection.objects.create(call=live_call(), kind="tone", state="playing", tone_hz=440)
    before = figure("injections_total", kind="tone", outcome="done")
    assert injection_over(injection.pk, "done", 1_000)
    assert not injection_over(injection.pk, "done", 1_000)
    assert figure("injections_total", kind="tone", outcome="done") == before + 1


@pytest.mark.django_db
def test_an_order_that_was_taken_back_with_its_transaction_is_not_counted() -> None:
    before = figure("orders_total", verb="reject", outcome="done")
    finish_command(Command.objects.create(call=live_call(), verb="reject"))
    assert figure("orders_total", verb="reject", outcome="done") == before, "the test's transaction is not committed"


@pytest.mark.django_db
def test_what_azure_refuses_is_measured_under_its_name() -> None:
    before = figure("gateway_request_seconds_count", operation="place", outcome="azure_timeout")
    with pytest.raises(GatewayError), asking_azure("place"):
        raise GatewayError("azure_timeout", "Azure did not answer.", status=503)
    assert figure("gateway_request_seconds_count", operation="place", outcome="azure_timeout") == before + 1


@pytest.mark.django_db(transaction=True)
def test_each_request_to_azure_is_measured(azure: AzureStandIn, doors: Doors, answering: CallPolicy) -> None:
    before = figure("gateway_request_seconds_count", operation="answer", outcome="done")
    doors.ring()
    assert figure("gateway_request_seconds_count", operation="answer", outcome="done") == before + 1
    assert CallEvent.objects.exists()
    assert Call.objects.exists()
