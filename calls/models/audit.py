"""Who did what, when and from where. Rows are added and never changed; each carries the digest of the row before it."""

import hashlib
import json
from datetime import UTC
from typing import Any, ClassVar, Final, NoReturn

from django.db import models

from calls.models.call import Call
from calls.visibility import Viewer

# By which way an order came, in words.
WAYS: Final = (("page", "pages"), ("admin", "admin"), ("api", "API"), ("", "the portal itself"))
FIRST_DIGEST: Final = "0" * 64


class AppendOnlyError(TypeError):
    """Somebody tried to change or delete an audit entry."""

    def __init__(self) -> None:
        super().__init__("Audit entries are never changed or deleted.")


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def visible_to(self, viewer: Viewer) -> "AuditQuerySet":
        return self if viewer.is_authenticated and viewer.has_perm("calls.view_auditentry") else self.none()

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        raise AppendOnlyError


class AuditEntry(models.Model):
    class Outcome(models.TextChoices):
        DONE = "done", "done"
        ASKED = "asked", "asked"  # of Azure or of the process that plays: how it ended stands on the order

    SEALED: ClassVar = (
        "number",
        "actor_kind",
        "actor",
        "via",
        "address",
        "action",
        "target",
        "target_id",
        "outcome",
        "facts",
        "previous",
    )

    number = models.PositiveBigIntegerField(primary_key=True, help_text="Counts without gaps.")
    at = models.DateTimeField(db_index=True)
    actor_kind = models.CharField(max_length=8)
    actor = models.CharField(max_length=150, db_index=True)
    via = models.CharField(max_length=8, blank=True, choices=WAYS)
    address = models.CharField(max_length=45, blank=True)
    action = models.CharField(max_length=32, db_index=True)
    # The entry outlives the call: no cascade, and no constraint that would keep a call from being deleted.
    call = models.ForeignKey(
        Call, null=True, blank=True, db_constraint=False, on_delete=models.DO_NOTHING, related_name="audit_entries"
    )
    target = models.CharField(max_length=150, blank=True, help_text="What it was done to, besides the call.")
    target_id = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    facts = models.JSONField(default=dict, blank=True)
    previous = models.CharField(max_length=64, help_text="Digest of the entry before.")
    digest = models.CharField(max_length=64)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ("-number",)
        default_permissions = ("view",)
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"entry {self.number}: {self.action} by {self.actor}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError

    def digest_now(self) -> str:
        """SHA-256 over everything the entry says, the entry before it included."""
        said = {name: getattr(self, name) for name in self.SEALED}
        said["at"] = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        said["call"] = str(self.call_id) if self.call_id else None
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class AuditHead(models.Model):
    """The one row that says where the chain ends; whoever adds an entry holds its lock."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, default=FIRST_DIGEST)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"entry {self.number}"
