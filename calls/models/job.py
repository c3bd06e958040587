"""Work that nobody waits for, done by the job worker: tried again when it fails, and shown when it fails for good."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone


class Job(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    OVER: ClassVar = (State.DONE, State.FAILED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    period = models.CharField(max_length=20, null=True, blank=True, help_text="Of a job that recurs: one each.")
    args = models.JSONField(default=dict, help_text="Ids only.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING, db_index=True)
    tries = models.PositiveIntegerField(default=0)
    asked_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True, help_text="After this its worker is taken for dead.")
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=300, blank=True, help_text="The last line of what went wrong.")
    task_id = models.CharField(max_length=40, blank=True, help_text="Its newest row in the worker's own table.")

    class Meta:
        ordering = ("-created_at", "-id")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("kind", "period"), name="a_job_recurs_once_a_period"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
