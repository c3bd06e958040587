"""Streaming that was wanted and broke off is started again, with patience and not for ever."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from calls.background import drain
from calls.models import AuditEntry, Call, CallEvent, CallPolicy, Command, StreamSession
from calls.services import Actor, start_streaming, stop_streaming
from calls.services.upkeep.resume import MENDER, WAITS, resume_streaming
from tests.azure_stand_in import AzureStandIn, Doors, refusal

ANA = Actor("user", "ana")


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


@pytest.fixture
def call(answering: CallPolicy, doors: Doors) -> Call:
    """A call that connected two minutes ago."""
    made = doors.connect(doors.ring())
    aged(made, 120)
    return made


def broke(call: Call, seconds_ago: float, state: str = "lost", frames: int = 0) -> StreamSession:
    number = call.streams.count() + 1
    return StreamSession.objects.create(
        call=call,
        number=number,
        state=state,
        owner="gone",
        channel_type="unmixed",
        opened_at=ago(seconds_ago + 10),
        closed_at=ago(seconds_ago) if state != "open" else None,
        frames_received=frames,
    )


def aged(call: Call, seconds: float) -> None:
    """Time passes for the call."""
    passed = timedelta(seconds=seconds)
    for command in call.commands.all():
        Command.objects.filter(pk=command.pk).update(created_at=command.created_at - passed)
    for stream in call.streams.all():
        closed_at = stream.closed_at - passed if stream.closed_at else None
        opened_at = stream.opened_at - passed
        StreamSession.objects.filter(pk=stream.pk).update(closed_at=closed_at, opened_at=opened_at)
    for event in call.events.all():
        CallEvent.objects.filter(pk=event.pk).update(event_time=event.event_time - passed)
    call.refresh_from_db()
    Call.objects.filter(pk=call.pk).update(connected_at=call.connected_at - passed if call.connected_at else None)
    call.refresh_from_db()


def asked(azure: AzureStandIn) -> list[str]:
    """One round; what Azure has been asked about streaming by then."""
    resume_streaming()
    assert drain(20)
    names = {"startMediaStreaming": "start", "stopMediaStreaming": "stop"}
    return [names[verb] for verb in azure.verbs() if verb in names]


def test_a_stream_that_broke_off_is_started_again_after_four_seconds(azure: AzureStandIn, call: Call) -> None:
    broke(call, 3)
    assert asked(azure) == []
    aged(call, 2)
    assert asked(azure) == ["start"]
    command = call.commands.latest("created_at")
    assert (command.verb, command.state, command.asked_by) == ("start_streaming", "accepted", MENDER.name)
    event = call.events.get(type="StreamingResumed")
    assert event.message == "5 s without a media socket, try 1 of 6."
    entry = AuditEntry.objects.get(target_id=str(command.pk))
    assert (entry.action, entry.actor_kind) == ("start_streaming", "portal")
    assert asked(azure) == ["start"], "Azure gets time to dial"


def test_many_processes_ask_azure_once(azure: AzureStandIn, call: Call) -> None:
    broke(call, 10)
    together = threading.Barrier(4)

    def race() -> None:
        together.wait(10)
        resume_streaming()
        connection.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert asked(azure) == ["start"]
    assert call.events.filter(type="StreamingResumed").count() == 1


def test_a_socket_that_came_by_itself_is_left_alone(azure: AzureStandIn, call: Call) -> None:
    broke(call, 60)
    broke(call, 50, "open")
    assert asked(azure) == []


def test_what_somebody_stopped_stays_stopped(azure: AzureStandIn, call: Call) -> None:
    broke(call, 60, "open")
    Call.objects.update(streaming_state="streaming")
    stop_streaming(ANA, call)
    StreamSession.objects.update(state="closed", closed_at=ago(50))
    aged(call, 100)
    assert asked(azure) == ["stop"]


def test_what_was_to_be_started_later_is_not_started_before_somebody_asks(azure: AzureStandIn, call: Call) -> None:
    Call.objects.update(streaming_start="later", streaming_state="off")
    call.refresh_from_db()
    assert asked(azure) == []
    start_streaming(ANA, call)
    aged(call, 9)
    assert asked(azure) == ["start"], "Azure may still be about to dial"
    aged(call, 2)
    assert asked(azure) == ["start", "start"]


def test_azure_that_thinks_it_streams_is_told_to_stop_first(azure: AzureStandIn, call: Call) -> None:
    azure.replies["startMediaStreaming"] = refusal(400, "8500")
    broke(call, 5)
    assert asked(azure) == ["start"]
    assert asked(azure) == ["start", "stop"]
    del azure.replies["startMediaStreaming"]
    assert asked(azure) == ["start", "stop"], "Azure has not said yet that it stopped"
    call.commands.filter(verb="stop_streaming").update(state="done")
    assert asked(azure) == ["start", "stop", "start"]
    assert call.events.filter(type="StreamingResumed").latest("event_time").message.endswith("try 2 of 6.")


def test_azure_that_takes_the_order_and_dials_nothing_is_told_to_stop_first(azure: AzureStandIn, call: Call) -> None:
    broke(call, 5)
    assert asked(azure) == ["start"]
    aged(call, 11)
    assert asked(azure) == ["start", "stop"]
    aged(call, 6)
    assert asked(azure) == ["start", "stop", "start"], "though Azure never said that it stopped"


def test_tries_are_bounded_and_come_at_growing_intervals(azure: AzureStandIn, call: Call) -> None:
    broke(call, 1)
    for number, wait in enumerate(WAITS):
        aged(call, wait.total_seconds() - 2)
        assert len(asked(azure)) == number
        aged(call, 3)
        assert asked(azure) == ["start"] * (number + 1)
        # Azure could not reach us.
        call.commands.filter(verb="start_streaming").update(state="failed", error_code="azure_500_8603")
    aged(call, 500)
    assert len(asked(azure)) == len(WAITS)
    notes = [each.message for each in call.events.filter(type="StreamingResumed").order_by("event_time")]
    assert [note.partition(", ")[2] for note in notes] == [f"try {number} of 6." for number in range(1, 7)]


def test_a_socket_that_held_for_a_while_gives_all_tries_anew(azure: AzureStandIn, call: Call) -> None:
    aged(call, 1_000)
    broke(call, 500)
    for _ in WAITS:
        Command.objects.create(
            call=call,
            verb="start_streaming",
            state="done",
            asked_by=MENDER.name,
            asked_kind=MENDER.kind,
            created_at=ago(400),
        )
    broke(call, 6, frames=10)
    assert asked(azure) == [], "it broke at once"
    StreamSession.objects.filter(number=2).update(frames_received=5_000)
    assert asked(azure) == ["start"]


def test_a_call_that_azure_no_longer_knows_ends_instead(azure: AzureStandIn, call: Call) -> None:
    azure.replies["startMediaStreaming"] = refusal(404, "8522")
    broke(call, 5)
    assert asked(azure) == ["start"]
    call.refresh_from_db()
    assert call.state == "ended"
    assert asked(azure) == ["start"]


def test_a_call_that_is_about_to_end_is_left_alone(azure: AzureStandIn, call: Call) -> None:
    broke(call, 50, "closed")
    Command.objects.create(call=call, verb="hang_up", state="accepted", asked_by="ana")
    assert asked(azure) == []
