"""What a screen, a live event or an API answer needs, as TypedDicts. Nothing here writes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from django.db.models import Prefetch

from calls.codes import explain
from calls.events import redacted
from calls.lifecycle import direction_of
from calls.models import Call, CallEvent, Clip, Command, Injection, Participant, StreamSession
from calls.numbers import number_text, raw_id_text

TIMELINE_LIMIT = 2_000


class FaultJson(TypedDict):
    code: str
    message: str


class ParticipantJson(TypedDict):
    id: str
    raw_id: str
    kind: str
    name: str
    number: str
    label: str
    muted: bool
    on_hold: bool
    joined_at: str
    left_at: str | None


class EndJson(TypedDict):
    code: int | None
    subcode: int | None
    message: str
    text: str


class StreamingJson(TypedDict):
    state: str
    sample_rate_hz: int
    channel_type: str
    bidirectional: bool
    dtmf: bool
    start: str
    error: str


class CallRow(TypedDict):
    id: str
    seq: int
    url: str
    direction: str
    state: str
    caller: str
    callee: str
    caller_text: str
    callee_text: str
    title: str
    other_title: str
    policy: str
    streaming: StreamingJson
    participants: list[ParticipantJson]
    created_at: str
    ringing_at: str | None
    connected_at: str | None
    ended_at: str | None
    duration_s: float | None
    end: EndJson | None
    may: dict[str, str]


class StreamJson(TypedDict):
    id: str
    call: str
    number: int
    state: str
    sample_rate_hz: int | None
    channel_type: str
    bidirectional: bool
    encoding: str
    channels: int | None
    frame_length: int | None
    subscription_id: str
    opened_at: str
    closed_at: str | None
    close_code: int | None
    close_reason: str
    first_frame_at: str | None
    first_timestamps: dict[str, str]
    frames_received: int
    frames_sent: int
    gaps: int
    lost_ms: int
    lag_ms: int
    malformed: int
    malformed_kinds: dict[str, int]
    wrong_size: int


class CommandJson(TypedDict):
    id: str
    call: str
    verb: str
    state: str
    error: FaultJson | None
    asked_by: str
    created_at: str
    accepted_at: str | None
    done_at: str | None


class InjectionJson(TypedDict):
    id: str
    call: str
    state: str
    kind: str
    label: str
    text: str
    clip: str | None
    tone_hz: int | None
    voice: str
    speed_wpm: int | None
    gain_db: float
    loop: bool
    asked_by: str
    queued_at: str
    accepted_at: str | None
    started_at: str | None
    ended_at: str | None
    duration_ms: int | None
    played_ms: int
    error: FaultJson | None


class EventJson(TypedDict):
    id: str
    type: str
    source: str
    received_at: str
    event_time: str
    offset_s: float
    code: int | None
    subcode: int | None
    message: str
    text: str
    remedy: str
    tone: str
    icon: str
    raw: NotRequired[object]


class ClipJson(TypedDict):
    id: str
    name: str
    duration_ms: int
    sample_rate_hz: int
    channels: int
    size: int
    created_at: str


VERBS = ("answer", "reject", "hang_up", "start_streaming", "stop_streaming", "speak", "stop_sound")


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def _iso_of(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fault(code: str, message: str) -> FaultJson | None:
    return {"code": code, "message": message} if code else None


def participant_json(participant: Participant, call: Call) -> ParticipantJson:
    return {
        "id": str(participant.id),
        "raw_id": participant.raw_id,
        "kind": participant.kind,
        "name": participant.name,
        "number": participant.number,
        "label": label_of(call, participant.raw_id, participant.name),
        "muted": participant.muted,
        "on_hold": participant.on_hold,
        "joined_at": _iso_of(participant.joined_at),
        "left_at": _iso(participant.left_at),
    }


def label_of(call: Call, raw_id: str, name: str = "") -> str:
    """What people call this voice: its name, its part in the call, or its id in words."""
    if name:
        return name
    if raw_id == call.caller_raw_id:
        return call.caller_name or "Caller"
    if raw_id == call.callee_raw_id:
        return "Callee"
    return raw_id_text(raw_id)


def call_row(call: Call) -> CallRow:
    """One call as the wall, the history and the API's lists show it. Prefetch `participants`."""
    inbound = call.direction == Call.Direction.INBOUND
    caller_text, callee_text = _who(call.caller, call.caller_raw_id), _who(call.callee, call.callee_raw_id)
    return {
        "id": str(call.id),
        "seq": call.live_seq,
        "url": call.get_absolute_url(),
        "direction": call.direction,
        "state": call.state,
        "caller": call.caller,
        "callee": call.callee,
        "caller_text": caller_text,
        "callee_text": callee_text,
        "title": caller_text if inbound else callee_text,
        "other_title": callee_text if inbound else caller_text,
        "policy": call.policy_name,
        "streaming": {
            "state": call.streaming_state,
            "sample_rate_hz": call.sample_rate_hz,
            "channel_type": call.channel_type,
            "bidirectional": call.bidirectional,
            "dtmf": call.dtmf,
            "start": call.streaming_start,
            "error": call.streaming_error,
        },
        "participants": [participant_json(each, call) for each in call.participants.all()],
        "created_at": _iso_of(call.created_at),
        "ringing_at": _iso(call.ringing_at),
        "connected_at": _iso(call.connected_at),
        "ended_at": _iso(call.ended_at),
        "duration_s": call.duration_s,
        "end": None if call.is_live else _end(call),
        "may": {verb: call.may(verb) for verb in VERBS},
    }


def _who(number: str, raw_id: str) -> str:
    return raw_id_text(raw_id) if raw_id else number_text(number)


def _end(call: Call) -> EndJson:
    return {
        "code": call.end_code,
        "subcode": call.end_subcode,
        "message": call.end_message,
        "text": call.end_text,
    }


def stream_json(stream: StreamSession) -> StreamJson:
    return {
        "id": str(stream.id),
        "call": str(stream.call_id),
        "number": stream.number,
        "state": stream.state,
        "sample_rate_hz": stream.sample_rate_hz,
        "channel_type": stream.channel_type,
        "bidirectional": stream.bidirectional,
        "encoding": stream.encoding,
        "channels": stream.channels,
        "frame_length": stream.frame_length,
        "subscription_id": stream.subscription_id,
        "opened_at": _iso_of(stream.opened_at),
        "closed_at": _iso(stream.closed_at),
        "close_code": stream.close_code,
        "close_reason": stream.close_reason,
        "first_frame_at": _iso(stream.first_frame_at),
        "first_timestamps": stream.first_timestamps,
        "frames_received": stream.frames_received,
        "frames_sent": stream.frames_sent,
        "gaps": stream.gaps,
        "lost_ms": stream.lost_ms,
        "lag_ms": stream.lag_ms,
        "malformed": stream.malformed,
        "malformed_kinds": stream.malformed_kinds,
        "wrong_size": stream.wrong_size,
    }


def command_json(command: Command) -> CommandJson:
    return {
        "id": str(command.id),
        "call": str(command.call_id),
        "verb": command.verb,
        "state": command.state,
        "error": _fault(command.error_code, command.error_message),
        "asked_by": command.asked_by,
        "created_at": _iso_of(command.created_at),
        "accepted_at": _iso(command.accepted_at),
        "done_at": _iso(command.done_at),
    }


def injection_json(injection: Injection) -> InjectionJson:
    return {
        "id": str(injection.id),
        "call": str(injection.call_id),
        "state": injection.state,
        "kind": injection.kind,
        "label": injection.label,
        "text": injection.text,
        "clip": str(injection.clip_id) if injection.clip_id else None,
        "tone_hz": injection.tone_hz,
        "voice": injection.voice,
        "speed_wpm": injection.speed_wpm,
        "gain_db": injection.gain_db,
        "loop": injection.loop,
        "asked_by": injection.asked_by,
        "queued_at": _iso_of(injection.queued_at),
        "accepted_at": _iso(injection.accepted_at),
        "started_at": _iso(injection.started_at),
        "ended_at": _iso(injection.ended_at),
        "duration_ms": injection.duration_ms,
        "played_ms": injection.played_ms,
        "error": _fault(injection.error_code, injection.error_message),
    }


def event_json(event: CallEvent, call: Call, *, with_raw: bool = False) -> EventJson:
    explained = explain(event.type, event.code, event.subcode, event.message, direction_of(call))
    found: EventJson = {
        "id": str(event.id),
        "type": event.type,
        "source": event.source,
        "received_at": _iso_of(event.received_at),
        "event_time": _iso_of(event.event_time),
        "offset_s": round((event.event_time - call.since).total_seconds(), 3),
        "code": event.code,
        "subcode": event.subcode,
        "message": event.message,
        "text": explained.text,
        "remedy": explained.remedy,
        "tone": explained.tone,
        "icon": explained.icon,
    }
    if with_raw:
        found["raw"] = redacted(event.raw)
    return found


def clip_json(clip: Clip) -> ClipJson:
    return {
        "id": str(clip.id),
        "name": clip.name,
        "duration_ms": clip.duration_ms,
        "sample_rate_hz": clip.sample_rate_hz,
        "channels": clip.channels,
        "size": clip.size,
        "created_at": _iso_of(clip.created_at),
    }


class CallDetail(TypedDict):
    """All that the page of one call shows, live or afterwards."""

    row: CallRow
    streams: list[StreamJson]
    injections: list[InjectionJson]
    commands: list[CommandJson]
    events: list[EventJson]


def call_detail(call: Call) -> CallDetail:
    """Events are newest first, as many as fit a page (TIMELINE_LIMIT)."""
    events = call.events.order_by("-event_time", "-received_at", "-id")[:TIMELINE_LIMIT]
    return {
        "row": call_row(call),
        "streams": [stream_json(each) for each in call.streams.all()],
        "injections": [injection_json(each) for each in call.injections.all()[:200]],
        "commands": [command_json(each) for each in call.commands.all()[:200]],
        "events": [event_json(each, call) for each in events],
    }


def live_rows() -> list[CallRow]:
    """Every live call, ringing first, then the oldest first, as the wall lists them."""
    calls = Call.objects.live().prefetch_related(people())
    order = {Call.State.RINGING: 0, Call.State.CONNECTING: 1, Call.State.CONNECTED: 2}
    return [call_row(call) for call in sorted(calls, key=lambda each: (order[Call.State(each.state)], each.since))]


def just_ended_rows(limit: int = 5) -> list[CallRow]:
    calls: Iterable[Call] = Call.objects.over().prefetch_related(people()).order_by("-ended_at")[:limit]
    return [call_row(call) for call in calls]


def people() -> "Prefetch[Any]":
    return Prefetch("participants", queryset=Participant.objects.order_by("joined_at", "raw_id"))
