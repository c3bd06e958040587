"""The pages Health and Jobs: who sees them, what they say, and the one thing that can be done there."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from calls.models import AuditEntry, Job, Process
from calls.operations.jobs import enqueue
from calls.operations.process import HOST, STARTED_AT
from calls.services.upkeep.processes import beat
from tests.calls.scene import signed_in

pytestmark = pytest.mark.django_db


def of_role(role: str) -> Client:
    user = User.objects.create_user(role, password="a-long-password")
    user.groups.add(Group.objects.get(name=role))
    return signed_in(user)


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("path", ["/health/", "/jobs/"])
def test_supervisors_and_administrators_see_how_the_portal_is(path: str) -> None:
    found = {
        role: of_role(role).get(path).status_code for role in ("viewer", "operator", "supervisor", "administrator")
    }
    assert found == {"viewer": 403, "operator": 403, "supervisor": 200, "administrator": 200}
    assert Client().get(path).status_code == 302


def test_the_menu_leads_there_only_who_may_go() -> None:
    assert 'href="/health/"' in text(of_role("supervisor"), "/")
    assert 'href="/health/"' not in text(of_role("operator"), "/")


def test_health_names_every_process_and_what_its_queues_dropped() -> None:
    facts = {"streams": 12, "dashboards": 3, "frames_received_per_s": 600, "frames_sent_per_s": 50, "lag_ms": 41}
    for number, queue in enumerate(([7, 1_000, 2], [3, 1_000, 3])):
        beat(f"worker-{number}", HOST, 100 + number, STARTED_AT)
        Process.objects.filter(pk=f"worker-{number}").update(facts={**facts, "queues": {"wire": queue}})
    Process.objects.filter(pk="worker-1").update(draining=True)
    page = text(of_role("supervisor"), "/health/")
    for said in ("worker-0", "worker-1", "<dd>24</dd>", "<dd>1200</dd>", "41 ms", "Ends", "words to other processes"):
        assert said in page, said
    wire = page.split("<strong>Wire</strong>")[1].split("</tr>")[0]
    assert 'data-name="Waits">7<' in wire
    assert "5</span>" in wire
    assert "No job worker runs." in page


def test_jobs_show_what_failed_first_and_why() -> None:
    for state, said in (("done", {"result": "3 forgotten"}), ("failed", {"error": "Entry 2 was altered."})):
        Job.objects.create(kind="verify_audit", state=state, tries=5, **said)
    waiting = Job.objects.create(kind="forget_tokens", tries=2, error="database is locked")
    page = text(of_role("administrator"), "/jobs/")
    places = [page.index(each) for each in ("Entry 2 was altered.", "database is locked", "3 forgotten")]
    assert places == sorted(places)
    assert "Tried again" in page
    assert f"/jobs/{waiting.pk}/run/" in page
    assert "No job worker runs." in page


def test_who_only_sees_finds_no_button() -> None:
    Job.objects.create(kind="verify_audit", state="failed", tries=5)
    assert "Run again" not in text(of_role("supervisor"), "/jobs/")


def test_an_administrator_runs_a_failed_job_again() -> None:
    job = enqueue("verify_audit")
    Job.objects.filter(pk=job.pk).update(state="failed", tries=5)
    client = of_role("administrator")
    answer = client.post(f"/jobs/{job.pk}/run/", follow=True)
    assert "The job is handed to the worker again." in answer.content.decode()
    job.refresh_from_db()
    assert (job.state, job.tries, job.asked_by) == ("waiting", 0, "administrator")
    assert AuditEntry.objects.get().action == "run_job"
    Job.objects.filter(pk=job.pk).update(state="running")
    answer = client.post(f"/jobs/{job.pk}/run/", follow=True)
    assert "The job runs already." in answer.content.decode()
    answer = client.post(f"/jobs/{uuid4()}/run/", follow=True)
    assert "There is no such job." in answer.content.decode()


def test_nobody_else_runs_a_job() -> None:
    job = enqueue("verify_audit")
    for role in ("viewer", "operator", "supervisor"):
        assert of_role(role).post(f"/jobs/{job.pk}/run/").status_code == 403
    assert Client().post(f"/jobs/{job.pk}/run/").status_code == 302
    assert Client(enforce_csrf_checks=True).post(f"/jobs/{job.pk}/run/").status_code == 403
    assert of_role("administrator").get(f"/jobs/{job.pk}/run/").status_code == 405
    assert not AuditEntry.objects.exists()
