"""What of Azure's own recording goes over the wire, and what its answers mean. Section 6 of the protocol page."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from calls import gateway_recordings
from calls.errors import GatewayError
from calls.gateway import gateway
from calls.gateway_recordings import RecordingOrder
from tests.calls.loopback import Loopback, Reply, loopback

ORDER = RecordingOrder("connection-1", "https://portal.example/acs/callbacks/token/", "unmixed", "wav", True)
REFUSED = Reply.of({"error": {"code": "8522", "message": "Recording not found."}}, 404)


@pytest.fixture
def azure(settings: Any) -> Iterator[Loopback]:
    with loopback() as server:
        settings.ACS_ENDPOINT = server.url
        settings.ACS_ACCESS_KEY = base64.b64encode(b"secret-key-0123456789abcdef01234").decode()
        yield server
        gateway().close()


def said(azure: Loopback) -> tuple[str, str]:
    seen = azure.seen[-1]
    return seen.method, seen.path.partition("?")[0]


def test_the_order_to_record_says_everything(azure: Loopback) -> None:
    azure.answer = lambda _: Reply.of({"recordingId": "abc", "recordingState": "inactive"})
    assert gateway_recordings.start(ORDER) == "abc"
    assert said(azure) == ("POST", "/calling/recordings")
    assert {name: value for name, value in azure.seen[-1].json.items() if value not in (None, [])} == {
        "callConnectionId": "connection-1",
        "recordingStateCallbackUri": "https://portal.example/acs/callbacks/token/",
        "recordingContentType": "audio",
        "recordingChannelType": "unmixed",
        "recordingFormatType": "wav",
        "pauseOnStart": True,
    }


@pytest.mark.parametrize(
    ("verb", "method", "path", "status"),
    [
        (gateway_recordings.pause, "POST", "/calling/recordings/abc:pause", 202),
        (gateway_recordings.resume, "POST", "/calling/recordings/abc:resume", 202),
        (gateway_recordings.stop, "DELETE", "/calling/recordings/abc", 204),
    ],
)
def test_each_order_has_its_address(
    azure: Loopback, verb: Callable[[str], None], method: str, path: str, status: int
) -> None:
    azure.answer = lambda _: Reply(status)
    verb("abc")
    assert said(azure) == (method, path)


def test_azure_is_asked_how_a_recording_stands(azure: Loopback) -> None:
    azure.answer = lambda _: Reply.of({"recordingId": "abc", "recordingState": "active"})
    assert gateway_recordings.state_of("abc") == "active"
    assert said(azure) == ("GET", "/calling/recordings/abc")


def test_what_azure_no_longer_knows_is_stopped_and_cannot_be_paused(azure: Loopback) -> None:
    azure.answer = lambda _: REFUSED
    gateway_recordings.stop("abc")
    assert gateway_recordings.state_of("abc") == ""
    with pytest.raises(GatewayError) as caught:
        gateway_recordings.pause("abc")
    assert gateway_recordings.is_unknown(caught.value)


def test_an_answer_without_an_id_is_none(azure: Loopback) -> None:
    azure.answer = lambda _: Reply.of({"recordingState": "active"})
    with pytest.raises(GatewayError) as caught:
        gateway_recordings.start(ORDER)
    assert caught.value.code == "azure_garbled"
