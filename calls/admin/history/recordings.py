"""Recordings, read-only: takes and their tracks, where they are heard, and their deletion."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from calls.admin import cells
from calls.admin.history.rows import OfCall
from calls.admin.pages import page
from calls.admin.readonly import Row
from calls.errors import CallError
from calls.models import Recording, Take
from calls.permissions import VERBS
from calls.selectors.recordings import track_label
from calls.services import Actor
from calls.services.recordings.storing import delete_take
from calls.templatetags.console import DASH, clock, khz, length_of
from calls.templatetags.console import bytes as size_of

STATES: cells.Chips = {
    Take.State.RECORDING: ("bad", "record", "Recording"),
    Take.State.PAUSED: ("wait", "pause", "Paused"),
    Take.State.FINISHING: ("wait", "clock", "Being stored"),
    Take.State.COMPLETE: ("ok", "check", "Stored"),
    Take.State.FAILED: ("bad", "trouble", "Failed"),
    Take.State.DELETED: ("off", "trash", "Deleted"),
}


class Heard(OfCall[Row]):
    """`listen` is offered to those whom the door lets in."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        hears = request.user.has_perm(VERBS["hear_recording"])
        return tuple(each for each in self.shown if hears or each != "listen")


@admin.register(Take)
class TakeAdmin(Heard[Take]):
    list_display = ("take_cell", "call_cell", "state_chip", "length", "tracks_cell", "began", "by", "until", "trouble")
    list_filter = ("state", "recovered", "started_at")
    search_fields = ("asked_by", "call__caller", "call__callee", "id")
    search_help_text = "Person, number or the take's id"
    date_hierarchy = "started_at"
    ordering = ("-started_at", "-id")
    actions = ("delete_takes",)
    show_full_result_count = True  # without rows no action is offered
    shown = (
        "state_chip",
        "trouble",
        "call_cell",
        "number",
        "length",
        "lost",
        "recovered",
        "began_exactly",
        "ended_exactly",
        "by",
        "until_exactly",
        "deleted",
        "listen",
        "id_cell",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Take]:
        return super().get_queryset(request).annotate(tracks_count=Count("tracks")).prefetch_related("tracks")

    @admin.display(description="Take", ordering="number")
    def take_cell(self, take: Take) -> SafeString:
        return cells.link(take, f"Take {take.number}")

    @admin.display(description="State", ordering="state")
    def state_chip(self, take: Take) -> SafeString:
        return cells.chip(STATES, take.state)

    @admin.display(description="Length", ordering="duration_s")
    def length(self, take: Take) -> str:
        return clock(take.duration_s)

    @admin.display(description="Tracks", ordering="tracks_count")
    def tracks_cell(self, take: Take) -> SafeString:
        return cells.rows_link(Recording, take.tracks.count(), take__id__exact=take.pk)

    @admin.display(description="Began", ordering="started_at")
    def began(self, take: Take) -> SafeString | str:
        return cells.when(take.started_at)

    @admin.display(description="Began")
    def began_exactly(self, take: Take) -> SafeString | str:
        return cells.exact(take.started_at)

    @admin.display(description="Ended")
    def ended_exactly(self, take: Take) -> SafeString | str:
        return cells.exact(take.ended_at)

    @admin.display(description="Recorded by", ordering="asked_by")
    def by(self, take: Take) -> str:
        return take.asked_by

    @admin.display(description="Kept until", ordering="delete_after")
    def until(self, take: Take) -> SafeString | str:
        return cells.when(take.delete_after)

    @admin.display(description="Kept until")
    def until_exactly(self, take: Take) -> SafeString | str:
        return cells.exact(take.delete_after)

    @admin.display(description="Missing")
    def lost(self, take: Take) -> str:
        return length_of(take.lost_ms) if take.lost_ms else "nothing"

    @admin.display(description="Trouble")
    def trouble(self, take: Take) -> str:
        return cells.shortened(take.error) if take.error else DASH

    @admin.display(description="Deleted")
    def deleted(self, take: Take) -> SafeString | str:
        if take.deleted_at is None:
            return DASH
        return format_html("{} by {}", cells.exact(take.deleted_at), take.deleted_by)

    @admin.display(description="Tracks")
    def listen(self, take: Take) -> SafeString | str:
        rows = ((cells.link(each, track_label(each, take.call)), player(each)) for each in take.tracks.all())
        return format_html_join("", "<p>{} {}</p>", rows) or DASH

    def has_delete_takes_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VERBS["delete_recording"])

    @admin.action(description="Delete recordings", permissions=["delete_takes"])
    def delete_takes(self, request: HttpRequest, queryset: QuerySet[Take]) -> HttpResponse | None:
        takes = list(queryset.select_related("call"))
        if "confirmed" not in request.POST:
            return page(
                self,
                request,
                "admin/calls/take/delete.html",
                title="Delete recordings",
                takes=[(take, cells.title(take.call)) for take in takes],
                verb="delete_takes",
                action_checkbox_name=helpers.ACTION_CHECKBOX_NAME,
            )
        for take in takes:
            try:
                delete_take(Actor.of(request), take)
            except CallError as error:
                messages.error(request, f"Take {take.number} of {cells.title(take.call)}: {error.message}")
                continue
            self.log_change(request, take, "Deleted")
            messages.success(request, f"Take {take.number} of {cells.title(take.call)} is deleted.")
        return None


@admin.register(Recording)
class RecordingAdmin(Heard[Recording]):
    list_display = (
        "track_cell",
        "call_cell",
        "take_link",
        "state_chip",
        "length",
        "rate",
        "bytes_cell",
        "lost",
        "began",
    )
    list_filter = ("state", "track", "recovered", "take__started_at")
    search_fields = ("call__caller", "call__callee", "id", "take__id")
    search_help_text = "Number or id"
    ordering = ("-take__started_at", "-id")
    shown = (
        "state_chip",
        "why",
        "call_cell",
        "take_link",
        "track_plain",
        "listen",
        "length",
        "rate",
        "bytes_cell",
        "silence",
        "lost",
        "held",
        "recovered",
        "began",
        "digest",
        "id_cell",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Recording]:
        people = "call__participants"
        return super().get_queryset(request).select_related("take").prefetch_related(people)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "take__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="Track", ordering="track")
    def track_cell(self, row: Recording) -> SafeString:
        return cells.link(row, track_label(row, row.call))

    @admin.display(description="Track")
    def track_plain(self, row: Recording) -> str:
        return track_label(row, row.call)

    @admin.display(description="Take", ordering="take__number")
    def take_link(self, row: Recording) -> SafeString:
        return cells.link(row.take, f"Take {row.take.number}")

    @admin.display(description="State", ordering="state")
    def state_chip(self, row: Recording) -> SafeString:
        return cells.chip(STATES, row.state)

    @admin.display(description="Why")
    def why(self, row: Recording) -> str:
        return row.error or row.take.error or DASH

    @admin.display(description="Length", ordering="duration_s")
    def length(self, row: Recording) -> str:
        return clock(row.duration_s)

    @admin.display(description="Rate", ordering="sample_rate_hz")
    def rate(self, row: Recording) -> str:
        return khz(row.sample_rate_hz)

    @admin.display(description="Size", ordering="size")
    def bytes_cell(self, row: Recording) -> str:
        return DASH if row.size is None else size_of(row.size)

    @admin.display(description="Silence")
    def silence(self, row: Recording) -> str:
        return length_of(row.silence_ms)

    @admin.display(description="Missing", ordering="lost_ms")
    def lost(self, row: Recording) -> str:
        return length_of(row.lost_ms) if row.lost_ms else "nothing"

    @admin.display(description="Held back")
    def held(self, row: Recording) -> str:
        return length_of(row.held_ms) if row.held_ms else "nothing"

    @admin.display(description="Began", ordering="take__started_at")
    def began(self, row: Recording) -> SafeString | str:
        return cells.when(row.take.started_at)

    @admin.display(description="SHA-256")
    def digest(self, row: Recording) -> SafeString | str:
        return cells.address(row.sha256)

    @admin.display(description="Listen")
    def listen(self, row: Recording) -> SafeString | str:
        return player(row)


def player(row: Recording) -> SafeString | str:
    """Plays and fetches it; the door asks whether who is there may hear it."""
    if row.state != Recording.State.COMPLETE:
        return row.obstacle or "It was deleted."
    address = reverse("api:recording_audio", args=[row.pk])
    return format_html(
        '<audio controls preload="none" src="{}" aria-label="{}"></audio> '
        '<a href="{}?download=1">FLAC</a> <a href="{}?format=wav&amp;download=1">WAV</a>',
        address,
        track_label(row, row.call),
        address,
        address,
    )
