"""Tags, notes and corrections from the pages, for browsers without a script as well."""

import re
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from calls.errors import BadInput, CallError
from calls.models import Call, Note, Segment
from calls.permissions import VERBS
from calls.selectors.annotations import NoteJson, notes_of
from calls.selectors.search import tag_names
from calls.selectors.transcripts import segment_json
from calls.services import Actor
from calls.services.transcripts import annotations
from calls.views.archive.exports import ExportForm
from calls.views.page import permitted, render_page, tell
from calls.visibility import Viewer

BLANK_NOTE: Final[NoteJson] = {"id": "", "call": "", "text": "", "about_s": None, "author": "", "created_at": ""}
_CLOCK: Final = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{1,2}(?:\.\d{1,3})?)|(\d{1,6}(?:\.\d{1,3})?)", re.ASCII)


def added(call: Call, viewer: Viewer) -> dict[str, Any]:
    """What the page of a call needs to show and take tags and notes, and to be downloaded."""
    return {
        "notes": notes_of(call),
        "blank_note": BLANK_NOTE,
        "known_tags": tag_names() if viewer.has_perm(VERBS["tag_call"]) else [],
        "export_form": ExportForm(alone=True),
    }


def seconds_of(text: str) -> float | None:
    """A moment as people write it: `1:03`, `1:02:03.5`, `63.2`; None for nothing. Raises BadInput."""
    if not text.strip():
        return None
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        fault = "Write it as 1:03 or as seconds, such as 63.2."
        raise BadInput(f"The moment {text.strip()[:20]} cannot be read. {fault}", {"about": fault})
    hours, minutes, seconds, bare = found.groups()
    return float(bare) if bare else int(hours or 0) * 3_600 + int(minutes) * 60 + float(seconds)


@require_POST
@permitted(VERBS["tag_call"])
def call_tags(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Gives the call the tag `name`, or takes the tag `gone` from it."""
    call = _seen_call(request, call_id)
    gone = request.POST.get("gone", "")
    try:
        if gone:
            annotations.untag(Actor.of(request), call, gone)
        else:
            annotations.tag_call(Actor.of(request), call, request.POST.get("name", ""))
    except CallError as error:
        tell(request, error)
    return redirect(call)


@require_POST
@permitted(VERBS["write_note"])
def call_notes(request: HttpRequest, call_id: UUID) -> HttpResponse:
    call = _seen_call(request, call_id)
    try:
        about_s = seconds_of(request.POST.get("about", ""))
        annotations.write_note(Actor.of(request), call, request.POST.get("text", ""), about_s)
    except CallError as error:
        tell(request, error)
    return redirect(f"{call.get_absolute_url()}#notes")


@require_POST
@permitted(VERBS["delete_note"])
def delete_note(request: HttpRequest, call_id: UUID, note_id: UUID) -> HttpResponse:
    call = _seen_call(request, call_id)
    try:
        annotations.delete_note(Actor.of(request), get_object_or_404(Note, pk=note_id, call=call))
    except CallError as error:
        tell(request, error)
    return redirect(f"{call.get_absolute_url()}#notes")


@require_http_methods(["GET", "HEAD", "POST"])
@permitted(VERBS["correct_segment"])
def segment(request: HttpRequest, segment_id: UUID) -> HttpResponse:
    """One turn of a transcript, to be corrected where no script can do it in place."""
    seen = Segment.objects.visible_to(request.user).select_related("call")
    found: Segment = get_object_or_404(seen, pk=segment_id)
    start_s = max(0.0, (found.started_at - found.call.since).total_seconds())
    back = f"{found.call.get_absolute_url()}?t={start_s:.1f}"
    written, status = found.text, 200
    if request.method == "POST":
        written = request.POST.get("text", "")
        try:
            annotations.correct_segment(Actor.of(request), found, written)
        except CallError as error:
            tell(request, error)
            status = error.status
        else:
            messages.success(request, "The passage is corrected.")
            return redirect(back)
    context = {"turn": segment_json(found, found.call), "written": written, "back": back}
    place = "live" if found.call.is_live else "history"
    return render_page(request, "call/segment_page.html", place, context, status=status)


def _seen_call(request: HttpRequest, call_id: UUID) -> Call:
    seen: Call = get_object_or_404(Call.objects.visible_to(request.user), pk=call_id)
    return seen
