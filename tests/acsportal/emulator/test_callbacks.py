import re
import time
from datetime import datetime
from typing import Any

import jwt
import requests


def test_an_event_is_one_cloud_event_with_all_members_of_the_sheet(bench: Any) -> None:
    bench.answered()
    _, path, event = next(row for row in bench.portal.callbacks if row[2]["type"].endswith("CallConnected"))
    body = event["data"]
    connection_id = body["callConnectionId"]
    assert path == "/acs/callbacks/c1?x=1"
    assert event["source"] == event["subject"] == f"calling/callConnections/{connection_id}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00", event["time"])
    assert body["resultInformation"] == {"code": 200, "subCode": 0, "message": ""}
    assert body["version"] == "2026-03-12"
    assert body["publicEventType"] == event["type"] == "Microsoft.Communication.CallConnected"
    assert body["operationContext"] == "answer-1"
    assert body["correlationId"] == bench.portal.incoming[0]["correlationId"]
    assert body["serverCallId"] == bench.portal.incoming[0]["serverCallId"]
    assert "operationContext" not in bench.portal.callback("ParticipantsUpdated")["data"]


def test_each_event_carries_a_new_token_that_verifies(bench: Any) -> None:
    bench.answered()
    configuration = requests.get(f"{bench.url}/calling/.well-known/acsopenidconfiguration", timeout=5).json()
    keys = jwt.PyJWKSet.from_dict(requests.get(configuration["jwks_uri"], timeout=5).json())
    tokens = [headers["Authorization"].removeprefix("Bearer ") for headers, _, _ in bench.portal.callbacks]
    assert len(set(tokens)) == len(tokens)
    for token in tokens:
        claims = jwt.decode(
            token,
            keys[jwt.get_unverified_header(token)["kid"]],
            algorithms=["RS256"],
            audience=bench.options.resource_id,
            issuer=configuration["issuer"],
        )
        assert claims["exp"] - claims["iat"] == 300


def test_participants_are_all_on_the_call_the_portal_included(bench: Any) -> None:
    bench.answered()
    body = bench.portal.callback("ParticipantsUpdated")["data"]
    raw_ids = [somebody["identifier"]["rawId"] for somebody in body["participants"]]
    assert body["sequenceNumber"] == 1
    assert raw_ids[0].startswith("8:acs:")
    assert raw_ids[1] == "4:+14255550123"
    assert body["participants"][1]["isMuted"] is False


def test_an_event_that_fails_is_sent_again_with_its_id_and_each_attempt_is_listed(bench: Any) -> None:
    bench.portal.callback_statuses = [500, 500]
    call_id = bench.answered()
    statuses = [delivery["status"] for delivery in bench.look(call_id)["callbacks"]]
    assert sorted(statuses) == [200, 200, 500, 500]


def test_a_refused_event_is_not_repeated(bench: Any) -> None:
    bench.portal.callback_statuses = [403]
    call_id = bench.ring()
    bench.client().answer_call(bench.context(), bench.callback_url)
    bench.until(lambda: len(bench.look(call_id)["callbacks"]) == 2)
    assert len(bench.portal.callbacks) == 1


def test_a_duplicated_event_arrives_twice_with_one_id(bench: Any) -> None:
    call_id = bench.ring()
    bench.order("faults", {"fault": "duplicate_callback", "call": call_id, "type": "CallConnected"})
    bench.client().answer_call(bench.context(), bench.callback_url)
    bench.until(lambda: bench.portal.types().count("CallConnected") == 2)
    ids = {event["id"] for _, _, event in bench.portal.callbacks if event["type"].endswith("CallConnected")}
    assert len(ids) == 1
    assert bench.portal.types().count("ParticipantsUpdated") <= 1


def test_a_reordered_event_arrives_after_the_one_behind_it(bench: Any) -> None:
    call_id = bench.answered(bench.streaming(start_media_streaming=False))
    connection = bench.client().get_call_connection(bench.look(call_id)["call_connection_id"])
    bench.order("faults", {"fault": "reorder_callbacks", "call": call_id, "type": "MediaStreamingStarted"})
    connection.start_media_streaming()
    bench.until(lambda: bench.portal.sockets)
    bench.until(lambda: not requests.get(f"{bench.url}/emulator/faults", timeout=5).json()["armed"])
    bench.order(f"calls/{call_id}/participants", {"number": "+15550001111"})
    bench.until(lambda: bench.portal.types()[2:] == ["ParticipantsUpdated", "MediaStreamingStarted"])


def test_nothing_comes_after_the_last_event(bench: Any) -> None:
    call_id = bench.answered()
    bench.portal.callback_statuses = [500] * 3
    bench.order(f"calls/{call_id}/participants", {"number": "+15550001111"})
    bench.order(f"calls/{call_id}/hang-up")
    bench.until(lambda: bench.look(call_id)["state"] == "ended")
    bench.until(lambda: "CallDisconnected" in bench.portal.types())
    assert bench.portal.types()[-1] == "CallDisconnected"
    assert bench.look(call_id)["callbacks"][-1]["type"] == "Microsoft.Communication.CallDisconnected"


def test_a_lost_event_never_arrives_and_is_listed_without_a_status(bench: Any) -> None:
    call_id = bench.ring()
    bench.order("faults", {"fault": "lose_callback", "call": call_id, "type": "CallConnected"})
    bench.client().answer_call(bench.context(), bench.callback_url)
    bench.until(lambda: len(bench.look(call_id)["callbacks"]) == 2)
    statuses = {row["type"].rpartition(".")[2]: row["status"] for row in bench.look(call_id)["callbacks"]}
    assert statuses == {"CallConnected": None, "ParticipantsUpdated": 200}
    assert bench.portal.types() == ["ParticipantsUpdated"]


def test_a_delayed_event_keeps_the_time_at_which_it_happened(bench: Any) -> None:
    call_id = bench.ring()
    bench.order("faults", {"fault": "delay_callbacks", "call": call_id, "type": "CallConnected", "ms": 400})
    bench.client().answer_call(bench.context(), bench.callback_url)
    bench.until(lambda: "CallConnected" in bench.portal.types())
    arrived_at = datetime.fromisoformat(bench.look(call_id)["callbacks"][-1]["at"])
    happened_at = datetime.fromisoformat(bench.portal.callback("CallConnected")["time"])
    assert (arrived_at - happened_at).total_seconds() >= 0.39


def test_a_lost_event_does_not_hold_back_the_one_that_waits_for_it(bench: Any) -> None:
    call_id = bench.ring()
    bench.order("faults", {"fault": "reorder_callbacks", "call": call_id})
    bench.order("faults", {"fault": "lose_callback", "call": call_id, "count": 1})
    bench.client().answer_call(bench.context(), bench.callback_url)
    bench.until(lambda: len(bench.look(call_id)["callbacks"]) == 2, 1.5)


def test_an_event_may_come_with_a_token_that_has_expired(bench: Any) -> None:
    call_id = bench.ring()
    bench.order("faults", {"fault": "expired_token", "call": call_id, "type": "CallConnected"})
    bench.client().answer_call(bench.context(), bench.callback_url)
    bench.until(lambda: len(bench.portal.callbacks) == 2)
    claims = {
        event["type"].rpartition(".")[2]: jwt.decode(
            headers["Authorization"].removeprefix("Bearer "), options={"verify_signature": False}
        )
        for headers, _, event in bench.portal.callbacks
    }
    assert claims["CallConnected"]["exp"] < time.time() < claims["ParticipantsUpdated"]["exp"]
