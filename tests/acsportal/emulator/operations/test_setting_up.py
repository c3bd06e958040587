"""Answering, placing and joining calls; what is refused; how they end."""

from typing import Any

import pytest
import requests
from azure.communication.callautomation import CommunicationUserIdentifier

from tests.acsportal.emulator.operations.asking import (
    AGENT_ID,
    CALLER_ID,
    OWN_NUMBER,
    Line,
    alone,
    answered,
    refused,
    watched,
)


def joined(bench: Any, **locator: str) -> Line:
    client, wire = watched(bench)
    properties = client.connect_call(bench.callback_url, operation_context="join", **locator)
    cc = properties.call_connection_id or ""
    rows = requests.get(f"{bench.url}/emulator/calls", timeout=5).json()["results"]
    calls = [row for row in rows if row["call_connection_id"] == cc]
    return Line(bench, calls[0]["id"], cc, wire, client)


def test_a_second_connection_joins_a_conversation_by_its_server_call_id(bench: Any) -> None:
    first = answered(bench)
    server_call_id = first.connection.get_call_properties().server_call_id
    second = joined(bench, server_call_id=server_call_id)
    assert second.told("CallConnected")["operationContext"] == "join"
    assert second.told("CallConnected")["correlationId"] == first.told("CallConnected")["correlationId"]
    assert second.cc != first.cc
    assert second.people().keys() == first.people().keys() == {CALLER_ID, AGENT_ID}
    assert len(first.told("ParticipantsUpdated", 2)["participants"]) == 4


def test_whoever_joined_hears_the_same_moment_of_the_conversation(bench: Any) -> None:
    first = answered(bench, media_streaming=bench.streaming(channels="mixed"))
    bench.until(lambda: bench.portal.sockets and bench.portal.sockets[0].of_kind("AudioData"))
    server_call_id = first.connection.get_call_properties().server_call_id
    client, _ = watched(bench)
    client.connect_call(bench.callback_url, server_call_id=server_call_id, media_streaming=bench.streaming("mixed"))
    bench.until(lambda: len(bench.portal.sockets) == 2 and len(bench.portal.sockets[1].of_kind("AudioData")) > 100, 15)
    ours, theirs = ({m["audioData"]["data"] for m in s.of_kind("AudioData")} for s in bench.portal.sockets)
    spoken = {audio for audio in theirs if set(audio.rstrip("=")) != {"A"}}
    assert spoken
    assert len(spoken & ours) > len(spoken) / 2


@pytest.mark.parametrize("locator", [{"room_id": "99"}, {"group_call_id": "29228d3e-040e-4656-a70e-890ab4e173e5"}])
def test_a_room_has_people_in_it_and_a_second_connection_meets_them(bench: Any, locator: dict[str, str]) -> None:
    first, second = joined(bench, **locator), None
    first.told("CallConnected")
    second = joined(bench, **locator)
    second.told("CallConnected")
    servers = {line.connection.get_call_properties().server_call_id for line in (first, second)}
    assert len(servers) == 1
    assert len(list(second.connection.list_participants())) == 3


def test_a_room_that_ends_in_0000_cannot_be_joined(bench: Any) -> None:
    line = joined(bench, room_id="990000")
    assert line.result("ConnectFailed") == (480, 10076)
    assert line.told("ConnectFailed")["operationContext"] == "join"


def test_a_conversation_nobody_knows_cannot_be_joined(bench: Any) -> None:
    client, _ = watched(bench)
    assert refused(lambda: client.connect_call(bench.callback_url, server_call_id="c2NpZA")) == (404, "8522")


def test_hanging_up_for_oneself_leaves_the_others_talking(bench: Any) -> None:
    line = answered(bench)
    server_call_id = line.connection.get_call_properties().server_call_id
    line.connection.hang_up(False)
    assert line.result("CallDisconnected") == (200, 7000)
    again = joined(bench, server_call_id=server_call_id)
    again.told("CallConnected")
    assert again.people().keys() == {CALLER_ID, AGENT_ID}


def test_hanging_up_for_everybody_ends_all_connections(bench: Any) -> None:
    first = answered(bench)
    second = joined(bench, server_call_id=first.connection.get_call_properties().server_call_id)
    second.told("CallConnected")
    first.connection.hang_up(True)
    assert first.result("CallDisconnected") == second.result("CallDisconnected") == (200, 7000)
    server_call_id = first.told("CallDisconnected")["serverCallId"]
    client, _ = watched(bench)
    assert refused(lambda: client.connect_call(bench.callback_url, server_call_id=server_call_id)) == (404, "8522")


def test_hanging_up_for_oneself_ends_a_call_of_two(bench: Any) -> None:
    line = alone(bench)
    server_call_id = line.connection.get_call_properties().server_call_id
    line.connection.hang_up(False)
    line.told("CallDisconnected")
    assert refused(lambda: line.client.connect_call(bench.callback_url, server_call_id=server_call_id)) == (404, "8522")


def test_a_phone_number_is_called_from_a_number_only(bench: Any) -> None:
    client, _ = watched(bench)
    assert refused(lambda: client.create_call(OWN_NUMBER, bench.callback_url)) == (400, "8523")


def test_users_are_called_without_a_number(bench: Any) -> None:
    client, _ = watched(bench)
    placed = client.create_call(CommunicationUserIdentifier("8:acs:res_user"), bench.callback_url)
    assert placed.targets[0].raw_id == "8:acs:res_user"


@pytest.mark.parametrize("reason", ["rudely", "xx"])
def test_a_reason_azure_does_not_know_is_invalid(bench: Any, reason: str) -> None:
    bench.ring()
    client, _ = watched(bench)
    assert refused(lambda: client.reject_call(bench.context(), call_reject_reason=reason)) == (400, "8523")
    client.answer_call(bench.context(), bench.callback_url)
