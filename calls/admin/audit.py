"""The audit in the admin: read, searched, and never touched."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from calls.admin import cells
from calls.admin.readonly import ReadOnly
from calls.models import AuditEntry
from calls.permissions import VERBS


@admin.register(AuditEntry)
class AuditAdmin(ReadOnly[AuditEntry]):
    list_display = ("number", "when", "actor", "action", "target", "call_cell", "via", "address", "outcome")
    list_filter = ("action", "via", "actor_kind", "at")
    search_fields = ("actor", "target", "target_id", "address")
    search_help_text = "Person, key, policy, target or address"
    date_hierarchy = "at"
    ordering = ("-number",)
    shown = (
        "number",
        "exactly",
        "actor",
        "actor_kind",
        "via",
        "address",
        "action",
        "call_cell",
        "target",
        "target_id",
        "outcome",
        "facts_cell",
        "previous",
        "digest",
    )

    @admin.display(description="When", ordering="at")
    def when(self, entry: AuditEntry) -> SafeString | str:
        return cells.when(entry.at)

    @admin.display(description="When")
    def exactly(self, entry: AuditEntry) -> SafeString | str:
        return cells.exact(entry.at)

    @admin.display(description="Call")
    def call_cell(self, entry: AuditEntry) -> SafeString | str:
        return cells.address(str(entry.call_id)) if entry.call_id else ""

    @admin.display(description="Facts")
    def facts_cell(self, entry: AuditEntry) -> str:
        return ", ".join(f"{name}: {value}" for name, value in entry.facts.items())

    def has_view_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return request.user.has_perm(VERBS["view_audit"])
