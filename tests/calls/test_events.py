import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.events import (
    MAX_BODY_BYTES,
    MAX_EVENTS,
    Broken,
    CallbackEvent,
    EventError,
    GridEvent,
    parse_callbacks,
    parse_grid,
    participants_of,
    redacted,
)

MESSAGES = Path(__file__).parents[1] / "messages" / "callbacks"
CALLBACKS = sorted(path.stem for path in MESSAGES.glob("*.json") if not path.stem.startswith("grid_"))


def golden(name: str) -> Any:
    return json.loads((MESSAGES / f"{name}.json").read_text())


def callbacks(content: Any) -> list[CallbackEvent | Broken]:
    return parse_callbacks(json.dumps(content).encode())


def callback(content: Any) -> CallbackEvent:
    [event] = callbacks(content)
    assert isinstance(event, CallbackEvent)
    return event


def grid(content: Any) -> GridEvent:
    [event] = parse_grid(json.dumps(content).encode())
    assert isinstance(event, GridEvent)
    return event


@pytest.mark.parametrize("name", CALLBACKS)
def test_every_golden_callback_is_understood_as_array_and_as_objects(name: str) -> None:
    whole = golden(name)
    together = callbacks(whole)
    assert [callback(element) for element in whole] == together
    for event, element in zip(together, whole, strict=True):
        assert isinstance(event, CallbackEvent)
        assert f"Microsoft.Communication.{event.type}" == element["type"]
        assert event.type.lower() == name.replace("_", "").replace("dtmftone", "continuousdtmfrecognitiontone")
        assert event.raw == element
        assert event.event_time is not None


def test_a_connected_call_names_its_three_ids_and_its_moment() -> None:
    event = callback(golden("call_connected"))
    assert event.id == "1fd82d0c-d2e2-431b-9d8c-73137cd44bb6"
    assert event.call_connection_id == "0b004880-e406-40bf-8384-a4042a72fecd"
    assert event.server_call_id.startswith("aHR0cHM6Ly9hcGku")
    assert event.correlation_id == "1b541d21-bd0e-4695-a9ce-bf3290a807bd"
    assert (event.code, event.subcode, event.message) == (200, 0, "")
    assert event.event_time == datetime(2026, 9, 15, 11, 36, 7, 993757, UTC)
    assert event.participants is None


def test_the_roll_lists_everyone_with_number_and_state() -> None:
    element = golden("participants_updated")[0]
    element["data"]["participants"][1].update(isMuted=True, isOnHold=True)
    event = callback(element)
    assert event.sequence_number == 1
    assert event.participants is not None
    ours, caller = event.participants
    assert (ours.kind, ours.number, ours.muted, ours.on_hold) == ("acs_user", None, False, False)
    assert (caller.raw_id, caller.kind, caller.number) == ("4:+18662315126", "phone", "+18662315126")
    assert (caller.muted, caller.on_hold, caller.name) == (True, True, "")
    assert participants_of(event.raw).participants == event.participants
    assert participants_of(event.raw).sequence_number == 1


def test_only_a_roll_has_participants() -> None:
    assert participants_of(golden("call_connected")[0]).participants == ()
    assert participants_of({}).sequence_number == 0


def test_a_participant_without_raw_id_is_known_by_number_or_user() -> None:
    element = golden("participants_updated")[0]
    for member in element["data"]["participants"]:
        del member["identifier"]["rawId"]
    event = callback(element)
    assert event.participants is not None
    assert [each.raw_id[:6] for each in event.participants] == ["8:acs:", "4:+186"]


def test_an_unreadable_participant_does_not_hide_the_others() -> None:
    element = golden("participants_updated")[0]
    element["data"]["participants"][:0] = [None, {}, {"identifier": {"rawId": "8:acs:" + "x" * 300}}]
    event = callback(element)
    assert event.participants is not None
    assert len(event.participants) == 2


def test_streaming_events_say_status_and_details() -> None:
    started = callback(golden("media_streaming_started"))
    assert (started.media_status, started.media_details) == ("mediaStreamingStarted", "subscriptionStarted")
    assert started.operation_context == "startMediaStreamingContext"
    failed = callback(golden("media_streaming_failed"))
    assert (failed.code, failed.subcode, failed.media_details) == (500, 8603, "streamConnectionUnsuccessful")


@pytest.mark.parametrize(
    ("tone", "key"), [("eight", "8"), ("zero", "0"), ("pound", "#"), ("asterisk", "*"), ("a", "A"), ("Nine", "9")]
)
def test_a_tone_becomes_the_key_that_was_pressed(tone: str, key: str) -> None:
    element = golden("dtmf_tone_received")[0]
    element["data"]["tone"] = tone
    assert callback(element).tone == key


def test_adding_one_names_that_one_only() -> None:
    event = callback(golden("add_participant_succeeded"))
    assert event.participant is not None
    assert event.participant.number == "+14255550123"
    assert event.participants is None


def test_a_missing_connection_id_is_taken_from_the_source() -> None:
    element = golden("call_connected")[0]
    del element["data"]["callConnectionId"]
    assert callback(element).call_connection_id == "0b004880-e406-40bf-8384-a4042a72fecd"
    element["source"] += "/CallConnected"  # as in 2022
    assert callback(element).call_connection_id == "0b004880-e406-40bf-8384-a4042a72fecd"
    element["source"] = "calling/recordings/x/y/RecordingStateChanged"
    assert callback(element).call_connection_id == ""


def recased(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {change(key): recased(member, change) for key, member in value.items()}
    return [recased(member, change) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize("change", [str.lower, str.upper, str.capitalize])
@pytest.mark.parametrize("name", CALLBACKS)
def test_the_casing_of_keys_does_not_matter(name: str, change: Any) -> None:
    for element in golden(name):
        plain, changed = callback(element), callback(recased(element, change))
        assert [getattr(plain, slot) for slot in plain.__slots__ if slot != "raw"] == [
            getattr(changed, slot) for slot in changed.__slots__ if slot != "raw"
        ]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-09-15T11:36:07.9937574+00:00", datetime(2026, 9, 15, 11, 36, 7, 993757, UTC)),
        ("2026-09-15T11:36:07.1Z", datetime(2026, 9, 15, 11, 36, 7, 100000, UTC)),
        ("2026-09-15T13:36:07+02:00", datetime(2026, 9, 15, 11, 36, 7, tzinfo=UTC)),
        ("2026-09-15T11:36:07", datetime(2026, 9, 15, 11, 36, 7, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        (1726400000, None),
        (None, None),
        ("2" * 500, None),
    ],
)
def test_an_event_time_is_read_to_the_microsecond_or_is_unknown(text: Any, moment: datetime | None) -> None:
    element = golden("call_connected")[0]
    element["time"] = text
    assert callback(element).event_time == moment


def test_an_unknown_type_is_kept_with_all_it_said() -> None:
    event = callback({"id": "1", "type": "Microsoft.Communication.DialogStarted", "data": {"dialogId": "d"}})
    assert (event.type, event.raw["data"]) == ("DialogStarted", {"dialogId": "d"})
    assert (event.code, event.event_time, event.message) == (None, None, "")


def test_a_broken_element_does_not_cost_its_neighbours() -> None:
    good = golden("call_connected")[0]
    found = callbacks([good, 7, {"id": "2"}, {**good, "id": "x" * 201}, {**good, "id": "5"}])
    assert [type(each).__name__ for each in found] == ["CallbackEvent", "Broken", "Broken", "Broken", "CallbackEvent"]
    reasons = [each.reason for each in found if isinstance(each, Broken)]
    assert reasons == ["it is not an object", "it has no type", "its id is 201 characters long, more than 200"]
    assert [each.index for each in found if isinstance(each, Broken)] == [1, 2, 3]


def test_an_event_without_id_has_the_same_one_when_it_comes_again() -> None:
    element = golden("call_connected")[0]
    del element["id"]
    first, again = callback(element), callback(dict(reversed(element.items())))
    assert first.id == again.id
    assert first.id.startswith("sha256:")
    assert callback({**element, "time": "2026-09-15T11:36:08Z"}).id != first.id


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"7", "neither"),
        (b'"text"', "neither"),
        (b"null", "neither"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "nested too deeply"),
        (b"9" * 5000, "not JSON"),
        (b" " * (MAX_BODY_BYTES + 1), "bytes"),
        (b"[" + b"1," * MAX_EVENTS + b"1]", "5001 events"),
    ],
)
@pytest.mark.parametrize("parse", [parse_callbacks, parse_grid])
def test_a_body_that_is_no_event_is_refused_with_the_fact(parse: Any, body: bytes, fact: str) -> None:
    with pytest.raises(EventError, match=fact):
        parse(body)


def test_what_a_database_refuses_is_taken_out() -> None:
    body = b'{"id":"a\\u0000b","type":"T\\ud800","data":{"n":NaN,"i":1e999,"k\\u0000":"x"}}'
    [event] = parse_callbacks(body)
    assert isinstance(event, CallbackEvent)
    assert (event.id, event.type) == ("ab", "T?")
    assert event.raw["data"] == {"n": None, "i": None, "k": "x"}
    json.dumps(event.raw, allow_nan=False).encode()


@pytest.mark.parametrize(("code", "read"), [(200, 200), ("200", 200), (True, None), (2**31, None), (2.5, None)])
def test_a_code_is_a_database_integer_or_unknown(code: Any, read: int | None) -> None:
    element = golden("call_connected")[0]
    element["data"]["resultInformation"]["code"] = code
    assert callback(element).code == read


def test_a_byte_order_mark_is_forgiven() -> None:
    assert len(parse_callbacks(b"\xef\xbb\xbf" + json.dumps(golden("call_connected")).encode())) == 1


def test_an_empty_array_holds_no_events() -> None:
    assert parse_callbacks(b"[]") == []


def test_the_validation_handshake_gives_its_code() -> None:
    event = grid(golden("grid_subscription_validation"))
    assert event.type == "SubscriptionValidationEvent"
    assert event.validation_code == "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"
    assert event.validation_url.startswith("https://rp-eastus2.eventgrid.azure.net:553/")
    assert event.incoming is None


def as_cloud_event(element: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": element["id"],
        "source": element["topic"],
        "subject": element["subject"],
        "type": element["eventType"],
        "time": element["eventTime"],
        "specversion": "1.0",
        "data": element["data"],
    }


@pytest.mark.parametrize("schema", ["grid array", "grid object", "cloud object", "cloud array"])
def test_an_incoming_call_is_the_same_in_both_schemas(schema: str) -> None:
    [element] = golden("grid_incoming_call")
    element = as_cloud_event(element) if schema.startswith("cloud") else element
    event = grid([element] if schema.endswith("array") else element)
    assert event.type == "IncomingCall"
    assert event.event_time == datetime(2022, 8, 25, 19, 27, 24, 241539, UTC)
    call = event.incoming
    assert call is not None
    assert (call.caller_raw_id, call.caller_number, call.caller_kind) == ("4:+14255550123", "+14255550123", "phone")
    assert (call.callee_raw_id, call.callee_number, call.callee_kind) == ("4:+18662315126", "+18662315126", "phone")
    assert call.incoming_call_context.startswith("eyJ")
    assert call.correlation_id == "19e93701-4bca-47a3-ad3a-72dd9092ab89"
    assert call.server_call_id.startswith("aHR0")


def test_an_anonymous_caller_rings_like_any_other() -> None:
    [element] = golden("grid_incoming_call")
    element["data"]["from"] = {"kind": "unknown", "rawId": "4:anonymous"}
    element["data"]["callerDisplayName"] = "Withheld"
    call = grid(element).incoming
    assert call is not None
    assert (call.caller_raw_id, call.caller_number, call.caller_name) == ("4:anonymous", None, "Withheld")


@pytest.mark.parametrize("context", [None, "", 7, "x" * 65537])
def test_a_call_that_cannot_be_answered_is_broken(context: Any) -> None:
    [element] = golden("grid_incoming_call")
    element["data"]["incomingCallContext"] = context
    [broken] = parse_grid(json.dumps(element).encode())
    assert isinstance(broken, Broken)
    assert "cannot be answered" in broken.reason


def test_a_redacted_event_no_longer_answers_a_call() -> None:
    [element] = golden("grid_incoming_call")
    secret = element["data"]["incomingCallContext"]
    shown = redacted(grid(element).raw)
    assert secret not in json.dumps(shown)
    assert shown["data"]["correlationId"] == element["data"]["correlationId"]
    assert element["data"]["incomingCallContext"] == secret


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = (
    "id type time source data from to participants participant identifier rawId phoneNumber value tone "
    "resultInformation code subCode message sequenceNumber callConnectionId incomingCallContext"
)
members = st.sampled_from(NAMES.split())
shaped = st.recursive(anything, lambda inner: st.dictionaries(members, inner, max_size=6), max_leaves=20)


@given(st.lists(shaped, max_size=3) | shaped)
def test_no_json_at_all_makes_the_parsers_fail_otherwise(content: Any) -> None:
    body = json.dumps(content).encode()
    for parse in (parse_callbacks, parse_grid):
        try:
            events = parse(body)
        except EventError:
            continue
        for event in events:
            json.dumps(event.raw, allow_nan=False).encode()


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_the_parsers_fail_otherwise(body: bytes) -> None:
    for parse in (parse_callbacks, parse_grid):
        try:
            parse(body)
        except EventError:
            continue
