"""Downloads from pages: their form, and one call as a file."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from calls.errors import CallError
from calls.exports import Audio, Options, export_calls
from calls.exports.sending import as_response
from calls.forms import PageForm
from calls.models import Call
from calls.permissions import VERBS
from calls.services import Actor
from calls.views.page import permitted, tell

# Of one call; many are no subtitles.
FORMATS: Final = (
    ("json", "JSON"),
    ("csv", "CSV"),
    ("vtt", "WebVTT"),
    ("srt", "SRT"),
    ("txt", "Plain text"),
    ("zip", "Zip, with sound"),
)


class ExportForm(PageForm):
    """How a download is asked for. Spreadsheets want a byte order mark, so people get one."""

    ids = "export"

    format = forms.ChoiceField(label="Format", choices=FORMATS, initial="zip")
    redact = forms.MultipleChoiceField(
        required=False, choices=[("digits", "Hide digits that were said"), ("numbers", "Hide phone numbers")]
    )
    audio = forms.ChoiceField(
        label="Sound in a zip",
        required=False,
        choices=[("", "Both sides in one file"), ("tracks", "A file for each voice"), ("none", "No sound")],
    )

    def __init__(self, *args: Any, alone: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not alone:
            many = [each for each in FORMATS if each[0] not in {"vtt", "srt"}]
            self.fields["format"].choices = many  # type: ignore[attr-defined]

    def options(self) -> Options:
        asked = self.cleaned_data
        hidden = asked["redact"]
        return Options(
            format=asked["format"],
            digits="digits" in hidden,
            numbers="numbers" in hidden,
            audio=Audio(asked["audio"]) if asked["audio"] else None,
            bom=True,
        )


@require_safe
@permitted(VERBS["export"])
def export_call(request: HttpRequest, call_id: UUID) -> HttpResponseBase:
    call: Call = get_object_or_404(Call.objects.visible_to(request.user), pk=call_id)
    return sent(request, [call.pk], call.get_absolute_url(), one=call)


def sent(request: HttpRequest, calls: Sequence[UUID], back: str, *, one: Call | None = None) -> HttpResponseBase:
    """The file that the address asks for; what is refused is said on the page that it leads back to."""
    form = ExportForm(request.GET, alone=one is not None)
    if not form.is_valid():
        messages.error(request, "The download is not complete: choose a format and what to hide.")
        return redirect(back)
    try:
        exported = export_calls(Actor.of(request), request.user, calls, form.options(), one=one)
    except CallError as error:
        tell(request, error)
        return redirect(back)
    return as_response(exported, request)
