"""One process of the portal that holds sockets: it counts on here as long as it lives, and the others watch."""

from typing import ClassVar, Self

from django.db import models
from django.utils import timezone


class ProcessQuerySet(models.QuerySet["Process"]):
    def of_kind(self, kind: str) -> Self:
        return self.filter(kind=kind)

    def taking_calls(self) -> Self:
        """Portals that are not about to end. Who is silent is soon no row here any more."""
        return self.filter(kind=Process.Kind.PORTAL, draining=False)


class Process(models.Model):
    class Kind(models.TextChoices):
        PORTAL = "portal", "portal"
        JOBS = "jobs", "job worker"

    name = models.CharField(primary_key=True, max_length=64)
    host = models.CharField(max_length=64)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    # Compared by the others with what they read before: no two clocks need to agree.
    beats = models.PositiveBigIntegerField(default=0)
    seen_at = models.DateTimeField(default=timezone.now, help_text="Last sign of life, by its own clock.")

    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PORTAL)
    supervisor = models.PositiveIntegerField(default=0, help_text="The process that started it, on the same host.")
    draining = models.BooleanField(default=False, help_text="It was asked to end and takes no new calls.")
    facts = models.JSONField(default=dict, help_text="What it says of itself each 2 s.")

    objects: ClassVar = ProcessQuerySet.as_manager()

    class Meta:
        ordering = ("started_at", "name")
        default_permissions = ()
        verbose_name_plural = "processes"

    def __str__(self) -> str:
        return self.name
