"""Who is on a call: list, add, remove, mute, move, transfer."""

from acsportal.emulator import errors
from acsportal.emulator.call import Call, Participant
from acsportal.emulator.call.people import identifier
from acsportal.emulator.call.results import COMPLETED, NOT_ON_CALL
from acsportal.emulator.operations.asking import Answer, Ask, number_of, present, seconds_of, target_of
from acsportal.emulator.scenario import Speaker

LONGEST_INVITATION_S = 180


def participants(ask: Ask) -> Answer:
    call = ask.established()
    return 200, {"value": [somebody.body() for somebody in call.participants.values()], "nextLink": None}


def participant(ask: Ask) -> Answer:
    return 200, present(ask.established(), ask.raw_id).body()


def add(ask: Ask) -> Answer:
    call = ask.established()
    raw_id = target_of(ask.body.get("participantToAdd"))
    if raw_id.startswith("4:") and not number_of(ask.body, "sourceCallerIdNumber"):
        raise errors.invalid("sourceCallerIdNumber is needed to add a phone number")
    ring_s = ask.exchange.network.timing.ring_s
    timeout_s = seconds_of(ask.body, "invitationTimeoutInSeconds", ring_s, 1, LONGEST_INVITATION_S)
    invitation_id = call.invitations.add(raw_id, timeout_s, ask.order())
    newcomer = Participant(raw_id, "").body()
    return 202, {"participant": newcomer, **ask.context(), "invitationId": invitation_id}


def cancel_add(ask: Ask) -> Answer:
    call = ask.established()
    invitation_id = ask.text("invitationId")
    if not invitation_id:
        raise errors.invalid("invitationId is missing")
    call.invitations.cancel(invitation_id, ask.order())
    return 202, {"invitationId": invitation_id, **ask.context()}


def remove(ask: Ask) -> Answer:
    """Somebody who is not there is told of by callback: the order itself was sound."""
    call, order = ask.established(), ask.order()
    raw_id = target_of(ask.body.get("participantToRemove"))
    extra = {"participant": identifier(raw_id)}
    if raw_id in call.room.people:
        call.tell("RemoveParticipantSucceeded", order, COMPLETED, extra)
        call.remove(raw_id)
    else:
        call.tell("RemoveParticipantFailed", order, NOT_ON_CALL, extra)
    return 202, ask.context()


def mute(ask: Ask) -> Answer:
    call = ask.established()
    muted = [present(call, raw_id) for raw_id in ask.targets("targetParticipants")]
    for somebody in muted:
        somebody.is_muted = True
    call.room.changed()
    return 200, ask.context()


def move(ask: Ask) -> Answer:
    call, order = ask.established(), ask.order()
    from_id = ask.text("fromCall")
    source = ask.exchange.by_connection(from_id) if from_id else None
    if from_id is None or source is None or source.phase != "connected" or source.room is call.room:
        raise errors.call_not_found(from_id or "fromCall is missing")
    raw_ids = ask.targets("targetParticipants")
    moved = [_taken(call, source, raw_id) for raw_id in raw_ids]
    for raw_id, somebody in zip(raw_ids, moved, strict=True):
        extra = {"participant": identifier(raw_id), "fromCall": from_id}
        if somebody is None:
            call.tell("MoveParticipantFailed", order, NOT_ON_CALL, extra)
        else:
            call.tell("MoveParticipantSucceeded", order, COMPLETED, extra)
    bodies = [(somebody or Participant(raw_id, "")).body() for raw_id, somebody in zip(raw_ids, moved, strict=True)]
    return 202, {"participants": bodies, **ask.context(), "fromCall": from_id}


def transfer(ask: Ask) -> Answer:
    call = ask.established()
    target = target_of(ask.body.get("targetParticipant"))
    humans = call.room.humans
    if ask.body.get("transferee") is not None:
        transferee = target_of(ask.body["transferee"])
        present(call, transferee)
    elif len(humans) == 1:
        transferee = humans[0]
    else:
        raise errors.invalid("transferee is needed: more than one other is on the call")
    call.invitations.transfer(transferee, target, ask.order())
    return 202, ask.context()


OPERATIONS = {
    "GET callConnections/{id}/participants": participants,
    "GET callConnections/{id}/participants/{rawId}": participant,
    "POST callConnections/{id}/participants:add": add,
    "POST callConnections/{id}/participants:cancelAddParticipant": cancel_add,
    "POST callConnections/{id}/participants:remove": remove,
    "POST callConnections/{id}/participants:mute": mute,
    "POST callConnections/{id}/participants:moveHere": move,
    "POST callConnections/{id}:transferToParticipant": transfer,
}


def _taken(call: Call, source: Call, raw_id: str) -> Participant | None:
    """Out of the other call and into this one; their voice begins anew. None for who is not there."""
    somebody = source.room.people.get(raw_id)
    if somebody is None or somebody.speaker is None:
        return None
    source.remove(raw_id)
    call.tasks.spawn("move", _bring(call, somebody.speaker))
    return Participant(raw_id, somebody.name)


async def _bring(call: Call, speaker: Speaker) -> None:
    await call.join(speaker)
