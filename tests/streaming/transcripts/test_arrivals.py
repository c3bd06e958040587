"""Seconds of pushed sound become moments, holes and bunches or not."""

import pytest

from streaming.transcripts.arrivals import Arrivals


def pushed(*pieces: tuple[float, int]) -> Arrivals:
    """Frames of 20 ms: from which moment on, and how many."""
    arrivals = Arrivals()
    for began_s, count in pieces:
        for each in range(count):
            arrivals.add(began_s + each * 0.02, 0.02)
    return arrivals


def test_without_holes_seconds_are_seconds() -> None:
    arrivals = pushed((100.0, 500))
    assert arrivals.length_s == pytest.approx(10)
    assert arrivals.starts_at(3.5) == pytest.approx(103.5)
    assert arrivals.ends_at(10.0) == pytest.approx(110.0)


def test_what_follows_a_hole_is_late_by_the_hole() -> None:
    arrivals = pushed((100.0, 50), (131.0, 50))
    assert arrivals.ends_at(1.0) == pytest.approx(101.0)
    assert arrivals.starts_at(1.0) == pytest.approx(131.0)
    assert arrivals.starts_at(1.5) == pytest.approx(131.5)
    assert arrivals.ends_at(2.0) == pytest.approx(132.0)


def test_frames_that_come_in_bunches_make_no_hole() -> None:
    arrivals = Arrivals()
    for each in range(100):
        arrivals.add(100 + each * 0.02 + 0.15 * (each % 7 == 0), 0.02)
    assert arrivals.starts_at(1.0) == pytest.approx(101.0, abs=0.2)


def test_small_losses_add_up_to_no_more_than_a_quarter_second() -> None:
    arrivals = Arrivals()
    for each in range(1_000):  # each tenth frame is lost
        if each % 10:
            arrivals.add(100 + each * 0.02, 0.02)
    assert arrivals.ends_at(arrivals.length_s) == pytest.approx(120.0, abs=0.3)


def test_a_stream_of_holes_costs_bounded_memory_and_keeps_its_end_right() -> None:
    arrivals = Arrivals()
    for each in range(5_000):
        arrivals.add(each * 1.0, 0.5)
    assert len(arrivals._moments_s) <= 1_000
    assert arrivals.ends_at(arrivals.length_s) == pytest.approx(4_999.5)


def test_nothing_pushed_has_no_moments() -> None:
    with pytest.raises(ValueError, match="Nothing was pushed"):
        Arrivals().starts_at(0)
