from collections.abc import Callable
from typing import Any

import pytest
from azure.communication.callautomation import PhoneNumberIdentifier
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from acsportal.emulator.call import identifier, raw_id_of
from acsportal.emulator.exchange import Options
from acsportal.emulator.network import Timing

SLOW_TO_CONNECT = Timing(connect_s=(5, 5), disconnect_s=(0, 0))


@pytest.mark.parametrize(
    ("text", "raw_id"),
    [("+14255550123", "4:+14255550123"), ("8:acs:res_user", "8:acs:res_user"), ("4:anonymous", "4:anonymous")],
)
def test_numbers_become_raw_ids(text: str, raw_id: str) -> None:
    assert raw_id_of(text) == raw_id


@pytest.mark.parametrize("text", ["", "Nora", '4:+1"', "0425"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither a number"):
        raw_id_of(text)


@pytest.mark.parametrize(
    ("raw_id", "kind", "member"),
    [
        ("4:+1425", "phoneNumber", {"value": "+1425"}),
        ("8:acs:r_u", "communicationUser", {"id": "8:acs:r_u"}),
        ("8:orgid:abc", "microsoftTeamsUser", {"userId": "abc"}),
    ],
)
def test_identifiers_have_the_member_that_sdks_decide_by(raw_id: str, kind: str, member: dict[str, str]) -> None:
    assert identifier(raw_id) == {"rawId": raw_id, "kind": kind, kind: member}


def test_an_anonymous_caller_is_of_unknown_kind() -> None:
    assert identifier("4:anonymous") == {"rawId": "4:anonymous", "kind": "unknown"}


def test_a_call_nobody_answers_stops_ringing_without_an_event_for_phones(bench: Any) -> None:
    call_id = bench.ring(scenario="support")
    bench.until(lambda: bench.look(call_id)["state"] == "ended")
    assert bench.look(call_id)["end"]["subcode"] == 10004
    assert len(bench.portal.events) == 2


def test_a_user_who_gives_up_leaves_call_ended_at_the_event_door(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(Options(port=0), timing=Timing(ring_s=0.2))
    bench.ring(scenario="gives_up")
    bench.until(lambda: len(bench.portal.events) == 3)
    (event,) = bench.portal.events[-1][1]
    assert event["eventType"] == "Microsoft.Communication.CallEnded"
    assert event["data"]["serverCallId"] == bench.portal.incoming[0]["serverCallId"]
    assert event["data"]["correlationId"] == bench.portal.incoming[0]["correlationId"]
    assert event["data"]["durationOfCall"] > 0


def test_answering_a_call_that_was_given_up_is_not_found(bench: Any) -> None:
    call_id = bench.ring()
    bench.order(f"calls/{call_id}/hang-up")
    with pytest.raises(ResourceNotFoundError, match="8522"):
        bench.client().answer_call(bench.context(), bench.callback_url)


def test_a_caller_who_hangs_up_while_it_connects_fails_the_answer(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(Options(port=0), timing=SLOW_TO_CONNECT)
    call_id = bench.ring()
    bench.client().answer_call(bench.context(), bench.callback_url, operation_context="a-1")
    bench.order(f"calls/{call_id}/hang-up")
    bench.until(lambda: bench.portal.types() == ["AnswerFailed"])
    failed = bench.portal.callback("AnswerFailed")["data"]
    assert failed["resultInformation"]["code"] == 487
    assert failed["resultInformation"]["subCode"] == 10004
    assert failed["operationContext"] == "a-1"


def test_the_caller_hangs_up(bench: Any) -> None:
    call_id = bench.answered(bench.streaming())
    bench.until(lambda: bench.portal.sockets)
    bench.order(f"calls/{call_id}/hang-up")
    bench.until(lambda: "CallDisconnected" in bench.portal.types())
    result = bench.portal.callback("CallDisconnected")["data"]["resultInformation"]
    assert (result["code"], result["subCode"]) == (200, 0)
    bench.until(lambda: bench.portal.sockets[0].is_closed)
    assert bench.portal.sockets[0].close_code == 1000
    call = bench.look(call_id)
    assert call["state"] == "ended"
    assert call["ended_at"]


def placed(bench: Any, number: str) -> tuple[str, Any]:
    properties = bench.client().create_call(
        PhoneNumberIdentifier(number),
        bench.callback_url,
        source_caller_id_number=PhoneNumberIdentifier("+14255550199"),
        operation_context="create-1",
        media_streaming=bench.streaming(),
    )
    return properties.call_connection_id, properties


def test_the_portals_call_is_answered_and_speaks(bench: Any) -> None:
    connection_id, properties = placed(bench, "+14255550123")
    assert properties.call_connection_state == "connecting"
    bench.until(lambda: {"CallConnected", "MediaStreamingStarted"} <= set(bench.portal.types()))
    connected = bench.portal.callback("CallConnected")["data"]
    assert connected["operationContext"] == "create-1"
    assert connected["callConnectionId"] == connection_id
    audio = bench.until(lambda: bench.portal.sockets[0].of_kind("AudioData"))
    assert {message["audioData"]["participantRawID"] for message in audio} == {"4:+14255550123"}


def test_a_number_that_never_answers_fails_after_the_ring_time(bench: Any) -> None:
    placed(bench, "+14255550000")
    bench.until(lambda: bench.portal.types())
    assert bench.portal.types() == ["CreateCallFailed"]
    result = bench.portal.callback("CreateCallFailed")["data"]["resultInformation"]
    assert (result["code"], result["subCode"]) == (480, 560480)


def test_a_busy_number_fails_at_once(bench: Any) -> None:
    placed(bench, "+14255550001")
    bench.until(lambda: bench.portal.types(), seconds=1)
    result = bench.portal.callback("CreateCallFailed")["data"]["resultInformation"]
    assert (result["code"], result["subCode"]) == (403, 560403)


def test_a_group_call_connects_with_the_first_who_answers_and_others_join(bench: Any) -> None:
    bench.client().create_call(
        [
            PhoneNumberIdentifier("+14255550000"),
            PhoneNumberIdentifier("+14255550123"),
            PhoneNumberIdentifier("+4930123"),
        ],
        bench.callback_url,
        source_caller_id_number=PhoneNumberIdentifier("+14255550199"),
    )
    bench.until(lambda: bench.portal.types().count("ParticipantsUpdated") == 2)
    updates = [e["data"] for _, _, e in bench.portal.callbacks if e["type"].endswith("ParticipantsUpdated")]
    first, second = sorted(updates, key=lambda update: int(update["sequenceNumber"]))
    assert first["sequenceNumber"] < second["sequenceNumber"]
    raw_ids = [somebody["identifier"]["rawId"] for somebody in second["participants"]]
    assert raw_ids[1:] == ["4:+14255550123", "4:+4930123"]


def test_a_call_the_portal_cancels_while_it_rings_fails_as_canceled(bench: Any) -> None:
    connection_id, _ = placed(bench, "+14255550000")
    bench.client().get_call_connection(connection_id).hang_up(True)
    bench.until(lambda: bench.portal.types() == ["CreateCallFailed"])
    result = bench.portal.callback("CreateCallFailed")["data"]["resultInformation"]
    assert (result["code"], result["subCode"]) == (487, 540487)


def test_after_its_end_a_call_is_terminated_and_then_unknown(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(Options(port=0), timing=Timing(connect_s=(0, 0), disconnect_s=(0.5, 0.5)))
    call_id = bench.answered()
    connection = bench.client().get_call_connection(bench.look(call_id)["call_connection_id"])
    connection.hang_up(True)
    with pytest.raises(HttpResponseError, match="8528"):
        connection.get_call_properties()
    bench.until(lambda: "CallDisconnected" in bench.portal.types())
    with pytest.raises(ResourceNotFoundError, match="8522"):
        connection.get_call_properties()


def test_an_ended_call_leaves_no_task_behind(bench: Any) -> None:
    before = {name for name in bench.tasks_left() if name.startswith("call")}
    assert not before
    call_id = bench.answered(bench.streaming())
    bench.order(f"calls/{call_id}/hang-up")
    bench.until(lambda: "CallDisconnected" in bench.portal.types())
    bench.until(lambda: not {name for name in bench.tasks_left() if name.startswith("call")})


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_events_follows_the_seed(make_bench: Callable[..., Any], seed: int) -> None:
    def orders() -> list[list[str]]:
        timing = Timing(connect_s=(0, 0), spread_s=0.2)
        bench = make_bench(Options(port=0, seed=seed), timing=timing)
        found = []
        for _ in range(3):
            bench.portal.callbacks.clear()
            bench.answered()
            found.append(bench.portal.types()[:2])
        return found

    assert orders() == orders()
