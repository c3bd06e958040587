"""What was said, whoever recognised it; and what people add to a call afterwards: tags, notes, corrections."""

import uuid

from django.db import models
from django.utils import timezone

from calls.models.call import Call, Participant
from calls.models.seen import SeenManager
from calls.models.stream import StreamSession


class Segment(models.Model):
    """One turn of one speaker, or a gap in which nothing could be recognised.

    While it is spoken its row is written anew with each revision; a final one changes only by a correction, and then
    `original_text` keeps what was recognised.
    """

    class Kind(models.TextChoices):
        SPEECH = "speech"
        GAP = "gap"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="segments")
    stream = models.ForeignKey(StreamSession, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    participant = models.ForeignKey(Participant, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    raw_id = models.CharField(max_length=256, blank=True, help_text='"mixed" where voices are not told apart.')
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.SPEECH)
    key = models.CharField(max_length=80, help_text="By which the source's revisions find their row.")
    seq = models.PositiveIntegerField(help_text="Numbers the changes of a call's transcript, each one anew.")
    text = models.TextField(blank=True)
    original_text = models.TextField(null=True, blank=True, help_text="What was recognised, once it is corrected.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    final = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(default=1)
    confidence = models.FloatField(null=True, blank=True, help_text="0 to 1, where the source tells.")
    language = models.CharField(max_length=20, blank=True)
    source = models.CharField(max_length=40, help_text="Short name of the recogniser.")
    words = models.JSONField(default=list, blank=True, help_text="text, start_s, end_s from the segment's start.")
    extra = models.JSONField(default=dict, blank=True, help_text="What only this source tells, such as sentiment.")
    corrected_by = models.CharField(max_length=150, blank=True)
    corrected_at = models.DateTimeField(null=True, blank=True)

    objects = SeenManager()

    class Meta:
        ordering = ("started_at", "seq")
        constraints = (
            models.UniqueConstraint(fields=("call", "key"), name="a_segment_has_one_row"),
            models.UniqueConstraint(fields=("call", "seq"), name="changes_of_a_transcript_are_numbered"),
        )
        indexes = (models.Index(fields=("call", "started_at"), name="segments_of_a_call"),)

    def __str__(self) -> str:
        return f"segment {self.seq} of {self.call_id}"


class Tag(models.Model):
    """A word that people find calls by."""

    name = models.CharField(max_length=40, unique=True)
    calls = models.ManyToManyField(Call, related_name="tags", blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    """What somebody wrote about a call, or about one moment of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField()
    about_at = models.DateTimeField(null=True, blank=True, help_text="The moment of the call that it is about.")
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)

    objects = SeenManager()

    class Meta:
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return f"note {self.id}"
