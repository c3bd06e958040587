"""A call to look at and to listen to, while it lives and afterwards."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from calls.models import Call
from calls.permissions import VERBS
from calls.selectors import CallDetail, call_detail, people
from calls.selectors.player import player_json
from calls.views.page import permitted, render_page
from calls.views.timeline import timeline

RATES: Final = ("0.8", "1", "1.5", "2")


def player_context(request: HttpRequest, call: Call, detail: CallDetail) -> dict[str, Any]:
    """What templates/call/player.html needs."""
    return {
        "player": player_json(call, detail, may_hear=request.user.has_perm(VERBS["hear_recording"])),
        "rates": RATES,
    }


@never_cache
@require_safe
@permitted()
def call_timeline(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """The call on one line; as JSON for a page that is open already."""
    found = get_object_or_404(Call.objects.visible_to(request.user).prefetch_related(people(), "tags"), pk=call_id)
    detail = call_detail(found)
    context = player_context(request, found, detail)
    if request.accepts("application/json") and not request.accepts("text/html"):
        return JsonResponse(context["player"])
    over = not found.is_live
    context |= {**detail, "timeline": timeline(detail) if over else None}
    return render_page(request, "call/timeline_page.html", "history" if over else "live", context)
