"""What can be counted of a call without understanding it: who spoke when, and what that adds up to."""

from django.db import models
from django.utils import timezone

from calls.models.call import Call
from calls.models.seen import SeenManager


class TalkSpan(models.Model):
    """Somebody spoke without a break, as the levels tell it; `raw_id` "us" is what we played."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="talk_spans")
    raw_id = models.CharField(max_length=256)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    objects = SeenManager()

    class Meta:
        ordering = ("started_at", "id")
        indexes = (models.Index(fields=("call", "started_at"), name="talk_spans_of_a_call"),)

    def __str__(self) -> str:
        return f"talk span {self.pk}"


class CallMeasures(models.Model):
    """The sums of an ended call. Sides: they are everybody but us; we are what the portal played."""

    call = models.OneToOneField(Call, on_delete=models.CASCADE, primary_key=True, related_name="measures")
    computed_at = models.DateTimeField(default=timezone.now)
    their_talk_s = models.FloatField(default=0.0)
    our_talk_s = models.FloatField(default=0.0)
    silence_s = models.FloatField(default=0.0)
    overlap_s = models.FloatField(default=0.0)
    longest_silence_s = models.FloatField(default=0.0)
    their_interruptions = models.PositiveIntegerField(default=0)
    our_interruptions = models.PositiveIntegerField(default=0)
    response_latency_s = models.FloatField(null=True, blank=True, help_text="Median from their last word to our first.")
    words_per_minute = models.FloatField(null=True, blank=True)
    people = models.JSONField(default=list, blank=True, help_text="The same of each voice.")

    objects = SeenManager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"measures of {self.call_id}"
