import threading
import time
from typing import Any

import pytest
import requests
from azure.communication.callautomation import PhoneNumberIdentifier
from azure.core.exceptions import HttpResponseError


def retry_after(error: HttpResponseError) -> Any:
    answer: Any = error.response
    return answer.headers.get("Retry-After")


def connection_of(bench: Any, call_id: str) -> Any:
    return bench.client().get_call_connection(bench.look(call_id)["call_connection_id"])


def test_a_throttled_order_is_refused_with_429_and_retry_after_and_nothing_is_done(bench: Any) -> None:
    call_id = bench.ring()
    bench.order("faults", {"fault": "throttle", "call": call_id, "type": "answer", "retry_after_s": 7})
    with pytest.raises(HttpResponseError) as refused:
        bench.client().answer_call(bench.context(), bench.callback_url)
    assert refused.value.status_code == 429
    assert str(refused.value).startswith("(8516)")
    assert retry_after(refused.value) == "7"
    assert bench.look(call_id)["state"] == "ringing"
    bench.client().answer_call(bench.context(), bench.callback_url)


def test_a_fault_of_azures_own_has_the_status_asked_for(bench: Any) -> None:
    call_id = bench.answered()
    bench.order("faults", {"fault": "unavailable", "call": call_id, "status": 502})
    with pytest.raises(HttpResponseError) as refused:
        connection_of(bench, call_id).get_call_properties()
    assert refused.value.status_code == 502
    assert retry_after(refused.value) is None
    assert connection_of(bench, call_id).get_call_properties().call_connection_state == "connected"


def test_a_window_refuses_every_order_of_its_kind_and_no_other(bench: Any) -> None:
    call_id = bench.answered(bench.streaming(start_media_streaming=False))
    bench.order("faults", {"fault": "throttle", "type": "startMediaStreaming", "window_s": 600})
    connection = connection_of(bench, call_id)
    for _ in range(3):
        with pytest.raises(HttpResponseError):
            connection.start_media_streaming()
    assert [somebody.identifier.raw_id for somebody in connection.list_participants()][1:]
    connection.hang_up(is_for_everyone=True)


def test_a_neighbours_orders_and_the_keys_are_answered_as_ever(bench: Any) -> None:
    one, other = bench.answered(), bench.answered(caller="+14255550188")
    bench.order("faults", {"fault": "unavailable", "call": one, "window_s": 600})
    with pytest.raises(HttpResponseError):
        connection_of(bench, one).get_call_properties()
    connection_of(bench, other).get_call_properties()
    assert requests.get(f"{bench.url}/calling/keys", timeout=5).json()["keys"]


def test_a_slow_order_is_carried_out_at_once_and_answered_later(bench: Any) -> None:
    call_id = bench.ring()
    bench.order("faults", {"fault": "slow_rest", "call": call_id, "ms": 700})
    answered: list[float] = []

    def answer() -> None:
        bench.client().answer_call(bench.context(), bench.callback_url)
        answered.append(time.monotonic())

    asked_s = time.monotonic()
    asking = threading.Thread(target=answer)
    asking.start()
    bench.until(lambda: "CallConnected" in bench.portal.types())
    assert not answered
    asking.join(5)
    assert answered[0] - asked_s >= 0.7


def test_an_answer_can_wait_for_the_callback_that_it_causes(bench: Any) -> None:
    call_id = bench.ring()
    bench.order("faults", {"fault": "early_callback", "call": call_id, "event": "CallConnected"})
    bench.client().answer_call(bench.context(), bench.callback_url, media_streaming=bench.streaming())
    assert "CallConnected" in bench.portal.types()
    bench.order("faults", {"fault": "early_callback", "type": "stopMediaStreaming"})
    bench.until(lambda: "MediaStreamingStarted" in bench.portal.types())
    connection_of(bench, call_id).stop_media_streaming()
    assert "MediaStreamingStopped" in bench.portal.types()


def test_the_answer_to_a_placed_call_can_wait_too(bench: Any) -> None:
    bench.order("faults", {"fault": "early_callback", "type": "createCall"})
    from_number = {"source_caller_id_number": PhoneNumberIdentifier("+18005550100")}
    bench.client().create_call(PhoneNumberIdentifier("+14255550177"), bench.callback_url, **from_number)
    assert bench.portal.types()
