"""Jobs by the worker that carries them out: `manage.py db_worker`, until nothing is left that is due."""

import itertools
import json
import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from calls.models import CallEvent, Clip, Injection, Job, UsedMediaToken
from calls.operations.jobs import KINDS, JobKind, enqueue, look_after_jobs
from calls.operations.jobs.kinds import JobFault
from calls.operations.jobs.runner import LOST_WITH_WORKER, MOST_TRIES, pause_s
from calls.operations.jobs.runner import _scheduled as known_periods
from calls.services import Actor, audit
from tests.calls.scene import live_call, wav

pytestmark = pytest.mark.django_db(transaction=True)

ANA = Actor("user", "ana", "page", "192.0.2.7")


@pytest.fixture(autouse=True)
def no_period_known() -> Iterator[None]:
    known_periods.clear()
    yield
    known_periods.clear()


def work() -> None:
    """What one worker does until nothing is due."""
    call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0)


def make_due(job: Job) -> None:
    """The time of its next try has come."""
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(due_at=now)
    DBTaskResult.objects.filter(pk=Job.objects.get(pk=job.pk).task_id).update(run_after=now)


def reloaded(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def flaky() -> Iterator[dict[str, Any]]:
    """A kind of job that fails so often as it is told; it knows what it was asked with."""
    state: dict[str, Any] = {"failures": 0, "asked": []}

    def fail_or_not(**args: Any) -> str:
        state["asked"].append(args)
        if len(state["asked"]) <= state["failures"]:
            raise ConnectionError("the store\nis away")
        return "went well"

    KINDS["flaky"] = JobKind("A flaky job", fail_or_not)
    yield state
    del KINDS["flaky"]


def test_a_job_is_done_once_by_a_worker_and_says_what_came_of_it(flaky: dict[str, Any]) -> None:
    job = enqueue("flaky", asked_by="ana", call="0f0f")
    assert (job.state, job.tries) == ("waiting", 0)
    work()
    job = reloaded(job)
    assert (job.state, job.tries, job.result, job.error) == ("done", 1, "went well", "")
    assert job.finished_at is not None
    assert flaky["asked"] == [{"call": "0f0f"}]
    assert DBTaskResult.objects.get().status == "SUCCESSFUL"


def test_a_failure_is_tried_again_with_growing_pauses_and_then_stays_failed(
    flaky: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    flaky["failures"] = 99
    job = enqueue("flaky")
    pauses = []
    for number in range(1, MOST_TRIES):
        work()
        job = reloaded(job)
        assert (job.state, job.tries, job.error) == ("waiting", number, "is away")
        pauses.append((job.due_at - timezone.now()).total_seconds())
        work()  # it is not due, so nothing happens
        assert reloaded(job).tries == number
        make_due(job)
    work()
    job = reloaded(job)
    assert (job.state, job.tries, len(flaky["asked"])) == ("failed", MOST_TRIES, MOST_TRIES)
    assert all(later > earlier * 2 for earlier, later in itertools.pairwise(pauses))
    failed = [record for record in caplog.records if str(job.pk) in record.getMessage() and record.exc_info]
    assert len(failed) == MOST_TRIES
    work()
    look_after_jobs()
    assert reloaded(job).state == "failed"


def test_pauses_differ_so_that_not_all_come_back_at_once() -> None:
    first = {pause_s(1) for _ in range(50)}
    assert len(first) > 40
    assert 22 < min(first) <= max(first) < 38


def test_a_job_that_recovers_is_done(flaky: dict[str, Any]) -> None:
    flaky["failures"] = 2
    job = enqueue("flaky")
    for _ in range(3):
        work()
        make_due(job)
    assert (reloaded(job).state, reloaded(job).tries, reloaded(job).error) == ("done", 3, "")


def test_a_job_whose_worker_was_killed_is_given_to_another(flaky: dict[str, Any]) -> None:
    job = enqueue("flaky")
    past = timezone.now() - timedelta(seconds=1)
    # The worker had both rows and is gone.
    DBTaskResult.objects.update(status="RUNNING")
    Job.objects.filter(pk=job.pk).update(state="running", tries=1, started_at=past, lease_until=past)
    look_after_jobs()
    job = reloaded(job)
    assert (job.state, job.error) == ("waiting", LOST_WITH_WORKER)
    make_due(job)
    work()
    assert (reloaded(job).state, reloaded(job).tries) == ("done", 2)


def test_a_job_that_runs_is_left_to_its_worker(flaky: dict[str, Any]) -> None:
    job = enqueue("flaky")
    later = timezone.now() + timedelta(minutes=1)
    Job.objects.filter(pk=job.pk).update(state="running", tries=1, lease_until=later)
    look_after_jobs()
    work()
    assert (reloaded(job).state, flaky["asked"]) == ("running", [])


def test_a_job_that_never_reached_the_worker_is_handed_over_again(flaky: dict[str, Any]) -> None:
    job = enqueue("flaky")
    DBTaskResult.objects.filter(pk=job.task_id).update(status="RUNNING")  # claimed by one that died at once
    look_after_jobs()
    assert reloaded(job).task_id == job.task_id, "it is too early to take it for lost"
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    look_after_jobs()
    look_after_jobs()
    assert DBTaskResult.objects.filter(status="READY", args_kwargs__args=[str(job.pk)]).count() == 1
    work()
    assert reloaded(job).state == "done"


def test_what_recurs_falls_due_once_a_period_whoever_looks(flaky: dict[str, Any]) -> None:
    recurring = {name for name, kind in KINDS.items() if kind.every}
    for _ in range(3):
        look_after_jobs()
        known_periods.clear()  # another process
    assert set(Job.objects.values_list("kind", flat=True)) == recurring
    assert Job.objects.count() == len(recurring)
    work()
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}


def test_nothing_piles_up_while_no_worker_is_there() -> None:
    look_after_jobs()
    number = Job.objects.count()
    Job.objects.update(period="of last week")
    known_periods.clear()
    look_after_jobs()
    assert Job.objects.count() == number


def test_a_kind_that_is_no_more_fails_and_harms_nobody(flaky: dict[str, Any]) -> None:
    gone, well = enqueue("was_there_once"), enqueue("flaky")
    work()
    assert (reloaded(gone).state, reloaded(gone).tries) == ("waiting", 1)
    assert reloaded(well).state == "done"


def test_the_log_names_the_job_in_each_of_its_lines(flaky: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    job = enqueue("flaky")
    with caplog.at_level(logging.INFO):
        work()
    assert f"job {job.pk} is done (flaky): went well" in caplog.text


# --- What the kinds do -----------------------------------------------------------------------------------------------


def test_spent_tokens_are_forgotten_when_they_could_no_longer_be_used() -> None:
    call = live_call()
    now = timezone.now()
    for digest, expires_at in (("old", now - timedelta(seconds=1)), ("new", now + timedelta(hours=1))):
        UsedMediaToken.objects.create(digest=digest, call=call, expires_at=expires_at)
    assert KINDS["forget_tokens"].work() == "1 forgotten"
    assert [each.digest for each in UsedMediaToken.objects.all()] == ["new"]


def test_event_ids_are_forgotten_after_two_days_but_not_what_belongs_to_a_call() -> None:
    old = timezone.now() - timedelta(hours=49)
    call = live_call()
    rows: list[tuple[str, dict[str, Any]]] = [
        ("forgotten", {"received_at": old}),
        ("young", {}),
        ("waits", {"received_at": old, "waiting": True}),
        ("of a call", {"received_at": old, "call": call}),
    ]
    for azure_id, fields in rows:
        CallEvent.objects.create(
            source="event_grid", azure_id=azure_id, type="IncomingCall", event_time=old, raw={}, **fields
        )
    assert KINDS["forget_events"].work() == "1 forgotten"
    assert set(CallEvent.objects.filter(source="event_grid").values_list("azure_id", flat=True)) == {
        "young",
        "waits",
        "of a call",
    }


def test_sessions_that_are_over_are_forgotten() -> None:
    now = timezone.now()
    for key, expire_date in (("old", now - timedelta(seconds=1)), ("new", now + timedelta(hours=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=expire_date)
    assert KINDS["forget_sessions"].work() == "1 forgotten"
    assert [each.session_key for each in Session.objects.all()] == ["new"]


def test_sounds_that_were_played_long_ago_lose_their_file_and_orphans_go(settings: Any) -> None:
    call = live_call()
    long_ago = timezone.now() - timedelta(days=settings.STREAM_SOUND_KEEP_DAYS + 1)
    kept: dict[str, str] = {}
    for name, fields in (
        ("old", {"queued_at": long_ago, "state": "done"}),
        ("young", {"state": "done"}),
        ("waits", {"queued_at": long_ago, "state": "queued"}),
    ):
        injection = Injection(call=call, kind="file", name=name, **fields)
        injection.file.save(f"{name}.wav", ContentFile(wav()), save=True)
        kept[name] = str(injection.file.name)
    clip = Clip(name="Hello", duration_ms=1, sample_rate_hz=16_000, channels=1, size=1, sha256="0")
    clip.audio.save("hello.wav", ContentFile(wav()), save=True)
    orphan = default_storage.save("injections/nobody.wav", BytesIO(b"x"))
    said = KINDS["delete_old_sounds"].work()
    assert said == "1 played and 0 orphaned files deleted"  # the orphan may be a file whose row comes in a moment
    assert default_storage.exists(orphan)
    assert [default_storage.exists(each) for each in kept.values()] == [False, True, True]
    assert Injection.objects.get(name="old").file.name == ""
    assert default_storage.exists(str(clip.audio.name))


def test_an_orphan_of_yesterday_goes(tmp_path: Any, settings: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}},
    }
    name = default_storage.save("injections/nobody.wav", BytesIO(b"x"))
    day_before = (timezone.now() - timedelta(days=2)).timestamp()
    os.utime(tmp_path / name, (day_before, day_before))
    assert KINDS["delete_old_sounds"].work() == "0 played and 1 orphaned files deleted"
    assert not default_storage.exists(name)


def test_old_jobs_are_forgotten_failed_ones_after_a_month(flaky: dict[str, Any]) -> None:
    now = timezone.now()
    for state, days in (("done", 8), ("done", 1), ("failed", 8), ("failed", 31)):
        Job.objects.create(kind="flaky", state=state, finished_at=now - timedelta(days=days))
    waiting = enqueue("flaky")
    assert KINDS["forget_jobs"].work() == "2 forgotten"
    assert Job.objects.count() == 3
    assert DBTaskResult.objects.filter(pk=waiting.task_id).exists()


def test_the_audit_is_verified_and_an_altered_entry_fails_the_job() -> None:
    for number in range(3):
        with transaction.atomic():
            audit.record(ANA, "add_clip", target=str(number))
    assert KINDS["verify_audit"].work() == "the chain is whole"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE calls_auditentry SET actor = 'bob' WHERE number = 2")
    with pytest.raises(JobFault, match="Entry 2 was altered"):
        KINDS["verify_audit"].work()
    job = enqueue("verify_audit")
    work()
    assert "Entry 2 was altered" in reloaded(job).error
    assert json.dumps(job.args) == "{}"
