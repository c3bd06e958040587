from typing import Any, get_args
from uuid import uuid4

import pytest

from calls.auth import Reason
from calls.codes import explain
from calls.models import Call, StreamSession
from calls.services.upkeep.troubles import (
    TOKEN_WORDS,
    TOLD_OF_ONE_KIND,
    tell_flow,
    tell_refused_callback,
    tell_refused_socket,
    tell_stall,
)


@pytest.fixture
def call(db: Any) -> Call:
    return Call.objects.create(direction="inbound", state="connected", call_connection_id=str(uuid4()))


@pytest.fixture
def stream(call: Call) -> StreamSession:
    return StreamSession.objects.create(call=call, owner="process 1", channel_type="unmixed")


def texts(call: Call) -> list[str]:
    found = call.events.order_by("received_at")
    return [explain(each.type, each.code, each.subcode, each.message).text for each in found]


def test_a_stream_that_stalls_and_flows_again_says_so(call: Call, stream: StreamSession) -> None:
    tell_stall(stream.pk, 1.4)
    tell_flow(stream.pk, 7.31)
    assert texts(call) == [
        "No sound comes any more: the media socket is open, but has brought nothing for 1 s.",
        "Sound comes again: after 7.3 s without any.",
    ]


def test_a_stream_that_is_closed_meanwhile_stalls_no_more(call: Call, stream: StreamSession) -> None:
    StreamSession.objects.update(state="closed")
    tell_stall(stream.pk, 1.4)
    assert texts(call) == []


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_for_which_a_token_is_refused_is_told_with_a_remedy(call: Call, reason: Reason) -> None:
    tell_refused_socket(call.pk, reason)
    tell_refused_callback(call.pk, reason)
    socket, message = texts(call)
    assert socket.startswith("We refused Azure's media socket: ")
    assert message.startswith("We refused a message from Azure: ")
    assert any(word in socket for word in ("Check ", "Set ", "Somebody may play Azure."))
    assert len(socket) < 200


def test_words_are_only_for_reasons_that_there_are() -> None:
    assert set(TOKEN_WORDS) < set(get_args(Reason))


def test_another_reason_is_told_in_its_own_words(call: Call) -> None:
    tell_refused_socket(call.pk, "token_used", "This token opened a socket before.")
    assert texts(call) == ["We refused Azure's media socket: This token opened a socket before."]


def test_whoever_knocks_for_hours_fills_no_timeline(call: Call) -> None:
    for _ in range(TOLD_OF_ONE_KIND + 5):
        tell_refused_callback(call.pk, "expired")
    assert call.events.count() == TOLD_OF_ONE_KIND


@pytest.mark.django_db
def test_a_call_that_is_over_or_unknown_is_told_nothing() -> None:
    over = Call.objects.create(direction="inbound", state="ended")
    tell_refused_callback(over.pk, "expired")
    tell_refused_socket(uuid4(), "expired")
    assert over.events.count() == 0
