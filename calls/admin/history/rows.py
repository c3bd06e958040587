"""Everything that belongs to calls, across all of them, read-only: events, streams, people, sounds, orders."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from calls.admin import cells
from calls.admin.history.columns import EventColumns, OrderColumns, PersonColumns, SoundColumns, StreamColumns
from calls.admin.readonly import ReadOnly, Row
from calls.models import CallEvent, Command, Injection, Participant, StreamSession
from calls.visibility import sight_of


class OfCall(ReadOnly[Row]):
    """Rows that belong to a call, which is loaded with them."""

    list_display_links = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        seen: QuerySet[Row] = sight_of(request.user).of(super().get_queryset(request))
        return seen.select_related("call")

    @admin.display(description="Call")
    def call_cell(self, row: Row) -> SafeString | str:
        return cells.call_link(getattr(row, "call", None))

    @admin.display(description="Id")
    def id_cell(self, row: Row) -> SafeString | str:
        return cells.address(str(row.pk))


@admin.register(CallEvent)
class EventAdmin(EventColumns, OfCall[CallEvent]):
    list_display = ("at", "call_cell", "what", "type_cell", "numbers", "source")
    list_filter = ("source", "event_time", "type")
    search_fields = ("type", "message", "call__caller", "call__callee", "azure_id", "operation_context")
    search_help_text = "Event, number, Azure's message or an order's id"
    date_hierarchy = "event_time"
    ordering = ("-event_time", "-received_at", "-id")
    shown = (
        "what",
        "call_cell",
        "type",
        "source",
        "numbers",
        "message",
        "event_at",
        "offset_cell",
        "received",
        "operation",
        "azure_cell",
        "json",
    )


@admin.register(StreamSession)
class StreamAdmin(StreamColumns, OfCall[StreamSession]):
    list_display = ("number_cell", "call_cell", "state_chip", "codec", "opened", "closed", "frames", "trouble")
    list_filter = ("state", "sample_rate_hz", "channel_type", "bidirectional", "opened_at")
    search_fields = ("call__caller", "call__callee", "subscription_id", "close_reason", "owner")
    search_help_text = "Number, subscription, process or reason of the close"
    date_hierarchy = "opened_at"
    ordering = ("-opened_at", "-id")
    shown = (
        "state_chip",
        "call_cell",
        "number",
        "codec",
        "frame_length",
        "opened_at_cell",
        "closed_at_cell",
        "frames",
        "trouble",
        "gaps",
        "lost_cell",
        "lag_cell",
        "malformed_cell",
        "wrong_size",
        "first_frame",
        "first_words",
        "subscription",
        "owner_cell",
    )


@admin.register(Participant)
class ParticipantAdmin(PersonColumns, OfCall[Participant]):
    list_display = ("who", "kind_cell", "call_cell", "now", "joined", "left")
    list_filter = ("kind", "muted", "on_hold", "joined_at")
    search_fields = ("name", "number", "raw_id", "call__caller", "call__callee")
    search_help_text = "Name, number or raw id"
    date_hierarchy = "joined_at"
    ordering = ("-joined_at", "-id")
    shown = ("who_plain", "kind_cell", "call_cell", "now", "joined_at_cell", "left_at_cell", "raw_cell")


@admin.register(Injection)
class InjectionAdmin(SoundColumns, OfCall[Injection]):
    list_display = ("what", "call_cell", "state_chip", "kind", "played", "asked_by", "queued", "why")
    list_filter = ("state", "kind", "queued_at")
    search_fields = ("text", "name", "asked_by", "call__caller", "call__callee")
    search_help_text = "Words, clip, person or number"
    date_hierarchy = "queued_at"
    ordering = ("-queued_at", "-id")
    shown = (
        "state_chip",
        "why",
        "call_cell",
        "kind",
        "whole_label",
        "options",
        "played",
        "asked_by",
        "queued_cell",
        "accepted",
        "started",
        "ended",
        "id_cell",
    )


@admin.register(Command)
class CommandAdmin(OrderColumns, OfCall[Command]):
    list_display = ("what", "call_cell", "state_chip", "asked_by", "asked", "accepted", "done", "why")
    list_filter = ("state", "verb", "created_at")
    search_fields = ("asked_by", "error_code", "error_message", "call__caller", "call__callee", "id")
    search_help_text = "Person, number, error or the order's id"
    date_hierarchy = "created_at"
    shown = (
        "verb",
        "state_chip",
        "why",
        "call_cell",
        "asked_by",
        "asked_cell",
        "accepted_cell",
        "done_cell",
        "id_cell",
    )
