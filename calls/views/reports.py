"""The report: what a stretch of time adds up to, as charts and as a spreadsheet."""

import csv
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import StringIO
from typing import Any, Final

from django import forms
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.forms import PeriodForm
from calls.models import Call
from calls.permissions import VERBS
from calls.selectors.reports import BucketsJson, report, report_rows
from calls.services import Actor, audit
from calls.views.page import permitted, render_page

USUAL_DAYS: Final = 7
LONGEST: Final = timedelta(days=400)
STRETCHES: Final = ((1, "Today"), (7, "7 days"), (30, "30 days"), (90, "90 days"))


class ReportForm(PeriodForm):
    """Which calls a report is about."""

    ids = "report"

    policy = forms.ChoiceField(label="Policy", required=False)
    direction = forms.ChoiceField(
        label="Direction",
        required=False,
        choices=[("", "In and out"), *((value, value.capitalize()) for value in Call.Direction.values)],
    )
    field_order = ("since", "until", "policy", "direction")

    def __init__(self, calls: QuerySet[Call], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = calls.exclude(policy_name="").order_by("policy_name").values_list("policy_name", flat=True).distinct()
        self.fields["policy"].choices = [("", "Any policy"), *((name, name) for name in names)]  # type: ignore[attr-defined]
        self._calls = calls

    def calls(self) -> QuerySet[Call]:
        chosen = {"policy_name": self.cleaned_data.get("policy"), "direction": self.cleaned_data.get("direction")}
        return self._calls.filter(**{name: value for name, value in chosen.items() if value})

    def stretch(self) -> tuple[datetime, datetime]:
        """First moment, and the moment after the last one: of the last 7 days if nothing is chosen."""
        since, until = self.days()
        today = datetime.combine(timezone.localdate(), time.min, timezone.get_current_timezone())
        until = until + timedelta(microseconds=1) if until else today + timedelta(days=1)
        since = since or until - timedelta(days=USUAL_DAYS)
        return max(since, until - LONGEST), until


@require_safe
@permitted()
def reports(request: HttpRequest) -> HttpResponse:
    form, told = _asked(request)
    since, until = form.stretch()
    found = report(told, since, until)
    today = timezone.localdate()
    stretches = [
        (
            words,
            f"?since={today - timedelta(days=days - 1)}&until={today}",
            since.date() == today - timedelta(days=days - 1),
        )
        for days, words in STRETCHES
    ]
    context = {
        "form": form,
        "report": found,
        "first": since.date(),
        "last": _last(until),
        "stretches": stretches,
        "query": request.GET.urlencode(),
        "tables": [
            ("durations", "How long calls were", "Length", _lines_of(found["durations"])),
            ("dead_air", "Longest dead air", "Longest silence of the call", _lines_of(found["dead_air"])),
        ],
    }
    return render_page(request, "reports.html", "reports", context)


def _last(until: datetime) -> date:
    """The last day of a stretch that ends at this moment."""
    return (until - timedelta(microseconds=1)).date()


def _lines_of(buckets: BucketsJson) -> list[tuple[str, int]]:
    return list(zip(buckets["labels"], buckets["calls"], strict=True))


def _asked(request: HttpRequest) -> tuple[ReportForm, QuerySet[Call]]:
    form = ReportForm(Call.objects.visible_to(request.user), request.GET)
    form.is_valid()
    told, (since, until) = form.calls(), form.stretch()
    # The days are written into the form, so that nobody has to guess which are shown.
    form.data = {**request.GET.dict(), "since": str(since.date()), "until": str(_last(until))}
    return form, told


@require_safe
@permitted(VERBS["export"])
def reports_csv(request: HttpRequest) -> StreamingHttpResponse:
    """One line a call; the same filters as the page."""
    form, told = _asked(request)
    since, until = form.stretch()
    with transaction.atomic():
        days = f"{since:%Y-%m-%d} to {until - timedelta(microseconds=1):%Y-%m-%d}"
        audit.record(Actor.of(request), "export", target="report", target_id=days, format="csv")
    response = StreamingHttpResponse(_lines(report_rows(told, since, until)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = (
        f'attachment; filename="calls-{since:%Y%m%d}-{until - timedelta(days=1):%Y%m%d}.csv"'
    )
    return response


def _lines(rows: Any) -> Iterator[str]:
    for row in rows:
        line = StringIO()
        csv.writer(line).writerow([_safe(cell) for cell in row])
        yield line.getvalue()


def _safe(cell: object) -> object:
    """A spreadsheet must not take a policy's name for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
