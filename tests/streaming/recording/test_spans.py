from hypothesis import given
from hypothesis import strategies as st

from streaming.recording.spans import minus, total, union, within

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def covered(spans: list[tuple[int, int]]) -> set[int]:
    return {at for begin, end in spans for at in range(begin, end)}


@given(SPANS)
def test_a_union_covers_the_same_and_no_sample_twice(spans: list[tuple[int, int]]) -> None:
    joined = union(spans)
    assert covered(joined) == covered(spans)
    assert total(joined) == len(covered(spans))


@given(SPANS, SPANS)
def test_what_is_taken_away_is_gone_and_nothing_else(
    spans: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    assert covered(minus(spans, others)) == covered(spans) - covered(others)


@given(SPANS, st.integers(0, 60))
def test_only_what_lies_inside_is_left(spans: list[tuple[int, int]], count: int) -> None:
    assert covered(list(within(spans, count))) == covered(spans) & set(range(count))
