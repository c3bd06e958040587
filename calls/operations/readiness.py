"""Whether this process may be given work, and if not, why. What is merely degraded is named and costs nothing."""

from dataclasses import dataclass
from typing import Final, Literal

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from calls.models import CallPolicy, Process
from calls.operations.process import draining, stumbling
from calls.recognisers import lacking
from calls.wire import wire

State = Literal["ok", "degraded", "failed"]


@dataclass(frozen=True, slots=True)
class Check:
    """`failed` makes the process unready; `degraded` does not, as calls and their sound go on."""

    name: str
    state: State
    said: str


_settled: Final[set[str]] = set()


def checks() -> list[Check]:
    found = [_database()]
    if found[0].state == "ok":
        found += [_migrations(), _job_worker(), _recognisers()]
    return [*found, _tasks(), _layer(), _draining()]


def _database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return Check("database", "failed", "The database does not answer.")
    return Check("database", "ok", "answers")


def _migrations() -> Check:
    """Asked until all are applied: later ones come with another version, and so with another process."""
    if connection.alias not in _settled:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            said = f"{len(missing)} are not applied. Run manage.py migrate."
            return Check("migrations", "failed", said)
        _settled.add(connection.alias)
    return Check("migrations", "ok", "applied")


def _tasks() -> Check:
    if stumbling:
        return Check("tasks", "failed", f"{', '.join(sorted(stumbling))} failed and is started again.")
    return Check("tasks", "ok", "run")


def _layer() -> Check:
    if not settings.REDIS_URL:
        return Check("layer", "ok", "in memory")
    if not wire.answers:
        return Check("layer", "degraded", "Redis does not answer: calls go on, live pages wait for it.")
    return Check("layer", "ok", "answers")


def _job_worker() -> Check:
    if not Process.objects.of_kind(Process.Kind.JOBS).exists():
        return Check("jobs", "degraded", "No job worker runs. Start manage.py db_worker.")
    return Check("jobs", "ok", "a worker runs")


def _recognisers() -> Check:
    """A policy may name one that was offered when it was saved, and lacks its key now."""
    chosen = (
        CallPolicy.objects.filter(enabled=True)
        .exclude(recogniser="")
        .exclude(recogniser__in=settings.SPEECH_RECOGNISERS)
    )
    policy = chosen.only("name", "recogniser").first() if connection.alias in _settled else None
    if policy is not None:
        said = f"Calls of the policy {policy.name} are not written down: {lacking(policy.recogniser)}"
        return Check("recognisers", "degraded", said)
    return Check("recognisers", "ok", "each policy's is offered")


def _draining() -> Check:
    if draining.is_set():
        return Check("draining", "failed", "The process was asked to end and waits for its calls.")
    return Check("draining", "ok", "no")
