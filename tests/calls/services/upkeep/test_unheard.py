from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calls.background import drain
from calls.models import Call, CallPolicy, Command, StreamSession
from calls.services import sweep
from calls.services.actor import PORTAL
from calls.services.orders import place
from calls.services.upkeep.unheard import miss_streams
from tests.azure_stand_in import CALLEE, CALLER, AzureStandIn, Doors, callback, refusal, roll
from tests.calls.loopback import Reply


def aged(row: Any, **ages_s: float) -> None:
    """Moves a row's times into the past."""
    type(row).objects.filter(pk=row.pk).update(
        **{name: timezone.now() - timedelta(seconds=seconds) for name, seconds in ages_s.items()}
    )
    row.refresh_from_db()


@pytest.fixture
def quiet(answering: CallPolicy, doors: Doors) -> Call:
    """A connected call of which nothing was heard for a while, and that no socket streams."""
    call = doors.connect(doors.ring())
    aged(call, created_at=100)
    for event in call.events.all():
        aged(event, received_at=21)
    return call


def asked_after(azure: AzureStandIn) -> int:
    """Sweeps once; how often Azure has been asked by then whether it knows a call."""
    sweep()
    assert drain(20)
    return azure.verbs().count("look_up")


def test_a_call_that_azure_no_longer_knows_ends_though_no_event_told_so(azure: AzureStandIn, quiet: Call) -> None:
    azure.replies["look_up"] = refusal(404, "8522")
    assert asked_after(azure) == 1
    quiet.refresh_from_db()
    assert (quiet.state, quiet.end_text) == (
        "ended",
        "Azure no longer knows this call; no event told of its end.",
    )


def test_a_quiet_call_that_azure_knows_goes_on_and_is_asked_after_once_a_minute(
    azure: AzureStandIn, quiet: Call
) -> None:
    assert [asked_after(azure), asked_after(azure)] == [1, 1]
    aged(quiet, asked_after_at=59)
    assert asked_after(azure) == 1
    aged(quiet, asked_after_at=61)
    assert asked_after(azure) == 2
    quiet.refresh_from_db()
    assert quiet.state == "connected"


def test_nobody_asks_after_a_call_with_a_socket_or_with_news(azure: AzureStandIn, quiet: Call) -> None:
    socket = StreamSession.objects.create(call=quiet, owner="process 1", channel_type="unmixed")
    assert asked_after(azure) == 0
    socket.delete()
    aged(quiet.events.latest("received_at"), received_at=19)
    assert asked_after(azure) == 0


def test_a_call_stays_as_it_is_while_azure_cannot_say(azure: AzureStandIn, quiet: Call) -> None:
    azure.replies["look_up"] = refusal(403, "403")
    assert asked_after(azure) == 1
    quiet.refresh_from_db()
    assert quiet.state == "connected"


def said(state: str) -> Any:
    """Azure's answer when it is asked after a call."""
    return lambda asked: Reply.of({"callConnectionId": asked.connection_id, "callConnectionState": state})


@pytest.fixture
def placed(doors: Doors, transactional_db: None) -> Call:
    """A call that Azure took some seconds ago, and of which nothing was told."""
    call = place(PORTAL, callee=CALLER, caller=CALLEE)
    aged(call, created_at=7)
    return call


def test_a_call_that_azure_says_is_connected_is_connected_though_no_event_told_so(
    azure: AzureStandIn, placed: Call
) -> None:
    azure.replies["look_up"] = said("connecting")
    assert asked_after(azure) == 1
    placed.refresh_from_db()
    assert placed.state == "ringing"
    azure.replies["look_up"] = said("connected")
    assert asked_after(azure) == 1  # not twice within ten seconds
    aged(placed, asked_after_at=11)
    assert asked_after(azure) == 2
    placed.refresh_from_db()
    assert (placed.state, placed.commands.get().state) == ("connected", "done")
    assert placed.connected_at == placed.events.get(type="CallFound").event_time


def test_nobody_asks_after_a_call_of_which_azure_has_just_spoken(
    azure: AzureStandIn, placed: Call, doors: Doors
) -> None:
    doors.tell(placed, roll(placed.call_connection_id or "", 1, "8:acs:own"))
    assert asked_after(azure) == 0


@pytest.fixture
def starting(answering: CallPolicy, doors: Doors) -> Call:
    """Connected and to stream, with no socket."""
    call = doors.connect(doors.ring())
    assert call.streaming_state == "starting"
    return call


def long_connected(call: Call, seconds: float) -> None:
    for event in call.events.all():
        aged(event, event_time=seconds)
    aged(call, connected_at=seconds)
    call.commands.all().update(created_at=timezone.now() - timedelta(seconds=seconds))


def test_a_stream_that_never_comes_is_failed_after_20_seconds(starting: Call) -> None:
    long_connected(starting, 19)
    miss_streams()
    starting.refresh_from_db()
    assert starting.streaming_state == "starting"
    long_connected(starting, 21)
    miss_streams()
    miss_streams()
    starting.refresh_from_db()
    assert (starting.streaming_state, starting.state) == ("failed", "connected")
    assert starting.streaming_error == "Streaming failed: Azure opened no media socket within 20 s."
    assert not starting.may("start_streaming")
    assert starting.events.filter(type="StreamMissing").count() == 1


def test_while_somebody_has_asked_for_the_stream_its_order_decides(starting: Call) -> None:
    long_connected(starting, 100)
    Command.objects.create(call=starting, verb="start_streaming", state="accepted", accepted_at=timezone.now())
    miss_streams()
    starting.refresh_from_db()
    assert starting.streaming_state == "starting"


def test_a_socket_that_comes_after_all_is_a_stream(starting: Call, doors: Doors) -> None:
    long_connected(starting, 21)
    miss_streams()
    StreamSession.objects.create(call=starting, owner="process 1", channel_type="unmixed")
    doors.tell(starting, callback("MediaStreamingStarted", starting.call_connection_id or ""))
    starting.refresh_from_db()
    assert (starting.streaming_state, starting.streaming_error) == ("streaming", "")
