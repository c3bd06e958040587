"""/readyz: what takes a process out of service, and what is only named."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from calls.models import CallPolicy, Process
from calls.operations import readiness
from calls.operations.process import HOST, STARTED_AT, draining, stumbling
from calls.recognisers import OPENAI_REALTIME
from calls.services.upkeep.processes import beat
from calls.wire import wire

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    draining.clear()
    stumbling.clear()


def ready() -> tuple[int, str, dict[str, str]]:
    answer = Client().get("/readyz")
    said = answer.json()
    return answer.status_code, said["status"], {name: each["state"] for name, each in said["checks"].items()}


def a_job_worker() -> None:
    beat("worker-1", HOST, 1, STARTED_AT)
    Process.objects.filter(pk="worker-1").update(kind=Process.Kind.JOBS)


def test_a_portal_with_all_that_it_needs_is_ready() -> None:
    a_job_worker()
    status, word, checks = ready()
    assert (status, word) == (200, "ready")
    assert set(checks.values()) == {"ok"}
    assert set(checks) == {"database", "migrations", "jobs", "recognisers", "tasks", "layer", "draining"}


def test_calls_do_not_need_a_job_worker() -> None:
    assert ready()[:2] == (200, "degraded")
    assert ready()[2]["jobs"] == "degraded"


def test_redis_away_is_named_and_takes_nobody_out_of_service(settings: Any) -> None:
    a_job_worker()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert ready()[1] == "ready"
    wire._down = True
    try:
        status, word, checks = ready()
    finally:
        wire._down = False
    assert (status, word, checks["layer"]) == (200, "degraded", "degraded")


def test_a_process_that_ends_or_whose_tasks_fail_gets_no_work() -> None:
    draining.set()
    assert ready()[0] == 503
    assert ready()[2]["draining"] == "failed"
    draining.clear()
    stumbling.add("hub")
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["tasks"]["said"] == "hub failed and is started again."


def test_a_database_without_the_newest_migration_is_not_ready() -> None:
    readiness._settled.clear()
    newest = MigrationRecorder.Migration.objects.filter(app="calls").latest("id")
    MigrationRecorder(connection).record_unapplied("calls", newest.name)
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert "Run manage.py migrate" in answer.json()["checks"]["migrations"]["said"]


def test_a_policy_whose_recogniser_lacks_its_key_is_named(settings: Any) -> None:
    a_job_worker()
    settings.SPEECH_RECOGNISERS = [OPENAI_REALTIME]
    policy = CallPolicy.objects.create(name="Sales", recogniser=OPENAI_REALTIME)
    assert ready()[2]["recognisers"] == "ok"
    settings.SPEECH_RECOGNISERS = []
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    said = answer.json()["checks"]["recognisers"]["said"]
    assert said.startswith("Calls of the policy Sales are not written down: ")
    assert said.endswith("Set SPEECH_OPENAI_KEY, or choose another recogniser.")
    CallPolicy.objects.filter(pk=policy.pk).update(enabled=False)
    assert ready()[2]["recognisers"] == "ok"
