"""What a person may ask of a job: that it is done again, now."""

from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from calls.errors import CallStateError, NotFound
from calls.models import Job
from calls.operations.jobs import KINDS
from calls.operations.jobs.runner import hand_to_worker
from calls.services import audit
from calls.services.actor import Actor

RESTS: Final = (Job.State.FAILED, Job.State.DONE, Job.State.WAITING)


def run_job(actor: Actor, job_id: UUID) -> Job:
    """The job is due at once, with all its tries before it; raises NotFound, and CallStateError while it runs."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None:
            raise NotFound("There is no such job. It may be so old that it was forgotten.")
        if job.state not in RESTS:
            raise CallStateError("The job runs already. Look again in a moment.")
        job.state, job.tries, job.due_at = Job.State.WAITING, 0, timezone.now()
        job.asked_by, job.finished_at = actor.name, None
        job.save(update_fields=["state", "tries", "due_at", "asked_by", "finished_at"])
        hand_to_worker(job)
        kind = KINDS.get(job.kind)
        audit.record(actor, "run_job", target=kind.title if kind else job.kind, target_id=job.pk, kind=job.kind)
    return job
