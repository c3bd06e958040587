"""Calls: as a row of the wall and the history, and whole as their page shows them."""

from typing import Any, TypedDict

from django.db.models import Prefetch

from calls.models import Call, Participant
from calls.numbers import number_text, raw_id_text
from calls.recognisers import facts_of
from calls.selectors.annotations import tags_of
from calls.selectors.records import command_json, event_json, injection_json, iso, iso_of, stream_json
from calls.selectors.shapes import (
    CallDetail,
    CallRow,
    EndJson,
    LastLineJson,
    ParticipantJson,
    RecordingStateJson,
    SensitiveJson,
    TranscriptStateJson,
)
from calls.selectors.transcripts import newest_segments
from calls.selectors.voices import label_of, speaker
from calls.visibility import Viewer

TIMELINE_LIMIT = 2_000

VERBS = (
    *("answer", "reject", "redirect", "hang_up", "start_streaming", "stop_streaming", "speak", "stop_sound"),
    *("start_recording", "stop_recording", "pause_recording", "resume_recording", "begin_sensitive", "end_sensitive"),
    *("start_transcript", "stop_transcript", "change_language", "record_at_azure"),
)


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
        "joined_at": iso_of(participant.joined_at),
        "left_at": iso(participant.left_at),
    }


def call_row(call: Call) -> CallRow:
    """One call as the wall, the history and the API's lists show it. Prefetch `participants` and `tags`."""
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
        "tags": tags_of(call),
        "streaming": {
            "state": call.streaming_state,
            "sample_rate_hz": call.sample_rate_hz,
            "channel_type": call.channel_type,
            "bidirectional": call.bidirectional,
            "dtmf": call.dtmf,
            "start": call.streaming_start,
            "error": call.streaming_error,
        },
        **_kept(call),
        # Azure lists us too, by an id that says nothing to anybody; our own voice is shown as "us".
        "participants": [
            participant_json(each, call) for each in call.participants.all() if each.raw_id != call.own_raw_id
        ],
        "created_at": iso_of(call.created_at),
        "ringing_at": iso(call.ringing_at),
        "connected_at": iso(call.connected_at),
        "ended_at": iso(call.ended_at),
        "duration_s": call.duration_s,
        "end": None if call.is_live else _end(call),
        "may": {verb: call.may(verb) for verb in VERBS},
    }


class _Kept(TypedDict):
    recording: RecordingStateJson
    transcript: TranscriptStateJson
    sensitive: SensitiveJson | None
    last_line: LastLineJson | None


def _kept(call: Call) -> _Kept:
    """What is kept of the call's sound."""
    recogniser = facts_of(call.recogniser) if call.recogniser else None
    until, said = call.sensitive_until, call.last_line
    failed = call.transcript_state == Call.Written.FAILED
    return {
        "recording": {
            "state": call.recording_state,
            "start": call.recording_start,
            "keep_days": call.recording_keep_days,
        },
        "transcript": {
            # What ended with its call was not stopped by anybody.
            "state": call.transcript_state if call.is_live or failed else Call.Written.OFF,
            "recogniser": call.recogniser,
            "source": recogniser.source if recogniser else "",
            "title": recogniser.title if recogniser else "",
            "note": recogniser.note if recogniser else "",
            "language": call.language,
            "error": call.transcript_error,
        },
        "sensitive": {"until": iso_of(until), "by": call.sensitive_by} if until and call.is_sensitive else None,
        "last_line": {
            "raw_id": call.last_speaker,
            "speaker": speaker(call, call.last_speaker),
            "text": said,
        }
        if said
        else None,
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


def call_detail(call: Call) -> CallDetail:
    """Events are newest first, as many as fit a page (TIMELINE_LIMIT)."""
    events = call.events.order_by("-event_time", "-received_at", "-id")[:TIMELINE_LIMIT]
    return {
        "row": call_row(call),
        "streams": [stream_json(each) for each in call.streams.all()],
        "injections": [injection_json(each) for each in call.injections.all()[:200]],
        "commands": [command_json(each) for each in call.commands.all()[:200]],
        "events": [event_json(each, call) for each in events],
        "segments": newest_segments(call),
    }


def live_rows(viewer: Viewer) -> list[CallRow]:
    """Every live call that the viewer sees, ringing first, then the oldest first, as the wall lists them."""
    calls = Call.objects.visible_to(viewer).live().prefetch_related(people(), "tags")
    order = {Call.State.RINGING: 0, Call.State.CONNECTING: 1, Call.State.CONNECTED: 2}
    return [call_row(call) for call in sorted(calls, key=lambda each: (order[Call.State(each.state)], each.since))]


def just_ended_rows(viewer: Viewer, limit: int = 5) -> list[CallRow]:
    seen = Call.objects.visible_to(viewer).over()
    return [call_row(call) for call in seen.prefetch_related(people(), "tags").order_by("-ended_at")[:limit]]


def people() -> "Prefetch[Any]":
    return Prefetch("participants", queryset=Participant.objects.order_by("joined_at", "raw_id"))
