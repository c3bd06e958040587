"""Stored sounds: heard, added and deleted, never changed."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calls import services
from calls.admin import cells
from calls.admin.pages import form_page
from calls.admin.typed import ModelAdmin
from calls.errors import CallError
from calls.forms import ClipUploadForm, show_fault
from calls.models import Clip
from calls.services import Actor
from calls.templatetags.console import bytes as size_of
from calls.templatetags.console import khz, length_of


@admin.register(Clip)
class ClipAdmin(ModelAdmin[Clip]):
    list_display = ("name", "duration", "rate", "channels", "bytes_cell", "added_by", "added")
    search_fields = ("name", "added_by")
    search_help_text = "Name or person"
    fields = ("name", "player", "duration", "rate", "channels", "bytes_cell", "added_by", "added_exactly", "digest")
    readonly_fields = fields

    @admin.display(description="Length", ordering="duration_ms")
    def duration(self, clip: Clip) -> str:
        return length_of(clip.duration_ms)

    @admin.display(description="Rate", ordering="sample_rate_hz")
    def rate(self, clip: Clip) -> str:
        return khz(clip.sample_rate_hz)

    @admin.display(description="Size", ordering="size")
    def bytes_cell(self, clip: Clip) -> str:
        return size_of(clip.size)

    @admin.display(description="Added", ordering="created_at")
    def added(self, clip: Clip) -> SafeString | str:
        return cells.when(clip.created_at)

    @admin.display(description="Added")
    def added_exactly(self, clip: Clip) -> SafeString | str:
        return cells.exact(clip.created_at)

    @admin.display(description="Listen")
    def player(self, clip: Clip) -> SafeString:
        return format_html(
            '<audio controls preload="none" src="{}" aria-label="{}"></audio>',
            reverse("clip_audio", args=[clip.pk]),
            clip.name,
        )

    @admin.display(description="SHA-256")
    def digest(self, clip: Clip) -> SafeString | str:
        return cells.address(clip.sha256)

    def has_change_permission(self, request: HttpRequest, obj: Clip | None = None) -> bool:
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ClipUploadForm(request.POST, request.FILES) if request.method == "POST" else ClipUploadForm()
        if form.is_valid():
            try:
                clip = services.add_clip(Actor.of(request), form.cleaned_data["name"], form.cleaned_data["audio"])
            except CallError as error:
                show_fault(form, error)
            else:
                self.log_addition(request, clip, [{"added": {}}])
                messages.success(request, f"{clip.name} is stored and can be played into any call.")
                return HttpResponseRedirect(reverse("admin:calls_clip_changelist"))
        return form_page(
            self, request, form, [(None, {"fields": ("name", "audio")})], title="Add clip", submit="Add clip"
        )

    def delete_model(self, request: HttpRequest, obj: Clip) -> None:
        services.delete_clip(Actor.of(request), obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Clip]) -> None:
        for clip in queryset:
            services.delete_clip(Actor.of(request), clip)
