"""Calls: the list with its orders, one call with all that belongs to it, and placing a call."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from calls import services
from calls.admin import cells, orders
from calls.admin.inlines import INLINES
from calls.admin.pages import form_page
from calls.admin.readonly import ReadOnly
from calls.errors import CallError
from calls.forms import PlaceForm, show_fault
from calls.models import Call, CallEvent, Command, Injection, Participant, StreamSession
from calls.permissions import VERBS
from calls.services import Actor
from calls.templatetags.console import DASH, clock
from calls.visibility import sight_of

# Action → the verb whose rule on the call says whether it is possible.
ORDERS = {
    "start_streaming": "start_streaming",
    "stop_streaming": "stop_streaming",
    "inject_audio": "speak",
    "stop_sound": "stop_sound",
    "hang_up": "hang_up",
}
KEEPING = {orders.name_of(each): each for each in (*orders.KEEPING, *orders.TRANSCRIPTS, *orders.AT_AZURE)}
PLACE_FIELDS = (
    (None, {"fields": ("callee", "caller")}),
    ("Streaming", {"fields": (("channel_type", "sample_rate_hz"), "start", ("bidirectional", "dtmf"))}),
    ("What is kept", {"fields": ("recorded", "recogniser")}),
)


@admin.register(Call)
class CallAdmin(ReadOnly[Call]):
    list_display = (
        "state_chip",
        "way",
        "who",
        "answered_by",
        "policy_cell",
        "streaming_cell",
        "duration",
        "rang",
        "end",
    )
    list_display_links = None
    list_filter = ("state", "direction", ("policy", admin.RelatedOnlyFieldListFilter), "streaming_state", "created_at")
    search_fields = (
        "caller",
        "callee",
        "caller_name",
        "policy_name",
        "call_connection_id",
        "correlation_id",
        "server_call_id",
        "id",
    )
    search_help_text = "Number, name, policy or ids from Azure"
    date_hierarchy = "created_at"
    inlines = INLINES
    view_on_site = False
    actions = (*ORDERS, *map(orders.action_of, KEEPING.values()))
    fieldsets = (
        (None, {"fields": ("state_chip", "caller_cell", "callee_cell", "answered_by", "policy_cell", "end", "counts")}),
        ("Times", {"fields": ("ringing", "connected", "ended", "duration")}),
        ("Streaming", {"fields": ("streaming", "streaming_error", "profile_text")}),
        ("Ids", {"fields": ("id_cell", "connection", "correlation", "server_call"), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        answers = Command.objects.filter(call=OuterRef("pk"), verb=Command.Verb.ANSWER)
        answers = answers.exclude(state=Command.State.FAILED).order_by("-created_at")
        seen = sight_of(request.user).of(super().get_queryset(request))
        return seen.annotate(taken_by=Subquery(answers.values("asked_by")[:1]))

    def get_readonly_fields(self, request: HttpRequest, obj: Call | None = None) -> tuple[str, ...]:
        return tuple(name for _, options in self.fieldsets for name in options["fields"])  # type: ignore[misc]

    # --- columns ---------------------------------------------------------------------------------------------------

    @admin.display(description="State", ordering="state")
    def state_chip(self, call: Call) -> SafeString:
        return cells.chip(cells.CALL_STATES, call.state)

    @admin.display(description="Way", ordering="direction")
    def way(self, call: Call) -> SafeString:
        return cells.way(call)

    @admin.display(description="Caller or called", ordering="caller")
    def who(self, call: Call) -> SafeString:
        return cells.link(call, cells.title(call))

    @admin.display(description="Answered by")
    def answered_by(self, call: Call) -> str:
        taken_by: str | None = getattr(call, "taken_by", None)
        if not taken_by or call.connected_at is None:
            return DASH
        return "its policy" if taken_by.startswith("policy ") else taken_by

    @admin.display(description="Policy", ordering="policy_name")
    def policy_cell(self, call: Call) -> str:
        return call.policy_name or DASH

    @admin.display(description="Streaming", ordering="streaming_state")
    def streaming_cell(self, call: Call) -> SafeString:
        return cells.word(cells.STREAMING_STATES, call.streaming_state)

    @admin.display(description="Streaming", ordering="streaming_state")
    def streaming(self, call: Call) -> SafeString:
        return cells.chip(cells.STREAMING_STATES, call.streaming_state)

    @admin.display(description="Duration")
    def duration(self, call: Call) -> SafeString:
        return format_html('<span class="digits">{}</span>', clock(call.duration_s))

    @admin.display(description="Rang at", ordering="created_at")
    def rang(self, call: Call) -> SafeString | str:
        return cells.when(call.ringing_at or call.created_at)

    @admin.display(description="End", ordering="end_code")
    def end(self, call: Call) -> SafeString | str:
        return cells.how_it_ended(call)

    # --- one call --------------------------------------------------------------------------------------------------

    def title_of(self, row: Call) -> str:
        return f"Call with {cells.title(row)}"

    @admin.display(description="Caller")
    def caller_cell(self, call: Call) -> str:
        return cells.near_end(call) + (f", {call.caller_name}" if call.caller_name else "")

    @admin.display(description="Callee")
    def callee_cell(self, call: Call) -> str:
        return cells.far_end(call)

    @admin.display(description="Rang")
    def ringing(self, call: Call) -> SafeString | str:
        return cells.exact(call.ringing_at)

    @admin.display(description="Connected")
    def connected(self, call: Call) -> SafeString | str:
        return cells.exact(call.connected_at)

    @admin.display(description="Ended")
    def ended(self, call: Call) -> SafeString | str:
        return cells.exact(call.ended_at)

    @admin.display(description="Profile")
    def profile_text(self, call: Call) -> str:
        return cells.profile(call)

    @admin.display(description="Id")
    def id_cell(self, call: Call) -> SafeString | str:
        return cells.address(str(call.pk))

    @admin.display(description="Call connection")
    def connection(self, call: Call) -> SafeString | str:
        return cells.address(call.call_connection_id or "")

    @admin.display(description="Correlation")
    def correlation(self, call: Call) -> SafeString | str:
        return cells.address(call.correlation_id)

    @admin.display(description="Server call")
    def server_call(self, call: Call) -> SafeString | str:
        return cells.address(call.server_call_id)

    @admin.display(description="All of it")
    def counts(self, call: Call) -> SafeString:
        found = Call.objects.filter(pk=call.pk).aggregate(
            **{
                name: Count(name, distinct=True)
                for name in ("events", "commands", "streams", "injections", "participants")
            }
        )
        kinds = (
            (CallEvent, "events", "event", "events"),
            (Command, "commands", "order", "orders"),
            (StreamSession, "streams", "stream", "streams"),
            (Injection, "injections", "sound", "sounds"),
            (Participant, "participants", "person", "people"),
        )
        return format_html_join(
            " · ",
            "{}",
            (
                (cells.rows_link(model, f"{found[name]} {one if found[name] == 1 else many}", call__id__exact=call.pk),)
                for model, name, one, many in kinds
            ),
        )

    # --- orders ----------------------------------------------------------------------------------------------------

    def has_stream_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VERBS["start_streaming"])

    def has_speak_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VERBS["speak"])

    def has_transcribe_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VERBS["start_transcript"])

    def has_record_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VERBS["start_recording"])

    def has_hang_up_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VERBS["hang_up"])

    @admin.action(description="Start streaming", permissions=["stream"])
    def start_streaming(self, request: HttpRequest, queryset: QuerySet[Call]) -> HttpResponse | None:
        return self.carry_out(request, queryset, orders.START)

    @admin.action(description="Stop streaming", permissions=["stream"])
    def stop_streaming(self, request: HttpRequest, queryset: QuerySet[Call]) -> HttpResponse | None:
        return self.carry_out(request, queryset, orders.STOP)

    @admin.action(description="Stop sound", permissions=["speak"])
    def stop_sound(self, request: HttpRequest, queryset: QuerySet[Call]) -> HttpResponse | None:
        return self.carry_out(request, queryset, orders.SILENCE)

    @admin.action(description="Inject audio…", permissions=["speak"])
    def inject_audio(self, request: HttpRequest, queryset: QuerySet[Call]) -> HttpResponse | None:
        calls = list(queryset)
        return orders.inject_page(self, request, calls) or _back(request, calls)

    @admin.action(description="Hang up…", permissions=["hang_up"])
    def hang_up(self, request: HttpRequest, queryset: QuerySet[Call]) -> HttpResponse | None:
        calls = list(queryset)
        return orders.hang_up_page(self, request, calls) or _back(request, calls)

    def carry_out(self, request: HttpRequest, queryset: QuerySet[Call], order: orders.Order) -> HttpResponse | None:
        calls = list(queryset)
        orders.carry_out(self, request, calls, order)
        return _back(request, calls)

    # --- pages -----------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        place = path("place/", self.admin_site.admin_view(self.place_view), name="calls_call_place")
        return [place, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        may_place = request.user.has_perm(VERBS["place"])
        return super().changelist_view(request, {"may_place": may_place, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The call's page, with a button for each order that the reader may give and why one is impossible now."""
        call = self.get_object(request, object_id)
        if call is not None:
            allowed = {name: action[2] for name, action in self.get_actions(request).items() if action}
            buttons = [
                (name, allowed[name], call.may(verb))
                for name, verb in {**ORDERS, **{name: each.verb for name, each in KEEPING.items()}}.items()
                if name in allowed and call.is_live
            ]
            extra_context = {"orders": buttons, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def place_view(self, request: HttpRequest) -> HttpResponse:
        """A form that dials. What Azure or the portal refuses stands on it; a call that rings has its own page."""
        if not request.user.has_perm(VERBS["place"]):
            raise PermissionDenied
        form = PlaceForm(request.POST or None)
        if form.is_valid():
            try:
                chosen = form.cleaned_data
                call = services.place(
                    Actor.of(request),
                    callee=chosen["callee"],
                    caller=chosen["caller"],
                    profile=form.profile(),
                    capture=form.capture(),
                )
            except CallError as error:
                show_fault(form, error)
            else:
                self.log_addition(request, call, "Placed")
                messages.success(request, f"{cells.title(call)}: asked Azure to place the call.")
                return HttpResponseRedirect(reverse("admin:calls_call_change", args=[call.pk]))
        return form_page(self, request, form, PLACE_FIELDS, title="Place a call", submit="Place call")


def _back(request: HttpRequest, calls: list[Call]) -> HttpResponse | None:
    """To the call's page if the order was given there; None is the list."""
    if "on_page" not in request.POST or len(calls) != 1:
        return None
    return HttpResponseRedirect(reverse("admin:calls_call_change", args=[calls[0].pk]))
