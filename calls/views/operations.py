"""Two pages for who runs the portal: how its processes and queues are, and what its jobs did."""

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from calls.errors import CallError
from calls.operations.readiness import checks
from calls.permissions import VERBS
from calls.selectors import operations
from calls.services import Actor
from calls.services.jobs import run_job
from calls.views.page import permitted, render_page, tell

# State → tone, icon, word.
JOB_LOOKS: Final = {
    "waiting": ("off", "clock", "Waits"),
    "running": ("us", "wave", "Runs"),
    "done": ("ok", "check", "Done"),
    "failed": ("bad", "trouble", "Failed"),
    "again": ("wait", "warning", "Tried again"),
}
# What waits in a queue, for who does not know our names.
QUEUE_WORDS: Final = {
    "door": "media sockets that knock",
    "action": "calls and events to be answered",
    "screen": "pages that ask for a snapshot",
    "rights": "looks at who may still see",
    "wire": "words to other processes",
    "journal": "rows of streams to be written",
    "dashboard": "events for one page",
    "sounds of a call": "not yet rendered",
}
CHECK_LOOKS: Final = {"ok": ("ok", "check"), "degraded": ("wait", "warning"), "failed": ("bad", "trouble")}
CHECK_NAMES: Final = {
    "database": "Database",
    "migrations": "Migrations",
    "jobs": "Job worker",
    "tasks": "Tasks of this process",
    "layer": "Channel layer",
    "recognisers": "Recognisers",
    "draining": "Ending",
}


@never_cache
@require_safe
@permitted(VERBS["view_operations"])
def health(request: HttpRequest) -> HttpResponse:
    processes = operations.processes()
    found = [(CHECK_NAMES[each.name], *CHECK_LOOKS[each.state], each.said) for each in checks()]
    portals = [each["facts"] for each in processes]
    return render_page(
        request,
        "health.html",
        "health",
        {
            "checks": found,
            "processes": processes,
            "queues": [{**each, "holds": QUEUE_WORDS.get(each["name"], "")} for each in operations.queues(processes)],
            "jobs": operations.job_counts(),
            "sums": {
                name: sum(facts.get(name, 0) for facts in portals)
                for name in ("streams", "dashboards", "frames_received_per_s", "frames_sent_per_s", "gaps")
            },
            "lag_ms": max((facts.get("lag_ms", 0) for facts in portals), default=0),
            "calls": operations.live_calls(),
        },
    )


@never_cache
@require_safe
@permitted(VERBS["view_operations"])
def jobs(request: HttpRequest) -> HttpResponse:
    shown = [
        {**row, "look": JOB_LOOKS["again" if row["state"] == "waiting" and row["tries"] else row["state"]]}
        for row in operations.job_rows()
    ]
    worker = next((each for each in checks() if each.name == "jobs"), None)
    context = {"jobs": shown, "counts": operations.job_counts(), "no_worker": worker and worker.state != "ok"}
    return render_page(request, "jobs.html", "jobs", context)


@require_POST
@permitted(VERBS["run_job"])
def run_job_again(request: HttpRequest, job_id: UUID) -> HttpResponse:
    try:
        run_job(Actor.of(request), job_id)
    except CallError as error:
        tell(request, error)
    else:
        messages.success(request, "The job is handed to the worker again.")
    return redirect("jobs")
