from collections.abc import Callable
from typing import Any

from acsportal.emulator.exchange import Options


def test_the_door_is_validated_before_the_first_call_and_only_once(bench: Any) -> None:
    bench.ring()
    bench.ring()
    kinds = [headers["aeg-event-type"] for headers, _ in bench.portal.events]
    assert kinds == ["SubscriptionValidation", "Notification", "Notification"]
    headers, (event,) = bench.portal.events[0]
    assert event["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    assert headers["Content-Type"] == "application/json; charset=utf-8"


def test_an_incoming_call_is_an_array_with_azures_headers(bench: Any) -> None:
    bench.ring(caller="+14255550123", callee="+18662315126")
    headers, (event,) = bench.portal.events[-1]
    assert headers["aeg-subscription-name"] == "EMULATOR"
    assert headers["aeg-delivery-count"] == "0"
    assert headers["aeg-data-version"] == "1.0"
    assert headers["X-Event-Grid-Secret"] == bench.options.event_grid_secret
    assert event["subject"] == "/caller/4:+14255550123/recipient/4:+18662315126"
    incoming = event["data"]
    assert incoming["from"] == {
        "kind": "phoneNumber",
        "rawId": "4:+14255550123",
        "phoneNumber": {"value": "+14255550123"},
    }
    assert len(incoming["incomingCallContext"]) > 3000
    assert incoming["incomingCallContext"].endswith(".")


def test_a_door_that_is_not_up_yet_is_tried_again(bench: Any) -> None:
    bench.portal.event_statuses = [503, 404]
    bench.ring()
    assert bench.portal.is_validated


def test_an_event_that_is_not_taken_is_sent_again(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(Options(port=0, event_retry_s=(0.05, 0.05)))
    bench.ring()
    bench.portal.event_statuses = [500, 500]
    bench.order("calls", {})
    bench.until(lambda: len(bench.portal.incoming) == 4)
    counts = [headers["aeg-delivery-count"] for headers, _ in bench.portal.events[-3:]]
    assert counts == ["0", "1", "2"]
    assert len({body[0]["id"] for _, body in bench.portal.events[-3:]}) == 1


def test_the_cloud_schema_shakes_hands_by_options_and_sends_one_object(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(Options(port=0, event_schema="cloud"))
    bench.ring()
    assert bench.portal.options_seen[0]["WebHook-Request-Origin"] == "eventgrid.azure.net"
    headers, event = bench.portal.events[-1]
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["Origin"] == "eventgrid.azure.net"
    assert event["type"] == "Microsoft.Communication.IncomingCall"
    assert event["specversion"] == "1.0"


def test_a_call_may_be_told_of_more_than_once_under_one_id_or_several(bench: Any) -> None:
    bench.order("faults", {"fault": "duplicate_incoming", "times": 2})
    bench.order("calls", {})
    bench.until(lambda: len(bench.portal.incoming) == 3)
    assert len({body[0]["id"] for _, body in bench.portal.events[1:]}) == 1
    assert len({incoming["correlationId"] for incoming in bench.portal.incoming}) == 1
    bench.order("faults", {"fault": "duplicate_incoming", "ids": "new"})
    bench.order("calls", {})
    bench.until(lambda: len(bench.portal.incoming) == 5)
    assert len({body[0]["id"] for _, body in bench.portal.events[-2:]}) == 2
    bench.ring()
