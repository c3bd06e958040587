"""The shapes that screens, live events and API answers get. Times are ISO 8601 in UTC, see docs and the API schema."""

from typing import NotRequired, TypedDict


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


class RecordingStateJson(TypedDict):
    state: str
    start: str
    keep_days: int | None


class TranscriptStateJson(TypedDict):
    state: str
    recogniser: str
    source: str
    title: str
    note: str
    language: str
    error: str


class SensitiveJson(TypedDict):
    until: str
    by: str


class LastLineJson(TypedDict):
    raw_id: str
    speaker: str
    text: str


class WordJson(TypedDict):
    text: str
    start_s: float
    end_s: float


class SegmentJson(TypedDict):
    """`side` is theirs or ours: who calls or is called from outside, or this house. Words count from `start_s`."""

    id: str
    seq: int
    kind: str
    raw_id: str
    participant: str | None
    label: str
    side: str
    start_s: float
    end_s: float
    text: str
    final: bool
    revision: int
    confidence: float | None
    language: str
    source: str
    words: list[WordJson]
    corrected: bool
    original_text: str | None
    corrected_by: str
    corrected_at: str | None


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
    tags: list[str]
    streaming: StreamingJson
    recording: RecordingStateJson
    transcript: TranscriptStateJson
    sensitive: SensitiveJson | None
    last_line: LastLineJson | None
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
    owner: str
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


class CallDetail(TypedDict):
    """All that the page of one call shows, live or afterwards."""

    row: CallRow
    streams: list[StreamJson]
    injections: list[InjectionJson]
    commands: list[CommandJson]
    events: list[EventJson]
    segments: list[SegmentJson]
