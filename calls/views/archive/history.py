"""The history: every call the portal knows, newest first, with filters, a page at a time."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from calls.forms import HistoryForm
from calls.models import Call
from calls.permissions import VERBS
from calls.selectors import call_row, people
from calls.selectors.measures import talk_of
from calls.selectors.search import Wanted, calls_that, newest_calls
from calls.views.archive.exports import ExportForm, sent
from calls.views.page import permitted, render_page

PAGE_SIZE: Final = 50


@require_safe
@permitted()
def history(request: HttpRequest) -> HttpResponse:
    form = HistoryForm(request.GET)
    calls = calls_that(request.user, wanted_in(form)).select_related("measures").prefetch_related(people(), "tags")
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
        "rows": [{**call_row(each), "talk": talk_of(each)} for each in found[:PAGE_SIZE]],
        "older": older,
        "later": bool(cursor),
        "part": "HX-Request" in request.headers,
        "export_form": ExportForm(),
        "query": [(name, each) for name in form.fields for each in request.GET.getlist(name) if each],
        "filtered": any(request.GET.get(name) for name in form.fields),
    }
    if "HX-Request" in request.headers:
        return render(request, "history/rows.html", context)
    return render_page(
        request, "history.html", "history", {**context, "kept": Call.objects.visible_to(request.user).count()}
    )


@require_safe
@permitted(VERBS["export"])
def export_history(request: HttpRequest) -> HttpResponseBase:
    """Every call that the filters leave, as one file."""
    return sent(request, newest_calls(request.user, wanted_in(HistoryForm(request.GET))), "history")


def wanted_in(form: HistoryForm) -> Wanted:
    """What the form asks for; a field that makes no sense narrows nothing."""
    form.is_valid()
    asked = form.cleaned_data
    since, until = form.days()
    return Wanted(
        since=since,
        until=until,
        direction=asked.get("direction", ""),
        state=asked.get("state", ""),
        about=asked.get("q", ""),
    )


def _parse_cursor(text: str) -> tuple[datetime, UUID] | None:
    """`<created_at>_<id>` of the last row shown; anything else is no cursor."""
    moment, _, call_id = text.partition("_")
    try:
        found = parse_datetime(moment)
        return (found, UUID(call_id)) if found else None
    except ValueError:
        return None
