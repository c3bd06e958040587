"""The admin's forms about call policies. What a policy may hold is the model's own word (CallPolicy.clean)."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.html import format_html_join

from calls.admin.typed import ModelForm
from calls.forms import recogniser_choices
from calls.models import CallPolicy
from calls.models.policy import DAYS
from calls.recognisers import offered


class Days(forms.MultipleChoiceField):
    """Weekdays as boxes; kept as a text of numbers, 1 for Monday."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=DAYS, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return list(value) if isinstance(value, str) else value

    def clean(self, value: Any) -> Any:
        return "".join(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(list(initial or ""), data)


def _clock() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


def _recognisers() -> list[tuple[str, str]]:
    return [("", "Nobody"), *recogniser_choices()]


class PolicyForm(ModelForm[CallPolicy]):
    days = Days(label="Days")
    recogniser = forms.ChoiceField(label="Written down by", choices=_recognisers, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "recogniser" in self.fields:  # the list edits a few columns alone
            notes = (f"{each.title}: {each.note}" for each in offered())
            self.fields["recogniser"].help_text = format_html_join("", "<span class='note'>{}</span>", zip(notes))

    class Meta:
        model = CallPolicy
        fields = (
            "name",
            "position",
            "enabled",
            "callee_pattern",
            "caller_pattern",
            "days",
            "opens_at",
            "closes_at",
            "time_zone",
            "action",
            "reject_reason",
            "redirect_target",
            "channel_type",
            "sample_rate_hz",
            "bidirectional",
            "dtmf",
            "streaming_start",
            "recording_start",
            "recording_keep_days",
            "recogniser",
            "language",
            "phrases",
        )
        labels = {
            "callee_pattern": "Number called",
            "caller_pattern": "Calling number",
            "opens_at": "From",
            "closes_at": "To",
            "reject_reason": "Rejected as",
            "redirect_target": "Redirected to",
            "channel_type": "Voices",
            "sample_rate_hz": "Rate",
            "dtmf": "Pressed keys",
            "recording_keep_days": "Delete recordings after days",
        }
        help_texts = {
            "callee_pattern": "As +18005550100. * stands for any digits, ? for one: +1800* takes all of 800.",
            "caller_pattern": "The same: +49* takes callers from Germany, 4:anonymous those who hide their number.",
            "opens_at": "Leave both out for all day.",
            "closes_at": "If it is earlier than the first, on the next day.",
            "reject_reason": "What a rejected caller is told.",
            "redirect_target": "Number with + and country code, or an ACS user's raw id (8:acs:…).",
            "recording_keep_days": "Leave it out to keep them.",
            "phrases": "Names and words to be expected, one phrase a line. The demo recogniser needs them.",
            "channel_type": "One stream per speaker tells voices apart; Azure sends the four loudest.",
        }
        widgets = {"opens_at": _clock(), "closes_at": _clock(), "phrases": forms.Textarea(attrs={"rows": 6})}


class WhichForm(forms.Form):
    """A call as it might ring."""

    caller = forms.CharField(label="Calling number", max_length=128, initial="+14255550123")
    callee = forms.CharField(label="Number called", max_length=128, initial="+18005550100")
    at = forms.DateTimeField(
        label="When",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="Leave it out for now.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["at"].help_text = f"Time zone {timezone.get_current_timezone_name()}. Leave it out for now."

    def moment(self) -> datetime:
        chosen: datetime | None = self.cleaned_data["at"]
        return chosen or timezone.now()
