"""Every bounded queue of this process: how long it may grow, how long it is, and what it had to drop.

Each room announces its own here; the figures and the operations page read them. Nothing is counted here per message.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Queue:
    """`when_full` is what a person reads; `waiting` and `dropped` are asked now and then, from any thread."""

    name: str
    bound: int
    when_full: str
    waiting: Callable[[], int]
    dropped: Callable[[], int]


_queues: Final[dict[str, Queue]] = {}


def announce(queue: Queue) -> None:
    """A queue of the same name takes the place of an older one."""
    _queues[queue.name] = queue


def all_queues() -> tuple[Queue, ...]:
    return tuple(_queues.values())
