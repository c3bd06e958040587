"""A phone call and the people on it. Only `services.settle` writes a call's state."""

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.urls import reverse
from django.utils import timezone

from calls.models.policy import CallPolicy
from calls.models.profile import CaptureColumns, ProfileColumns
from calls.models.seen import SeenManager
from calls.visibility import Viewer, sight_of

ENDED = "The call has ended."
NOT_CONNECTED = "The call is not connected yet."
NOT_STREAMING = "Nothing streams, so there is no sound. Start streaming first."
_KEEPING = frozenset(
    {
        "start_recording",
        "stop_recording",
        "pause_recording",
        "resume_recording",
        "start_transcript",
        "stop_transcript",
        "change_language",
        "begin_sensitive",
        "end_sensitive",
        "record_at_azure",
    }
)


class CallQuerySet(models.QuerySet["Call"]):
    def live(self) -> Self:
        """Calls that ring, connect or talk."""
        return self.filter(state__in=Call.LIVE_STATES)

    def over(self) -> Self:
        return self.exclude(state__in=Call.LIVE_STATES)

    def visible_to(self, viewer: Viewer) -> Self:
        return sight_of(viewer).of(self)


class Call(ProfileColumns, CaptureColumns):
    class Direction(models.TextChoices):
        INBOUND = "inbound"
        OUTBOUND = "outbound"

    class State(models.TextChoices):
        RINGING = "ringing"
        CONNECTING = "connecting"
        CONNECTED = "connected"
        ENDED = "ended"
        FAILED = "failed"

    class Streaming(models.TextChoices):
        OFF = "off"
        STARTING = "starting"
        STREAMING = "streaming"
        STOPPING = "stopping"
        FAILED = "failed"

    class Kept(models.TextChoices):
        """Whether the call's sound is recorded."""

        OFF = "off"
        RECORDING = "recording"
        PAUSED = "paused"

    class Written(models.TextChoices):
        """Whether what is said is written down."""

        OFF = "off"
        STARTING = "starting"
        ON = "on"
        FAILED = "failed"

    LIVE_STATES: ClassVar = (State.RINGING, State.CONNECTING, State.CONNECTED)
    WRITING: ClassVar = (Written.STARTING, Written.ON)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    direction = models.CharField(max_length=8, choices=Direction.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RINGING, db_index=True)
    caller = models.CharField(max_length=128, blank=True, help_text="Number, or raw id of a user without one.")
    callee = models.CharField(max_length=128, blank=True)
    caller_raw_id = models.CharField(max_length=256, blank=True)
    callee_raw_id = models.CharField(max_length=256, blank=True)
    caller_name = models.CharField(max_length=128, blank=True)
    policy = models.ForeignKey(CallPolicy, null=True, blank=True, on_delete=models.SET_NULL)
    policy_name = models.CharField(max_length=80, blank=True)

    streaming_state = models.CharField(max_length=10, choices=Streaming.choices, default=Streaming.OFF)
    streaming_error = models.CharField(max_length=300, blank=True)

    recording_state = models.CharField(max_length=9, choices=Kept.choices, default=Kept.OFF)
    transcript_state = models.CharField(max_length=8, choices=Written.choices, default=Written.OFF)
    transcript_error = models.CharField(max_length=300, blank=True)
    last_line = models.CharField(max_length=200, blank=True, help_text="The newest words of the transcript.")
    last_speaker = models.CharField(max_length=256, blank=True, help_text="Raw id of who said them.")
    sensitive_until = models.DateTimeField(null=True, blank=True, help_text="Until then nothing is kept of the sound.")
    sensitive_by = models.CharField(max_length=150, blank=True)

    call_connection_id = models.CharField(max_length=128, null=True, blank=True, unique=True)
    server_call_id = models.TextField(blank=True)
    correlation_id = models.CharField(max_length=128, blank=True, db_index=True)
    own_raw_id = models.CharField(max_length=256, blank=True, help_text="By which Azure lists us on the call.")
    incoming_call_context = models.TextField(blank=True)
    incoming_key = models.CharField(max_length=64, null=True, blank=True, unique=True)

    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    ringing_at = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, db_index=True)
    end_code = models.IntegerField(null=True, blank=True)
    end_subcode = models.IntegerField(null=True, blank=True)
    end_message = models.TextField(blank=True)
    end_text = models.CharField(max_length=300, blank=True)
    live_seq = models.PositiveBigIntegerField(default=0, editable=False)
    asked_after_at = models.DateTimeField(null=True, blank=True, help_text="When Azure was asked whether it still is.")

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        permissions = (
            ("answer_call", "Can answer, reject and redirect calls"),
            ("place_call", "Can place calls"),
            ("hang_up_call", "Can hang up calls"),
            ("stream_call", "Can start and stop streaming"),
            ("inject_call", "Can speak into calls and stop sound"),
            ("listen_call", "Can listen to calls"),
            ("barge_call", "Can talk into calls"),
            ("export_call", "Can export calls"),
            ("record_call", "Can record calls, and hold back sensitive moments"),
            ("transcribe_call", "Can start and stop transcripts"),
            ("annotate_call", "Can tag calls, write notes and correct transcripts"),
            ("view_operations", "Can see processes, queues and jobs"),
            ("run_job", "Can run failed jobs again"),
        )

    def __str__(self) -> str:
        return f"{self.direction} call {self.id}"

    def get_absolute_url(self) -> str:
        return reverse("call", args=[self.id])

    @property
    def is_live(self) -> bool:
        return self.state in self.LIVE_STATES

    @property
    def since(self) -> datetime:
        """Second 0 of the call's own clock: when it connected, else when it began to ring."""
        return self.connected_at or self.ringing_at or self.created_at

    @property
    def duration_s(self) -> float | None:
        """Seconds talked; None for a call that never connected."""
        if self.connected_at is None:
            return None
        return max(0.0, ((self.ended_at or timezone.now()) - self.connected_at).total_seconds())

    def may(self, verb: str) -> str:
        """Why `verb` is impossible now, as a sentence; empty if it is possible."""
        if not self.is_live:
            return ENDED
        rings_for_us = self.state == self.State.RINGING and self.direction == self.Direction.INBOUND
        if verb in {"answer", "reject", "redirect"}:
            return "" if rings_for_us else "The call no longer rings for us."
        if verb == "hang_up":
            return "The call rings for us: answer or reject it." if rings_for_us else ""
        if self.state != self.State.CONNECTED:
            return NOT_CONNECTED
        streams = self.streaming_state == self.Streaming.STREAMING
        if verb == "start_streaming":
            busy = self.streaming_state in {self.Streaming.STREAMING, self.Streaming.STARTING}
            return "The call streams already." if busy else ""
        if verb == "stop_streaming":
            return "" if streams or self.streaming_state == self.Streaming.STARTING else "Nothing streams."
        if verb in {"speak", "stop_sound"}:
            if not self.bidirectional:
                return "This stream is one way, so the caller cannot hear us. Choose both ways in the call's policy."
            return "" if streams else "Nothing streams, so the caller cannot hear us. Start streaming first."
        if verb in _KEEPING:
            return self._may_keep(verb, streams=streams)
        raise ValueError(f"{verb!r} is no verb of a call")

    def _may_keep(self, verb: str, *, streams: bool) -> str:
        """The same for what keeps the sound."""
        sensitive = self.is_sensitive
        records, writes = self.recording_state != self.Kept.OFF, self.transcript_state in self.WRITING
        obstacles: dict[str, tuple[bool, str]] = {
            "start_recording": (
                not streams or records,
                NOT_STREAMING if not streams else "The call is recorded already.",
            ),
            "stop_recording": (not records, "Nothing is recorded."),
            "pause_recording": (self.recording_state != self.Kept.RECORDING, "Nothing is being recorded."),
            "resume_recording": (self.recording_state != self.Kept.PAUSED, "The recording is not paused."),
            "start_transcript": (writes, "The transcript is on already."),
            "stop_transcript": (not writes, "The transcript is off."),
            "change_language": (not writes, "The transcript is off."),
            "begin_sensitive": (False, ""),
            "end_sensitive": (not sensitive, "Nothing is held back."),
            "record_at_azure": (False, ""),
        }
        is_obstacle, why = obstacles[verb]
        return why if is_obstacle else ""

    @property
    def is_sensitive(self) -> bool:
        """Whether somebody holds back what is said at this moment."""
        return self.is_live and self.sensitive_until is not None and self.sensitive_until > timezone.now()


class Participant(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="participants")
    raw_id = models.CharField(max_length=256)
    kind = models.CharField(max_length=24)
    name = models.CharField(max_length=128, blank=True)
    number = models.CharField(max_length=32, blank=True)
    muted = models.BooleanField(default=False)
    on_hold = models.BooleanField(default=False)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    objects = SeenManager()

    class Meta:
        ordering = ("joined_at", "raw_id")
        constraints = (models.UniqueConstraint(fields=("call", "raw_id"), name="one_row_per_participant"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
