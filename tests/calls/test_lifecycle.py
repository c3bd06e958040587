import itertools
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.events import CallbackEvent, parse_callbacks
from calls.lifecycle import CallFacts, End, fold, in_order, outcome
from calls.lifecycle import end_of as end_of_ordered
from calls.models import Call, CallEvent, Command, StreamSession
from tests.azure_stand_in import callback, roll

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CC = "411f0200-abcd-4cdf-8a3e-000000000001"
CALLER, OWN_LEG, GUEST = "4:+14255550123", "8:acs:res_portal", "4:+14255550199"
State, Streaming = Call.State, Call.Streaming


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def heard(event: dict[str, Any]) -> CallEvent:
    """A callback as its row."""
    [parsed] = parse_callbacks(json.dumps(event).encode())
    assert isinstance(parsed, CallbackEvent)
    assert parsed.event_time is not None
    return CallEvent(
        source=CallEvent.Source.CALLBACK,
        azure_id=parsed.id,
        type=parsed.type,
        event_time=parsed.event_time,
        operation_context=parsed.operation_context,
        code=parsed.code,
        subcode=parsed.subcode,
        message=parsed.message,
        raw=parsed.raw,
    )


def seen(event_type: str, second: float, **fields: Any) -> CallEvent:
    """What the portal or a socket itself saw."""
    return CallEvent(source=CallEvent.Source.PORTAL, type=event_type, event_time=at(second), **fields)


def azure(event_type: str, second: float, **fields: Any) -> CallEvent:
    return heard(callback(event_type, CC, at=at(second), **fields))


def session(opened: float, closed: float | None = None, code: int | None = 1000, number: int = 1) -> StreamSession:
    if closed is None:
        return StreamSession(number=number, state=StreamSession.State.OPEN, opened_at=at(opened))
    closed_state = StreamSession.State.CLOSED
    return StreamSession(number=number, state=closed_state, opened_at=at(opened), closed_at=at(closed), close_code=code)


def lost(opened: float, closed: float) -> StreamSession:
    return StreamSession(state=StreamSession.State.LOST, opened_at=at(opened), closed_at=at(closed))


def asked(verb: str, second: float, state: str = "accepted") -> Command:
    taken = {"accepted_at": at(second)} if state == "accepted" else {}
    return Command(verb=verb, state=state, created_at=at(second), **taken)


@dataclass
class Life:
    """A call in memory, to which events come one after another."""

    direction: str = "inbound"
    connection_id: str | None = CC
    start: str = "later"
    events: dict[str, CallEvent] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    sessions: list[StreamSession] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.call = Call(direction=self.direction, call_connection_id=self.connection_id, streaming_start=self.start)

    def hear(self, *events: CallEvent) -> CallFacts:
        for event in events:
            self.events[event.azure_id or str(event.id)] = event
            ordered = in_order(self.events.values())
            for command in self.commands:
                found = outcome(self.call, command, ordered, end_of_ordered(self.call, ordered))
                if found is not None:
                    command.state, command.done_at = found.state, found.at
                    command.error_code, command.error_message = found.code, found.message
        return self.facts()

    def facts(self) -> CallFacts:
        return fold(self.call, list(self.events.values()), self.commands, self.sessions)

    def orders(self) -> list[tuple[str, str, datetime | None, str, str]]:
        return [(each.verb, each.state, each.done_at, each.error_code, each.error_message) for each in self.commands]


ANSWER, START_ORDER, STOP_ORDER, HANG_UP = (str(uuid4()) for _ in range(4))


def commands_of_a_life() -> list[Command]:
    found = []
    for verb, name, second in (
        ("answer", ANSWER, -1),
        ("start_streaming", START_ORDER, 1),
        ("stop_streaming", STOP_ORDER, 19),
        ("hang_up", HANG_UP, 29),
    ):
        command = asked(verb, second)
        command.pk = name
        found.append(command)
    return found


LIFE = [
    azure("CallConnected", 0, context=ANSWER),
    heard(roll(CC, 1, CALLER, OWN_LEG, at=at(0.1))),
    heard(roll(CC, 4, CALLER, GUEST, at=at(6))),
    azure("MediaStreamingStarted", 2, context=START_ORDER),
    azure("MediaStreamingStopped", 20, context=STOP_ORDER),
    azure("CallDisconnected", 30, subcode=7000),
]


def lived(events: Iterable[CallEvent]) -> tuple[CallFacts, list[Any]]:
    life = Life(commands=commands_of_a_life(), sessions=[session(2, 20)])
    return life.hear(*events), life.orders()


def test_a_whole_life_adds_up_to_this() -> None:
    facts, orders = lived(LIFE)
    assert facts.state == State.ENDED
    assert facts.connected_at == at(0)
    assert facts.end == End(State.ENDED, at(30), 200, 7000, "", "The portal ended the call.", final=True)
    assert (facts.streaming_state, facts.streaming_error) == (Streaming.OFF, "")
    assert {each.seen.raw_id: (each.joined_at, each.left_at) for each in facts.participants} == {
        CALLER: (at(0.1), at(30)),
        OWN_LEG: (at(0.1), at(6)),
        GUEST: (at(6), at(30)),
    }
    assert orders == [
        ("answer", "done", at(0), "", ""),
        ("start_streaming", "done", at(2), "", ""),
        ("stop_streaming", "done", at(20), "", ""),
        ("hang_up", "done", at(30), "", ""),
    ]


def test_all_720_orders_of_a_life_end_in_the_same_state() -> None:
    expected = lived(LIFE)
    orders = list(itertools.permutations(LIFE))
    assert len(orders) == 720
    assert all(lived(each) == expected for each in orders)


def test_repeated_events_change_nothing() -> None:
    expected = lived(LIFE)
    chance = random.Random(7)
    for _ in range(100):
        five_times = LIFE * 5
        chance.shuffle(five_times)
        assert lived(five_times) == expected


FAILING = [
    azure("CallConnected", 0, context=ANSWER),
    azure("MediaStreamingFailed", 2, context=START_ORDER, code=500, subcode=8603),
    azure("CallDisconnected", 30),
    seen("RingingTimedOut", 31),
]


def test_a_failed_order_fails_for_azures_reason_in_any_order_of_events() -> None:
    expected = lived(FAILING)
    assert expected[1][1][1:4] == ("failed", at(2), "azure_500_8603")
    assert all(lived(each) == expected for each in itertools.permutations(FAILING))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*LIFE, *FAILING[1:]]), min_size=1, max_size=24))
def test_any_events_in_any_order_and_number_add_up_to_their_set(told: list[CallEvent]) -> None:
    once = list({id(event): event for event in told}.values())
    assert lived(told) == lived(in_order(once)) == lived(reversed(once))


@pytest.mark.parametrize(
    ("direction", "connection_id", "commands", "state"),
    [
        ("inbound", None, [], State.RINGING),
        ("inbound", None, [asked("answer", 0, "queued")], State.CONNECTING),
        ("inbound", None, [asked("answer", 0, "failed")], State.RINGING),
        ("inbound", CC, [], State.CONNECTING),
        ("outbound", None, [asked("place", 0, "queued")], State.CONNECTING),
        ("outbound", CC, [asked("place", 0, "accepted")], State.RINGING),
    ],
)
def test_a_call_without_events_is_where_its_orders_are(
    direction: str, connection_id: str | None, commands: list[Command], state: str
) -> None:
    assert Life(direction, connection_id, commands=commands).facts().state == state


@pytest.mark.parametrize(
    ("direction", "event", "state", "text"),
    [
        ("inbound", seen("RingingTimedOut", 31), State.ENDED, "Nobody here answered within 30 s."),
        ("inbound", seen("CallEnded", 5), State.ENDED, "The caller gave up before we answered."),
        ("inbound", seen("CallRejected", 5), State.ENDED, "We rejected the call."),
        (
            "inbound",
            seen("AnswerRefused", 5, code=404, subcode=8522),
            State.ENDED,
            "The caller had already gone.",
        ),
        (
            "inbound",
            seen("AnswerRefused", 5, message="Azure is not connected: set ACS_ENDPOINT."),
            State.FAILED,
            "Azure did not let us answer. Azure is not connected: set ACS_ENDPOINT.",
        ),
        ("inbound", azure("AnswerFailed", 5, code=487), State.ENDED, "The caller gave up before we answered."),
        ("inbound", azure("AnswerFailed", 5, code=408, subcode=4506), State.FAILED, "Answering took too long."),
        ("outbound", azure("CreateCallFailed", 5, code=480, subcode=560480), State.FAILED, "Nobody answered."),
        (
            "outbound",
            azure("CreateCallFailed", 5, code=487, subcode=540487),
            State.ENDED,
            "The call was canceled before anybody answered.",
        ),
        (
            "outbound",
            azure("CallDisconnected", 5, code=487, subcode=0),
            State.ENDED,
            "The call was canceled before anybody answered.",
        ),
        (
            "outbound",
            seen("PlaceRefused", 1, code=403, subcode=7507),
            State.FAILED,
            "Azure did not place the call. The number we call from belongs to another resource.",
        ),
        ("outbound", azure("ConnectFailed", 5, code=408, subcode=10057), State.FAILED, "The call could not be set up"),
        ("inbound", seen("CallGone", 5), State.ENDED, "Azure no longer knows this call"),
    ],
)
def test_every_end_before_a_connection_is_told_in_plain_words(
    direction: str, event: CallEvent, state: str, text: str
) -> None:
    end = Life(direction).hear(event).end
    assert end is not None
    assert (end.state, end.at) == (state, event.event_time)
    assert end.text.startswith(text)


SOFT = ["PlaceRefused", "AnswerRefused", "CallRejected", "CallCancelled", "RingingTimedOut", "CallEnded"]


@pytest.mark.parametrize("kind", SOFT)
def test_a_call_that_connects_after_all_is_connected(kind: str) -> None:
    for events in itertools.permutations([seen(kind, 5), azure("CallConnected", 6)]):
        facts = Life().hear(*events)
        assert (facts.state, facts.end) == (State.CONNECTED, None)


@pytest.mark.parametrize("kind", ["AnswerFailed", "CreateCallFailed"])
def test_a_failed_attempt_does_not_end_a_call_that_another_attempt_connected(kind: str) -> None:
    assert Life().hear(azure("CallConnected", 3), azure(kind, 5, code=487, subcode=10003)).state == State.CONNECTED


def test_a_call_of_longest_duration_ends_also_if_azure_calls_it_a_failed_connection() -> None:
    end = Life().hear(azure("CallConnected", 0), azure("ConnectFailed", 9, code=429, subcode=10110)).end
    assert end is not None
    assert end.text == "The call reached Azure's longest duration."


def test_azures_word_on_the_end_is_stronger_than_ours() -> None:
    for events in itertools.permutations([seen("CallGone", 90), azure("CallDisconnected", 30, subcode=5010)]):
        end = Life().hear(azure("CallConnected", 0), *events).end
        assert end is not None
        assert (end.at, end.subcode) == (at(30), 5010)


@pytest.mark.parametrize("given_up", ["no_callback", "no_worker", "azure_timeout"])
def test_a_late_callback_brings_an_order_to_life_that_was_given_up(given_up: str) -> None:
    command = asked("answer", -1, "failed")
    command.error_code = given_up
    life = Life(commands=[command])
    life.hear(azure("CallConnected", 70, context=str(command.pk)))
    assert life.orders() == [("answer", "done", at(70), "", "")]


def test_an_order_that_azure_refused_stays_failed_when_the_call_ends() -> None:
    command = asked("start_streaming", 1, "failed")
    command.error_code = "azure_refused"
    life = Life(commands=[command])
    life.hear(azure("CallConnected", 0), azure("CallDisconnected", 30))
    assert (command.state, command.error_code) == ("failed", "azure_refused")


def test_a_callback_without_or_with_another_context_answers_no_order() -> None:
    command = asked("start_streaming", 1)
    life = Life(commands=[command])
    life.hear(azure("MediaStreamingStarted", 2), azure("MediaStreamingStarted", 3, context=str(uuid4())))
    assert command.state == "accepted"


def test_what_waits_fails_when_the_call_ends_and_hanging_up_is_done() -> None:
    life = Life(commands=[asked("start_streaming", 5), asked("stop_sound", 6, "queued"), asked("hang_up", 7)])
    life.hear(azure("CallConnected", 0), azure("CallDisconnected", 9, subcode=7000))
    ended = "The call ended first. The portal ended the call."
    assert life.orders() == [
        ("start_streaming", "failed", at(9), "call_ended", ended),
        ("stop_sound", "failed", at(9), "call_ended", ended),
        ("hang_up", "done", at(9), "", ""),
    ]


def streaming(*events: CallEvent, sessions: Iterable[StreamSession] = (), **fields: Any) -> str:
    life = Life(sessions=list(sessions), **fields)
    return life.hear(azure("CallConnected", 0), *events).streaming_state


STARTED, STOPPED = azure("MediaStreamingStarted", 10), azure("MediaStreamingStopped", 20)
FAILED = azure("MediaStreamingFailed", 10, code=500, subcode=8603)


def test_streaming_follows_orders_sockets_and_callbacks() -> None:
    assert streaming() == Streaming.OFF
    assert streaming(start="now") == Streaming.STARTING
    assert streaming(commands=[asked("start_streaming", 5)]) == Streaming.STARTING
    assert streaming(STARTED) == Streaming.STARTING
    assert streaming(sessions=[session(9)]) == Streaming.STREAMING
    assert streaming(STARTED, sessions=[session(9)]) == Streaming.STREAMING
    assert streaming(STARTED, sessions=[session(11)]) == Streaming.STREAMING
    assert streaming(STARTED, sessions=[session(9)], commands=[asked("stop_streaming", 19)]) == Streaming.STOPPING
    assert streaming(STARTED, STOPPED, sessions=[session(9, 20.1)]) == Streaming.OFF
    assert streaming(STARTED, STOPPED, sessions=[session(9, 19.9)]) == Streaming.OFF


def test_a_socket_that_lingers_behind_stopped_is_not_streaming() -> None:
    assert streaming(STARTED, STOPPED, sessions=[session(9)]) == Streaming.OFF


def test_streaming_can_start_and_stop_any_number_of_times() -> None:
    events: list[CallEvent] = []
    sessions: list[StreamSession] = []
    for number in range(1, 6):
        second = number * 100.0
        asking = [asked("start_streaming", second)]
        assert streaming(*events, sessions=sessions, commands=asking) == Streaming.STARTING
        events.append(azure("MediaStreamingStarted", second + 1))
        assert streaming(*events, sessions=sessions) == Streaming.STARTING, "the new socket is on its way"
        now_open = [*sessions, session(second + 2, number=number)]
        assert streaming(*events, sessions=now_open) == Streaming.STREAMING
        sessions.append(session(second + 2, second + 50, number=number))
        events.append(azure("MediaStreamingStopped", second + 50))
        assert streaming(*events, sessions=sessions) == Streaming.OFF


def test_a_new_socket_streams_before_azure_says_that_it_started() -> None:
    sessions = [session(9, 20), session(30, number=2)]
    assert (
        streaming(STARTED, STOPPED, sessions=sessions, commands=[asked("start_streaming", 29)]) == Streaming.STREAMING
    )
    assert streaming(STARTED, STOPPED, sessions=sessions) == Streaming.STREAMING


def test_a_failed_start_says_why_and_can_be_repeated() -> None:
    facts = Life().hear(azure("CallConnected", 0), FAILED)
    assert (facts.streaming_state, facts.streaming_error) == (
        Streaming.FAILED,
        "Azure could not open our media socket. Start streaming again; if it repeats, check that PUBLIC_URL is "
        "reachable from the internet by wss.",
    )
    assert streaming(FAILED, commands=[asked("start_streaming", 11)]) == Streaming.STARTING
    assert streaming(FAILED, azure("MediaStreamingStarted", 12), sessions=[session(12)]) == Streaming.STREAMING


@pytest.mark.parametrize("events", [[STARTED], []])
def test_a_socket_that_broke_is_told_until_azure_comes_back(events: list[CallEvent]) -> None:
    for broken in (session(10.5, 15, 1006), session(10.5, 15, 1012), session(10.5, 15, None), lost(10.5, 15)):
        facts = Life(start="now", sessions=[broken]).hear(azure("CallConnected", 0), *events)
        assert facts.streaming_state == Streaming.FAILED
        assert facts.streaming_error.startswith("The media socket broke.")
        assert streaming(*events, sessions=[broken, session(16, number=2)]) == Streaming.STREAMING


def test_a_socket_that_azure_closed_well_ends_the_streaming() -> None:
    assert streaming(STARTED, sessions=[session(10.5, 15, 1000)]) == Streaming.OFF
    assert streaming(STARTED, sessions=[session(10.5, 15, 1001)]) == Streaming.OFF


def test_nothing_streams_when_the_call_is_over() -> None:
    events = [STARTED, azure("CallDisconnected", 30)]
    assert streaming(*events, sessions=[session(9)]) == Streaming.OFF
    assert streaming(*events, commands=[asked("start_streaming", 29, "queued")]) == Streaming.OFF


def test_a_media_socket_may_come_before_the_call_is_connected() -> None:
    facts = Life(sessions=[session(-1)], start="now").facts()
    assert (facts.state, facts.streaming_state) == (State.CONNECTING, Streaming.STREAMING)


def test_participants_follow_azures_numbers_and_not_the_clocks() -> None:
    late = heard(roll(CC, 1, CALLER, OWN_LEG, at=at(9)))
    early = heard(roll(CC, 5, CALLER, at=at(8)))
    for events in itertools.permutations([late, early]):
        stays = {each.seen.raw_id: each.left_at for each in Life().hear(*events).participants}
        assert stays == {CALLER: None, OWN_LEG: at(8)}


def test_who_comes_back_has_not_left() -> None:
    rolls = [
        heard(roll(CC, n, *who, at=at(n))) for n, who in ((1, [CALLER, GUEST]), (3, [CALLER]), (4, [CALLER, GUEST]))
    ]
    for events in itertools.permutations(rolls):
        stays = {each.seen.raw_id: (each.joined_at, each.left_at) for each in Life().hear(*events).participants}
        assert stays == {CALLER: (at(1), None), GUEST: (at(1), None)}


@pytest.mark.parametrize(
    "sign",
    [
        seen("StreamOpened", 3),
        seen("CallFound", 3),
        azure("MediaStreamingStarted", 3),
        heard(roll(CC, 1, OWN_LEG, CALLER, at=at(3))),
    ],
    ids=["its socket", "what Azure says when asked", "streaming", "who is on it"],
)
def test_a_call_whose_connection_is_not_told_is_known_by(sign: CallEvent) -> None:
    life = Life(commands=[asked("answer", 1)])
    life.commands[0].pk = ANSWER
    assert life.facts().state == State.CONNECTING
    facts = life.hear(sign)
    assert (facts.state, facts.connected_at) == (State.CONNECTED, at(3))
    assert life.orders()[0][:3] == ("answer", "done", at(3))
    facts = life.hear(azure("CallConnected", 2, context=ANSWER))
    assert facts.connected_at == life.orders()[0][2] == at(2)


def test_our_own_leg_alone_is_no_connected_call() -> None:
    facts = Life(direction="outbound").hear(heard(roll(CC, 1, OWN_LEG)))
    assert facts.state == State.RINGING


def test_an_order_for_streaming_whose_event_is_lost_is_done_by_its_socket() -> None:
    life = Life(commands=[asked("start_streaming", 1), asked("stop_streaming", 5), asked("stop_streaming", 8)])
    for command in life.commands:
        command.pk = str(uuid4())
    life.hear(azure("CallConnected", 0), seen("StreamOpened", 0.5), seen("StreamOpened", 2))
    assert [each[1] for each in life.orders()] == ["done", "accepted", "accepted"]
    life.hear(seen("StreamClosed", 6, code=1000), seen("StreamClosed", 9, code=1006))
    assert [each[1:3] for each in life.orders()] == [("done", at(2)), ("done", at(6)), ("accepted", None)]


def test_azures_word_that_a_stream_failed_is_stronger_than_its_socket() -> None:
    for events in itertools.permutations(
        [azure("CallConnected", 0), seen("StreamOpened", 2), azure("MediaStreamingFailed", 3, context=START_ORDER)]
    ):
        life = Life(commands=[asked("start_streaming", 1)])
        life.commands[0].pk = START_ORDER
        life.hear(*events)
        assert life.orders()[0][1] == "failed"


def test_an_answer_that_azure_never_took_is_not_done_by_another() -> None:
    life = Life(commands=[asked("answer", 1, "queued"), asked("answer", 2)])
    for command in life.commands:
        command.pk = str(uuid4())
    life.hear(seen("StreamOpened", 3))
    assert [each[1] for each in life.orders()] == ["queued", "done"]


def test_a_stream_that_fails_because_we_turned_its_socket_away_says_so() -> None:
    refused = seen("SocketRefused", 4, message="its token has expired. Check this machine's clock.")
    for events in itertools.permutations([azure("CallConnected", 0), refused, FAILED]):
        facts = Life().hear(*events)
        assert facts.streaming_error == (
            "We refused Azure's media socket: its token has expired. Check this machine's clock."
        )
    assert "PUBLIC_URL" in Life().hear(azure("CallConnected", 0), seen("SocketRefused", -100), FAILED).streaming_error


def test_a_stream_that_never_came_has_failed_until_one_comes() -> None:
    missing = seen("StreamMissing", 20, message="Azure opened no media socket within 20 s.")
    life = Life(start="now")
    facts = life.hear(azure("CallConnected", 0), missing)
    assert facts.streaming_error == "Streaming failed: Azure opened no media socket within 20 s."
    assert facts.streaming_state == Streaming.FAILED
    life.sessions = [session(30)]
    assert life.facts().streaming_state == Streaming.STREAMING
    life.sessions = [session(30, 40)]
    assert life.facts().streaming_state == Streaming.OFF
