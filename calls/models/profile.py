"""The streaming profile as columns, shared by a call and by the policy that took it."""

from django.db import models

from calls.profiles import StreamingProfile


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
