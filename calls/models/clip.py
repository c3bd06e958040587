"""A stored sound that can be played into any call."""

import uuid

from django.db import models
from django.utils import timezone


class Clip(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80, unique=True)
    audio = models.FileField(upload_to="clips/")
    duration_ms = models.PositiveIntegerField()
    sample_rate_hz = models.PositiveIntegerField()
    channels = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="Bytes of the file.")
    sha256 = models.CharField(max_length=64)
    added_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
