"""One call, live and afterwards, and the orders that its page gives without a script."""

import json
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from calls import services
from calls.errors import CallError
from calls.forms import SOUND_FORMS, ClipForm, FileForm, PlaceForm, RedirectForm, TextForm, ToneForm, show_fault
from calls.models import Call, CallEvent, Clip
from calls.permissions import VERBS
from calls.selectors import audit_of_call, call_detail, call_row, event_json, people
from calls.selectors.measures import measures_json
from calls.services import Actor
from calls.views.archive.annotations import added
from calls.views.happenings import BLANK_HAPPENING, happenings
from calls.views.looks import BLANK_LEG, BLANK_VOICE, LOOKS, voices
from calls.views.page import permitted, render_page, tell
from calls.views.player import player_context
from calls.views.recording import panel
from calls.views.said import transcript_context
from calls.views.timeline import timeline

# Verb in the URL → (service, permission's key, what the page says when it is done).
ORDERS: Final[dict[str, tuple[Callable[..., object], str, str]]] = {
    "answer": (services.answer, "answer", "Azure was asked to answer."),
    "reject": (services.reject, "reject", "The call is rejected."),
    "hang-up": (services.hang_up, "hang_up", "Azure was asked to hang up."),
    "start-streaming": (services.start_streaming, "start_streaming", "Azure was asked to start streaming."),
    "stop-streaming": (services.stop_streaming, "stop_streaming", "Azure was asked to stop streaming."),
    "stop-sound": (services.stop_sound, "stop_sound", "What plays is being stopped."),
    "start-recording": (services.start_recording, "start_recording", "The recording is being started."),
    "stop-recording": (services.stop_recording, "stop_recording", "The recording is being stopped."),
    "pause-recording": (services.pause_recording, "pause_recording", "The recording is being paused."),
    "resume-recording": (services.resume_recording, "resume_recording", "The recording is being resumed."),
    "begin-sensitive": (services.begin_sensitive, "begin_sensitive", "Nothing of the sound is kept or passed on."),
    "end-sensitive": (services.end_sensitive, "end_sensitive", "What keeps the sound goes on."),
    "start-azure-recording": (services.start_azure_recording, "record_at_azure", "Azure was asked to record."),
    "pause-azure-recording": (services.pause_azure_recording, "record_at_azure", "Azure was asked to pause."),
    "resume-azure-recording": (services.resume_azure_recording, "record_at_azure", "Azure was asked to resume."),
    "stop-azure-recording": (services.stop_azure_recording, "record_at_azure", "Azure was asked to stop."),
    "start-transcript": (services.start_transcript, "start_transcript", "What is said is written down from now on."),
    "change-language": (services.change_language, "change_language", "The recogniser turns to the other language."),
    "stop-transcript": (services.stop_transcript, "stop_transcript", "The transcript is being stopped."),
}
# What the form of an order says besides.
FIELDS: Final = {"start-transcript": ("recogniser", "language"), "change-language": ("language",)}

# On a phone the columns become tabs.
TABS: Final = (
    ("said", "Said"),
    ("people", "People"),
    ("say", "Speak"),
    ("events", "Events"),
    ("levels", "Levels"),
)


@require_safe
@permitted()
def call(request: HttpRequest, call_id: UUID) -> HttpResponse:
    found = get_object_or_404(Call.objects.visible_to(request.user).prefetch_related(people(), "tags"), pk=call_id)
    detail = call_detail(found)
    over = not found.is_live
    return render_page(
        request,
        "call.html",
        "history" if over else "live",
        {
            **detail,
            **panel(found, detail["row"]),
            **transcript_context(found, detail),
            "over": over,
            **added(found, request.user),
            "acs": {
                "call": str(found.pk),
                "call_connection": found.call_connection_id or "",
                "correlation": found.correlation_id,
                "server_call": found.server_call_id,
            },
            "timeline": timeline(detail) if over else None,
            "measures": measures_json(found) if over else None,
            **(player_context(request, found, detail) if over and found.connected_at else {}),
            "looks": LOOKS,
            "voices": voices(detail["row"]),
            "happenings": happenings(detail, audit_of_call(found, request.user)),
            "played_ms": sum(each["played_ms"] for each in detail["injections"]),
            "tabs": TABS,
            "blank_leg": BLANK_LEG,
            "blank_voice": BLANK_VOICE,
            "blank_happening": BLANK_HAPPENING,
            **_sound_forms(over=over),
        },
    )


def _sound_forms(*, over: bool) -> dict[str, object]:
    return {
        "text_form": TextForm(),
        "clip_form": ClipForm(),
        "tone_form": ToneForm(),
        "file_form": FileForm(),
        "has_clips": not over and Clip.objects.exists(),
    }


@require_safe
@permitted()
def call_event(request: HttpRequest, call_id: UUID, event_id: UUID) -> HttpResponse:
    """One event with all that Azure said, as it said it."""
    found = _seen_call(request, call_id)
    event = get_object_or_404(CallEvent, pk=event_id, call=found)
    told = event_json(event, found, with_raw=True)
    raw = json.dumps(told.get("raw"), indent=2, ensure_ascii=False)
    context = {"event": told, "raw": raw, "back": found.get_absolute_url()}
    if "part" in request.GET:
        return render(request, "call/event_facts.html", context)
    return render_page(request, "call/event_page.html", "live" if found.is_live else "history", context)


@require_POST
@permitted()
def call_do(request: HttpRequest, call_id: UUID, verb: str) -> HttpResponse:
    """Gives one order to a call and leads back to its page, which says what came of it."""
    found = _seen_call(request, call_id)
    if verb not in ORDERS and verb not in SOUND_FORMS:
        raise Http404(f"{verb} is no verb of a call")
    permission = VERBS[ORDERS[verb][1]] if verb in ORDERS else VERBS["speak"]
    if not request.user.has_perm(permission):
        raise PermissionDenied(permission)
    try:
        if verb in ORDERS:
            service, _, said = ORDERS[verb]
            given = {name: request.POST[name].strip() for name in FIELDS.get(verb, ()) if name in request.POST}
            service(Actor.of(request), found, **given)
            messages.success(request, said)
        else:
            _play(request, found, verb)
    except CallError as error:
        tell(request, error)
    return redirect(found)


def _play(request: HttpRequest, found: Call, verb: str) -> None:
    form = SOUND_FORMS[verb](request.POST, request.FILES)
    if not form.is_valid():
        for name, faults in form.errors.items():
            messages.error(request, f"{form.fields[name].label or name.capitalize()}: {' '.join(map(str, faults))}")
        return
    services.inject(Actor.of(request), found, form.sound(), **form.options())
    messages.success(request, "The sound is queued.")


@require_http_methods(["GET", "HEAD", "POST"])
@permitted(VERBS["redirect"])
def redirect_call(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Asks who gets a ringing call instead of us."""
    found = _seen_call(request, call_id)
    form = RedirectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.redirect(Actor.of(request), found, form.cleaned_data["target"])
        except CallError as error:
            show_fault(form, error)
        else:
            messages.success(request, "The call is redirected.")
            return redirect(found)
    context = {"call_row": call_row(found), "form": form, "obstacle": found.may("redirect")}
    return render_page(request, "call/redirect.html", "live", context, status=400 if form.errors else 200)


def _seen_call(request: HttpRequest, call_id: UUID) -> Call:
    seen: Call = get_object_or_404(Call.objects.visible_to(request.user), pk=call_id)
    return seen


@require_http_methods(["GET", "HEAD", "POST"])
@permitted(VERBS["place"])
def place(request: HttpRequest) -> HttpResponse:
    """The form of the dialog as a page of its own, for browsers without a script."""
    form = PlaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            placed = services.place(
                Actor.of(request),
                callee=given["callee"],
                caller=given["caller"],
                profile=form.profile(),
                capture=form.capture(),
            )
        except CallError as error:
            show_fault(form, error)
        else:
            return redirect(placed)
    return render_page(request, "call/place.html", "live", {"place_form": form}, status=400 if form.errors else 200)
