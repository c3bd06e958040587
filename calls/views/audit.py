"""The audit: who did what, on which call, from where; newest first, narrowed by filters."""

from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from calls.forms import AuditForm
from calls.models import AuditEntry
from calls.permissions import VERBS
from calls.selectors import WAYS, AuditJson, audit_rows
from calls.views.page import permitted, render_page

PAGE_SIZE: Final = 100

# How an entry came out → tone, icon, word.
OUTCOME_LOOKS: Final = {
    "done": ("ok", "check", "Done"),
    "asked": ("wait", "clock", "Asked"),
    "queued": ("wait", "clock", "Asked"),
    "accepted": ("wait", "forward", "Accepted"),
    "playing": ("us", "speak", "Playing"),
    "stopped": ("off", "stop", "Stopped"),
    "failed": ("bad", "trouble", "Failed"),
}
ICONS: Final = {
    "place": "call-out",
    "answer": "phone",
    "reject": "ended",
    "redirect": "transfer",
    "hang_up": "ended",
    "start_streaming": "both-ways",
    "stop_streaming": "no-stream",
    "speak": "speak",
    "stop_sound": "stop",
    "add_clip": "wave",
    "delete_clip": "trash",
    "delete_policy": "trash",
    "issue_key": "key",
    "revoke_key": "key",
}


@never_cache
@require_safe
@permitted(VERBS["view_audit"])
def audit(request: HttpRequest) -> HttpResponse:
    form = AuditForm(request.GET)
    entries = _filtered(form, AuditEntry.objects.visible_to(request.user))
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        entries = entries.filter(number__lt=int(before))
    found = list(entries.order_by("-number")[: PAGE_SIZE + 1])
    older = ""
    if len(found) > PAGE_SIZE:
        query = request.GET.copy()
        query["before"] = str(found[PAGE_SIZE - 1].number)
        older = query.urlencode()
    context = {
        "form": form,
        "entries": [shown(row) for row in audit_rows(found[:PAGE_SIZE])],
        "older": older,
        "later": bool(before),
        "filtered": any(request.GET.get(name) for name in form.fields),
    }
    if "HX-Request" in request.headers:
        return render(request, "audit/rows.html", context)
    kept = AuditEntry.objects.visible_to(request.user).count()
    return render_page(request, "audit.html", "audit", {**context, "kept": kept})


def shown(row: AuditJson) -> dict[str, Any]:
    """A row as the page draws it."""
    spoken = {True: "yes", False: "no"}
    facts = [
        (name.replace("_", " "), spoken[value] if isinstance(value, bool) else value)
        for name, value in row["facts"].items()
    ]
    return {
        **row,
        "look": OUTCOME_LOOKS.get(row["outcome"], ("off", "note", row["outcome"].capitalize())),
        "icon": ICONS.get(row["action"], "note"),
        "what": row["text"].removeprefix(row["actor"]).strip(),
        "way": WAYS.get(row["via"], row["via"]),
        "said": facts,
    }


def _filtered(form: AuditForm, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
    form.is_valid()
    wanted = form.cleaned_data
    for name, lookup in (("who", "actor__icontains"), ("action", "action"), ("via", "via"), ("call", "call_id")):
        if wanted.get(name):
            entries = entries.filter(**{lookup: wanted[name]})
    return form.within(entries, "at")
