"""The admin's own forms. What calls.forms has for the console's pages is used from there."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Permission, PermissionsMixin
from django.core.exceptions import ValidationError
from django.utils import timezone

from calls.errors import CallError
from calls.forms import AUDIO_TYPES, voices
from calls.models import Clip, Injection
from calls.permissions import GRANTABLE, scope
from calls.services import PlayClip, PlayFile, PlayTone, SayText
from calls.services.sound import MAX_FILE_S, MAX_TEXT, WHAT_FITS, Sound, inspect


class InjectForm(forms.Form):
    """One sound of four kinds. Only the fields of the chosen kind count; the page hides the others."""

    kind = forms.ChoiceField(
        label="What",
        choices=[
            (Injection.Kind.TEXT, "Text, spoken"),
            (Injection.Kind.CLIP, "Stored clip"),
            (Injection.Kind.TONE, "Test tone"),
            (Injection.Kind.FILE, "File"),
        ],
        initial=Injection.Kind.TEXT,
        widget=forms.RadioSelect(attrs={"class": "kinds"}),
    )
    text = forms.CharField(
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "What should the caller hear?"}),
    )
    voice = forms.ChoiceField(required=False)
    speed_wpm = forms.IntegerField(
        label="Words a minute", required=False, min_value=80, max_value=400, initial=165, help_text="80 to 400."
    )
    clip = forms.ModelChoiceField(Clip.objects.all(), required=False, empty_label="Choose a clip")
    tone_hz = forms.IntegerField(label="Hertz", required=False, min_value=20, max_value=7_900, initial=440)
    duration_ms = forms.IntegerField(
        label="Milliseconds", required=False, min_value=20, max_value=MAX_FILE_S * 1000, initial=1_000
    )
    audio = forms.FileField(
        label="File", required=False, help_text=WHAT_FITS, widget=forms.FileInput(attrs={"accept": AUDIO_TYPES})
    )
    gain_db = forms.FloatField(
        label="Gain in dB",
        required=False,
        min_value=-40,
        max_value=20,
        initial=0,
        help_text="−40 to 20; 0 is as it is.",
    )
    loop = forms.BooleanField(label="Again and again, until stopped", required=False)

    # The field that a kind cannot do without, and what to do if it is empty.
    needs = {
        Injection.Kind.TEXT: ("text", "Type what should be said."),
        Injection.Kind.CLIP: ("clip", "Choose a clip."),
        Injection.Kind.TONE: ("tone_hz", "Give the tone's pitch."),
        Injection.Kind.FILE: ("audio", "Choose a file."),
    }
    fieldsets = (
        (None, {"fields": ("kind",)}),
        (None, {"fields": ("text", ("voice", "speed_wpm")), "classes": ("kind-text",)}),
        (None, {"fields": ("clip",), "classes": ("kind-clip",)}),
        (None, {"fields": (("tone_hz", "duration_ms"),), "classes": ("kind-tone",)}),
        (None, {"fields": ("audio",), "classes": ("kind-file",)}),
        (None, {"fields": (("gain_db", "loop"),)}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["voice"].choices = voices()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        name, wanted = self.needs.get(Injection.Kind(given.get("kind", Injection.Kind.TEXT)), ("kind", ""))
        for other, _ in self.needs.values():
            if other != name and other in self.errors:
                del self.errors[other]  # what is hidden cannot be mended
        if not given.get(name) and name not in self.errors:
            self.add_error(name, wanted)
        elif name == "audio" and name not in self.errors:
            try:
                inspect(given["audio"])
            except CallError as error:
                self.add_error("audio", error.message)
        return given

    def sound(self) -> Sound:
        """The order that every selected call gets; a file is read from its beginning each time."""
        chosen = self.cleaned_data
        match chosen["kind"]:
            case Injection.Kind.TEXT:
                return SayText(chosen["text"], chosen["voice"], chosen["speed_wpm"])
            case Injection.Kind.CLIP:
                return PlayClip(chosen["clip"].pk)
            case Injection.Kind.TONE:
                return PlayTone(chosen["tone_hz"], chosen["duration_ms"] or 1_000)
        chosen["audio"].seek(0)
        return PlayFile(chosen["audio"])


class KeyForm(forms.Form):
    """A new API key. Nobody can hand out more than they may do themselves."""

    name = forms.CharField(max_length=80, help_text="Which program uses it, so that you know it again.")
    scopes = forms.MultipleChoiceField(label="May", widget=forms.CheckboxSelectMultiple)
    expires_at = forms.DateTimeField(
        label="Expires",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )

    def __init__(self, user: AbstractBaseUser | AnonymousUser | PermissionsMixin, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = [scope(each) for each in GRANTABLE if isinstance(user, PermissionsMixin) and user.has_perm(each)]
        found = Permission.objects.filter(content_type__app_label="calls", codename__in=held)
        named = {permission.codename: permission.name for permission in found}
        zone = timezone.get_current_timezone_name()
        self.fields["expires_at"].help_text = f"Time zone {zone}. Without a date it lasts until it is revoked."
        choices = [(name, named[name]) for name in held if name in named]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]

    def clean_expires_at(self) -> datetime | None:
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if expires_at and expires_at <= timezone.now():
            raise ValidationError("This moment has passed. Choose one to come.")
        return expires_at
