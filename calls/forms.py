"""The forms of the pages. They say what a field may hold; what is possible on a call is the services' word."""

from collections.abc import Iterable
from datetime import datetime, time
from functools import cache
from typing import Any, Protocol

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from calls.errors import CallError
from calls.models import Call, Clip
from calls.models.profile import ChannelType, SampleRate, StreamingStart
from calls.profiles import Capture, StreamingProfile
from calls.recognisers import offered, usual_capture
from calls.selectors import ACTION_WORDS
from calls.services import PlayClip, PlayFile, PlayTone, SayText

AUDIO_TYPES = ".wav,.mp3,.flac,.ogg,audio/*"


class Voice(Protocol):
    id: str
    name: str


@cache
def voices() -> list[tuple[str, str]]:
    """The speech engine's voices as (id, name), the chosen default first; that one alone if there is no engine."""
    default = settings.SPEECH_VOICE
    try:
        found: Iterable[Voice] = import_string(settings.SPEECH_ENGINE)().voices()
    except (ImportError, RuntimeError):
        return [(default, default)]
    return sorted(((voice.id, voice.name) for voice in found), key=lambda each: each[0] != default)


def recogniser_choices() -> list[tuple[str, str]]:
    """What this portal offers, as (path, title)."""
    return [(each.path, each.title) for each in offered()]


class PageForm(forms.Form):
    """Ids carry the form's name, because several forms stand on one page; inputs look like the console's."""

    ids: str = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{self.ids}_%s")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not isinstance(field.widget, forms.CheckboxInput):
                field.widget.attrs.setdefault("class", "input")


class PlaceForm(PageForm):
    ids = "place"

    callee = forms.CharField(
        label="Number to call",
        max_length=256,
        widget=forms.TextInput(attrs={"type": "tel", "placeholder": "+1 425 555 0123", "autocomplete": "tel"}),
    )
    caller = forms.CharField(
        label="Shown as",
        max_length=32,
        required=False,
        help_text="One of your Azure numbers.",
        widget=forms.TextInput(attrs={"type": "tel", "placeholder": "+1 800 555 0100"}),
    )
    channel_type = forms.ChoiceField(
        label="Voices", choices=[("unmixed", "One stream each"), ("mixed", "All in one")], initial=ChannelType.UNMIXED
    )
    sample_rate_hz = forms.TypedChoiceField(
        label="Rate", choices=SampleRate.choices, coerce=int, initial=SampleRate.HZ_16000
    )
    start = forms.ChoiceField(
        label="Start streaming",
        choices=[("now", "When the call is answered"), ("later", "When somebody starts it")],
        initial=StreamingStart.NOW,
    )
    bidirectional = forms.BooleanField(label="We can speak", required=False, initial=True)
    dtmf = forms.BooleanField(label="We hear keys", required=False, initial=True)
    recorded = forms.BooleanField(label="Record it", required=False)
    recogniser = forms.ChoiceField(
        label="Written down by", required=False, choices=lambda: [("", "Nobody"), *recogniser_choices()]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = usual_capture()
        self.fields["recorded"].initial = usual.recording_start == "now"
        self.fields["recogniser"].initial = usual.recogniser
        if settings.ACS_CALLER_NUMBER:
            self.fields["caller"].widget.attrs["placeholder"] = settings.ACS_CALLER_NUMBER

    def profile(self) -> StreamingProfile:
        chosen = ("channel_type", "sample_rate_hz", "bidirectional", "dtmf", "start")
        return StreamingProfile.parse({name: self.cleaned_data[name] for name in chosen})

    def capture(self) -> Capture:
        return Capture(
            recogniser=self.cleaned_data["recogniser"],
            recording_start="now" if self.cleaned_data["recorded"] else "later",
        )


class RedirectForm(PageForm):
    ids = "redirect"

    target = forms.CharField(
        label="Who gets the call instead",
        max_length=256,
        help_text="Number with + and country code, or the raw id of an ACS user. It is no call of ours any more.",
        widget=forms.TextInput(attrs={"type": "tel", "placeholder": "+1 425 555 0188", "autocomplete": "tel"}),
    )


class SoundForm(PageForm):
    """What every sound has: a gain, and whether it starts again at its end."""

    gain_db = forms.FloatField(
        label="Gain in dB",
        min_value=-40,
        max_value=20,
        required=False,
        initial=0,
        widget=forms.NumberInput(attrs={"step": "any", "aria-label": "Gain in dB"}),
    )
    loop = forms.BooleanField(label="Again and again, until stopped", required=False)

    def options(self) -> dict[str, Any]:
        return {"gain_db": self.cleaned_data["gain_db"] or 0.0, "loop": self.cleaned_data.get("loop", False)}


class TextForm(SoundForm):
    ids = "text"

    text = forms.CharField(
        max_length=2_000,
        widget=forms.Textarea(
            attrs={
                "rows": 2,
                "placeholder": "What should the caller hear?",
                "aria-label": "Text to speak",
                "data-key": "t",
            }
        ),
    )
    voice = forms.ChoiceField(required=False, widget=forms.Select(attrs={"aria-label": "Voice"}))
    speed_wpm = forms.IntegerField(
        min_value=80,
        max_value=400,
        required=False,
        initial=165,
        widget=forms.NumberInput(attrs={"aria-label": "Words a minute"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["voice"].choices = voices()  # type: ignore[attr-defined]

    def sound(self) -> SayText:
        said = self.cleaned_data
        return SayText(said["text"], said["voice"], said["speed_wpm"])


class ClipForm(SoundForm):
    ids = "clip"

    clip = forms.ModelChoiceField(
        Clip.objects.all(), empty_label=None, widget=forms.Select(attrs={"aria-label": "Clip to play"})
    )

    def sound(self) -> PlayClip:
        return PlayClip(self.cleaned_data["clip"].pk)


class ToneForm(SoundForm):
    ids = "tone"

    tone_hz = forms.IntegerField(
        label="Pitch",
        min_value=20,
        max_value=7_900,
        initial=440,
        widget=forms.NumberInput(attrs={"aria-label": "Hertz"}),
    )
    duration_ms = forms.IntegerField(
        label="Length",
        min_value=20,
        max_value=600_000,
        initial=1_000,
        widget=forms.NumberInput(attrs={"aria-label": "Milliseconds"}),
    )

    def sound(self) -> PlayTone:
        return PlayTone(self.cleaned_data["tone_hz"], self.cleaned_data["duration_ms"])


class FileForm(SoundForm):
    ids = "file"

    audio = forms.FileField(widget=forms.ClearableFileInput(attrs={"accept": AUDIO_TYPES, "aria-label": "Sound file"}))

    def sound(self) -> PlayFile:
        return PlayFile(self.cleaned_data["audio"])


class ClipUploadForm(PageForm):
    ids = "upload"

    name = forms.CharField(label="Name", max_length=80)
    audio = forms.FileField(
        label="File",
        help_text="WAV, MP3, FLAC or OGG; at most 10 minutes and 50 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": AUDIO_TYPES}),
    )


class PeriodForm(PageForm):
    """From one day to another. A filter that makes no sense is said in its field and then left out."""

    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def days(self) -> tuple[datetime | None, datetime | None]:
        """First and last moment of the chosen days, in the portal's time zone."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        zone = timezone.get_current_timezone()
        return (
            datetime.combine(since, time.min, zone) if since else None,
            datetime.combine(until, time.max, zone) if until else None,
        )

    def within(self, rows: QuerySet[Any], column: str) -> QuerySet[Any]:
        """The rows of the chosen days."""
        since, until = self.days()
        if since:
            rows = rows.filter(**{f"{column}__gte": since})
        return rows.filter(**{f"{column}__lte": until}) if until else rows


class HistoryForm(PeriodForm):
    """Filters of the history."""

    ids = "find"

    q = forms.CharField(
        label="Number, name or policy",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "+1 425 555 0123 or Support", "data-key": "/"}),
    )
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "Any state"), ("live", "Live"), ("ended", "Ended"), ("failed", "Failed")],
    )
    direction = forms.ChoiceField(
        label="Direction",
        required=False,
        choices=[("", "In and out"), *((value, value.capitalize()) for value in Call.Direction.values)],
    )

    field_order = ("q", "state", "direction", "since", "until")


class AuditForm(PeriodForm):
    """Filters of the audit."""

    ids = "find"

    who = forms.CharField(
        label="Who",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Person, key or policy", "data-key": "/"}),
    )
    action = forms.ChoiceField(label="What", required=False)
    via = forms.ChoiceField(
        label="By way of",
        required=False,
        choices=[("", "Any way"), ("page", "Pages"), ("admin", "Admin"), ("api", "API")],
    )
    call = forms.UUIDField(label="Call", required=False, widget=forms.HiddenInput)

    field_order = ("who", "action", "via", "since", "until", "call")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = sorted((each.capitalize(), action) for action, each in ACTION_WORDS.items())
        self.fields["action"].choices = [("", "Anything"), *((action, each) for each, action in words)]  # type: ignore[attr-defined]


SOUND_FORMS: dict[str, type[TextForm | ClipForm | ToneForm | FileForm]] = {
    "speak": TextForm,
    "clip": ClipForm,
    "tone": ToneForm,
    "file": FileForm,
}


def show_fault(form: forms.Form, error: CallError) -> None:
    """Writes what a service refused onto the form: at its fields if it named them, else above all."""
    known = {name: sentence for name, sentence in error.fields.items() if name in form.fields}
    for name, sentence in known.items():
        form.add_error(name, sentence)
    if not known:
        form.add_error(None, error.message)
