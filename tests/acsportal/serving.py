"""A portal as `make serve` starts it, and what a test asks of its processes."""

import json
import os
import signal
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acsportal.demo import Child
from tests.journeys.stack import Stack, ask, running, wait_for

SERVE = ["-m", "acsportal.serve"]


@dataclass
class Served:
    """The running portal; `folder` holds its SQLite file."""

    stack: Stack
    folder: Path

    @property
    def child(self) -> Child:
        return next(each for each in self.stack.demo.children if each.name == "portal")

    @property
    def log(self) -> str:
        return self.child.log.read_text(encoding="utf-8", errors="replace")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What the portal logged as JSON."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def ready(self) -> tuple[int, Any]:
        answer = ask("GET", f"{self.stack.portal}/readyz", timeout_s=3)
        return answer.status, answer.json

    def workers(self) -> dict[str, int]:
        """Name → pid of the workers that answer now, as far as a few connections find them."""
        found = [ask("GET", f"{self.stack.portal}/livez").json for _ in range(12)]
        return {each["worker"]: each["pid"] for each in found}

    def ask_to_end(self, pid: int | None = None, number: int = signal.SIGTERM) -> float:
        """Sends the signal; when, by the monotonic clock."""
        os.kill(pid or self.child.process.pid, number)
        return time.monotonic()

    def ended(self, within_s: float) -> bool:
        try:
            wait_for(lambda: self.child.process.poll() is not None, within_s)
        except AssertionError:
            return False
        return True

    def rows(self, query: str) -> list[Any]:
        """From the SQLite file, when nobody may be there to ask."""
        with closing(sqlite3.connect(self.folder / "portal.sqlite3")) as connection:
            return connection.execute(query).fetchall()


def refuses(url: str) -> bool:
    """Whether nothing listens there any more."""
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except urllib.error.HTTPError:
        return False
    except (urllib.error.URLError, OSError):
        return True
    return False


@contextmanager
def serving(folder: Path, *, many: bool = False, **environment: str) -> Iterator[Served]:
    """One process on SQLite; `many` for two on PostgreSQL and Redis."""
    chosen = {"LOG_FORMAT": "json", **({"WORKERS": "2"} if many else {}), **environment}
    with running(folder, many=many, environment=chosen, server=SERVE) as stack:
        yield Served(stack, folder)
