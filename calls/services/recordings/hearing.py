"""Who hears a recording: asked for every byte, and written down once for each person, take and hour."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from calls.errors import CallStateError, NotFound
from calls.models import AuditEntry, Recording, Take
from calls.selectors.records import iso
from calls.services import audit
from calls.services.actor import Actor

# A player asks for hundreds of parts of one recording; they are one act of hearing.
ONE_HEARING: Final = timedelta(hours=1)


def must_be_there(recording: Recording) -> None:
    """Raises NotFound if it was deleted, and CallStateError if it cannot be heard yet, or never will be."""
    if recording.state == Recording.State.DELETED:
        take = recording.take
        raise NotFound(f"The recording was deleted by {take.deleted_by or 'somebody'} at {iso(take.deleted_at)}.")
    if recording.obstacle:
        raise CallStateError(recording.obstacle)


def hear(actor: Actor, recording: Recording, *, download: bool = False) -> None:
    """Writes down that somebody hears a take, unless it was written down within the hour; a download always is."""
    must_be_there(recording)
    if not download and _written_down(actor, recording):
        return
    with transaction.atomic():
        # Under the take's lock: a page asks for all tracks of a take at once.
        take = Take.objects.select_for_update(no_key=True).get(pk=recording.take_id)
        if download or not _written_down(actor, recording):
            audit.record(
                actor,
                "hear_recording",
                call=recording.call,
                target=f"take {take.number}",
                target_id=take.pk,
                track=recording.track,
                recording=str(recording.pk),
                download=download,
            )


def _written_down(actor: Actor, recording: Recording) -> bool:
    return AuditEntry.objects.filter(
        action="hear_recording",
        actor=actor.name,
        actor_kind=actor.kind,
        target_id=str(recording.take_id),
        at__gt=timezone.now() - ONE_HEARING,
    ).exists()
