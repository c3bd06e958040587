"""The search: what was said, on which call, and the way to that second."""

import time
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from calls.forms import PeriodForm
from calls.models import Call, CallPolicy, Segment
from calls.permissions import VERBS
from calls.selectors.search import Wanted, calls_found, newest_calls, tag_names
from calls.selectors.search.language import LONGEST
from calls.views.archive.exports import ExportForm, sent
from calls.views.page import permitted, render_page

MOST_PAGES: Final = 500
_LENGTHS: Final = ((1, "1 minute"), (2, "2 minutes"), (5, "5 minutes"), (10, "10 minutes"), (30, "30 minutes"))
# What a person may write, and what it finds.
EXAMPLES: Final = (
    ("charged twice", "both words in one passage, in any order and with other endings"),
    ('"charged twice"', "these words as they stand, one after the other"),
    ("refund -voucher", "refund, where voucher is not said"),
    ("cancel*", "words that begin so"),
)


class SearchForm(PeriodForm):
    """What was said, and on which calls to look. A filter that makes no sense is said in its field and left out."""

    ids = "search"

    q = forms.CharField(
        label="What was said",
        required=False,
        max_length=LONGEST,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "What was said?", "data-key": "/", "autocomplete": "off"}
        ),
    )
    participant = forms.CharField(
        label="Said by",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "caller or a name", "list": "sides"}),
    )
    number = forms.CharField(
        label="Number",
        required=False,
        max_length=32,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "+1 425 555 0123"}),
    )
    policy = forms.ChoiceField(label="Policy", required=False)
    tag = forms.ChoiceField(label="Tag", required=False)
    direction = forms.ChoiceField(
        label="Direction",
        required=False,
        choices=[("", "In and out"), *((value, value.capitalize()) for value in Call.Direction.values)],
    )
    longer = forms.TypedChoiceField(
        label="Longer than", required=False, coerce=int, empty_value=None, choices=[("", "Any length"), *_LENGTHS]
    )
    shorter = forms.TypedChoiceField(
        label="Shorter than", required=False, coerce=int, empty_value=None, choices=[("", "Any length"), *_LENGTHS]
    )
    sort = forms.ChoiceField(required=False, choices=[("newest", "Newest"), ("best", "Most passages")])

    field_order = ("q", "since", "until", "participant", "number", "policy", "tag", "direction", "longer", "shorter")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        policies = CallPolicy.objects.values_list("name", flat=True)
        self.fields["policy"].choices = [("", "Any policy"), *((name, name) for name in policies)]  # type: ignore[attr-defined]
        self.fields["tag"].choices = [("", "Any tag"), *((name, name) for name in tag_names())]  # type: ignore[attr-defined]

    @property
    def filters(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in {"q", "sort"}]

    def wanted(self) -> Wanted:
        self.is_valid()
        asked = self.cleaned_data
        since, until = self.days()
        longer, shorter = asked.get("longer"), asked.get("shorter")
        return Wanted(
            q=asked.get("q", ""),
            since=since,
            until=until,
            number=asked.get("number", ""),
            participant=asked.get("participant", ""),
            min_s=None if longer is None else longer * 60.0,
            max_s=None if shorter is None else shorter * 60.0,
            policy=asked.get("policy", ""),
            tags=(asked["tag"],) if asked.get("tag") else (),
            direction=asked.get("direction", ""),
        )


@require_safe
@permitted()
def search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    wanted = form.wanted()
    best = request.GET.get("sort") == "best"
    started_s = time.perf_counter()
    page = calls_found(request.user, wanted, page=_page(request), best=best) if wanted != Wanted() else None
    query = [(name, each) for name in form.fields for each in request.GET.getlist(name) if each]
    context = {
        "form": form,
        "page": page,
        "took_ms": max(1, round((time.perf_counter() - started_s) * 1000)),
        "best": best,
        "query": query,
        "next": _with(request, page=page.next) if page and page.next else "",
        "later": bool(page and page.previous),
        "newest_link": _with(request, sort="newest", page=None),
        "best_link": _with(request, sort="best", page=None),
        "everywhere": _only(request, "q"),
        "filtered": any(name not in {"q", "sort"} for name, _ in query),
        "examples": EXAMPLES,
        "export_form": ExportForm(),
        "part": "HX-Request" in request.headers,
        "silent": wanted.q
        and page is not None
        and not page.found
        and not Segment.objects.visible_to(request.user).exists(),
    }
    if context["part"]:
        return render(request, "search/hits.html" if context["later"] else "search/results.html", context)
    return render_page(request, "search.html", "search", context)


@require_safe
@permitted(VERBS["export"])
def export_search(request: HttpRequest) -> HttpResponseBase:
    """Every call that was found, whole, as one file."""
    return sent(request, newest_calls(request.user, SearchForm(request.GET).wanted()), "search")


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return max(1, min(MOST_PAGES, int(text))) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _with(request: HttpRequest, **changed: Any) -> str:
    query = request.GET.copy()
    for name, value in changed.items():
        query.pop(name, None)
        if value is not None:
            query[name] = str(value)
    return query.urlencode()


def _only(request: HttpRequest, *names: str) -> str:
    query = request.GET.copy()
    for name in set(query) - set(names):
        del query[name]
    return query.urlencode()
