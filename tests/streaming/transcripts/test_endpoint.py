"""Azure's transcription socket on both servers: who is let in, and what becomes of what it says."""

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.signing import TimestampSigner
from websockets.exceptions import ConnectionClosed, InvalidStatus

from acsportal.demo import SALES_LINE
from tests.azure_stand_in import bearer
from tests.calls.forger import Forger
from tests.journeys.stack import wait_for
from tests.streaming.doorstep import CALLER, AzureCall, Door, Socket

AGENT = "8:acs:00000000-0000-0000-0000-000000000001_agent-tom"
# What the way over HTTP, or a server's limit for a header, stops before our door sees it.
UNSENDABLE = {"trailing line", "trailing space", "unicode", "full-width dots", "huge", "huge kid"}


def opening(locale: str = "en-us") -> str:
    body = {"subscriptionId": "sub-1", "locale": locale, "callConnectionId": "cc", "correlationId": "c"}
    return json.dumps({"kind": "TranscriptionMetadata", "transcriptionMetadata": body})


def words(text: str, start_s: float, end_s: float, raw_id: str = CALLER, *, final: bool = True, **more: Any) -> str:
    body = {
        "text": text,
        "format": "display",
        "confidence": 0.9,
        "offset": round(start_s * 1e7),
        "duration": round((end_s - start_s) * 1e7),
        "words": [{"text": text.lower(), "offset": round(start_s * 1e7), "duration": 1_000_000}] if final else [],
        "participantRawID": raw_id,
        "resultStatus": "Final" if final else "Intermediate",
    }
    return json.dumps({"kind": "TranscriptionData", "transcriptionData": body | more})


def segments(call: AzureCall) -> list[Any]:
    found: list[Any] = call.door.stack.get(f"calls/{call.id}/segments/")["results"]
    return found


def written(call: AzureCall, *texts: str) -> list[Any]:
    """The call's segments as soon as they say this."""

    def look() -> list[Any] | None:
        rows = segments(call)
        return rows if [row["text"] for row in rows] == list(texts) else None

    return wait_for(look, 10, f"the transcript is {texts}")


def events(call: AzureCall, event_type: str) -> list[Any]:
    rows = call.door.stack.get(f"calls/{call.id}/events/")["results"]
    return [row for row in rows if row["type"] == event_type]


def transcript_of(call: AzureCall) -> Any:
    return call.row()["transcript"]


def refusal(call: AzureCall, headers: list[tuple[str, str]], reason: str, url: str = "") -> None:
    """The socket is refused before it is accepted, counted, and logged in one line that holds no secret."""
    door, before = call.door, len(call.door.log)
    with pytest.raises(InvalidStatus) as refused:
        call.dial_words(headers, url)
    status = refused.value.response.status_code
    assert status == 403 if door.kind == "daphne" else status in {401, 403, 404, 503}
    lines = door.soon(before, "the transcription door refused a socket")
    assert len(lines) == 1
    assert re.search(rf"refused a socket: {reason} \([1-9][0-9]* so far\)$", lines[0]), lines
    said = door.log[before:]
    assert not [name for name, value in headers if len(value) > 20 and value.removeprefix("Bearer ") in said]
    assert (url or call.words_url).rstrip("/").rpartition("/")[2] not in said


def url_with(call: AzureCall, token: str) -> str:
    return f"{call.words_url.rstrip('/').rpartition('/')[0]}/{token}/"


def signed(door: Door, call_id: UUID) -> str:
    secret = door.stack.demo.environment["SECRET_KEY"]
    return TimestampSigner(key=secret, salt="calls.tokens.transcription", sep=".").sign(call_id.hex)


def test_forged_tokens_open_no_socket(door: Door) -> None:
    call = door.call()
    tried = 0
    # Every kind is tried at the media door, which asks the same questions.
    sendable = [each for each in Forger(time.time()).kinds().items() if each[0] not in UNSENDABLE]
    for name, (header, reason) in sendable[::6]:
        try:
            refusal(call, call.headers(header), f"token_{reason}")
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        tried += 1
    assert tried >= 15
    assert events(call, "TranscriptOpened") == []
    assert events(call, "TranscriptRefused")[0]["text"].startswith("We refused Azure's transcription socket")
    assert events(call, "SocketRefused") == []


def test_an_address_of_another_door_opens_no_socket(door: Door) -> None:
    call = door.call()
    for other in (call.transport_url, call.callback_url):
        refusal(call, call.headers(), "url_bad_signature", url_with(call, other.rstrip("/").rpartition("/")[2]))
    refusal(call, call.headers(), "url_malformed", url_with(call, "x" * 500))
    refusal(call, call.headers(), "not_found", url_with(call, signed(door, uuid4())))
    media = call.transport_url.rstrip("/").rpartition("/")[0]
    assert call.refused(url=f"{media}/{call.words_url.rstrip('/').rpartition('/')[2]}/") in {401, 403}


def test_a_socket_of_another_connection_or_of_none_is_refused(door: Door) -> None:
    call = door.call()
    refusal(call, call.headers(connection_id=str(uuid4())), "other_connection")
    refusal(call, call.headers(connection_id=None), "no_connection")
    call.hang_up()
    door.stack.until(call.id, lambda row: row["state"] == "ended")
    refusal(call, call.headers(), "call_over")


def test_a_token_opens_one_socket_of_either_kind(door: Door) -> None:
    call = door.call()
    token = bearer()
    with call.dial(call.headers(token)):
        refusal(call, call.headers(token), "token_used")
    token = bearer()
    with call.dial_words(call.headers(token)):
        refusal(call, call.headers(token), "token_used")
        assert call.refused(call.headers(token)) in {401, 403}


def test_two_speakers_are_written_down_with_their_revisions(door: Door) -> None:
    call = door.call()
    with call.dial_words() as socket:
        socket.send(opening())
        socket.send(words("good", 0, 0.1, AGENT, final=False))
        early = written(call, "good")[0]
        assert (early["final"], early["source"], early["language"]) == (False, "azure_call", "en-US")
        socket.send(words("Good morning.", 0, 0.2, AGENT, sentimentAnalysisResult={"sentiment": "neutral"}))
        socket.send(words("Hello.", 0.3, 0.4))
        agent, caller = written(call, "Good morning.", "Hello.")
        assert agent["id"] == early["id"]
        assert agent["revision"] > early["revision"]
        assert (agent["raw_id"], agent["confidence"], agent["final"]) == (AGENT, 0.9, True)
        assert agent["words"] == [{"text": "good morning.", "start_s": 0.0, "end_s": 0.1}]
        assert (caller["raw_id"], caller["label"]) == (CALLER, "Caller")
        assert 0 <= agent["start_s"] < caller["start_s"]
        assert transcript_of(call)["state"] == "on"
    wait_for(lambda: events(call, "TranscriptClosed"), 5)
    call.hang_up()


def test_a_page_hears_each_word_as_it_comes(door: Door) -> None:
    call = door.call()
    with door.page(f"calls/{call.id}/") as page, door.page("live/") as wall:
        page.take(lambda message: message["kind"] == "snapshot")
        with call.dial_words() as socket:
            socket.send(opening())
            socket.send(words("hel", 0, 0.2, final=False))
            page.take(lambda each: each["kind"] == "segment" and each["segment"]["text"] == "hel")
            wall.take(lambda each: "hel" in json.dumps(each))
            socket.send(words("Hello.", 0, 0.3))
            last = page.take(lambda each: each["kind"] == "segment" and each["segment"]["final"])
            assert last["segment"]["text"] == "Hello."
    call.hang_up()


def test_what_is_said_in_a_sensitive_moment_is_neither_kept_nor_shown(door: Door) -> None:
    call = door.call()
    with door.page(f"calls/{call.id}/") as page, door.page("live/") as wall, call.dial_words() as socket:
        socket.send(opening())
        socket.send(words("My number", 0, 0.1, final=False))
        written(call, "My number")
        assert door.stack.order(f"calls/{call.id}/sensitive/begin/").status in {200, 202}
        time.sleep(0.6)  # what had begun within half a second of the key may still be heard
        socket.send(words("My number 4929", 0, 1.2, final=False))
        socket.send(words("My number 4929 1234.", 0, 1.3))
        wait_for(lambda: segments(call)[0]["final"], 5)
        assert door.stack.order(f"calls/{call.id}/sensitive/end/").status in {200, 202}
        socket.send(words("Thank you.", 6.0, 6.1))
        assert segments(call)[0]["text"] == "My number"
        time.sleep(0.3)
        shown = [text for _, text in (*page.messages, *wall.messages)]
        assert not [text for text in shown if "4929" in text]
        assert "4929" not in json.dumps(segments(call))
    call.hang_up()


def test_a_socket_that_breaks_leaves_no_open_turn_and_its_successor_goes_on(door: Door) -> None:
    call = door.call()
    socket = call.dial_words()
    socket.send(opening())
    socket.send(words("One.", 0, 0.02))
    socket.send(words("two thr", 0.03, 0.05, final=False))
    written(call, "One.", "two thr")
    socket.drop()
    wait_for(lambda: all(row["final"] for row in segments(call)), 5)
    closed = wait_for(lambda: events(call, "TranscriptClosed"), 5)[0]
    assert (closed["code"], closed["tone"]) == (1006, "bad")
    wait_for(lambda: transcript_of(call)["state"] == "starting", 5)
    with call.dial_words() as successor:
        successor.send(opening())
        successor.send(words("Three.", 0, 0.1))
        rows = written(call, "One.", "two thr", "Three.")
        assert [row["final"] for row in rows] == [True] * 3
        assert transcript_of(call)["state"] == "on"
    call.hang_up()


def test_a_newer_socket_replaces_the_older_one(door: Door) -> None:
    call = door.call()
    with call.dial_words() as older:
        older.send(opening())
        older.send(words("One.", 0, 0.1))
        written(call, "One.")
        with call.dial_words() as newer:
            assert older.close_code() == 1000
            newer.send(opening())
            newer.send(words("Two.", 0, 0.1))
            written(call, "One.", "Two.")
            assert newer.is_open
            assert transcript_of(call)["state"] == "on"
    call.hang_up()


def test_a_mixed_call_is_written_down_by_whom_azure_names(door: Door) -> None:
    call = door.call(SALES_LINE)
    with call.dial_words() as socket:
        socket.send(opening("en-gb"))
        socket.send(words("Hello.", 0, 0.1))
        socket.send(words("Who?", 0.2, 0.3, participantRawID=None))
        known, unknown = written(call, "Hello.", "Who?")
        assert (known["raw_id"], unknown["raw_id"], known["language"]) == (CALLER, "mixed", "en-GB")
    call.hang_up()


@pytest.mark.parametrize(
    ("message", "code"), [(b"\x00\x01", 1003), (json.dumps({"kind": "x" * 262_144}), 1009)], ids=["binary", "too large"]
)
def test_what_cannot_be_a_transcription_closes_the_socket(door: Door, message: bytes | str, code: int) -> None:
    call = door.call()
    with call.dial_words() as socket:
        with suppress(ConnectionClosed):
            socket.send(message)
        assert socket.close_code() == code
    call.hang_up()


def test_messages_without_sense_are_passed_over_and_many_close_the_socket(door: Door) -> None:
    call = door.call()
    with call.dial_words() as socket:
        socket.send(opening())
        for message in ("{", "[]", '{"kind":"Unheard"}', words("Bad.", 0, 1, resultStatus="Maybe")):
            socket.send(message)
        socket.send(words("Fine.", 0, 0.1))
        written(call, "Fine.")
        with suppress(ConnectionClosed):
            for _ in range(300):
                socket.send("{")
        assert socket.close_code() == 1007
    closed = wait_for(lambda: events(call, "TranscriptClosed"), 5)[0]
    assert "made no sense" in closed["text"]
    call.hang_up()


def flood(socket: Socket) -> None:
    message = words("flood", 0, 0.1, final=False)
    with suppress(ConnectionClosed):
        for _ in range(5_000):
            socket.send(message)


def test_a_flood_closes_its_socket_and_no_other(doors: Callable[..., Door]) -> None:
    door = doors("daphne")
    call, other = door.call(), door.call()
    with other.dial_words() as beside:
        beside.send(opening())
        with call.dial_words() as socket:
            flood(socket)
            assert socket.close_code() == 1008
        beside.send(words("Calm.", 0, 0.1))
        written(other, "Calm.")
    call.hang_up()
    other.hang_up()


def test_nothing_is_ever_sent_to_azure(door: Door) -> None:
    call = door.call()
    with call.dial_words() as socket:
        socket.send(opening())
        socket.send(words("Hello.", 0, 0.1))
        written(call, "Hello.")
        assert socket.messages == []
    call.hang_up()
