"""What the doors of this process refused, and what its queues dropped, by name."""

import threading
from collections import Counter

_lock = threading.Lock()
_counts: Counter[str] = Counter()


def count(name: str, more: int = 1) -> int:
    """Adds to a counter and returns its new value."""
    with _lock:
        _counts[name] += more
        return _counts[name]


def counts() -> dict[str, int]:
    """All counters of this process since it started."""
    with _lock:
        return dict(_counts)
