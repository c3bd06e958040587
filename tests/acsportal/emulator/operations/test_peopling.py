"""Who is on the call: added, cancelled, removed, muted, moved, transferred, and what that sounds like."""

import asyncio
import base64
import json
from functools import partial
from typing import Any

import numpy as np
import pytest
from aiohttp import ClientSession
from azure.communication.callautomation import CallAutomationClient

from tests.acsportal.emulator.operations.asking import (
    AGENT,
    AGENT_ID,
    CALLER,
    CALLER_ID,
    ENGAGED,
    GUEST,
    GUEST_ID,
    NEVER,
    NOBODY,
    OWN_NUMBER,
    Line,
    alone,
    answered,
    refused,
)

SOURCE = {"source_caller_id_number": OWN_NUMBER}


def heard_of(bench: Any, raw_id: str | None, count: int = 1) -> list[dict[str, Any]]:
    """What the last media socket brought of somebody that was not silence."""

    def loud() -> list[dict[str, Any]]:
        audio = [message["audioData"] for message in bench.portal.sockets[-1].of_kind("AudioData")]
        return [frame for frame in audio if frame.get("participantRawID") == raw_id and not frame["silent"]]

    return bench.until(lambda: loud() if len(loud()) >= count else None, 15)  # type: ignore[no-any-return]


def youngest(bench: Any) -> list[dict[str, Any]]:
    return [message["audioData"] for message in bench.portal.sockets[-1].of_kind("AudioData")[-20:]]


def silent_since(bench: Any, raw_id: str | None, frames: int = 50) -> bool:
    """Whether the youngest frames of somebody are all silence."""
    audio = [message["audioData"] for message in bench.portal.sockets[-1].of_kind("AudioData")]
    mine = [frame for frame in audio if frame.get("participantRawID") == raw_id][-frames:]
    return len(mine) == frames and all(frame["silent"] for frame in mine)


def test_somebody_who_is_added_comes_in_and_talks(bench: Any) -> None:
    line = answered(bench, media_streaming=bench.streaming())
    added = line.connection.add_participant(GUEST, operation_context="add-1", **SOURCE)
    assert added.participant.identifier.raw_id == GUEST_ID
    told = line.told("AddParticipantSucceeded")
    assert (told["participant"]["rawId"], told["operationContext"]) == (GUEST_ID, "add-1")
    assert told["invitationId"] == added.invitation_id
    bench.until(lambda: GUEST_ID in line.people())
    assert heard_of(bench, GUEST_ID)


def test_somebody_who_does_not_answer_is_told_of_after_the_invitation_ran_out(bench: Any) -> None:
    line = answered(bench)
    line.connection.add_participant(NEVER, invitation_timeout=1, **SOURCE)
    assert line.result("AddParticipantFailed") == (480, 560480)
    assert GUEST_ID not in line.people()


def test_somebody_busy_is_told_of_at_once(bench: Any) -> None:
    line = answered(bench)
    line.connection.add_participant(ENGAGED, **SOURCE)
    assert line.result("AddParticipantFailed") == (403, 560403)


@pytest.mark.parametrize(
    ("verb", "told", "code"),
    [("answer", "AddParticipantSucceeded", (200, 0)), ("decline", "AddParticipantFailed", (403, 560403))],
)
def test_an_open_phone_is_asked_itself(bench: Any, verb: str, told: str, code: tuple[int, int]) -> None:
    line = answered(bench, media_streaming=bench.streaming())

    async def scene() -> None:
        async with ClientSession() as session, session.ws_connect(f"{bench.url}/emulator/phone") as phone:
            await phone.send_json({"verb": "hello", "number": GUEST.properties["value"]})
            assert (await phone.receive_json(timeout=5))["kind"] == "phone"
            order = partial(line.connection.add_participant, GUEST, **SOURCE)
            await asyncio.to_thread(order)
            assert (await phone.receive_json(timeout=5))["kind"] == "rings"
            await phone.send_json({"verb": verb})
            await asyncio.to_thread(line.told, told)

    bench.run(scene())
    assert line.result(told) == code
    assert (GUEST_ID in line.people()) == (verb == "answer")


def test_an_invitation_is_cancelled(bench: Any) -> None:
    line = answered(bench)
    invitation_id = line.connection.add_participant(NEVER, invitation_timeout=1, **SOURCE).invitation_id
    line.connection.cancel_add_participant_operation(invitation_id, operation_context="no")
    told = line.told("CancelAddParticipantSucceeded")
    assert (told["invitationId"], told["operationContext"]) == (invitation_id, "no")
    assert "AddParticipantFailed" not in line.types()


def test_an_invitation_that_was_answered_cannot_be_cancelled(bench: Any) -> None:
    line = answered(bench)
    invitation_id = line.connection.add_participant(GUEST, **SOURCE).invitation_id
    line.told("AddParticipantSucceeded")
    line.connection.cancel_add_participant_operation(invitation_id)
    assert line.result("CancelAddParticipantFailed") == (400, 8585)
    assert line.told("CancelAddParticipantFailed")["invitationId"] == invitation_id


def test_orders_about_people_that_make_no_sense_are_refused(bench: Any) -> None:
    line = answered(bench)
    connection = line.connection
    assert refused(lambda: connection.add_participant(GUEST)) == (400, "8523")
    assert refused(lambda: connection.add_participant(CALLER, **SOURCE)) == (400, "8523")
    assert refused(lambda: connection.add_participant(GUEST, invitation_timeout=181, **SOURCE)) == (400, "8523")
    assert refused(lambda: connection.cancel_add_participant_operation("inv1")) == (404, "8522")
    assert refused(lambda: connection.mute_participant(NOBODY)) == (404, "8522")
    assert refused(lambda: connection.transfer_call_to_participant(GUEST)) == (400, "8523")
    assert refused(lambda: connection.transfer_call_to_participant(GUEST, transferee=NOBODY)) == (404, "8522")
    assert refused(lambda: connection.move_participants([AGENT], "nobody's")) == (404, "8522")
    connection.add_participant(NEVER, **SOURCE)
    assert refused(lambda: connection.add_participant(NEVER, **SOURCE)) == (409, "8519")


def test_somebody_who_is_removed_falls_silent_and_is_gone(bench: Any) -> None:
    line = answered(bench, media_streaming=bench.streaming())
    heard_of(bench, AGENT_ID)
    line.connection.remove_participant(AGENT, operation_context="out")
    told = line.told("RemoveParticipantSucceeded")
    assert (told["participant"]["rawId"], told["operationContext"]) == (AGENT_ID, "out")
    bench.until(lambda: line.people().keys() == {CALLER_ID})
    bench.until(lambda: AGENT_ID not in {frame["participantRawID"] for frame in youngest(bench)})
    rolls = [each["identifier"]["rawId"] for each in line.told("ParticipantsUpdated", 2)["participants"]]
    assert AGENT_ID not in rolls


def test_nobody_can_be_removed_who_is_not_there(bench: Any) -> None:
    line = answered(bench)
    line.connection.remove_participant(NOBODY)
    assert line.result("RemoveParticipantFailed") == (404, 8522)


def test_with_the_last_person_the_call_ends(bench: Any) -> None:
    line = alone(bench)
    line.connection.remove_participant(CALLER)
    assert line.result("CallDisconnected") == (200, 5010)


def test_the_portals_own_leg_can_be_removed(bench: Any) -> None:
    line = answered(bench)
    own = next(
        one.identifier for one in line.connection.list_participants() if one.identifier.raw_id not in line.people()
    )
    line.connection.remove_participant(own)
    assert line.result("CallDisconnected") == (200, 5000)


def test_the_muted_are_silent_in_their_own_stream(bench: Any) -> None:
    line = answered(bench, media_streaming=bench.streaming())
    heard_of(bench, AGENT_ID)
    line.connection.mute_participant(AGENT)
    assert line.people() == {CALLER_ID: (False, False), AGENT_ID: (True, False)}
    bench.until(lambda: silent_since(bench, AGENT_ID))
    heard_of(bench, CALLER_ID)
    muted = {
        each["identifier"]["rawId"]: each["isMuted"] for each in line.told("ParticipantsUpdated", 2)["participants"]
    }
    assert muted[AGENT_ID]
    assert not muted[CALLER_ID]


def test_the_muted_are_taken_out_of_the_mixed_stream(bench: Any) -> None:
    line = answered(bench, media_streaming=bench.streaming("mixed"))
    heard_of(bench, None)
    for one in (AGENT, CALLER):
        line.connection.mute_participant(one)
    bench.until(lambda: silent_since(bench, None))


def test_a_muted_portal_is_heard_by_nobody(bench: Any) -> None:
    line = answered(bench, media_streaming=bench.streaming())
    bench.until(lambda: line.row["streaming"]["state"] == "streaming")
    own = next(
        one.identifier for one in line.connection.list_participants() if one.identifier.raw_id not in line.people()
    )
    loud = json.dumps({"kind": "AudioData", "audioData": {"data": base64.b64encode(b"\x00\x40" * 3200).decode()}})
    bench.run(bench.portal.sockets[0].web_socket.send_str(loud))
    bench.until(lambda: line.loudness() > 10000 and line.row["streaming"]["queued_ms"] == 0)
    line.connection.mute_participant(own)
    before = int(np.count_nonzero(line.heard()[0]))
    bench.run(bench.portal.sockets[0].web_socket.send_str(loud))
    bench.until(lambda: line.row["streaming"]["frames_received"] == 2)
    bench.until(lambda: line.row["streaming"]["queued_ms"] == 0)
    assert int(np.count_nonzero(line.heard()[0])) == before


def test_people_move_from_one_call_to_another(bench: Any) -> None:
    source = answered(bench)
    target = alone(bench, media_streaming=bench.streaming())
    moved = target.connection.move_participants([AGENT], source.cc, operation_context="move-1")
    assert [one.identifier.raw_id for one in moved.participants] == [AGENT_ID]
    told = target.told("MoveParticipantSucceeded")
    assert (told["participant"]["rawId"], told["fromCall"]) == (AGENT_ID, source.cc)
    assert told["operationContext"] == "move-1"
    bench.until(lambda: target.people().keys() == {CALLER_ID, AGENT_ID})
    assert source.people().keys() == {CALLER_ID}
    assert heard_of(bench, AGENT_ID)


def test_who_is_not_in_the_other_call_cannot_be_moved(bench: Any) -> None:
    source, target = answered(bench), alone(bench)
    target.connection.move_participants([NOBODY], source.cc)
    assert target.result("MoveParticipantFailed") == (404, 8522)
    assert target.told("MoveParticipantFailed")["fromCall"] == source.cc


def test_a_call_from_which_the_last_person_is_moved_ends(bench: Any) -> None:
    source, target = alone(bench), answered(bench)
    target.connection.remove_participant(CALLER)
    bench.until(lambda: target.people().keys() == {AGENT_ID})
    target.connection.move_participants([CALLER], source.cc)
    assert source.result("CallDisconnected") == (200, 5010)
    bench.until(lambda: CALLER_ID in target.people())


def test_a_transferred_caller_is_gone_and_a_call_of_two_is_over(bench: Any) -> None:
    line = alone(bench)
    line.connection.transfer_call_to_participant(GUEST, operation_context="tr")
    assert line.connection.get_call_properties().call_connection_state == "transferring"
    told = line.told("CallTransferAccepted")
    assert (told["resultInformation"]["code"], told["resultInformation"]["subCode"]) == (200, 7015)
    assert (told["transferTarget"]["rawId"], told["transferee"]["rawId"]) == (GUEST_ID, CALLER_ID)
    assert told["operationContext"] == "tr"
    assert line.result("CallDisconnected") == (200, 7015)


def test_after_a_transfer_out_of_a_group_the_others_stay(bench: Any) -> None:
    line = answered(bench)
    line.connection.transfer_call_to_participant(GUEST, transferee=AGENT)
    line.told("CallTransferAccepted")
    bench.until(lambda: line.people().keys() == {CALLER_ID})
    assert line.row["state"] == "connected"


def test_a_transfer_to_somebody_busy_fails_and_the_call_goes_on(bench: Any) -> None:
    line = alone(bench)
    line.connection.transfer_call_to_participant(ENGAGED, operation_context="tr")
    assert refused_transfer(line.client, line) == (409, "8519")
    assert line.result("CallTransferFailed") == (403, 560403)
    assert line.connection.get_call_properties().call_connection_state == "connected"


def refused_transfer(client: CallAutomationClient, line: Line) -> tuple[int | None, str]:
    return refused(lambda: client.get_call_connection(line.cc).transfer_call_to_participant(GUEST))
