"""The history: every call the portal knows, newest first, with filters, a page at a time."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from calls.forms import HistoryForm
from calls.models import Call
from calls.selectors import call_row, people
from calls.views.page import permitted, render_page
from calls.visibility import Viewer

PAGE_SIZE: Final = 50


@require_safe
@permitted()
def history(request: HttpRequest) -> HttpResponse:
    form = HistoryForm(request.GET)
    calls = _filtered(form, request.user).prefetch_related(people())
    cursor = _parse_cursor(request.GET.get("before", ""))
    if cursor:
        calls = calls.filter(Q(created_at__lt=cursor[0]) | Q(created_at=cursor[0], pk__lt=cursor[1]))
    found = list(calls.order_by("-created_at", "-id")[: PAGE_SIZE + 1])
    older = ""
    if len(found) > PAGE_SIZE:
        last = found[PAGE_SIZE - 1]
        query = request.GET.copy()
        query["before"] = f"{last.created_at.isoformat()}_{last.pk}"
        older = query.urlencode()
    context = {
        "form": form,
        "rows": [call_row(each) for each in found[:PAGE_SIZE]],
        "older": older,
        "later": bool(cursor),
        "filtered": any(request.GET.get(name) for name in form.fields),
    }
    if "HX-Request" in request.headers:
        return render(request, "history/rows.html", context)
    return render_page(
        request, "history.html", "history", {**context, "kept": Call.objects.visible_to(request.user).count()}
    )


def _filtered(form: HistoryForm, viewer: Viewer) -> QuerySet[Call]:
    calls = Call.objects.visible_to(viewer)
    form.is_valid()
    wanted = form.cleaned_data
    state = wanted.get("state")
    if state == "live":
        calls = calls.live()
    elif state:
        calls = calls.filter(state=state)
    if wanted.get("direction"):
        calls = calls.filter(direction=wanted["direction"])
    if wanted.get("q"):
        calls = calls.filter(_says(wanted["q"]))
    return form.within(calls, "created_at")


def _says(words: str) -> Q:
    """Numbers match however they are grouped; names and policies by any part."""
    found = Q(policy_name__icontains=words) | Q(caller_name__icontains=words) | Q(end_text__icontains=words)
    digits = "".join(letter for letter in words if letter.isdigit())
    if len(digits) >= 3 and not any(letter.isalpha() for letter in words):
        found |= Q(caller__contains=digits) | Q(callee__contains=digits)
    return found


def _parse_cursor(text: str) -> tuple[datetime, UUID] | None:
    """`<created_at>_<id>` of the last row shown; anything else is no cursor."""
    moment, _, call_id = text.partition("_")
    try:
        found = parse_datetime(moment)
        return (found, UUID(call_id)) if found else None
    except ValueError:
        return None
