"""A sound that we play into a call. Written by the service until the owning process has it, then by that process."""

import uuid

from django.db import models
from django.utils import timezone

from calls.models.call import Call
from calls.models.clip import Clip
from calls.models.seen import SeenManager


class Injection(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        PLAYING = "playing"
        DONE = "done"
        STOPPED = "stopped"
        FAILED = "failed"

    class Kind(models.TextChoices):
        TEXT = "text"
        TONE = "tone"
        CLIP = "clip"
        FILE = "file"

    OVER = (State.DONE, State.STOPPED, State.FAILED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="injections")
    kind = models.CharField(max_length=4, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED, db_index=True)
    text = models.TextField(blank=True)
    voice = models.CharField(max_length=64, blank=True)
    speed_wpm = models.PositiveIntegerField(null=True, blank=True)
    tone_hz = models.PositiveIntegerField(null=True, blank=True)
    tone_ms = models.PositiveIntegerField(null=True, blank=True)
    clip = models.ForeignKey(Clip, null=True, blank=True, on_delete=models.SET_NULL)
    name = models.CharField(max_length=200, blank=True, help_text="Name of the clip or file.")
    file = models.FileField(upload_to="injections/", blank=True)
    gain_db = models.FloatField(default=0.0)
    loop = models.BooleanField(default=False)
    asked_by = models.CharField(max_length=150)
    queued_at = models.DateTimeField(default=timezone.now)
    accepted_at = models.DateTimeField(null=True, blank=True)
    owner = models.CharField(max_length=64, blank=True, help_text="The process that took the order.")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    played_ms = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)

    objects = SeenManager()

    class Meta:
        ordering = ("-queued_at", "-id")

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def label(self) -> str:
        """What plays, in a few words."""
        if self.kind == self.Kind.TEXT:
            return self.text
        if self.kind == self.Kind.TONE:
            return f"Tone {self.tone_hz} Hz"
        return self.name or self.get_kind_display()
