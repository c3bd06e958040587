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

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="commands")
    verb = models.CharField(max_length=20, choices=Verb.choices)
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
