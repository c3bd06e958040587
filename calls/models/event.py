"""Everything that happened to a call, as it was told: by Azure, by a media socket, or by the portal itself."""

import uuid

from django.db import models
from django.utils import timezone

from calls.models.call import Call
from calls.models.seen import SeenManager


class CallEvent(models.Model):
    class Source(models.TextChoices):
        EVENT_GRID = "event_grid", "Event Grid"
        CALLBACK = "callback", "Azure callback"
        STREAM = "stream", "media stream"
        PORTAL = "portal", "portal"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, null=True, blank=True, on_delete=models.CASCADE, related_name="events")
    source = models.CharField(max_length=12, choices=Source.choices)
    azure_id = models.CharField(max_length=200, null=True, blank=True)
    type = models.CharField(max_length=120)
    event_time = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    operation_context = models.CharField(max_length=200, blank=True)
    code = models.IntegerField(null=True, blank=True)
    subcode = models.IntegerField(null=True, blank=True)
    message = models.TextField(blank=True)
    raw = models.JSONField(default=dict)
    # Event Grid's events wait here until a process of ours takes them.
    waiting = models.BooleanField(default=False, db_index=True)
    claimed_at = models.DateTimeField(null=True, blank=True)

    objects = SeenManager()

    class Meta:
        ordering = ("event_time", "received_at", "id")
        constraints = (models.UniqueConstraint(fields=("source", "azure_id"), name="an_azure_event_is_stored_once"),)

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
