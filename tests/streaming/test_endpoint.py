"""Who is let in at Azure's media door, and which socket is a call's own."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core.signing import TimestampSigner, b62_encode
from websockets.exceptions import InvalidMessage, InvalidStatus

from calls.tokens import MAX_AGE
from tests.azure_stand_in import Asked, bearer
from tests.calls.forger import Forger
from tests.journeys.stack import ask, wait_for
from tests.streaming.doorstep import AzureCall, Door, MediaSocket, sine

# What the way over HTTP, or a server's limit for a header, stops before our door sees it.
UNSENDABLE = {"trailing line", "trailing space", "unicode", "full-width dots", "huge", "huge kid"}


def refusal(door: Door, call: AzureCall, headers: list[tuple[str, str]], reason: str, url: str = "") -> None:
    """The socket is refused before it is accepted, counted, and logged in one line that holds no secret."""
    before = len(door.log)
    status = call.refused(headers, url)
    assert status == 403 if door.kind == "daphne" else status in {401, 403, 404, 503}
    lines = door.soon(before, "the media door refused a socket")
    assert len(lines) == 1
    assert re.search(rf"refused a socket: {reason} \([1-9][0-9]* so far\)$", lines[0]), lines
    said = door.log[before:]
    assert not [name for name, value in headers if len(value) > 20 and value.removeprefix("Bearer ") in said]
    assert (url or call.transport_url).rstrip("/").rpartition("/")[2] not in said


def test_forged_tokens_open_no_socket(door: Door) -> None:
    call = door.call()
    tried = 0
    for name, (header, reason) in Forger(time.time()).kinds().items():
        if name in UNSENDABLE:
            continue
        try:
            refusal(door, call, call.headers(header), f"token_{reason}")
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        tried += 1
    assert tried >= 90
    assert call.streams() == []


def test_tokens_that_http_cannot_carry_open_no_socket(door: Door) -> None:
    call = door.call()
    forged = Forger(time.time()).kinds()
    for name in ("huge", "huge kid"):
        with pytest.raises((InvalidStatus, InvalidMessage)):
            MediaSocket(call.transport_url, call.headers(forged[name][0]), open_within_s=5)
    assert call.streams() == []


def test_each_refusal_counts(door: Door) -> None:
    call = door.call()
    before = len(door.log)
    for _ in range(3):
        assert call.refused(call.headers(None))
    counted = [int(line.split("(")[1].split()[0]) for line in door.soon(before, "token_no_token")]
    assert counted == list(range(counted[0], counted[0] + 3))


def test_two_authorization_headers_open_no_socket(door: Door) -> None:
    call = door.call()
    two = [("Authorization", bearer()), *call.headers()]
    refusal(door, call, two, "token_ambiguous" if door.kind == "uvicorn" else "token_malformed")


def url_with(call: AzureCall, token: str) -> str:
    return f"{call.transport_url.rstrip('/').rpartition('/')[0]}/{token}/"


class OldSigner(TimestampSigner):
    def timestamp(self) -> str:
        return b62_encode(int(time.time() - (MAX_AGE + timedelta(seconds=5)).total_seconds()))


def signed(door: Door, call_id: UUID, signer: type[TimestampSigner] = TimestampSigner) -> str:
    return signer(key=door.stack.demo.environment["SECRET_KEY"], salt="calls.tokens.media", sep=".").sign(call_id.hex)


def test_an_address_that_is_not_ours_opens_no_socket(door: Door) -> None:
    call = door.call()
    good = call.transport_url.rstrip("/").rpartition("/")[2]
    callbacks = call.callback_url.rstrip("/").rpartition("/")[2]
    head, stamp, signature = good.split(".")
    for token, reason in {
        "x": "url_bad_signature",
        "x" * 500: "url_malformed",
        callbacks: "url_bad_signature",
        f"{uuid4().hex}.{stamp}.{signature}": "url_bad_signature",
        f"{head}.{stamp}.{signature[::-1]}": "url_bad_signature",
        signed(door, UUID(call.id), OldSigner): "url_expired",
    }.items():
        refusal(door, call, call.headers(), reason, url_with(call, token))
    assert call.streams() == []


def test_an_address_of_a_call_that_does_not_exist_opens_no_socket(door: Door) -> None:
    call = door.call()
    refusal(door, call, call.headers(), "not_found", url_with(call, signed(door, uuid4())))


def test_a_socket_that_names_no_call_connection_is_refused(door: Door) -> None:
    call = door.call()
    refusal(door, call, call.headers(connection_id=None), "no_connection")


def test_a_socket_of_a_call_that_is_over_is_refused(door: Door) -> None:
    call = door.call()
    call.hang_up()
    door.stack.until(call.id, lambda row: row["state"] == "ended")
    refusal(door, call, call.headers(), "call_over")


@contextmanager
def before_the_answer(door: Door, act: Callable[[Asked], None]) -> Iterator[list[BaseException]]:
    """Runs `act` while the portal waits for Azure's REST answer; its failures are in the list."""
    failed: list[BaseException] = []

    def once(asked: Asked) -> None:
        if asked.verb != "answer":
            return  # the portal has other calls, and Azure is asked about them too
        door.azure.in_flight = None
        try:
            act(asked)
        except BaseException as error:
            failed.append(error)

    door.azure.in_flight = once
    try:
        yield failed
    finally:
        door.azure.in_flight = None


def as_call(door: Door, asked: Asked) -> AzureCall:
    url = asked.body["mediaStreamingOptions"]["transportUrl"]
    return AzureCall(door, asked.connection_id, asked.body["callbackUri"], url, asked.context)


def test_the_connection_id_of_azures_answer_is_kept(door: Door) -> None:
    call = door.ring()
    wait_for(lambda: call.row()["acs"]["call_connection_id"] == call.connection_id, 5)
    refusal(door, call, call.headers(connection_id=str(uuid4())), "other_connection")
    call.dial().close()


def test_the_connection_id_of_a_callback_before_the_answer_is_kept(door: Door) -> None:
    def early(asked: Asked) -> None:
        call = as_call(door, asked).connect()
        refusal(door, call, call.headers(connection_id=str(uuid4())), "other_connection")
        call.dial().close()

    with before_the_answer(door, early) as failed:
        door.ring()
        wait_for(lambda: door.azure.in_flight is None, 5)
    assert not failed, failed


def test_the_connection_id_of_a_socket_before_everything_else_is_kept(door: Door) -> None:
    def early(asked: Asked) -> None:
        call = as_call(door, asked)
        with call.dial().open():
            refusal(door, call, call.headers(connection_id=str(uuid4())), "other_connection")

    with before_the_answer(door, early) as failed:
        call = door.ring()
        call.connect()
        door.stack.until(call.id, lambda row: row["acs"]["call_connection_id"] == call.connection_id)
    assert not failed, failed


def test_a_media_socket_before_call_connected_works(door: Door) -> None:
    call = door.ring()
    with call.dial().open() as socket:
        socket.say(sine(300, 16_000))
        door.stack.until(call.id, lambda row: row["streaming"]["state"] == "streaming")
        assert call.row()["state"] == "connected"  # Azure opens it when the call connects
        call.connect()
        door.stack.until(call.id, lambda row: row["state"] == "connected")
    row = call.closed_stream()
    assert (row["close_code"], row["frames_received"]) == (1000, 15)


def test_a_token_opens_one_socket(door: Door) -> None:
    call = door.call()
    token = bearer()
    with call.dial(call.headers(token)).open() as socket:
        refusal(door, call, call.headers(token), "token_used")
        refusal(door, door.call(), call.headers(token), "other_connection")
        socket.say(sine(100, 16_000))
        assert [row["state"] for row in call.streams()] == ["open"]


def test_a_token_of_one_call_opens_no_socket_of_another(door: Door) -> None:
    first, second = door.call(), door.call()
    token = bearer()
    with first.dial(first.headers(token)):
        refusal(door, second, second.headers(token), "token_used")


def test_where_tokens_are_only_logged_a_bad_or_used_one_is_let_in(doors: Callable[..., Door]) -> None:
    door = doors("daphne", ACS_TOKEN_CHECK="log")
    call = door.call()
    before = len(door.log)
    token = bearer()
    for header in (token, token, bearer(aud="another"), None):
        with call.dial(call.headers(header)).open() as socket:
            socket.say(sine(40, 16_000))
    assert len(door.soon(before, call.id, "its token opened a socket before")) == 1
    assert len(door.soon(before, call.id, "let in although its token is bad: wrong_audience")) == 1
    assert len(door.soon(before, call.id, "let in although its token is bad: no_token")) == 1
    assert token.removeprefix("Bearer ") not in door.log
    wait_for(lambda: [row["state"] for row in call.streams()] == ["closed"] * 4, 5)


def test_a_newer_socket_replaces_the_older_one(door: Door) -> None:
    call = door.call()
    with call.dial().open() as older:
        older.say(sine(200, 16_000))
        with call.dial().open() as newer:
            assert older.close_code() == 1000
            newer.say(sine(200, 16_000))
            first, second = wait_for(lambda: rows if (rows := call.streams())[0]["state"] == "closed" else None, 5)
            assert (first["close_code"], first["close_reason"]) == (1000, "a newer socket took its place")
            assert (second["state"], second["number"]) == ("open", 2)
            assert call.row()["streaming"]["state"] == "streaming"
            call.reaches(call.play(tone_hz=440, duration_ms=200), "done")
            assert len(newer.heard()) == 10
            assert older.heard() == []
    wait_for(lambda: call.streams()[1]["state"] == "closed", 5)
    assert [row["frames_received"] for row in call.streams()] == [10, 10]
    assert [row["frames_sent"] for row in call.streams()] == [0, 10]


def test_of_many_sockets_at_once_one_stays_open(door: Door) -> None:
    call = door.call()
    sockets = []
    dialling = [threading.Thread(target=lambda: sockets.append(call.dial().open())) for _ in range(6)]
    for each in dialling:
        each.start()
    for each in dialling:
        each.join()
    wait_for(lambda: sorted(row["state"] for row in call.streams()) == ["closed"] * 5 + ["open"], 5)
    wait_for(lambda: sum(socket.is_open for socket in sockets) == 1, 5)
    for socket in sockets:
        socket.close()


def test_a_plain_get_is_told_to_upgrade(door: Door) -> None:
    call = door.call()
    for path in (call.transport_url.partition("/ws/")[2], "acs/media/x/", "live/", f"calls/{call.id}/", "nothing/"):
        answer = ask("GET", f"{door.stack.portal}/ws/{path}")
        assert answer.status == 426, path
        assert answer.json == b"This address speaks WebSocket only.\n"
        assert {name.lower(): value for name, value in answer.headers.items()}["upgrade"] == "websocket"
