"""Where a process may run: the server on a core of its own, all else on the others."""

import os


def cores() -> tuple[set[int], set[int]]:
    """Where the server runs and where all else does: one and the same set if this machine has one core only."""
    allowed = sorted(os.sched_getaffinity(0))
    return ({allowed[0]}, set(allowed[1:])) if len(allowed) > 1 else (set(allowed), set(allowed))


def stay_on(chosen: set[int]) -> None:
    os.sched_setaffinity(0, chosen)
