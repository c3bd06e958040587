import pytest

from calls.models import Command, StreamSession
from tests.calls.api.door import Door
from tests.calls.scene import CONTEXT, ended_call, live_call

pytestmark = pytest.mark.django_db


def test_events_are_listed_oldest_first_with_what_azure_said_but_its_secrets(integrator: Door) -> None:
    answer = integrator.get(f"calls/{ended_call().pk}/events/")
    events = answer.json["results"]
    assert [(each["type"], each["source"]) for each in events] == [
        ("IncomingCall", "event_grid"),
        ("CallDisconnected", "callback"),
    ]
    assert events[0]["raw"]["data"] == {"incomingCallContext": "(withheld)"}
    assert CONTEXT not in answer.body.decode()
    assert (events[1]["code"], events[1]["subcode"], events[1]["offset_s"]) == (200, 0, 247.0)
    assert events[1]["text"].endswith(".")


def test_orders_are_listed_and_read(integrator: Door) -> None:
    call = ended_call()
    listed = integrator.get(f"calls/{call.pk}/commands/").json["results"]
    assert [(each["verb"], each["state"], each["call"]) for each in listed] == [("answer", "done", str(call.pk))]
    assert integrator.get(f"commands/{listed[0]['id']}/").json == listed[0]


def test_a_failed_order_tells_why(integrator: Door) -> None:
    command = Command.objects.create(
        call=ended_call(),
        verb="hang_up",
        state="failed",
        error_code="call_ended",
        error_message="The call ended first.",
    )
    told = integrator.get(f"commands/{command.pk}/").json
    assert told["error"] == {"code": "call_ended", "message": "The call ended first."}


def test_streams_are_listed_of_one_call_and_of_all(integrator: Door) -> None:
    first, second = live_call(), live_call("+14255550199")
    of_first = integrator.get(f"calls/{first.pk}/streams/").json["results"]
    assert [(each["call"], each["state"], each["sample_rate_hz"]) for each in of_first] == [
        (str(first.pk), "open", 16000)
    ]
    of_all = integrator.get("streams/").json["results"]
    assert [each["call"] for each in of_all] == [str(second.pk), str(first.pk)]
    stream = StreamSession.objects.get(call=second)
    assert integrator.get(f"streams/{stream.pk}/").json == of_all[0]
    assert of_all[0]["frames_received"] == 12_350
