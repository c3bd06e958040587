import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from calls.errors import BadInput, GatewayError
from calls.gateway import DEADLINE_S, MAX_UNDER_WAY, Connection, Gateway, gateway
from calls.profiles import StreamingProfile
from tests.calls.loopback import Loopback, Reply, Seen, loopback

KEY = base64.b64encode(b"secret-key-0123456789abcdef01234").decode()
CALLBACK_URL = "https://portal.example/acs/callbacks/token/"
MEDIA_URL = "wss://portal.example/ws/acs/media/token/"
CONTEXT = "eyJhbGciOiJub25lIn0.eyJjYyI6IiJ9."
CC = "411f0200-abcd-4cdf-8a3e-000000000001"
PROPERTIES = {
    "callConnectionId": CC,
    "serverCallId": "c2VydmVyLWNhbGwtaWQ=",
    "callConnectionState": "connecting",
    "callbackUri": CALLBACK_URL,
    "correlationId": "6032c474-201d-4ad1-8900-f92a595a6d94",
}
CONNECTION = Connection(CC, "c2VydmVyLWNhbGwtaWQ=", "6032c474-201d-4ad1-8900-f92a595a6d94")
TEAMS = {"isAnonymous": False, "cloud": "PUBLIC"}
STREAMING = {
    "transportType": "websocket",
    "audioChannelType": "unmixed",
    "transportUrl": MEDIA_URL,
    "contentType": "audio",
    "startMediaStreaming": True,
    "enableBidirectional": True,
    "audioFormat": "pcm16KMono",
    "enableDtmfTones": True,
}


def azure(seen: Seen) -> Reply:
    """The resource as section 6 of the protocol page has it."""
    path = seen.path.partition("?")[0].removeprefix("/calling/callConnections")
    if seen.method == "POST" and path == "":
        return Reply.of(PROPERTIES, 201)
    if seen.method == "POST" and path == ":answer":
        return Reply.of(PROPERTIES, 200)
    if seen.method == "POST" and (path == ":reject" or path == f"/{CC}:terminate"):
        return Reply(204)
    if seen.method == "POST" and path in {f"/{CC}:startMediaStreaming", f"/{CC}:stopMediaStreaming"}:
        return Reply(202)
    if seen.method == "GET" and path == f"/{CC}":
        return Reply.of(PROPERTIES, 200)
    return refusal(404, "8522", "Call not found.")


def refusal(status: int, code: str, message: str, **headers: str) -> Reply:
    return Reply.of({"error": {"code": code, "message": message}}, status, **headers)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with loopback() as running:
        running.answer = azure
        yield running


@pytest.fixture
def lines(server: Loopback) -> Iterator[Gateway]:
    opened = Gateway(server.url, KEY)
    yield opened
    opened.close()


@pytest.fixture
def brief(server: Loopback) -> Iterator[Gateway]:
    """A gateway that loses its patience after half a second."""
    opened = Gateway(server.url, KEY, deadline_s=0.5)
    yield opened
    opened.close()


def answer(lines: Gateway, profile: StreamingProfile | None = None) -> Connection:
    return lines.answer(CONTEXT, CALLBACK_URL, MEDIA_URL, profile or StreamingProfile(), "command-1")


def failure(verb: Callable[[], object]) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        verb()
    return caught.value


def test_answering_sends_the_context_and_every_streaming_option(server: Loopback, lines: Gateway) -> None:
    assert answer(lines) == CONNECTION
    [seen] = server.seen
    assert seen.path == "/calling/callConnections:answer?api-version=2026-03-12"
    assert seen.json == {
        "incomingCallContext": CONTEXT,
        "callbackUri": CALLBACK_URL,
        "operationContext": "command-1",
        "mediaStreamingOptions": STREAMING,
    }


def test_a_profile_becomes_azures_words(server: Loopback, lines: Gateway) -> None:
    answer(lines, StreamingProfile("mixed", 24000, bidirectional=False, dtmf=False, start="later"))
    assert server.seen[0].json["mediaStreamingOptions"] == {
        **STREAMING,
        "audioChannelType": "mixed",
        "startMediaStreaming": False,
        "enableBidirectional": False,
        "audioFormat": "pcm24KMono",
        "enableDtmfTones": False,
    }


def test_every_request_is_signed_with_the_access_key(server: Loopback, lines: Gateway) -> None:
    answer(lines)
    [seen] = server.seen
    content_hash = base64.b64encode(hashlib.sha256(seen.body).digest()).decode()
    host = server.url.removeprefix("http://")
    text = f"POST\n{seen.path}\n{seen.headers['x-ms-date']};{host};{content_hash}"
    signature = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
    assert seen.headers["authorization"].endswith(f"&Signature={signature}")
    assert KEY not in str(seen)


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("+14255550123", {"rawId": "4:+14255550123", "phoneNumber": {"value": "+14255550123"}}),
        ("4:+14255550123", {"rawId": "4:+14255550123", "phoneNumber": {"value": "+14255550123"}}),
        ("8:acs:res_user1", {"rawId": "8:acs:res_user1", "communicationUser": {"id": "8:acs:res_user1"}}),
        ("8:orgid:user", {"rawId": "8:orgid:user", "microsoftTeamsUser": {"userId": "user", **TEAMS}}),
        ("28:orgid:app", {"rawId": "28:orgid:app", "microsoftTeamsApp": {"appId": "app", "cloud": "PUBLIC"}}),
    ],
)
def test_placing_a_call_names_callee_caller_and_streaming(
    server: Loopback, lines: Gateway, target: str, sent: dict[str, Any]
) -> None:
    placed = lines.create_call(target, "+14255550199", CALLBACK_URL, MEDIA_URL, StreamingProfile(), "command-2")
    assert placed == CONNECTION
    body = server.seen[0].json
    [identifier] = body.pop("targets")
    assert identifier == sent
    assert body == {
        "sourceCallerIdNumber": {"value": "+14255550199"},
        "operationContext": "command-2",
        "callbackUri": CALLBACK_URL,
        "mediaStreamingOptions": STREAMING,
    }


def test_a_user_can_be_called_without_a_number_of_ours(server: Loopback, lines: Gateway) -> None:
    lines.create_call("8:acs:res_user1", None, CALLBACK_URL, MEDIA_URL, StreamingProfile(), "command-2")
    assert "sourceCallerIdNumber" not in server.seen[0].json


@pytest.mark.parametrize("target", ["", "14255550123", "sip:ana@example.com", "4:anonymous", "8:dod:user"])
def test_who_cannot_be_called_is_refused_before_azure_is_asked(server: Loopback, lines: Gateway, target: str) -> None:
    with pytest.raises(BadInput) as caught:
        lines.create_call(target, None, CALLBACK_URL, MEDIA_URL, StreamingProfile(), "command-2")
    assert "callee" in caught.value.fields
    assert not server.seen


def test_rejecting_says_why(server: Loopback, lines: Gateway) -> None:
    lines.reject(CONTEXT, "forbidden")
    assert server.seen[0].json == {"incomingCallContext": CONTEXT, "callRejectReason": "forbidden"}


def test_hanging_up_ends_the_call_for_everyone(server: Loopback, lines: Gateway) -> None:
    lines.hang_up(CC)
    assert (server.seen[0].method, server.seen[0].path.partition("?")[0]) == (
        "POST",
        f"/calling/callConnections/{CC}:terminate",
    )


@pytest.mark.parametrize("reply", [refusal(404, "8522", "Call not found."), refusal(400, "8528", "Terminated.")])
def test_a_call_that_is_gone_counts_as_hung_up(server: Loopback, lines: Gateway, reply: Reply) -> None:
    server.answer = lambda _seen: reply
    lines.hang_up(CC)
    assert failure(lambda: lines.stop_streaming(CC, "command-3")).azure_status == reply.status


@pytest.mark.parametrize("reply", [refusal(404, "8522", "Call not found."), refusal(400, "8528", "Terminated.")])
def test_azure_says_how_far_a_call_is_or_that_it_knows_none(server: Loopback, lines: Gateway, reply: Reply) -> None:
    assert lines.state_of(CC) == "connecting"
    assert (server.seen[0].method, server.seen[0].path.partition("?")[0]) == ("GET", f"/calling/callConnections/{CC}")
    server.answer = lambda _seen: reply
    assert lines.state_of(CC) == ""
    server.answer = lambda _seen: refusal(403, "403", "No.")
    assert failure(lambda: lines.state_of(CC)).azure_status == 403


def test_streaming_starts_and_stops_with_the_orders_id(server: Loopback, lines: Gateway) -> None:
    lines.start_streaming(CC, "command-4")
    lines.stop_streaming(CC, "command-5")
    assert [seen.path.partition("?")[0].rpartition(":")[2] for seen in server.seen] == [
        "startMediaStreaming",
        "stopMediaStreaming",
    ]
    assert [seen.json for seen in server.seen] == [
        {"operationContext": "command-4"},
        {"operationContext": "command-5"},
    ]


def test_a_connection_id_cannot_leave_its_place_in_the_address(server: Loopback, lines: Gateway) -> None:
    assert failure(lambda: lines.start_streaming("../../evil?x=1#", "command")).azure_status == 404
    assert server.seen[0].path.startswith("/calling/callConnections/..%2F..%2Fevil%3Fx%3D1%23:startMediaStreaming")


@pytest.mark.parametrize(
    ("reply", "code", "subcode", "says", "retryable"),
    [
        (refusal(404, "8522", "x"), "azure_refused", 8522, "Azure knows no such call or participant. ", False),
        (refusal(400, "8501", "x"), "azure_refused", 8501, "The call is not connected yet. Wait until", False),
        (refusal(403, "7507", "x"), "azure_refused", 7507, "The number we call from belongs to another", False),
        (refusal(409, "8519", "x"), "azure_refused", 8519, "Azure is still carrying out another order", False),
        (refusal(400, "BadRequest", "Odd."), "azure_refused", None, "HTTP 400 and says: Odd.", False),
        (Reply(400, b"<html>"), "azure_refused", None, "Azure refused the order with HTTP 400.", False),
        (Reply(405), "azure_refused", None, "Azure refused the order with HTTP 405.", False),
        (refusal(401, "7509", "x"), "azure_key_refused", 7509, "Check that ACS_ACCESS_KEY", False),
        (refusal(429, "8516", "x"), "azure_throttled", 8516, "Azure slows this resource down.", True),
        (Reply(429), "azure_throttled", None, "Try again in a minute.", True),
        (Reply(302, b"", {"Location": "/elsewhere"}), "azure_garbled", None, "could not be read", False),
        (Reply(307, b"", {"Location": "/elsewhere"}), "azure_garbled", None, "could not be read", False),
        (Reply(308, b"", {"Location": "/elsewhere"}), "azure_garbled", None, "could not be read", False),
        (Reply(202), "azure_garbled", None, "could not be read", False),
        (Reply(200, b"garbage", {"Content-Type": "application/json"}), "azure_garbled", None, "could not be", False),
        (Reply.of({}), "azure_garbled", None, "could not be read", False),
        (Reply.of([]), "azure_garbled", None, "could not be read", False),
        (Reply.of({"callConnectionId": ""}), "azure_garbled", None, "could not be read", False),
        (Reply(200, b""), "azure_garbled", None, "could not be read", False),
        (Reply(200, b"<html>hello</html>", {"Content-Type": "text/html"}), "azure_garbled", None, "proxy", False),
    ],
)
def test_every_refusal_of_azure_is_told_in_plain_words(
    server: Loopback, lines: Gateway, reply: Reply, code: str, subcode: int | None, says: str, retryable: bool
) -> None:
    server.answer = lambda _seen: reply
    error = failure(lambda: answer(lines))
    assert (error.code, error.subcode, error.retryable, error.status) == (code, subcode, retryable, 502)
    assert says in error.message
    assert error.may_have_happened == (code == "azure_garbled")
    assert len(server.seen) == 1


def test_a_fault_of_azures_is_tried_three_times_under_one_id(server: Loopback, lines: Gateway) -> None:
    server.answer = lambda _seen: Reply(500)
    error = failure(lambda: answer(lines))
    assert (error.code, error.azure_status, error.retryable) == ("azure_unavailable", 500, True)
    assert error.may_have_happened
    assert len(server.seen) == 3
    assert len({seen.headers["repeatability-request-id"] for seen in server.seen}) == 1


def test_a_fault_that_passes_is_not_noticed(server: Loopback, lines: Gateway) -> None:
    server.answer = lambda seen: Reply(503) if len(server.seen) == 1 else azure(seen)
    assert answer(lines) == CONNECTION


@pytest.mark.parametrize("status", [400, 429, 503])
def test_a_long_retry_after_is_reported_instead_of_slept_through(server: Loopback, lines: Gateway, status: int) -> None:
    server.answer = lambda _seen: refusal(status, "8516", "Slow down.", Retry_After="60")
    started = time.monotonic()
    error = failure(lambda: answer(lines))
    assert time.monotonic() - started < 2
    assert (error.subcode, error.azure_status, error.may_have_happened) == (8516, status, False)
    assert len(server.seen) == 1


def test_a_short_retry_after_is_kept(server: Loopback, lines: Gateway) -> None:
    server.answer = lambda seen: refusal(429, "8516", "x", Retry_After="0.1") if len(server.seen) == 1 else azure(seen)
    assert answer(lines) == CONNECTION


def hanging(server: Loopback, _seen: Seen) -> Reply:
    return server.hang()


def trickling(server: Loopback, _seen: Seen) -> Reply:
    return Reply(200, server.trickle(), {"Content-Type": "application/json"}, length=1_000_000)


def dropping(_server: Loopback, _seen: Seen) -> Reply:
    return Reply(200, iter([b"{"]), {"Connection": "close"}, length=100)


@pytest.mark.parametrize("trouble", [hanging, trickling])
def test_a_verb_returns_in_time_though_azure_does_not(
    server: Loopback, brief: Gateway, trouble: Callable[[Loopback, Seen], Reply]
) -> None:
    server.answer = lambda seen: trouble(server, seen)
    started = time.monotonic()
    error = failure(lambda: brief.start_streaming(CC, "command"))
    assert time.monotonic() - started < 1.5
    assert (error.code, error.status, error.retryable, error.may_have_happened) == ("azure_timeout", 503, True, True)
    assert "may still be carried out" in error.message


def test_the_deadline_leaves_a_request_of_ten_seconds_its_answer() -> None:
    assert DEADLINE_S <= 9.5


def test_orders_under_way_are_bounded_and_the_rest_is_told_so(server: Loopback, brief: Gateway) -> None:
    server.answer = lambda _seen: server.hang()
    with ThreadPoolExecutor(MAX_UNDER_WAY) as pool:
        held = list(pool.map(lambda _: failure(lambda: brief.start_streaming(CC, "c")), range(MAX_UNDER_WAY)))
    assert {error.may_have_happened for error in held} == {True}
    error = failure(lambda: brief.start_streaming(CC, "one too many"))
    assert (error.code, error.status, error.may_have_happened) == ("azure_timeout", 503, False)
    assert "was not sent" in error.message
    server.released.set()
    server.answer = azure
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            brief.start_streaming(CC, "later")
            break
        except GatewayError:
            continue
    assert len(server.seen) > MAX_UNDER_WAY
    brief.start_streaming(CC, "and another")


def test_a_broken_off_answer_is_told_as_one(server: Loopback, lines: Gateway) -> None:
    server.answer = lambda seen: dropping(server, seen)
    error = failure(lambda: answer(lines))
    assert error.may_have_happened


def test_an_azure_that_cannot_be_reached_is_503(server: Loopback) -> None:
    server.close()
    lines = Gateway(server.url, KEY)
    started = time.monotonic()
    error = failure(lambda: answer(lines))
    assert time.monotonic() - started < DEADLINE_S
    assert (error.code, error.status, error.retryable, error.may_have_happened) == (
        "azure_unreachable",
        503,
        True,
        False,
    )
    lines.close()


@pytest.mark.parametrize(
    ("endpoint", "key", "remedy"),
    [
        ("", KEY, "set ACS_ENDPOINT and ACS_ACCESS_KEY"),
        ("https://name.communication.azure.com", "", "set ACS_ENDPOINT and ACS_ACCESS_KEY"),
        ("  ", "  ", "set ACS_ENDPOINT and ACS_ACCESS_KEY"),
        ("name.communication.azure.com", KEY, "must look like https://"),
        ("ftp://name.communication.azure.com", KEY, "must look like https://"),
        ("HTTPS://name.communication.azure.com", KEY, "must look like https://"),
        ("https://", KEY, "must look like https://"),
        ("https://user:secret@name.communication.azure.com", KEY, "must look like https://"),
        ("https://name.communication.azure.com/calling", KEY, "must look like https://"),
        ("https://[::1", KEY, "must look like https://"),
        ("https://name:port", KEY, "must look like https://"),
        ("endpoint=https://name.communication.azure.com/;accesskey=abc", KEY, "must look like https://"),
        ("https://name.communication.azure.com", "not base64!", "ACS_ACCESS_KEY is not base64"),
        ("https://name.communication.azure.com", "schlüssel", "ACS_ACCESS_KEY is not base64"),
    ],
)
def test_a_portal_without_azure_starts_and_its_verbs_say_what_to_set(endpoint: str, key: str, remedy: str) -> None:
    error = failure(lambda: Gateway(endpoint, key).hang_up(CC))
    assert (error.code, error.status, error.retryable) == ("azure_not_configured", 503, False)
    assert remedy in error.message
    assert "secret" not in error.message


def test_a_slash_behind_the_endpoint_is_forgiven(server: Loopback) -> None:
    lines = Gateway(server.url + "/", KEY)
    lines.hang_up(CC)
    assert server.seen[0].path.startswith("/calling/")
    lines.close()


def test_twenty_orders_at_once_share_the_gateway(server: Loopback, lines: Gateway) -> None:
    barrier = threading.Barrier(20)

    def order(index: int) -> Connection:
        barrier.wait(10)
        return lines.answer(f"context-{index}", CALLBACK_URL, MEDIA_URL, StreamingProfile(), f"command-{index}")

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(order, range(20))) == [CONNECTION] * 20
    assert {(seen.json["incomingCallContext"][8:], seen.json["operationContext"][8:]) for seen in server.seen} == {
        (str(index), str(index)) for index in range(20)
    }


def test_no_number_token_or_key_reaches_the_log(
    server: Loopback, lines: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        answer(lines)
        lines.create_call("+14255550123", "+14255550199", CALLBACK_URL, MEDIA_URL, StreamingProfile(), "command")
        server.answer = lambda _seen: refusal(400, "8523", "+14255550123 is wrong.")
        failure(lambda: answer(lines))
    for secret in ("4255550123", "4255550199", CONTEXT, CALLBACK_URL, MEDIA_URL, KEY, "Signature"):
        assert secret not in caplog.text


def test_new_settings_make_a_new_gateway(server: Loopback, settings: Any) -> None:
    settings.ACS_ENDPOINT, settings.ACS_ACCESS_KEY = server.url, KEY
    first = gateway()
    assert gateway() is first
    first.hang_up(CC)
    first.close()
    settings.ACS_ENDPOINT = ""
    assert failure(lambda: gateway().hang_up(CC)).code == "azure_not_configured"


def test_the_pause_that_azure_asks_for_is_told(server: Loopback, lines: Gateway) -> None:
    server.answer = lambda _seen: refusal(429, "8516", "Slow down.", Retry_After="12")
    error = failure(lambda: answer(lines))
    assert error.retry_after_s == 12
    assert error.message == "Azure slows this resource down. Azure asks us to wait 12 s (Retry-After); then try again."
    server.answer = lambda _seen: Reply(503, b"", {"Retry-After": "99"})
    assert failure(lambda: answer(lines)).message == (
        "Azure has a fault of its own (HTTP 503). Azure asks us to wait 99 s (Retry-After); then try again."
    )
    server.answer = lambda _seen: refusal(400, "BadRequest", "Odd.", Retry_After="Fri, 31 Dec 2027 23:59:59 GMT")
    assert failure(lambda: answer(lines)).retry_after_s is None
