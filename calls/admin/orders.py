"""Orders to selected calls: who may give them, how each call answers, and the pages that ask before."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html

from calls import services
from calls.admin.cells import link, title
from calls.admin.forms import InjectForm
from calls.admin.pages import form_page, page
from calls.admin.typed import ModelAdmin
from calls.errors import CallError
from calls.models import Call
from calls.services import Actor

MOST_CALLS: Final = 100
# Azure may take ten seconds to answer one order: after this time no further call of the selection is asked.
PATIENCE_S: Final = 10.0
TOO_SLOW: Final = "Azure answers too slowly, so it was not asked. Select this call again."


@dataclass(frozen=True, slots=True)
class Order:
    """`verb` is the rule on the call; `asked` and `refused` begin the message about a call it went to."""

    verb: str
    label: str
    asked: str
    refused: str
    give: Callable[[Actor, Call], object]


START: Final = Order(
    "start_streaming",
    "Start streaming",
    "asked Azure to start streaming",
    "streaming not started",
    services.start_streaming,
)
STOP: Final = Order(
    "stop_streaming",
    "Stop streaming",
    "asked Azure to stop streaming",
    "streaming not stopped",
    services.stop_streaming,
)
SILENCE: Final = Order("stop_sound", "Stop sound", "asked to stop the sound", "sound not stopped", services.stop_sound)
KEEPING: Final = (
    Order(
        "start_recording",
        "Start recording",
        "asked to record",
        "not recorded",
        services.start_recording,
    ),
    Order("stop_recording", "Stop recording", "asked to stop the recording", "not stopped", services.stop_recording),
    Order("pause_recording", "Pause recording", "asked to pause the recording", "not paused", services.pause_recording),
    Order(
        "resume_recording",
        "Resume recording",
        "asked to resume the recording",
        "not resumed",
        services.resume_recording,
    ),
    Order(
        "begin_sensitive",
        "Begin sensitive pause",
        "nothing of its sound is kept or passed on",
        "no sensitive pause",
        services.begin_sensitive,
    ),
    Order("end_sensitive", "End sensitive pause", "what keeps its sound goes on", "not ended", services.end_sensitive),
)
AT_AZURE: Final = (
    Order(
        "record_at_azure",
        "Start Azure's recording",
        "asked Azure to record",
        "Azure was not asked",
        services.start_azure_recording,
    ),
    Order(
        "record_at_azure",
        "Stop Azure's recording",
        "asked Azure to stop its recording",
        "Azure was not asked",
        services.stop_azure_recording,
    ),
)
HANG_UP: Final = Order("hang_up", "Hang up", "asked Azure to hang up", "not hung up", services.hang_up)


def given(
    order: Order, actor: Actor, calls: Iterable[Call], clock: Callable[[], float] = time.monotonic
) -> Iterator[tuple[Call, str]]:
    """Gives the order to each call; yields the call with why it was refused, or "" if it was taken."""
    started = clock()
    for call in calls:
        if clock() - started > PATIENCE_S:
            yield call, TOO_SLOW
            continue
        try:
            order.give(actor, call)
        except CallError as error:
            yield call, error.message
        else:
            yield call, ""


def carry_out(model_admin: ModelAdmin[Call], request: HttpRequest, calls: Sequence[Call], order: Order) -> None:
    """Gives the order to each call and says for each how it went: as a message, and in its admin history."""
    if len(calls) > MOST_CALLS:
        messages.error(request, f"{len(calls)} calls are selected. Select at most {MOST_CALLS} at once.")
        return
    for call, refusal in given(order, Actor.of(request), calls):
        if refusal:
            messages.error(request, format_html("{}: {}. {}", link(call, title(call)), order.refused, refusal))
        else:
            messages.success(request, format_html("{}: {}.", link(call, title(call)), order.asked))
        model_admin.log_change(request, call, f"{order.label}: {refusal or 'asked'}")


TRANSCRIPTS: Final = (
    Order(
        "start_transcript",
        "Start transcript",
        "asked to write down what is said",
        "not written down",
        services.start_transcript,
    ),
    Order(
        "stop_transcript", "Stop transcript", "asked to stop the transcript", "not stopped", services.stop_transcript
    ),
)


def name_of(order: Order) -> str:
    """`Start Azure's recording` → `start_azures_recording`, as the admin knows the action."""
    return order.label.lower().replace("'", "").replace(" ", "_")


def action_of(order: Order) -> Callable[[Any, HttpRequest, QuerySet[Call]], HttpResponse | None]:
    """An action that gives this order to the selected calls, for those who may record or write down."""

    def act(model_admin: Any, request: HttpRequest, queryset: QuerySet[Call]) -> HttpResponse | None:
        answer: HttpResponse | None = model_admin.carry_out(request, queryset, order)
        return answer

    act.__name__ = name_of(order)
    return admin.action(description=order.label, permissions=["transcribe" if order in TRANSCRIPTS else "record"])(act)


def hang_up_page(model_admin: ModelAdmin[Call], request: HttpRequest, calls: Sequence[Call]) -> TemplateResponse | None:
    """Asks before it hangs up; None once it is done."""
    if "confirmed" in request.POST or len(calls) > MOST_CALLS:
        carry_out(model_admin, request, calls, HANG_UP)
        return None
    return page(
        model_admin,
        request,
        "admin/calls/call/hang_up.html",
        title="Hang up",
        submit="Hang up",
        action="hang_up",
        **_chosen(request, calls, HANG_UP.verb),
    )


def inject_page(model_admin: ModelAdmin[Call], request: HttpRequest, calls: Sequence[Call]) -> HttpResponse | None:
    """Asks what should be heard, and says which of the calls can hear it; None once the sound is ordered."""
    sent = "confirmed" in request.POST
    form = InjectForm(request.POST, request.FILES) if sent else InjectForm()
    if len(calls) > MOST_CALLS or (sent and form.is_valid()):
        carry_out(model_admin, request, calls, _speak(form))
        return None
    return form_page(
        model_admin,
        request,
        form,
        form.fieldsets,
        title="Inject audio",
        submit="Speak",
        template="admin/calls/call/inject.html",
        action="inject_audio",
        **_chosen(request, calls, "speak"),
    )


def _speak(form: InjectForm) -> Order:
    def give(actor: Actor, call: Call) -> object:
        options = form.cleaned_data
        return services.inject(
            actor, call, form.sound(), loop=options["loop"], gain_db=float(options["gain_db"] or 0.0)
        )

    return Order("speak", "Inject audio", "the sound is queued", "nothing is played", give)


def _chosen(request: HttpRequest, calls: Sequence[Call], verb: str) -> dict[str, Any]:
    """What a page that asks needs of the selection: each call, and why the order is impossible for it."""
    rows = [(call, title(call), call.may(verb)) for call in calls]
    return {
        "calls": rows,
        "possible": sum(not obstacle for _, _, obstacle in rows),
        "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        "on_page": "on_page" in request.POST,
    }
