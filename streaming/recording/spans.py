"""Sets of samples as sorted, disjoint (begin, end) pairs."""

from collections.abc import Iterable, Iterator

Span = tuple[int, int]


def union(spans: Iterable[Span]) -> list[Span]:
    """What any of them covers; empty and reversed ones cover nothing."""
    joined: list[Span] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def minus(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """What `spans` cover and `others` do not."""
    left: list[Span] = []
    cuts = union(others)
    first = 0
    for begin, end in union(spans):
        while first < len(cuts) and cuts[first][1] <= begin:
            first += 1
        at = first
        while at < len(cuts) and cuts[at][0] < end:
            if begin < cuts[at][0]:
                left.append((begin, cuts[at][0]))
            begin = max(begin, cuts[at][1])
            at += 1
        if begin < end:
            left.append((begin, end))
    return left


def within(spans: Iterable[Span], count: int) -> Iterator[Span]:
    """The parts of them in 0 … count."""
    for begin, end in spans:
        if max(begin, 0) < min(end, count):
            yield max(begin, 0), min(end, count)


def total(spans: Iterable[Span]) -> int:
    """How many samples disjoint spans cover."""
    return sum(end - begin for begin, end in spans)
