"""What may be sent: each body is read strictly, so that a misspelt member is refused instead of passed over."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.serializers import (
    BooleanField,
    CharField,
    ChoiceField,
    DateTimeField,
    FileField,
    FloatField,
    IntegerField,
    ListField,
    TimeField,
    UUIDField,
    ValidationError,
)

from calls.errors import BadInput
from calls.models import CallPolicy
from calls.models.profile import ChannelType, RecordingStart, SampleRate, StreamingStart
from calls.profiles import StreamingProfile
from calls.services import PlayClip, PlayFile, PlayTone, SayText
from calls.services.sound import MAX_FILE_S, MAX_TEXT, WHAT_FITS

# What names the sound → the options that go with it alone.
_SOUNDS: Final[dict[str, tuple[str, ...]]] = {
    "clip": (),
    "text": ("voice", "speed_wpm"),
    "tone_hz": ("duration_ms",),
    "audio": (),
}


class Body(serializers.Serializer[Any]):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = ", ".join(self.fields) or "nothing"
            unknown = [str(name)[:40] for name in data if name not in self.fields]
            if unknown:
                raise ValidationError(dict.fromkeys(unknown, f"This is unknown here; the body may hold {known}."))
        return super().to_internal_value(data)


class NothingBody(Body):
    """Orders that need no more than their address."""


class ProfileBody(serializers.Serializer[Any]):
    """How the call's sound is streamed. What is left out: unmixed, 16000, true, true, now."""

    channel_type = ChoiceField(choices=ChannelType.choices, required=False)
    sample_rate_hz = ChoiceField(choices=SampleRate.choices, required=False)
    bidirectional = BooleanField(required=False)
    dtmf = BooleanField(required=False)
    start = ChoiceField(choices=StreamingStart.choices, required=False)


@extend_schema_field(ProfileBody)
class ProfileField(serializers.Field[StreamingProfile, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> StreamingProfile:
        try:
            return StreamingProfile.parse(data)
        except BadInput as error:
            raise ValidationError(error.fields or error.message) from error


class RecordingBody(Body):
    """Whether the call is recorded, and how long recordings are kept."""

    start = ChoiceField(choices=RecordingStart.choices, required=False)
    keep_days = IntegerField(min_value=1, max_value=36_500, required=False, allow_null=True, help_text="Null: always.")


class TranscriptBody(Body):
    """By which recogniser the call is written down."""

    recogniser = CharField(
        max_length=120, required=False, allow_blank=True, help_text="One of SPEECH_RECOGNISERS; empty writes nothing."
    )
    language = CharField(max_length=20, required=False, help_text="Such as en-US or de-DE.")
    phrases = ListField(child=CharField(max_length=80), max_length=200, required=False, help_text="To be expected.")


class PlaceBody(Body):
    callee = CharField(max_length=128, help_text="Number with + and country code, or the raw id of an ACS user.")
    caller = CharField(max_length=32, required=False, allow_blank=True, allow_null=True, help_text="Your number.")
    streaming = ProfileField(required=False, allow_null=True)
    recording = RecordingBody(required=False)
    transcript = TranscriptBody(required=False)


class RejectBody(Body):
    reason = ChoiceField(choices=CallPolicy.RejectReason.choices, required=False, help_text="What the caller is told.")


class RedirectBody(Body):
    target = CharField(max_length=256, help_text="Number with + and country code, or the raw id of an ACS user.")


class SensitiveBody(Body):
    seconds = IntegerField(required=False, min_value=5, max_value=3_600, help_text="Left out: RECORDING_SENSITIVE_S.")


class AzureRecordingBody(Body):
    channel = ChoiceField(choices=("mixed", "unmixed"), required=False, help_text="Unmixed: a channel for each voice.")
    format = ChoiceField(choices=("wav", "mp3"), required=False, help_text="Unmixed is wav alone.")


class StartTranscriptBody(Body):
    """What is left out is as it was last, or as the call's policy says."""

    recogniser = CharField(max_length=120, required=False, help_text="Dotted path, one of SPEECH_RECOGNISERS.")
    language = CharField(max_length=20, required=False, help_text="Such as en-US or de-DE.")
    phrases = ListField(child=CharField(max_length=80), max_length=200, required=False, help_text="To be expected.")


class LanguageBody(Body):
    language = CharField(max_length=20, help_text="Such as en-US or de-DE.")


class ChangedPolicyBody(Body):
    name = CharField(max_length=80, required=False)
    position = IntegerField(min_value=0, max_value=1_000_000, required=False, help_text="The lowest is asked first.")
    enabled = BooleanField(required=False)
    callee_pattern = CharField(max_length=128, required=False, help_text="Such as +1800* or *.")
    caller_pattern = CharField(max_length=128, required=False)
    days = CharField(max_length=7, required=False, help_text="1 is Monday, 7 is Sunday: 12345 are working days.")
    opens_at = TimeField(required=False, allow_null=True, help_text="Such as 09:00; null with closes_at is all day.")
    closes_at = TimeField(required=False, allow_null=True, help_text="Earlier than opens_at: on the next day.")
    time_zone = CharField(max_length=64, required=False, help_text="Such as Europe/Berlin.")
    action = ChoiceField(choices=CallPolicy.Action.choices, required=False)
    reject_reason = ChoiceField(choices=CallPolicy.RejectReason.choices, required=False)
    redirect_target = CharField(max_length=256, required=False, allow_blank=True)
    streaming = ProfileBody(required=False)
    recording = RecordingBody(required=False)
    transcript = TranscriptBody(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The columns of the policy."""
        streaming: dict[str, Any] = attrs.pop("streaming", {})
        if "start" in streaming:
            streaming["streaming_start"] = streaming.pop("start")
        transcript: dict[str, Any] = attrs.pop("transcript", {})
        if "phrases" in transcript:
            transcript["phrases"] = "\n".join(transcript["phrases"])
        recording = {f"recording_{name}": value for name, value in attrs.pop("recording", {}).items()}
        return attrs | streaming | transcript | recording


class PolicyBody(ChangedPolicyBody):
    name = CharField(max_length=80)


class KeyBody(Body):
    name = CharField(max_length=80)
    scopes = ListField(child=CharField(max_length=40), max_length=60, help_text="Such as view_call, inject_call.")
    expires_at = DateTimeField(required=False, allow_null=True, help_text="Left out, it lasts until it is revoked.")


class Decibels(FloatField):
    def to_internal_value(self, data: Any) -> float:
        try:
            return super().to_internal_value(data)
        except OverflowError:
            self.fail("invalid")


class SoundBody(Body):
    """Exactly one of `clip`, `text`, `tone_hz`, and what goes with it."""

    clip = UUIDField(required=False, allow_null=True)
    text = CharField(required=False, allow_null=True, max_length=MAX_TEXT)
    voice = CharField(required=False, allow_null=True, allow_blank=True, max_length=64, help_text="With text.")
    speed_wpm = IntegerField(required=False, allow_null=True, min_value=80, max_value=400, help_text="With text.")
    tone_hz = IntegerField(required=False, allow_null=True, min_value=20, max_value=7_900)
    duration_ms = IntegerField(
        required=False, allow_null=True, min_value=20, max_value=MAX_FILE_S * 1000, help_text="With tone_hz; 1000."
    )
    gain_db = Decibels(required=False, min_value=-40, max_value=20, default=0.0)
    loop = BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in attrs.items() if value is not None and value != ""}
        named = [name for name in _SOUNDS if name in given]
        if len(named) != 1:
            raise ValidationError("Name exactly one sound: clip, text or tone_hz, or send a file as audio.")
        foreign = {
            option: f"This goes with {name} only."
            for name, options in _SOUNDS.items()
            for option in options
            if option in given and name != named[0]
        }
        if foreign:
            raise ValidationError(foreign)
        return given


class SoundFileBody(SoundBody):
    """The same as multipart, where a file may come as `audio`."""

    audio = FileField(required=False, help_text=WHAT_FITS)


class ClipBody(Body):
    name = CharField(max_length=80)
    audio = FileField(help_text=WHAT_FITS)


def sound_in(given: Mapping[str, Any]) -> SayText | PlayTone | PlayClip | PlayFile:
    """The sound that a valid body names."""
    if "text" in given:
        return SayText(given["text"], given.get("voice", ""), given.get("speed_wpm"))
    if "tone_hz" in given:
        return PlayTone(given["tone_hz"], given.get("duration_ms", 1_000))
    if "clip" in given:
        return PlayClip(given["clip"])
    upload: UploadedFile[Any] = given["audio"]
    return PlayFile(upload)
