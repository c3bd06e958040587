"""An order to Azure. Its id travels as operationContext, so the callback that answers it finds it again."""

import uuid

from django.db import models
from django.utils import timezone

from calls.models.call import Call
from calls.models.seen import SeenManager


class Command(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        ACCEPTED = "accepted"
        DONE = "done"
        FAILED = "failed"

    class Verb(models.TextChoices):
        PLACE = "place"
        ANSWER = "answer"
        REJECT = "reject"
        REDIRECT = "redirect"
        HANG_UP = "hang_up", "hang up"
        START_STREAMING = "start_streaming", "start streaming"
        STOP_STREAMING = "stop_streaming", "stop streaming"
        STOP_SOUND = "stop_sound", "stop sound"
        START_RECORDING = "start_recording", "start recording"
        STOP_RECORDING = "stop_recording", "stop recording"
        PAUSE_RECORDING = "pause_recording", "pause recording"
        RESUME_RECORDING = "resume_recording", "resume recording"
        START_TRANSCRIPT = "start_transcript", "start transcript"
        STOP_TRANSCRIPT = "stop_transcript", "stop transcript"
        CHANGE_LANGUAGE = "change_language", "change language"
        START_AZURE_RECORDING = "start_azure_recording", "start Azure's recording"
        PAUSE_AZURE_RECORDING = "pause_azure_recording", "pause Azure's recording"
        RESUME_AZURE_RECORDING = "resume_azure_recording", "resume Azure's recording"
        STOP_AZURE_RECORDING = "stop_azure_recording", "stop Azure's recording"
        BEGIN_SENSITIVE = "begin_sensitive", "begin sensitive pause"
        END_SENSITIVE = "end_sensitive", "end sensitive pause"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="commands")
    verb = models.CharField(max_length=32, choices=Verb.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    asked_by = models.CharField(max_length=150)
    asked_kind = models.CharField(max_length=8, blank=True, help_text="user, api_key, policy or portal.")
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    accepted_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = SeenManager()

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.verb} {self.id}"

    @property
    def is_pending(self) -> bool:
        return self.state in {self.State.QUEUED, self.State.ACCEPTED}
