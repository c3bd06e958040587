"""The shapes of the answers, for the schema: `calls.selectors` fills them, and a test holds the two together."""

from typing import Any

from rest_framework import serializers
from rest_framework.serializers import (
    BooleanField,
    CharField,
    ChoiceField,
    DateTimeField,
    DictField,
    FloatField,
    IntegerField,
    JSONField,
    ListField,
    UUIDField,
)

from calls.api.bodies import ProfileBody, RecordingBody, TranscriptBody
from calls.api.timeline import KINDS
from calls.models import Call, CallEvent, CallPolicy, Command, Injection, Segment, StreamSession
from calls.models.profile import ChannelType, RecordingStart, StreamingStart

Shape = serializers.Serializer[Any]


class FaultShape(Shape):
    code = CharField()
    message = CharField()


class RefusalShape(FaultShape):
    message = CharField(help_text="What it is about, what is the matter, and what to do.")
    fields = DictField(child=CharField(), help_text="What is wrong with single members of the request.")  # type: ignore[assignment]


class ErrorShape(Shape):
    error = RefusalShape()


class LevelShape(Shape):
    rms_dbfs = FloatField(help_text="−100 is silence.")
    peak_dbfs = FloatField()
    dc = FloatField(help_text="Mean of the samples as a fraction of full scale, −1 to 1.")
    speaking = BooleanField()
    clipping = BooleanField()


class ParticipantShape(Shape):
    id = UUIDField()
    raw_id = CharField()
    kind = CharField()
    name = CharField()
    number = CharField()
    label = CharField()  # type: ignore[assignment]
    muted = BooleanField()
    on_hold = BooleanField()
    joined_at = DateTimeField()
    left_at = DateTimeField(allow_null=True)


class EndShape(Shape):
    code = IntegerField(allow_null=True)
    subcode = IntegerField(allow_null=True)
    message = CharField()
    text = CharField(help_text="The code in plain words.")


class StreamingShape(Shape):
    state = ChoiceField(choices=Call.Streaming.choices)
    sample_rate_hz = IntegerField()
    channel_type = ChoiceField(choices=ChannelType.choices)
    bidirectional = BooleanField()
    dtmf = BooleanField()
    start = ChoiceField(choices=StreamingStart.choices)
    error = CharField()


class RecordingStateShape(Shape):
    state = ChoiceField(choices=Call.Kept.choices)
    start = ChoiceField(choices=RecordingStart.choices)
    keep_days = IntegerField(allow_null=True)


class TranscriptStateShape(Shape):
    state = ChoiceField(choices=Call.Written.choices)
    recogniser = CharField(help_text="Dotted path; empty if nothing is written down.")
    source = CharField(help_text="As segments name it.")  # type: ignore[assignment]
    title = CharField(help_text="The recogniser in words.")
    note = CharField(help_text="What is to be known of it: where the sound goes, and how well it understands.")
    language = CharField()
    error = CharField()


class SensitiveShape(Shape):
    until = DateTimeField()
    by = CharField()


class LastLineShape(Shape):
    raw_id = CharField()
    speaker = CharField()
    text = CharField()


class SpokenWordShape(Shape):
    text = CharField()
    start_s = FloatField(help_text="From the segment's start.")
    end_s = FloatField()


class SegmentShape(Shape):
    id = UUIDField()
    seq = IntegerField(help_text="Numbers the changes of a call's transcript: ?after= gives what changed since.")
    kind = ChoiceField(choices=Segment.Kind.choices, help_text="A gap says in text what could not be recognised.")
    raw_id = CharField()
    participant = UUIDField(allow_null=True)
    label = CharField(help_text="Who speaks, in words.")  # type: ignore[assignment]
    side = ChoiceField(choices=("theirs", "ours"), help_text="Theirs is who calls or is called from outside.")
    start_s = FloatField(help_text="Second of the call.")
    end_s = FloatField()
    text = CharField(help_text="Empty in a final one: what its revisions said is taken back.")
    final = BooleanField()
    revision = IntegerField()
    confidence = FloatField(allow_null=True, help_text="0 to 1, where the source tells.")
    language = CharField()
    source = CharField(help_text="Short name of the recogniser.")  # type: ignore[assignment]
    words = SpokenWordShape(many=True)
    corrected = BooleanField()
    original_text = CharField(allow_null=True, help_text="What was recognised, once it is corrected.")
    corrected_by = CharField()
    corrected_at = DateTimeField(allow_null=True)


class AcsShape(Shape):
    call_connection_id = CharField()
    server_call_id = CharField()
    correlation_id = CharField()
    own_raw_id = CharField(help_text="By which Azure lists this portal among the participants; left out of them here.")


class HealthShape(Shape):
    frames_received = IntegerField()
    frames_sent = IntegerField()
    lag_ms = IntegerField(help_text="At least the age of the newest frame, when that is a second or more.")
    frame_age_ms = IntegerField(help_text="Since the newest frame came; frames come each 20 ms.")
    lost_ms = IntegerField()
    gaps = IntegerField()
    malformed = IntegerField()


class CallShape(Shape):
    id = UUIDField()
    seq = IntegerField(help_text="Number of the newest live event.")
    url = CharField(help_text="Path of the call's page.")
    direction = ChoiceField(choices=Call.Direction.choices)
    state = ChoiceField(choices=Call.State.choices)
    caller = CharField()
    callee = CharField()
    caller_text = CharField()
    callee_text = CharField()
    title = CharField(help_text="The other end, in words.")
    other_title = CharField(help_text="Our end, in words.")
    policy = CharField()
    tags = ListField(child=CharField(), help_text="By name.")
    streaming = StreamingShape()
    recording = RecordingStateShape()
    transcript = TranscriptStateShape()
    sensitive = SensitiveShape(allow_null=True, help_text="Until then nothing is kept of the sound.")
    last_line = LastLineShape(allow_null=True, help_text="The newest words of the transcript.")
    participants = ParticipantShape(many=True)
    created_at = DateTimeField()
    ringing_at = DateTimeField(allow_null=True)
    connected_at = DateTimeField(allow_null=True)
    ended_at = DateTimeField(allow_null=True)
    duration_s = FloatField(allow_null=True, help_text="Seconds talked.")
    end = EndShape(allow_null=True)
    may = DictField(child=CharField(), help_text="Verb → why it is impossible now; empty if it is possible.")
    levels = DictField(child=LevelShape(), help_text="By raw id, or `mixed`; empty when nothing streams.")
    health = HealthShape(allow_null=True, help_text="Of the open media socket; null when nothing streams.")
    acs = AcsShape()


class StreamShape(Shape):
    id = UUIDField()
    call = UUIDField()
    number = IntegerField()
    state = ChoiceField(choices=StreamSession.State.choices)
    owner = CharField()
    sample_rate_hz = IntegerField(allow_null=True)
    channel_type = ChoiceField(choices=ChannelType.choices)
    bidirectional = BooleanField()
    encoding = CharField()
    channels = IntegerField(allow_null=True)
    frame_length = IntegerField(allow_null=True)
    subscription_id = CharField()
    opened_at = DateTimeField()
    closed_at = DateTimeField(allow_null=True)
    close_code = IntegerField(allow_null=True)
    close_reason = CharField()
    first_frame_at = DateTimeField(allow_null=True)
    first_timestamps = DictField(child=CharField())
    frames_received = IntegerField()
    frames_sent = IntegerField()
    gaps = IntegerField()
    lost_ms = IntegerField()
    lag_ms = IntegerField()
    malformed = IntegerField()
    malformed_kinds = DictField(child=IntegerField())
    wrong_size = IntegerField()


class CommandShape(Shape):
    id = UUIDField()
    call = UUIDField()
    verb = ChoiceField(choices=Command.Verb.choices)
    state = ChoiceField(choices=Command.State.choices)
    error = FaultShape(allow_null=True)
    asked_by = CharField()
    created_at = DateTimeField()
    accepted_at = DateTimeField(allow_null=True)
    done_at = DateTimeField(allow_null=True)


class InjectionShape(Shape):
    id = UUIDField()
    call = UUIDField()
    state = ChoiceField(choices=Injection.State.choices)
    kind = ChoiceField(choices=Injection.Kind.choices)
    label = CharField()  # type: ignore[assignment]
    text = CharField()
    clip = UUIDField(allow_null=True)
    tone_hz = IntegerField(allow_null=True)
    voice = CharField()
    speed_wpm = IntegerField(allow_null=True)
    gain_db = FloatField()
    loop = BooleanField()
    asked_by = CharField()
    queued_at = DateTimeField()
    accepted_at = DateTimeField(allow_null=True, help_text="When the owning process had the order.")
    started_at = DateTimeField(allow_null=True)
    ended_at = DateTimeField(allow_null=True)
    duration_ms = IntegerField(allow_null=True, help_text="Null until rendered.")
    played_ms = IntegerField()
    error = FaultShape(allow_null=True)


class EventShape(Shape):
    id = UUIDField()
    type = CharField()
    source = ChoiceField(choices=CallEvent.Source.choices)  # type: ignore[assignment]
    received_at = DateTimeField()
    event_time = DateTimeField()
    offset_s = FloatField(help_text="Seconds since the call connected.")
    code = IntegerField(allow_null=True)
    subcode = IntegerField(allow_null=True)
    message = CharField()
    text = CharField(help_text="The event in plain words.")
    remedy = CharField()
    tone = CharField()
    icon = CharField()
    raw = JSONField(help_text="As Azure sent it, without its secrets.")


class ClipShape(Shape):
    id = UUIDField()
    name = CharField()
    duration_ms = IntegerField()
    sample_rate_hz = IntegerField()
    channels = IntegerField()
    size = IntegerField(help_text="Bytes of the file.")
    created_at = DateTimeField()


class PolicyShape(Shape):
    id = IntegerField()
    name = CharField()
    position = IntegerField(help_text="The lowest is asked first.")
    enabled = BooleanField()
    callee_pattern = CharField()
    caller_pattern = CharField()
    days = CharField(help_text="1 is Monday, 7 is Sunday.")
    opens_at = CharField(allow_null=True, help_text="Such as 09:00; null is all day.")
    closes_at = CharField(allow_null=True)
    time_zone = CharField()
    hours = CharField(help_text="Days and hours in words.")
    action = ChoiceField(choices=CallPolicy.Action.choices)
    reject_reason = ChoiceField(choices=CallPolicy.RejectReason.choices)
    redirect_target = CharField()
    streaming = ProfileBody()
    recording = RecordingBody()
    transcript = TranscriptBody()
    kept = CharField(help_text="What is kept of the sound, in words.")


class WordShape(Shape):
    policy = IntegerField()
    name = CharField()
    takes = BooleanField()
    obstacle = CharField(help_text="Why it would not take the call; empty if it would.")


class VerdictShape(Shape):
    policy = PolicyShape(allow_null=True, help_text="Null: the call rings the operators.")
    said = WordShape(many=True)


class KeyShape(Shape):
    id = UUIDField()
    name = CharField()
    prefix = CharField()
    scopes = ListField(child=CharField())
    created_by = CharField()
    created_at = DateTimeField()
    expires_at = DateTimeField(allow_null=True)
    last_used_at = DateTimeField(allow_null=True)
    revoked_at = DateTimeField(allow_null=True)


class IssuedKeyShape(KeyShape):
    secret = CharField(help_text="Shown once: `Authorization: Api-Key <secret>`.")


class AuditShape(Shape):
    number = IntegerField(help_text="Counts without gaps.")
    at = DateTimeField()
    actor = CharField()
    actor_kind = CharField()
    via = CharField(help_text="page, admin, api; empty for the portal itself.")
    address = CharField()
    action = CharField()
    text = CharField(help_text="Who did what, in words.")
    call = UUIDField(allow_null=True)
    target = CharField()
    target_id = CharField()
    outcome = CharField(help_text="done, or the state of the order: queued accepted done failed playing stopped.")
    facts = JSONField()
    digest = CharField(help_text="SHA-256 over the entry and the digest of the one before it.")


class MomentShape(Shape):
    kind = ChoiceField(choices=KINDS)
    at = DateTimeField()
    offset_s = FloatField(help_text="Seconds since the call connected.")
    text = CharField()
    event = EventShape(required=False)
    command = CommandShape(required=False)
    injection = InjectionShape(required=False)
    stream = StreamShape(required=False)
    audit = AuditShape(required=False, help_text="Who gave the order and from where, for who may see the audit.")
