"""What a call's events add up to.

The state of a call is a fold over the *set* of its events: Azure may deliver them late, twice or in any order, and the
answer is the same. Nothing here reads or writes the database; `services.settle` does.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from calls import recognisers
from calls.codes import Direction, explain
from calls.events import ParticipantSeen, participants_of
from calls.models import Call, CallEvent, Command, StreamSession

State = Call.State
Streaming = Call.Streaming
Written = Call.Written

# Last words, strongest first. After CallDisconnected nothing more comes (troubleshooting-codes). CallGone is the
# portal's own: Azure answered that it knows no such call.
LAST_WORDS: Final = ("CallDisconnected", "CreateCallFailed", "AnswerFailed", "ConnectFailed", "CallGone")
# Ends that only hold while no CallConnected says otherwise: the portal's own conclusions, and …
SOFT_ENDS: Final = (
    "PlaceRefused",
    "AnswerRefused",
    "CallRejected",
    "CallRedirected",
    "CallCancelled",
    "RingingTimedOut",
    "CallEnded",
)
# … Azure's word on one attempt to answer or place, of which a call can have had several.
ATTEMPTS: Final = {"CreateCallFailed", "AnswerFailed"}
FAILURES: Final = {"CreateCallFailed", "AnswerFailed", "ConnectFailed", "PlaceRefused", "AnswerRefused"}
# Azure's numbers for a call that we hung up, and none for one that it no longer knows.
ENDED_BY_US: Final = {(200, 7000), (None, None)}
CANCELLED_CODE: Final = 487
NOT_FOUND_CODE: Final = 404

# Which callback ends which order well, and which ends it badly.
ANSWERING_EVENTS: Final = {
    "start_streaming": ("MediaStreamingStarted", "MediaStreamingFailed"),
    "stop_streaming": ("MediaStreamingStopped", "MediaStreamingFailed"),
    "answer": ("CallConnected", "AnswerFailed"),
    "place": ("CallConnected", "CreateCallFailed"),
    "start_transcript": ("TranscriptionStarted", "TranscriptionFailed"),
    "stop_transcript": ("TranscriptionStopped", "TranscriptionFailed"),
    "change_language": ("TranscriptionUpdated", "TranscriptionFailed"),
}
# What else only a connected call has: Azure opens the media socket when the call connects (audio streaming quickstart),
# counts the people on it from then, and says so when it is asked (CallFound, the portal's own). A CallConnected that is
# late or lost changes nothing.
SIGNS_OF_CONNECTION: Final = {"StreamOpened", "MediaStreamingStarted", "CallFound"}
# An order that Azure took is known to be done by these too, should its callback be lost.
DONE_BY_SOCKET: Final = {
    "start_streaming": "StreamOpened",
    "stop_streaming": "StreamClosed",
    "start_transcript": "TranscriptOpened",
    "stop_transcript": "TranscriptClosed",
}
STREAM_NEWS: Final = {"MediaStreamingStarted", "MediaStreamingStopped", "MediaStreamingFailed", "StreamMissing"}
# What is told of a transcript that Azure writes; which of them mean that it is on.
TRANSCRIPT_ON: Final = {"TranscriptionStarted", "TranscriptionUpdated", "TranscriptionResumed", "TranscriptOpened"}
TRANSCRIPT_OFF: Final = {"TranscriptionStopped", "TranscriptionFailed", "TranscriptClosed", "TranscriptImpossible"}
# Every type that the fold looks at; a call may have thousands of others.
TELLING: Final = frozenset(
    {
        *LAST_WORDS,
        *SOFT_ENDS,
        *itertools.chain(*ANSWERING_EVENTS.values()),
        *SIGNS_OF_CONNECTION,
        *DONE_BY_SOCKET.values(),
        *STREAM_NEWS,
        *TRANSCRIPT_ON,
        *TRANSCRIPT_OFF,
        "ParticipantsUpdated",
        "CallTooLong",
        "SocketRefused",
        "TranscriptRefused",
    }
)
CALL_ENDED: Final = "call_ended"
# What the portal wrote when it stopped waiting: Azure's later word is stronger.
GAVE_UP: Final = {CALL_ENDED, "no_callback", "no_worker", "azure_timeout"}

STREAMING_COMMANDS: Final = {"start_streaming": Streaming.STARTING, "stop_streaming": Streaming.STOPPING}
CLEAN_CLOSES: Final = {1000, 1001}
REFUSED_NEAR: Final = timedelta(seconds=15)  # on either side: the two clocks are not one
WORDS_BROKEN: Final = "The transcription socket broke; Azure is expected to dial again."
BROKEN: Final = "The media socket broke. If Azure does not dial again, the portal asks it to within seconds."


@dataclass(frozen=True, slots=True)
class End:
    state: State
    at: datetime
    code: int | None
    subcode: int | None
    message: str
    text: str
    final: bool
    """False if a CallConnected, should one come, is stronger; then nothing that waits for Azure has ended."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an order ended."""

    state: Command.State
    at: datetime
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Presence:
    """One participant's whole stay, as far as the ParticipantsUpdated events tell."""

    seen: ParticipantSeen
    joined_at: datetime
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class CallFacts:
    state: State
    connected_at: datetime | None
    end: End | None
    streaming_state: Streaming
    streaming_error: str
    transcript: tuple[Written, str] | None = None
    """Whether it is written down, and why not; None where Azure does not transcribe the call itself."""
    participants: tuple[Presence, ...] = field(default=())


def fold(
    call: Call, events: Sequence[CallEvent], commands: Sequence[Command], sessions: Sequence[StreamSession]
) -> CallFacts:
    """The call's facts from all that is stored about it, in whatever order it came."""
    ordered = in_order(events)
    connected_at = _connected_at(ordered)
    end = end_of(call, ordered)
    state = _state(call, commands, connected=connected_at is not None, end=end)
    streaming_state, streaming_error = _streaming(call, ordered, commands, sessions, state)
    return CallFacts(
        state=state,
        connected_at=connected_at,
        end=end,
        streaming_state=streaming_state,
        streaming_error=streaming_error,
        transcript=_transcript(call, ordered, commands, state),
        participants=tuple(_participants(ordered, end)),
    )


def in_order(events: Iterable[CallEvent]) -> list[CallEvent]:
    """By Azure's clock. Two events of one instant still need one order on every machine: their ids give it."""
    return sorted(events, key=lambda event: (event.event_time, event.azure_id or str(event.id)))


def direction_of(call: Call) -> Direction:
    return "inbound" if call.direction == Call.Direction.INBOUND else "outbound"


def end_of(call: Call, ordered: Sequence[CallEvent]) -> End | None:
    """How the call ended; None while it lives. `ordered` as `in_order` gives them."""
    connected = _connected_at(ordered) is not None
    kinds = [kind for kind in LAST_WORDS if kind not in ATTEMPTS] if connected else (*LAST_WORDS, *SOFT_ENDS)
    for kind in kinds:
        found = next((event for event in ordered if event.type == kind), None)
        if found is None:
            continue
        # Event Grid's CallEnded says nothing of why; before anybody was connected it means that the caller gave up.
        spoken = "CallCancelled" if kind == "CallEnded" else kind
        reason = _reason(ordered, found)
        explained = explain(spoken, found.code, found.subcode, found.message, direction_of(call))
        return End(
            state=_end_state(found),
            at=found.event_time,
            code=found.code,
            subcode=found.subcode,
            message=found.message,
            text=f"{explained.text} {reason}".strip(),
            final=kind not in SOFT_ENDS,
        )
    return None


def _reason(ordered: Sequence[CallEvent], end: CallEvent) -> str:
    """Why we ended it ourselves, where Azure only says that we did."""
    if end.type not in LAST_WORDS or (end.code, end.subcode) not in ENDED_BY_US:
        return ""
    return next((event.message for event in ordered if event.type == "CallTooLong"), "")


def outcome(call: Call, command: Command, ordered: Sequence[CallEvent], end: End | None) -> Outcome | None:
    """How an order ended according to the events that carry its id, and to the call's end; None if nothing tells."""
    good, bad = ANSWERING_EVENTS.get(command.verb, ("", ""))
    answers = [event for event in ordered if event.operation_context == str(command.id)]
    done = next((event for event in answers if event.type == good), None)
    if done is not None:
        return Outcome(Command.State.DONE, done.event_time)
    unsettled = command.is_pending or command.error_code in GAVE_UP
    failed = next((event for event in answers if event.type == bad), None)
    # Done without its callback is done as far as the socket tells; Azure's word is stronger.
    unsure = unsettled or command.state == Command.State.DONE
    if failed is not None and (unsure or command.error_code == _azure_code(failed)):
        return Outcome(Command.State.FAILED, failed.event_time, _azure_code(failed), _why(failed, direction_of(call)))
    seen_at = _seen_done(command, ordered) if unsure and failed is None else None
    if seen_at is not None:
        return Outcome(Command.State.DONE, seen_at)
    if end is None or not end.final:
        return None
    if command.verb == Command.Verb.HANG_UP and (unsettled or command.state == Command.State.DONE):
        return Outcome(Command.State.DONE, end.at)
    if command.is_pending or command.error_code == CALL_ENDED:
        return Outcome(Command.State.FAILED, end.at, CALL_ENDED, f"The call ended first. {end.text}")
    return None


def _seen_done(command: Command, ordered: Sequence[CallEvent]) -> datetime | None:
    """When an order that Azure took was seen to be carried out, though the callback that says so has not come."""
    if command.accepted_at is None:
        return None
    if command.verb in {Command.Verb.ANSWER, Command.Verb.PLACE}:
        return _connected_at(ordered)
    sign = DONE_BY_SOCKET.get(command.verb)
    signs = (event for event in ordered if event.type == sign and event.event_time > command.created_at)
    return next((event.event_time for event in signs if sign == "StreamOpened" or event.code in CLEAN_CLOSES), None)


def _azure_code(event: CallEvent) -> str:
    return f"azure_{event.code}_{event.subcode}"


def _connected_at(ordered: Sequence[CallEvent]) -> datetime | None:
    """As Azure says it; if it has not, by the first other sign."""
    told = (event for event in ordered if event.type == "CallConnected")
    signs = (event for event in ordered if event.type in SIGNS_OF_CONNECTION or _is_full_roll(event))
    found = next(told, None) or next(signs, None)
    return None if found is None else found.event_time


def _is_full_roll(event: CallEvent) -> bool:
    """Somebody is on the call besides us."""
    return event.type == "ParticipantsUpdated" and len(participants_of(event.raw).participants) > 1


def _end_state(event: CallEvent) -> State:
    if event.type not in FAILURES or event.code == CANCELLED_CODE:
        return State.ENDED
    return State.ENDED if event.type == "AnswerRefused" and event.code == NOT_FOUND_CODE else State.FAILED


def _state(call: Call, commands: Iterable[Command], *, connected: bool, end: End | None) -> State:
    if end is not None:
        return end.state
    if connected:
        return State.CONNECTED
    if call.direction == Call.Direction.OUTBOUND:
        return State.RINGING if call.call_connection_id else State.CONNECTING
    answering = any(command.verb == "answer" and command.is_pending for command in commands)
    return State.CONNECTING if answering or call.call_connection_id else State.RINGING


def _streaming(
    call: Call,
    ordered: Sequence[CallEvent],
    commands: Iterable[Command],
    sessions: Sequence[StreamSession],
    state: State,
) -> tuple[Streaming, str]:
    if state in {State.ENDED, State.FAILED}:
        return Streaming.OFF, ""
    last = _newest_word(ordered, sessions)
    stopped_at = last.event_time if last is not None and last.type == "MediaStreamingStopped" else None
    # A socket that was open before Azure said "stopped" is on its way out.
    open_now = any(
        session.state == StreamSession.State.OPEN and (stopped_at is None or session.opened_at > stopped_at)
        for session in sessions
    )
    asked = [command for command in commands if command.verb in STREAMING_COMMANDS and command.is_pending]
    if asked:
        latest = max(asked, key=lambda command: (command.created_at, str(command.id)))
        wanted = STREAMING_COMMANDS[latest.verb]
        return (Streaming.STREAMING if wanted == Streaming.STARTING and open_now else wanted), ""
    if open_now:
        return Streaming.STREAMING, ""
    if stopped_at is not None:
        return Streaming.OFF, ""
    if last is not None and last.type in {"MediaStreamingFailed", "StreamMissing"}:
        return Streaming.FAILED, _why_failed(ordered, last)
    return _without_socket(call, last, sessions)


def _newest_word(ordered: Sequence[CallEvent], sessions: Iterable[StreamSession]) -> CallEvent | None:
    """What was said of streaming last; that no socket came (the portal's own word) is over when one has come."""
    opened_at = max((session.opened_at for session in sessions), default=None)
    said = (
        event
        for event in reversed(ordered)
        if event.type in STREAM_NEWS
        and not (event.type == "StreamMissing" and opened_at is not None and opened_at > event.event_time)
    )
    return next(said, None)


def _why_failed(ordered: Sequence[CallEvent], failed: CallEvent, refused: str = "SocketRefused") -> str:
    """If it was we who turned Azure's socket away just before, that is the reason."""
    turned_away = [
        event for event in ordered if event.type == refused and abs(failed.event_time - event.event_time) < REFUSED_NEAR
    ]
    return _why(turned_away[-1] if turned_away else failed)


def _why(failed: CallEvent, direction: Direction = "") -> str:
    explained = explain(failed.type, failed.code, failed.subcode, failed.message, direction)
    return f"{explained.text.rstrip('.')}. {explained.remedy}".strip() if explained.remedy else explained.text


def _without_socket(call: Call, started: CallEvent | None, sessions: Iterable[StreamSession]) -> tuple[Streaming, str]:
    """Azure means to stream, and no socket is open here: one broke, ended with the call, or is on its way."""
    closed = [
        (session.closed_at, session)
        for session in sessions
        if session.closed_at is not None and (started is None or session.closed_at >= started.event_time)
    ]
    if closed:
        _, last = max(closed, key=lambda each: (each[0], each[1].number))
        clean = last.state == StreamSession.State.CLOSED and last.close_code in CLEAN_CLOSES
        return (Streaming.OFF, "") if clean else (Streaming.FAILED, BROKEN)
    waiting = started is not None or (call.streaming_start == "now" and call.call_connection_id)
    return (Streaming.STARTING if waiting else Streaming.OFF), ""


def _transcript(
    call: Call, ordered: Sequence[CallEvent], commands: Iterable[Command], state: State
) -> tuple[Written, str] | None:
    """Azure's own transcript: what was told of it last, unless an order about it is under way or came to nothing."""
    if call.recogniser != recognisers.AZURE_CALL:
        return None
    last = _newest_of_transcript(ordered, commands)
    starts = [each for each in commands if each.verb == Command.Verb.START_TRANSCRIPT]
    start = max(starts, key=lambda each: (each.created_at, str(each.id)), default=None)
    newer = start is not None and (last is None or start.created_at > last.event_time)
    if start is not None and newer and start.state == Command.State.FAILED and start.error_code != CALL_ENDED:
        return Written.FAILED, start.error_message
    failed = last is not None and last.type in {"TranscriptionFailed", "TranscriptImpossible"}
    if last is not None and failed and not newer:
        return Written.FAILED, _why_failed(ordered, last, "TranscriptRefused")
    if state in {State.ENDED, State.FAILED}:
        return Written.OFF, ""
    if start is not None and newer and start.is_pending:
        return Written.STARTING, ""
    if last is None:
        return (Written.STARTING if call.call_connection_id else Written.OFF), ""
    if last.type == "TranscriptClosed" and last.code not in CLEAN_CLOSES:
        return Written.STARTING, WORDS_BROKEN
    return (Written.ON if last.type in TRANSCRIPT_ON else Written.OFF), ""


def _newest_of_transcript(ordered: Sequence[CallEvent], commands: Iterable[Command]) -> CallEvent | None:
    """What was told last; an order to change the language that fails says nothing, nor does an older socket's end."""
    changes = {str(each.id) for each in commands if each.verb == Command.Verb.CHANGE_LANGUAGE}
    opened = max((event.raw.get("number", 0) for event in ordered if event.type == "TranscriptOpened"), default=0)
    told = (
        event
        for event in reversed(ordered)
        if event.type in TRANSCRIPT_ON | TRANSCRIPT_OFF
        and not (event.type == "TranscriptionFailed" and event.operation_context in changes)
        and not (event.type == "TranscriptClosed" and event.raw.get("number") != opened)
    )
    return next(told, None)


def _participants(ordered: Sequence[CallEvent], end: End | None) -> Iterable[Presence]:
    rolls = [(participants_of(event.raw), event.event_time) for event in ordered if event.type == "ParticipantsUpdated"]
    # Azure numbers these updates; the numbers, not the clocks, say which one is newer.
    rolls.sort(key=lambda roll: (roll[0].sequence_number, roll[1]))
    latest: dict[str, ParticipantSeen] = {}
    joined: dict[str, datetime] = {}
    left: dict[str, datetime] = {}
    for roll, at in rolls:
        present = {seen.raw_id: seen for seen in roll.participants}
        for raw_id in latest:
            if raw_id not in present:
                left.setdefault(raw_id, at)
        for raw_id, seen in present.items():
            latest[raw_id] = seen
            joined.setdefault(raw_id, at)
            left.pop(raw_id, None)
    for raw_id, seen in latest.items():
        yield Presence(seen, joined[raw_id], left.get(raw_id, end.at if end else None))
