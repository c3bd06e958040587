"""The unmodified SDK, synchronous and asynchronous, in every operation that the emulator plays."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from azure.communication.callautomation import (
    CommunicationUserIdentifier,
    PhoneNumberIdentifier,
)
from azure.communication.callautomation._shared.policy import HMACCredentialsPolicy
from azure.communication.callautomation.aio import CallAutomationClient as AioClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.core.pipeline import PipelineRequest
from azure.core.rest import HttpRequest

from acsportal.emulator.exchange import Options
from acsportal.emulator.network import Timing

CALLER = "4:+14255550123"
AGENT = "8:acs:00000000-0000-0000-0000-000000000001_agent-tom"
VERSION = "?api-version=2026-03-12"


def signed_post(bench: Any, path: str, body: Any, **headers: str) -> requests.Response:
    """A request as the SDK signs it, for what the SDK itself cannot be made to say."""
    request = HttpRequest("POST", f"{bench.url}{path}{VERSION}", json=body, headers=headers)
    policy = HMACCredentialsPolicy(bench.url, bench.options.access_key)
    policy.on_request(PipelineRequest(request, None))  # type: ignore[arg-type]
    return requests.post(request.url, data=json.dumps(body), headers=dict(request.headers), timeout=5)


def refused(call: Callable[[], Any]) -> tuple[int | None, str]:
    """Status and code of the error that the SDK raises."""
    with pytest.raises(HttpResponseError) as refusal:
        call()
    assert refusal.value.error is not None
    return refusal.value.status_code, str(refusal.value.error.code)


def connection_of(bench: Any, call_id: str) -> Any:
    return bench.client().get_call_connection(bench.look(call_id)["call_connection_id"])


def test_answering_returns_the_properties_of_a_connecting_call(bench: Any) -> None:
    bench.ring(callee="+18662315126")
    answered = bench.client().answer_call(
        bench.context(), bench.callback_url, media_streaming=bench.streaming(), operation_context="a"
    )
    incoming = bench.portal.incoming[0]
    assert answered.call_connection_state == "connecting"
    assert answered.server_call_id == incoming["serverCallId"]
    assert answered.correlation_id == incoming["correlationId"]
    assert answered.callback_url == bench.callback_url
    assert answered.source.raw_id == CALLER
    assert answered.answered_for.properties["value"] == "+18662315126"
    assert answered.media_streaming_subscription.state == "inactive"
    assert answered.media_streaming_subscription.subscribed_content_types == ["audio"]


def test_the_sync_client_sees_and_ends_a_call(bench: Any) -> None:
    call_id = bench.answered(bench.streaming())
    connection = connection_of(bench, call_id)
    assert connection.get_call_properties().call_connection_state == "connected"
    raw_ids = [somebody.identifier.raw_id for somebody in connection.list_participants()]
    assert raw_ids[1:] == [CALLER, AGENT]
    caller = connection.get_participant(PhoneNumberIdentifier("+14255550123"))
    assert (caller.identifier.raw_id, caller.is_muted, caller.is_on_hold) == (CALLER, False, False)
    assert connection.get_participant(CommunicationUserIdentifier(AGENT)).identifier.raw_id == AGENT
    connection.hang_up(False)
    bench.until(lambda: "CallDisconnected" in bench.portal.types())
    result = bench.portal.callback("CallDisconnected")["data"]["resultInformation"]
    assert (result["code"], result["subCode"]) == (200, 7000)


def test_the_sync_client_starts_and_stops_streaming(bench: Any) -> None:
    call_id = bench.answered(bench.streaming(start_media_streaming=False))
    connection = connection_of(bench, call_id)
    for number in (1, 2):
        connection.start_media_streaming(operation_context=f"start-{number}")
        bench.until(lambda: bench.portal.types().count("MediaStreamingStarted") == number)  # noqa: B023
        subscription = connection.get_call_properties().media_streaming_subscription
        assert subscription.state == "active"
        connection.stop_media_streaming(operation_context=f"stop-{number}")
        bench.until(lambda: bench.portal.types().count("MediaStreamingStopped") == number)  # noqa: B023
        assert connection.get_call_properties().media_streaming_subscription.state == "inactive"
    started = bench.portal.callback("MediaStreamingStarted")["data"]
    assert started["operationContext"] == "start-1"
    assert started["mediaStreamingUpdate"] == {
        "contentType": "Audio",
        "mediaStreamingStatus": "mediaStreamingStarted",
        "mediaStreamingStatusDetails": "subscriptionStarted",
    }
    stopped = bench.portal.callback("MediaStreamingStopped")["data"]
    assert stopped["mediaStreamingUpdate"]["mediaStreamingStatusDetails"] == "subscriptionStopped"
    assert len(bench.portal.sockets) == 2


def test_an_operations_own_callback_address_gets_its_events(bench: Any) -> None:
    connection = connection_of(bench, bench.answered(bench.streaming(start_media_streaming=False)))
    connection.start_media_streaming(operation_callback_url=f"{bench.portal_url}/acs/callbacks/own")
    bench.until(lambda: "MediaStreamingStarted" in bench.portal.types())
    paths = {event["type"].rpartition(".")[2]: path for _, path, event in bench.portal.callbacks}
    assert paths["MediaStreamingStarted"] == "/acs/callbacks/own"
    assert paths["CallConnected"] == "/acs/callbacks/c1?x=1"


def test_the_sync_client_rejects_and_redirects(bench: Any) -> None:
    call_id = bench.ring()
    bench.client().reject_call(bench.context(), call_reject_reason="busy")
    assert bench.look(call_id)["state"] == "ended"
    call_id = bench.ring()
    bench.client().redirect_call(bench.context(), CommunicationUserIdentifier("8:acs:res_user1"))
    assert bench.look(call_id)["end"]["subcode"] == 10003


def test_the_async_client_does_all_of_it(bench: Any) -> None:
    call_id = bench.ring()

    async def scene() -> None:
        async with AioClient(bench.url, AzureKeyCredential(bench.options.access_key), retry_total=0) as client:
            streaming = bench.streaming(start_media_streaming=False)
            answered = await client.answer_call(bench.context(), bench.callback_url, media_streaming=streaming)
            connection = client.get_call_connection(answered.call_connection_id or "")
            while (await connection.get_call_properties()).call_connection_state != "connected":
                pass
            raw_ids = [
                somebody.identifier and somebody.identifier.raw_id async for somebody in connection.list_participants()
            ]
            assert raw_ids[1:] == [CALLER, AGENT]
            caller = await connection.get_participant(PhoneNumberIdentifier("+14255550123"))
            assert caller.identifier
            assert caller.identifier.raw_id == CALLER
            await connection.start_media_streaming()
            await connection.stop_media_streaming()
            await connection.hang_up(True)
            number = PhoneNumberIdentifier("+14255550199")
            placed = await client.create_call(
                PhoneNumberIdentifier("+14255550000"), bench.callback_url, source_caller_id_number=number
            )
            await client.get_call_connection(placed.call_connection_id or "").hang_up(False)

    bench.run(scene())
    bench.until(lambda: bench.look(call_id)["state"] == "ended")


def test_the_async_client_rejects_and_redirects(bench: Any) -> None:
    ids, contexts = [], []
    for _ in range(2):
        ids.append(bench.ring())
        contexts.append(bench.context())

    async def scene() -> None:
        async with AioClient(bench.url, AzureKeyCredential(bench.options.access_key), retry_total=0) as client:
            await client.reject_call(contexts[0])
            await client.redirect_call(contexts[1], PhoneNumberIdentifier("+14255550177"))

    bench.run(scene())
    assert {bench.look(call_id)["state"] for call_id in ids} == {"ended"}


def test_a_wrong_access_key_is_refused_with_7509(bench: Any) -> None:
    client = bench.client("d3Jvbmc=")
    with pytest.raises(ClientAuthenticationError, match="7509"):
        client.get_call_connection("cc").get_call_properties()


def test_a_request_without_signature_is_refused_in_azures_shape(bench: Any) -> None:
    answer = requests.get(f"{bench.url}/calling/callConnections/cc{VERSION}", timeout=5)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "7509"


def test_what_this_version_of_azure_does_not_have_is_refused_with_8520(bench: Any) -> None:
    connection_id = bench.look(bench.answered())["call_connection_id"]
    answer = signed_post(bench, f"/calling/callConnections/{connection_id}:summarizeCall", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "8520")


def test_an_unknown_connection_is_not_found(bench: Any) -> None:
    with pytest.raises(ResourceNotFoundError, match=r"^\(8522\) "):
        bench.client().get_call_connection("cc").get_call_properties()


def test_an_unknown_participant_is_not_found(bench: Any) -> None:
    connection = connection_of(bench, bench.answered())
    assert refused(lambda: connection.get_participant(PhoneNumberIdentifier("+1555"))) == (404, "8522")


def test_operations_before_the_call_is_connected_are_refused_with_8501(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(Options(port=0), timing=Timing(connect_s=(5, 5)))
    bench.ring()
    answered = bench.client().answer_call(bench.context(), bench.callback_url, media_streaming=bench.streaming())
    connection = bench.client().get_call_connection(answered.call_connection_id)
    assert refused(connection.start_media_streaming) == (400, "8501")
    assert refused(lambda: list(connection.list_participants())) == (400, "8501")


def test_a_second_answer_is_a_conflict(bench: Any) -> None:
    bench.answered()
    with pytest.raises(ResourceExistsError, match="8519"):
        bench.client().answer_call(bench.context(), bench.callback_url)


def test_a_context_nobody_issued_is_an_invalid_argument(bench: Any) -> None:
    assert refused(lambda: bench.client().answer_call("ctx", bench.callback_url)) == (400, "8523")


@pytest.mark.parametrize(
    "streaming",
    [
        {"transport_url": "https://x/"},
        {"audio_channel_type": "stereo"},
        {"audio_format": "pcm8KMono"},
    ],
)
def test_streaming_options_azure_would_not_take_are_invalid(bench: Any, streaming: dict[str, str]) -> None:
    bench.ring()
    options = bench.streaming()
    for name, value in streaming.items():
        setattr(options, name, value)
    answer = lambda: bench.client().answer_call(bench.context(), bench.callback_url, media_streaming=options)  # noqa: E731
    assert refused(answer) == (400, "8523")
    bench.client().answer_call(bench.context(), bench.callback_url)


def test_a_callback_address_that_is_no_url_is_invalid(bench: Any) -> None:
    bench.ring()
    assert refused(lambda: bench.client().answer_call(bench.context(), "callbacks")) == (400, "8523")


def test_streaming_needs_options_at_set_up(bench: Any) -> None:
    connection = connection_of(bench, bench.answered())
    assert refused(connection.start_media_streaming) == (400, "8581")
    assert refused(connection.stop_media_streaming) == (400, "8585")


def test_streaming_that_runs_cannot_be_started(bench: Any) -> None:
    call_id = bench.answered(bench.streaming())
    bench.until(lambda: bench.portal.sockets)
    assert refused(connection_of(bench, call_id).start_media_streaming) == (400, "8500")


def test_a_repeated_request_gets_its_first_answer_again(bench: Any) -> None:
    bench.ring()
    body = {"incomingCallContext": bench.context(), "callbackUri": bench.callback_url}
    repeat = {"Repeatability-Request-ID": "6f4e9e5c-0000-4000-8000-000000000001"}
    first = signed_post(bench, "/calling/callConnections:answer", body, **repeat)
    again = signed_post(bench, "/calling/callConnections:answer", body, **repeat)
    other = signed_post(bench, "/calling/callConnections:answer", body)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert other.status_code == 409


@pytest.mark.parametrize("body", [[], "x"])
def test_a_body_that_is_no_object_is_invalid(bench: Any, body: Any) -> None:
    answer = signed_post(bench, "/calling/callConnections:answer", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "8523")
