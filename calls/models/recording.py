"""What was recorded: takes of a call in one process, their tracks, and the recordings that Azure makes itself."""

import uuid
from typing import ClassVar, cast

from django.core.files.storage import Storage, storages
from django.db import models
from django.utils import timezone
from django.utils.functional import LazyObject

from calls.models.call import Call
from calls.models.seen import SeenManager


class _RecordingStore(LazyObject):  # type: ignore[type-arg]
    """Set up at its first use: what a site chose may not be installed where nobody touches recordings."""

    def _setup(self) -> None:
        self._wrapped = storages["recordings"]


recording_store = cast(Storage, _RecordingStore())


def recordings_storage() -> Storage:
    """Where the files of finished recordings are (STORAGES["recordings"])."""
    return recording_store


class Take(models.Model):
    """One recording of a call from its start to its end, in one process. All its tracks begin at `started_at` and are
    equally long, so that they can be played together; what is missing or held back is silence, and counted."""

    class State(models.TextChoices):
        RECORDING = "recording"
        PAUSED = "paused"
        FINISHING = "finishing"
        COMPLETE = "complete"
        FAILED = "failed"
        DELETED = "deleted"

    OPEN: ClassVar = (State.RECORDING, State.PAUSED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="takes")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.RECORDING, db_index=True)
    owner = models.CharField(max_length=64, help_text="The process that writes it.")
    sample_rate_hz = models.PositiveIntegerField(null=True, blank=True)
    asked_by = models.CharField(max_length=150)
    started_at = models.DateTimeField(default=timezone.now, help_text="Sample 0 of every track.")
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_s = models.FloatField(null=True, blank=True)
    # [{"from_s": …, "to_s": …, "why": "pause" | "sensitive" | "gap" | "disk"}], seconds from started_at
    holes = models.JSONField(default=list, blank=True)
    lost_ms = models.PositiveIntegerField(default=0)
    recovered = models.BooleanField(default=False, help_text="Put together after its process was gone.")
    error = models.CharField(max_length=300, blank=True)
    delete_after = models.DateTimeField(null=True, blank=True, db_index=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.CharField(max_length=150, blank=True)

    objects = SeenManager()

    class Meta:
        ordering = ("call", "number")
        constraints = (models.UniqueConstraint(fields=("call", "number"), name="takes_of_a_call_are_numbered"),)

    def __str__(self) -> str:
        return f"take {self.number} of {self.call_id}"


class Recording(models.Model):
    """One track of a take: a participant's voice, what we played, or both sides as stereo for players."""

    class State(models.TextChoices):
        RECORDING = "recording"
        FINISHING = "finishing"
        COMPLETE = "complete"
        FAILED = "failed"
        DELETED = "deleted"

    class Track(models.TextChoices):
        PARTICIPANT = "participant"
        INJECTED = "injected", "what we played"
        STEREO = "stereo", "callers left, us right"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    take = models.ForeignKey(Take, on_delete=models.CASCADE, related_name="tracks")
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="recordings")
    track = models.CharField(max_length=11, choices=Track.choices)
    raw_id = models.CharField(max_length=256, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.RECORDING, db_index=True)
    sample_rate_hz = models.PositiveIntegerField()
    duration_s = models.FloatField(null=True, blank=True)
    silence_ms = models.PositiveIntegerField(default=0, help_text="Of it, where nothing was sent.")
    lost_ms = models.PositiveIntegerField(default=0, help_text="Of it, what is missing though it was spoken.")
    held_ms = models.PositiveIntegerField(default=0, help_text="Of it, what was held back by a pause.")
    recovered = models.BooleanField(default=False)
    file = models.FileField(upload_to="recordings/", storage=recordings_storage, max_length=255, blank=True)
    peaks = models.FileField(upload_to="recordings/", storage=recordings_storage, max_length=255, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True, help_text="Bytes of the file.")
    sha256 = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=300, blank=True)

    objects = SeenManager()

    class Meta:
        ordering = ("take", "track", "raw_id")
        constraints = (models.UniqueConstraint(fields=("take", "track", "raw_id"), name="one_track_per_voice"),)

    def __str__(self) -> str:
        return f"{self.track} {self.id}"

    @property
    def names(self) -> tuple[str, str]:
        """What its file and its peaks are called in the storage: always the same, and nothing that a caller said."""
        stem = f"recordings/{self.call_id}/{self.take_id}/{self.track}-{self.pk}"
        return f"{stem}.flac", f"{stem}.peaks.json"

    @property
    def obstacle(self) -> str:
        """Why it cannot be heard, as a sentence; empty if it can. One that was deleted is asked for in vain."""
        if self.state == self.State.RECORDING:
            return "The call is still being recorded. A recording can be heard a few seconds after its end."
        if self.state == self.State.FINISHING:
            waits = f" {self.take.error}" if self.take.error else ""
            return f"The recording is being finished. Ask again in a few seconds.{waits}"
        if self.state == self.State.FAILED:
            why = self.error or self.take.error
            return f"The recording failed, so there is nothing to hear. {why}".strip()
        return ""


class AzureRecording(models.Model):
    """A recording that Azure makes and keeps itself; we steer it and list it, honestly labelled."""

    class State(models.TextChoices):
        STARTING = "starting"
        ACTIVE = "active"
        PAUSED = "inactive", "paused"
        STOPPED = "stopped"
        READY = "ready", "ready to be fetched"
        FAILED = "failed"

    OPEN: ClassVar = (State.STARTING, State.ACTIVE, State.PAUSED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="azure_recordings")
    azure_id = models.TextField(blank=True, help_text="Azure's recordingId.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.STARTING)
    content = models.CharField(max_length=12, default="audio")
    channel = models.CharField(max_length=12, default="mixed")
    file_format = models.CharField(max_length=8, default="wav")
    asked_by = models.CharField(max_length=150)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    files = models.JSONField(default=list, blank=True, help_text="Chunks as Azure told of them.")
    held = models.BooleanField(default=False, help_text="Paused by us for a sensitive moment; goes on after it.")
    error = models.CharField(max_length=300, blank=True)

    objects = SeenManager()

    class Meta:
        ordering = ("-started_at", "-id")

    def __str__(self) -> str:
        return f"Azure recording {self.id}"
