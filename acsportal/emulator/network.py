"""What all calls of one process share: how long things take, who signs, what goes wrong, and the way out."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import ClientSession

from acsportal.emulator.faults import Faults
from acsportal.emulator.identity import Identity

log = logging.getLogger("acsportal.emulator")

OTHER_RESOURCE = "99999999-0000-0000-0000-000000000009"
STALE_S = 3600

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. Spans are drawn from at random, seeded per call; single values are fixed.

    Orders of size from the recordings in the protocol sheet, where it has some; delays of the same kind there are
    1 to 2 s and are shortened here, so that a demonstration does not make its viewer wait.
    """

    ring_s: float = 30.0
    connect_s: Span = (0.2, 0.8)
    spread_s: float = 0.1
    socket_s: Span = (0.0, 0.2)
    socket_timeout_s: float = 5.0
    streaming_s: Span = (0.05, 0.3)
    callee_answers_s: Span = (1.0, 2.0)
    disconnect_s: Span = (0.1, 0.5)
    reconnect_s: float = 1.0
    callback_retry_s: tuple[float, ...] = (0.5, 2.0, 5.0)
    tone_s: float = 0.2


@dataclass(frozen=True, slots=True)
class Network:
    http: ClientSession
    identity: Identity
    faults: Faults
    timing: Timing
    seed: int

    def authorization(
        self, call: str, where: Literal["callback", "socket", "transcription"], lifetime_s: int, event_type: str = ""
    ) -> dict[str, str]:
        """The header by which the portal knows Azure, or what a fault makes of it."""
        facts = {"where": where, "type": event_type}
        if self.faults.take("no_token", call, **facts):
            return {}
        audience = OTHER_RESOURCE if self.faults.take("wrong_audience", call, **facts) else ""
        aged_s = lifetime_s + STALE_S if self.faults.take("expired_token", call, **facts) else 0
        return {"Authorization": f"Bearer {self.identity.token(lifetime_s, audience=audience, aged_s=aged_s)}"}


class Tasks:
    """Named tasks with one owner: failures are logged, and ``cancel`` leaves none behind."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{self._owner} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task %s failed", task.get_name(), exc_info=error)

    async def cancel(self) -> None:
        """End all but the task that asks."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
