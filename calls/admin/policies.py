"""Which incoming call is taken how: the policies, in the order in which they are asked."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from calls.admin import cells
from calls.admin.forms import PolicyForm
from calls.admin.typed import ModelAdmin
from calls.models import CallPolicy


@admin.register(CallPolicy)
class PolicyAdmin(ModelAdmin[CallPolicy]):
    form = PolicyForm
    list_display = ("name", "position", "enabled", "callee_pattern", "caller_pattern", "action", "streaming")
    list_editable = ("position", "enabled")
    list_filter = ("enabled", "action")
    search_fields = ("name", "callee_pattern", "caller_pattern")
    search_help_text = "Name or pattern"
    ordering = ("position", "id")
    save_as = True
    fieldsets = (
        (None, {"fields": ("name", ("position", "enabled"))}),
        (
            "Which calls",
            {
                "fields": ("callee_pattern", "caller_pattern"),
                "description": "The first enabled policy by position whose patterns both match takes the call.",
            },
        ),
        ("What is done", {"fields": ("action",)}),
        (
            "Streaming",
            {"fields": (("channel_type", "sample_rate_hz"), "streaming_start", ("bidirectional", "dtmf"))},
        ),
    )

    @admin.display(description="Streaming")
    def streaming(self, policy: CallPolicy) -> str:
        return cells.profile(policy)

    def save_model(self, request: HttpRequest, obj: CallPolicy, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        taken_by = _asked_before(obj)
        if taken_by is not None:
            messages.warning(
                request,
                f"{obj.name} is never asked: {taken_by.name} stands before it and takes every call. "
                f"Give {obj.name} a position below {taken_by.position}.",
            )


def _asked_before(policy: CallPolicy) -> CallPolicy | None:
    """The enabled policy that takes every call before this one is asked, if there is one."""
    if not policy.enabled:
        return None
    before = CallPolicy.objects.filter(enabled=True, callee_pattern="*", caller_pattern="*").exclude(pk=policy.pk)
    first = before.filter(position__lte=policy.position).first()
    if first is None or (first.position == policy.position and first.pk > policy.pk):
        return None
    return first
