from calls.health import MARKS, SLOW_MS, STALLED_MS, HealthMarks


def second(marks: HealthMarks, lag_ms: int | None = 3, lost_ms: int = 0, worst_lag_ms: int | None = None) -> None:
    for at in range(10):
        marks.tick(worst_lag_ms if worst_lag_ms is not None and at == 4 else lag_ms, lost_ms)


def test_a_mark_is_made_of_the_worst_of_its_second() -> None:
    marks = HealthMarks()
    second(marks)
    second(marks, worst_lag_ms=SLOW_MS)
    second(marks, lost_ms=40)
    second(marks, lost_ms=40)
    second(marks, lag_ms=None)
    assert marks.marks() == ["well", "wait", "bad", "well", "none"]


def test_a_second_that_is_not_over_has_no_mark() -> None:
    marks = HealthMarks()
    for _ in range(9):
        marks.tick(3)
    assert marks.marks() == []


def test_what_was_lost_before_anybody_looked_is_no_news() -> None:
    marks = HealthMarks()
    second(marks, lag_ms=None)
    second(marks, lost_ms=5_000)
    second(marks, lost_ms=5_020)
    assert marks.marks() == ["none", "well", "bad"]


def test_a_new_stream_counts_from_nothing_again() -> None:
    marks = HealthMarks()
    second(marks, lost_ms=500)
    second(marks, lost_ms=0)
    second(marks, lost_ms=20)
    assert marks.marks() == ["well", "well", "bad"]


def test_a_minute_is_kept() -> None:
    marks = HealthMarks()
    second(marks, lag_ms=SLOW_MS)
    for _ in range(MARKS):
        second(marks)
    assert marks.marks() == ["well"] * MARKS


def test_a_second_in_which_nothing_came_is_bad() -> None:
    marks = HealthMarks()
    for age_ms in (STALLED_MS - 1, STALLED_MS, 0):
        for _ in range(10):
            marks.tick(3, 0, age_ms)
    assert marks.marks() == ["well", "bad", "well"]
