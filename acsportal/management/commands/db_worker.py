"""django-tasks' database worker, which also shows signs of life: /readyz and the operations page ask for them."""

from typing import Any

from django_tasks_db.management.commands.db_worker import Command as Worker

from calls.operations.heartbeat import JobWorkerBeats
from calls.operations.process import PROCESS_ID
from streaming.recording import jobs as recording_jobs  # noqa: F401 (imported for what it does)


class Command(Worker):
    def handle(self, **options: Any) -> None:
        options["worker_id"] = PROCESS_ID
        beats = JobWorkerBeats()
        beats.start()
        try:
            super().handle(**options)
        finally:
            beats.stop()

    def configure_logging(self, verbosity: int) -> None:
        """As the settings say, and not by a handler of its own."""
