"""The live wall: every call that rings or talks, and the last that ended."""

from typing import TypedDict
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from calls.selectors import just_ended_rows, live_rows
from calls.views.looks import BLANK_LEG, BLANK_ROW, LOOKS, Leg, phase
from calls.views.page import permitted, render_page

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Step(TypedDict):
    title: str
    text: str
    value: str
    done: bool
    fact: str


@require_safe
@permitted()
def wall(request: HttpRequest) -> HttpResponse:
    rows = live_rows(request.user)[::-1]
    sample: list[Leg] = [
        {"raw_id": "speech", "label": "Caller", "look": "quiet"},
        {"raw_id": "agent", "label": "Agent", "look": "quiet"},
    ]
    return render_page(
        request,
        "wall.html",
        "live",
        {
            "ringing": [row for row in rows if phase(row) != "talking"],
            "live": [row for row in rows if phase(row) == "talking"],
            "ended": just_ended_rows(request.user),
            "live_count": len(rows),
            "looks": LOOKS,
            "blank_row": BLANK_ROW,
            "blank_leg": BLANK_LEG,
            "sample_legs": sample,
            "setup": setup_steps(),
            "emulator_url": settings.ACS_ENDPOINT if _is_loopback(settings.ACS_ENDPOINT) else "",
        },
    )


def setup_steps() -> list[Step]:
    """What connects a real resource of Azure's, each with what this portal can see of it by itself."""
    public = settings.PUBLIC_URL
    reachable = public.startswith("https://") and not _is_loopback(public)
    missing = [name for name in ("ACS_ENDPOINT", "ACS_ACCESS_KEY", "ACS_RESOURCE_ID") if not getattr(settings, name)]
    emulated = _is_loopback(settings.ACS_ENDPOINT)
    return [
        {
            "title": "Make this portal reachable from Azure",
            "text": "Azure dials back to this address by https and WebSocket. PUBLIC_URL names it.",
            "value": "",
            "done": reachable,
            "fact": f"PUBLIC_URL is {public}" if reachable else f"{public} is not reachable from Azure",
        },
        {
            "title": "Send incoming calls here",
            "text": "In Event Grid, subscribe Incoming Call to this web hook, with your EVENT_GRID_SECRET as token.",
            "value": f"{public}/acs/events/?token=EVENT_GRID_SECRET",
            "done": bool(settings.EVENT_GRID_SECRET),
            "fact": "EVENT_GRID_SECRET is set" if settings.EVENT_GRID_SECRET else "EVENT_GRID_SECRET is not set",
        },
        {
            "title": "Name the resource",
            "text": "Set ACS_ENDPOINT, ACS_ACCESS_KEY and ACS_RESOURCE_ID, then restart.",
            "value": "",
            "done": not missing and not emulated,
            "fact": _resource_fact(missing, emulated),
        },
    ]


def _resource_fact(missing: list[str], emulated: bool) -> str:
    if missing:
        return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"
    return "The emulator on this machine plays Azure" if emulated else "All three are set"


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK
