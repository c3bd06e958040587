"""Plays, recognitions and sent tones wait for each other: one at a time, as far as Azure lets them queue at all."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from acsportal.emulator import errors
from acsportal.emulator.callbacks import Result
from acsportal.emulator.media.stream import Order

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call


class MediaOperation(ABC):
    """One accepted order. ``is_broad``: may wait behind anything; and behind it anything may wait."""

    name: ClassVar[str]

    def __init__(self, call: "Call", order: Order, is_broad: bool) -> None:
        self.is_broad = is_broad
        self._call = call
        self._order = order

    @abstractmethod
    async def run(self) -> None:
        """Do it, and tell of its end."""

    @abstractmethod
    def cancel(self) -> None:
        """Tell that it ends here, whether it had begun or not; what runs is ended by the queue."""

    def press(self, raw_id: str, tone: str) -> None:  # noqa: B027 (most of them do not listen)
        """Somebody pressed a key meanwhile."""

    def _tell(self, kind: str, result: Result, extra: dict[str, Any] | None = None) -> None:
        self._call.tell(kind, self._order, result, extra)


class MediaQueue:
    def __init__(self, call: "Call") -> None:
        self._call = call
        self._waiting: deque[MediaOperation] = deque()
        self._running: asyncio.Task[None] | None = None
        self._worker: asyncio.Task[None] | None = None

    def put(self, operation: MediaOperation, is_interrupting: bool = False) -> None:
        """``is_interrupting`` cancels what is there already. Raises AzureError 412/8583 (sheet, end of section 7)."""
        if is_interrupting:
            self.cancel_all()
        if not operation.is_broad and not all(other.is_broad for other in self._waiting):
            raise errors.incompatible(operation.name)
        self._waiting.append(operation)
        if self._worker is None or self._worker.done():
            self._worker = self._call.tasks.spawn("media queue", self._work())

    def cancel_all(self) -> None:
        cancelled = tuple(self._waiting)
        self._waiting.clear()
        for operation in cancelled:
            operation.cancel()
        if self._running is not None:
            self._running.cancel()

    def press(self, raw_id: str, tone: str) -> None:
        if self._waiting:
            self._waiting[0].press(raw_id, tone)

    async def _work(self) -> None:
        while self._waiting:
            operation = self._waiting[0]
            self._running = self._call.tasks.spawn(operation.name, operation.run())
            await asyncio.wait({self._running})
            if self._waiting and self._waiting[0] is operation:
                self._waiting.popleft()
