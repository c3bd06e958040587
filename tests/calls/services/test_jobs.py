"""A job that a person asks for again. How jobs are carried out: tests/calls/operations/test_jobs.py."""

from uuid import uuid4

import pytest
from django.core.management import call_command
from django_tasks_db.models import DBTaskResult

from calls.errors import CallStateError, NotFound
from calls.models import AuditEntry, Job
from calls.operations.jobs import enqueue
from calls.operations.jobs.runner import MOST_TRIES
from calls.services import Actor
from calls.services.jobs import run_job

pytestmark = pytest.mark.django_db(transaction=True)

ANA = Actor("user", "ana", "page", "192.0.2.7")


def work() -> None:
    call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0)


def test_a_failed_job_runs_again_when_a_person_asks_and_the_audit_knows_who() -> None:
    job = enqueue("forget_tokens")
    Job.objects.filter(pk=job.pk).update(state="failed", tries=MOST_TRIES, error="no")
    DBTaskResult.objects.all().delete()
    run_job(ANA, job.pk)
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.actor, entry.target_id) == ("run_job", "ana", str(job.pk))
    assert entry.target == "Forget spent media tokens"
    work()
    job.refresh_from_db()
    assert (job.state, job.asked_by, job.tries) == ("done", "ana", 1)


def test_a_job_that_waits_for_its_next_try_need_not_wait() -> None:
    job = enqueue("forget_tokens")
    DBTaskResult.objects.all().delete()
    Job.objects.filter(pk=job.pk).update(tries=3, error="no")
    run_job(ANA, job.pk)
    work()
    job.refresh_from_db()
    assert (job.state, job.tries, job.error) == ("done", 1, "")


def test_a_job_that_runs_is_not_run_twice() -> None:
    job = enqueue("forget_tokens")
    Job.objects.filter(pk=job.pk).update(state="running")
    with pytest.raises(CallStateError, match="The job runs already"):
        run_job(ANA, job.pk)
    assert not AuditEntry.objects.exists()


def test_a_job_that_was_forgotten_is_not_found() -> None:
    with pytest.raises(NotFound):
        run_job(ANA, uuid4())
