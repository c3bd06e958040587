"""Which incoming call is taken how: the policies, in the order in which they are asked."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from calls import services
from calls.admin import cells
from calls.admin.pages import form_page
from calls.admin.policy_forms import PolicyForm, WhichForm
from calls.admin.typed import ModelAdmin
from calls.models import CallPolicy
from calls.numbers import as_stored
from calls.permissions import VERBS
from calls.services import Actor


@admin.register(CallPolicy)
class PolicyAdmin(ModelAdmin[CallPolicy]):
    form = PolicyForm
    list_display = (
        "name",
        "position",
        "enabled",
        "callee_pattern",
        "caller_pattern",
        "hours",
        "what",
        "streaming",
        "kept",
    )
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
        (
            "When",
            {
                "fields": ("days", ("opens_at", "closes_at", "time_zone")),
                "description": "At other times the next policy is asked. Hours that pass midnight belong to the day "
                "on which they begin.",
            },
        ),
        ("What is done", {"fields": ("action", "reject_reason", "redirect_target")}),
        (
            "Streaming",
            {"fields": (("channel_type", "sample_rate_hz"), "streaming_start", ("bidirectional", "dtmf"))},
        ),
        (
            "What is kept",
            {
                "fields": (("recording_start", "recording_keep_days"), "recogniser", "language", "phrases"),
                "description": "Of calls that this policy takes from now on. Operators can start and stop both "
                "during the call.",
            },
        ),
    )

    @admin.display(description="Streaming")
    def streaming(self, policy: CallPolicy) -> str:
        return cells.profile(policy)

    @admin.display(description="Hours")
    def hours(self, policy: CallPolicy) -> str:
        return policy.hours

    @admin.display(description="Kept")
    def kept(self, policy: CallPolicy) -> str:
        return policy.kept

    @admin.display(description="Action", ordering="action")
    def what(self, policy: CallPolicy) -> str:
        return policy.what

    def get_urls(self) -> list[URLPattern]:
        which = path("which/", self.admin_site.admin_view(self.which_view), name="calls_callpolicy_which")
        return [which, *super().get_urls()]

    def which_view(self, request: HttpRequest) -> HttpResponse:
        """Which policy would take this call? Says of each one why, or why not."""
        if not request.user.has_perm(VERBS["view_policy"]):
            raise PermissionDenied
        form = WhichForm(request.GET or None)
        asked = form.is_valid()
        verdicts = services.verdicts(*_call_of(form)) if asked else []
        return form_page(
            self,
            request,
            form,
            [(None, {"fields": ("caller", "callee", "at")})],
            title="Which policy would take this call?",
            submit="Ask",
            template="admin/calls/callpolicy/which.html",
            asked=asked,
            verdicts=verdicts,
            taken=next((each.policy for each in verdicts if each.takes), None),
        )

    def delete_model(self, request: HttpRequest, obj: CallPolicy) -> None:
        services.delete_policy(Actor.of(request), obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CallPolicy]) -> None:
        for policy in queryset:
            services.delete_policy(Actor.of(request), policy)

    def save_model(self, request: HttpRequest, obj: CallPolicy, form: Any, change: bool) -> None:
        store = services.change_policy if change else services.add_policy
        store(Actor.of(request), obj)
        taken_by = _asked_before(obj)
        if taken_by is not None:
            messages.warning(
                request,
                f"{obj.name} is never asked: {taken_by.name} stands before it and takes every call. "
                f"Give {obj.name} a position below {taken_by.position}.",
            )


def _call_of(form: WhichForm) -> tuple[str, str, datetime]:
    return as_stored(form.cleaned_data["caller"]), as_stored(form.cleaned_data["callee"]), form.moment()


def _asked_before(policy: CallPolicy) -> CallPolicy | None:
    """The enabled policy that takes every call before this one is asked, if there is one."""
    if not policy.enabled:
        return None
    before = CallPolicy.objects.filter(enabled=True, callee_pattern="*", caller_pattern="*").exclude(pk=policy.pk)
    always = (each for each in before.filter(position__lte=policy.position) if each.hours == "always")
    first = next(always, None)
    if first is None or (first.position == policy.position and first.pk > policy.pk):
        return None
    return first
