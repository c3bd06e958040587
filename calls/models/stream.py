"""One media socket of a call, from Azure's dial to its close, and the tokens that opened one."""

import uuid

from django.db import models
from django.utils import timezone

from calls.models.call import Call
from calls.models.seen import SeenManager


class StreamSession(models.Model):
    class State(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"
        LOST = "lost"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="streams")
    number = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN, db_index=True)
    owner = models.CharField(max_length=64, help_text="The process that holds the socket.")
    sample_rate_hz = models.PositiveIntegerField(null=True, blank=True)
    channel_type = models.CharField(max_length=8)
    bidirectional = models.BooleanField(default=True)
    subscription_id = models.CharField(max_length=128, blank=True)
    encoding = models.CharField(max_length=32, blank=True)
    channels = models.PositiveIntegerField(null=True, blank=True)
    frame_length = models.PositiveIntegerField(null=True, blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now, help_text="Last sign of life of the process that owns it.")
    closed_at = models.DateTimeField(null=True, blank=True)
    close_code = models.PositiveIntegerField(null=True, blank=True)
    close_reason = models.CharField(max_length=200, blank=True)
    first_frame_at = models.DateTimeField(null=True, blank=True)
    first_timestamps = models.JSONField(default=dict, blank=True)
    frames_received = models.PositiveBigIntegerField(default=0)
    frames_sent = models.PositiveBigIntegerField(default=0)
    gaps = models.PositiveIntegerField(default=0)
    lost_ms = models.PositiveIntegerField(default=0)
    lag_ms = models.IntegerField(default=0)
    malformed = models.PositiveIntegerField(default=0)
    malformed_kinds = models.JSONField(default=dict, blank=True)
    wrong_size = models.PositiveIntegerField(default=0)

    objects = SeenManager()

    class Meta:
        ordering = ("call", "number")
        constraints = (models.UniqueConstraint(fields=("call", "number"), name="streams_of_a_call_are_numbered"),)

    def __str__(self) -> str:
        return f"stream {self.number} of {self.call_id}"


class UsedMediaToken(models.Model):
    """A JWT opens one socket. Kept until it expires, so that a captured one is refused."""

    digest = models.CharField(max_length=64, primary_key=True)
    call = models.ForeignKey(Call, on_delete=models.CASCADE)
    used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest[:8]
