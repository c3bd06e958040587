"""Every widget in every state, for those who build the console: the model for all pages."""

from typing import Any, Final

from django.contrib.auth.decorators import login_required, user_passes_test
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from calls.forms import PlaceForm
from calls.selectors import CallRow, EndJson
from calls.views.looks import BLANK_ROW, LOOKS
from calls.views.page import render_page
from calls.views.recording import AZURE_CHIPS, HELD, NOTHING, OFF, TAKE_CHIPS
from calls.views.said import sample_turns

ICONS: Final = """
call-in call-out ringing phone live speak trouble warning ended pause mic mic-off headphones both-ways
one-way no-stream stop play record forward keypad transfer person wave text tone file tag note
download upload search link bell eye-off offline wrench key check clock arrow-left arrow-right
chevron copy plus more sun moon system close trash rows lines gear exit braces
"""
# Name → how a meter looks, and the level that the page's script feeds it.
METERS: Final = (
    ("Silence", "quiet", "silence"),
    ("Room noise", "quiet", "noise"),
    ("Speaks", "quiet", "speech"),
    ("We speak", "quiet", "us"),
    ("Clips", "quiet", "clips"),
    ("Muted", "muted", ""),
    ("Held", "held", ""),
    ("No stream", "off", ""),
)
# What is kept of a call, as every screen marks it.
_SENSITIVE: Final = {"until": "2999-01-01T00:00:00.000Z", "by": "ana"}
MARKS: Final[tuple[dict[str, Any], ...]] = (
    {"recording": {**BLANK_ROW["recording"], "state": "recording"}},
    {"recording": {**BLANK_ROW["recording"], "state": "paused"}},
    {"recording": {**BLANK_ROW["recording"], "state": "recording"}, "sensitive": _SENSITIVE},
)
RECORDINGS: Final = (*TAKE_CHIPS.values(), OFF, NOTHING, HELD, *AZURE_CHIPS.values())
COLOURS: Final = "bg surface raised sunken hover line line-2 field ink ink-2 ink-3"
TONES: Final = (
    ("live", "Live", "live"),
    ("wait", "Ringing", "ringing"),
    ("us", "We speak", "speak"),
    ("bad", "Trouble", "trouble"),
    ("off", "Ended", "ended"),
)
TYPE: Final = (
    ("28", "28/32 600", "Nobody is calling"),
    ("20", "20/28 600", "+1 425 555 0123, live"),
    ("16", "16/24 600", "Connect Azure to this portal"),
    ("14", "14/20 400", "The second one is still pending."),
    ("13", "13/18 400", "Stop streaming"),
    ("12", "12/16 400", "Lag rose to 140 ms at 2:41, for 2 s"),
    ("code", "mono 12/16", "500/8603 → 400"),
)


def is_staff(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Others get 403: they are signed in already, so the sign-in page would not help them."""
    if not getattr(user, "is_staff", False):
        raise PermissionDenied("for staff")
    return True


@require_safe
@login_required
@user_passes_test(is_staff)
def design(request: HttpRequest) -> HttpResponse:
    bad = PlaceForm({"callee": "", "channel_type": "mixed", "sample_rate_hz": "16000", "start": "now"})
    bad.is_valid()
    context: dict[str, Any] = {
        "icons": ICONS.split(),
        "meters": [{"raw_id": feed or look, "label": name, "look": look} for name, look, feed in METERS],
        "anatomy": {"raw_id": "speech", "label": "Anatomy", "look": "quiet"},
        "colours": COLOURS.split(),
        "tones": TONES,
        "type": TYPE,
        "rows": sample_rows(),
        "turns": sample_turns(),
        "looks": LOOKS,
        "bad_form": bad,
        "orders": [{"state": state, "accepted_at": "x"} for state in ("queued", "accepted", "done", "failed")],
        "sounds": [{"state": state} for state in ("queued", "playing", "done", "stopped", "failed")],
        "marks": [_row(20 + at, **fields) for at, fields in enumerate(MARKS)],
        "recordings": RECORDINGS,
        "bars": [
            ("quiet", "Nothing plays"),
            ("plays", "Text"),
            ("cannot", "This stream is one way, so the caller cannot hear us."),
            ("sensitive", "Goes on in 0:24"),
        ],
        "strip": ["well"] * 21 + ["wait"] * 3 + ["well"] * 16 + ["bad"] * 2 + ["none"] * 3 + ["well"] * 15,
    }
    return render_page(request, "design.html", "design", context)


def sample_rows() -> list[CallRow]:
    """A row of the wall in each of its looks, with fictional numbers."""
    end: EndJson = {"code": 200, "subcode": 0, "message": "", "text": "The caller hung up."}
    failed: EndJson = {"code": 480, "subcode": 560480, "message": "", "text": "Nobody answered."}
    return [
        _row(1, state="ringing", title="+1 425 555 0182"),
        _row(2, state="ringing", direction="outbound", title="+1 425 555 0119"),
        _row(3, title="+1 425 555 0164", streaming="streaming", duration_s=468.0),
        _row(4, title="+1 425 555 0190", duration_s=557.0),
        _row(5, title="+1 425 555 0147", streaming="failed", duration_s=261.0),
        _row(6, state="ended", title="+1 425 555 0103", duration_s=402.0, end=end),
        _row(7, state="failed", direction="outbound", title="+1 425 555 0177", end=failed),
    ]


def _row(number: int, *, streaming: str = "off", **fields: Any) -> CallRow:
    row: CallRow = {
        **BLANK_ROW,
        "id": f"00000000-0000-0000-0000-{number:012}",
        "policy": "Support line",
        "other_title": "+1 800 555 0100",
        "participants": [_person(number, "Caller"), _person(number + 50, "Tom Okafor")],
        **fields,  # type: ignore[typeddict-item]
    }
    row["streaming"] = {**BLANK_ROW["streaming"], "state": streaming}
    return row


def _person(number: int, label: str) -> Any:
    return {
        "id": str(number),
        "raw_id": f"sample-{number}",
        "kind": "phone",
        "name": "" if label == "Caller" else label,
        "number": "",
        "label": label,
        "muted": False,
        "on_hold": False,
        "joined_at": "",
        "left_at": None,
    }
