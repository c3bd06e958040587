"""One record each: a stream, a command, an injection, an event, a clip."""

from datetime import datetime

from calls.codes import explain
from calls.events import redacted
from calls.lifecycle import direction_of
from calls.models import Call, CallEvent, Clip, Command, Injection, StreamSession
from calls.selectors.shapes import ClipJson, CommandJson, EventJson, FaultJson, InjectionJson, StreamJson


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def iso_of(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fault(code: str, message: str) -> FaultJson | None:
    return {"code": code, "message": message} if code else None


def stream_json(stream: StreamSession) -> StreamJson:
    return {
        "id": str(stream.id),
        "call": str(stream.call_id),
        "number": stream.number,
        "state": stream.state,
        "owner": stream.owner,
        "sample_rate_hz": stream.sample_rate_hz,
        "channel_type": stream.channel_type,
        "bidirectional": stream.bidirectional,
        "encoding": stream.encoding,
        "channels": stream.channels,
        "frame_length": stream.frame_length,
        "subscription_id": stream.subscription_id,
        "opened_at": iso_of(stream.opened_at),
        "closed_at": iso(stream.closed_at),
        "close_code": stream.close_code,
        "close_reason": stream.close_reason,
        "first_frame_at": iso(stream.first_frame_at),
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
        "created_at": iso_of(command.created_at),
        "accepted_at": iso(command.accepted_at),
        "done_at": iso(command.done_at),
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
        "queued_at": iso_of(injection.queued_at),
        "accepted_at": iso(injection.accepted_at),
        "started_at": iso(injection.started_at),
        "ended_at": iso(injection.ended_at),
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
        "received_at": iso_of(event.received_at),
        "event_time": iso_of(event.event_time),
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
        "created_at": iso_of(clip.created_at),
    }
