"""What each process says of itself each 2 s, in its row of the table of processes."""

import os
import threading
from typing import Any, Final

from django.db import DatabaseError, connections

from calls.models import Process
from calls.operations.process import HOST, PROCESS_ID, STARTED_AT, draining
from calls.services.upkeep.processes import beat

EVERY_S: Final = 2.0


def tell(facts: dict[str, Any]) -> None:
    """Writes what this process has to say; its row is made by its first beat."""
    Process.objects.filter(pk=PROCESS_ID).update(facts=facts, draining=draining.is_set(), supervisor=os.getppid())


def others_take_calls() -> bool:
    """Whether another process is there that takes new calls."""
    return Process.objects.taking_calls().exclude(pk=PROCESS_ID).exists()


def siblings_take_calls() -> bool:
    """Whether one of them was started by the same supervisor, and so answers at the same address."""
    near = Process.objects.taking_calls().filter(host=HOST, supervisor=os.getppid())
    return near.exclude(pk=PROCESS_ID).exists()


class JobWorkerBeats:
    """The job worker's sign of life, by a thread of its own: a job may take its time."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends, and takes the row away: who ends in good order is missed by nobody."""
        self._over.set()
        self._thread.join(EVERY_S)
        Process.objects.filter(pk=PROCESS_ID).delete()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                beat(PROCESS_ID, HOST, os.getpid(), STARTED_AT)
                Process.objects.filter(pk=PROCESS_ID).update(kind=Process.Kind.JOBS, supervisor=os.getppid())
            except DatabaseError:
                pass  # the worker itself says so, and waits for it as well
            finally:
                connections.close_all()
            self._over.wait(EVERY_S / 2)
