"""The streaming profile, and what is kept of the sound, as columns: shared by a call and by the policy that took it."""

import re
from typing import Final

from django.core.validators import MinValueValidator
from django.db import models

from calls.profiles import Capture, StreamingProfile
from calls.recognisers import facts_of, lacking

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
MOST_PHRASES: Final = 200
LONGEST_PHRASE: Final = 80


class ChannelType(models.TextChoices):
    UNMIXED = "unmixed", "one stream per speaker"
    MIXED = "mixed", "all speakers in one stream"


class SampleRate(models.IntegerChoices):
    HZ_16000 = 16000, "16 kHz"
    HZ_24000 = 24000, "24 kHz"


class StreamingStart(models.TextChoices):
    NOW = "now", "when the call connects"
    LATER = "later", "when somebody starts it"


class ProfileColumns(models.Model):
    channel_type = models.CharField(max_length=8, choices=ChannelType.choices, default=ChannelType.UNMIXED)
    sample_rate_hz = models.PositiveIntegerField(choices=SampleRate.choices, default=SampleRate.HZ_16000)
    bidirectional = models.BooleanField("both ways", default=True, help_text="Without it Azure ignores our sound.")
    dtmf = models.BooleanField("keys", default=True, help_text="Send the keys that callers press down the stream.")
    streaming_start = models.CharField(
        "start streaming", max_length=8, choices=StreamingStart.choices, default=StreamingStart.NOW
    )

    class Meta:
        abstract = True

    @property
    def profile(self) -> StreamingProfile:
        # A row that was not read back yet holds its defaults as members of an enumeration.
        return StreamingProfile.parse(
            {
                "channel_type": str(self.channel_type),
                "sample_rate_hz": int(self.sample_rate_hz),
                "bidirectional": self.bidirectional,
                "dtmf": self.dtmf,
                "start": str(self.streaming_start),
            }
        )

    def take_profile(self, profile: StreamingProfile) -> None:
        self.channel_type = profile.channel_type
        self.sample_rate_hz = profile.sample_rate_hz
        self.bidirectional = profile.bidirectional
        self.dtmf = profile.dtmf
        self.streaming_start = profile.start


class RecordingStart(models.TextChoices):
    NOW = "now", "when sound comes"
    LATER = "later", "when somebody starts it"


class CaptureColumns(models.Model):
    """By which recogniser the sound is written down, and whether it is recorded."""

    recogniser = models.CharField(
        max_length=120, blank=True, help_text="Dotted path of one of SPEECH_RECOGNISERS; empty writes nothing down."
    )
    language = models.CharField(max_length=20, default="en-US", help_text="Of the speech, such as en-US or de-DE.")
    phrases = models.TextField(blank=True, help_text="Words and names to be expected, one phrase a line.")
    recording_start = models.CharField(
        "record", max_length=8, choices=RecordingStart.choices, default=RecordingStart.LATER
    )
    recording_keep_days = models.PositiveIntegerField(
        "keep recordings for days",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Then they are deleted; empty keeps them.",
    )

    class Meta:
        abstract = True

    @property
    def phrase_list(self) -> list[str]:
        return [each for line in self.phrases.splitlines() if (each := " ".join(line.split()))]

    def take_capture(self, other: "CaptureColumns") -> None:
        for field in CaptureColumns._meta.get_fields():
            setattr(self, field.name, getattr(other, field.name))

    def ask_capture(self, capture: Capture) -> None:
        """Takes over what somebody asks for; `tidy_capture` tells what is wrong with it."""
        self.recogniser = capture.recogniser
        self.language = capture.language
        self.phrases = "\n".join(capture.phrases)
        self.recording_start = capture.recording_start
        self.recording_keep_days = capture.recording_keep_days

    @property
    def kept(self) -> str:
        """What is kept of the sound, in words; `nothing` if nobody starts anything."""
        parts = []
        if self.recording_start == RecordingStart.NOW:
            days = self.recording_keep_days
            parts.append("recording" if days is None else f"recording for {days} day{'s' * (days != 1)}")
        if self.recogniser:
            parts.append(f"transcript: {facts_of(self.recogniser).title} ({self.language})")
        return ", ".join(parts) or "nothing"

    def tidy_capture(self) -> dict[str, str]:
        """Tidies language and phrases; what is wrong, as sentences by field."""
        faults: dict[str, str] = {}
        self.language = self.language.strip()
        if not _LANGUAGE.fullmatch(self.language):
            faults["language"] = "Give a language and perhaps a country, such as en-US or de-DE."
        if self.recogniser and (missing := lacking(self.recogniser)):
            faults["recogniser"] = missing
        phrases = self.phrase_list
        if len(phrases) > MOST_PHRASES or any(len(each) > LONGEST_PHRASE for each in phrases):
            faults["phrases"] = f"Give at most {MOST_PHRASES} phrases of at most {LONGEST_PHRASE} characters."
        self.phrases = "\n".join(phrases)
        return faults
