"""The portal under load, from outside: its processes and what they use, and the frames that it says it received."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from acsportal.load.asking import ask
from acsportal.load.processes import Reading, listening, read, rss_mib

# Whoever answers names itself, so several are asked until each process has most probably answered.
TIMES_ASKED: Final = 40
REMEDY: Final = "Start it with `make serve` or `make demo`, or name its address with --portal."
KEY_REMEDY: Final = "Give a key that may look at calls with --api-key."


@dataclass(frozen=True, slots=True)
class Portal:
    url: str
    key: str

    def check(self) -> None:
        """Raises LoadError unless it answers and lets us read."""
        self._ask("/livez")
        self._streams(f"{self.url}/api/v1/streams/")

    def processes(self) -> frozenset[int]:
        """Those that listen on this machine and answer; none for a portal elsewhere."""
        told = {self._ask("/livez").get("pid") for _ in range(TIMES_ASKED)}
        return frozenset(told & listening(port_of(self.url)))

    def frames_received(self, subscriptions: Iterable[str]) -> dict[str, tuple[int, bool]]:
        """By Azure's subscription: the frames of all its sockets, and whether these are closed."""
        wanted = set(subscriptions)
        found: dict[str, tuple[int, bool]] = {}
        page: str | None = f"{self.url}/api/v1/streams/"
        while page is not None and len(found) < len(wanted):
            answer = self._streams(page)
            for row in answer["results"]:  # newest first
                if (subscription := row["subscription_id"]) in wanted:
                    frames, closed = found.get(subscription, (0, True))
                    found[subscription] = frames + row["frames_received"], closed and row["state"] != "open"
            page = answer["next"]
        return found

    def _ask(self, path: str) -> Any:
        return ask("GET", self.url + path, what="The portal", remedy=REMEDY)

    def _streams(self, page: str) -> Any:
        return ask("GET", page, key=self.key, what="The portal's API", remedy=KEY_REMEDY)


@dataclass(slots=True)
class Spending:
    """What some processes use from `begin` on."""

    pids: frozenset[int]
    _before: dict[int, Reading] = field(default_factory=dict)

    def begin(self) -> None:
        self._before = self._now()

    def core(self) -> float | None:
        """In parts of a core; None if there are no processes to ask, or others than at the beginning."""
        now = self._now()
        if not now or now.keys() != self._before.keys():
            return None
        spent = (
            (now[pid].cpu_s - before.cpu_s) / (now[pid].at_s - before.at_s) for pid, before in self._before.items()
        )
        return round(sum(spent), 4)

    def memory_mib(self) -> float | None:
        try:
            return round(sum(rss_mib(pid) for pid in self.pids), 1) if self.pids else None
        except OSError:
            return None

    def _now(self) -> dict[int, Reading]:
        try:
            return {pid: read(pid) for pid in self.pids}
        except OSError:
            return {}


def port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)
