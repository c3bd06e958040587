from acsportal.emulator.media.clock import CallClock


def test_ticks_lie_on_an_absolute_schedule() -> None:
    clock = CallClock(start_s=100.0)
    assert clock.due_s(180_000) == 100.0 + 3600.0


def test_the_next_tick_is_the_first_that_is_not_over() -> None:
    clock = CallClock(start_s=100.0)
    assert clock.next_tick(100.0) == 1
    assert clock.next_tick(100.0399) == 2
    assert clock.next_tick(90.0) == 0


def test_call_time_is_never_negative() -> None:
    assert CallClock(start_s=100.0).elapsed_s(99.0) == 0.0


def test_stamps_are_utc_milliseconds_that_rise_by_twenty() -> None:
    clock = CallClock()
    first, second = clock.stamp(1), clock.stamp(2)
    assert len(first) == len("2024-11-15T19:16:12.925Z")
    assert first.endswith("Z")
    assert (int(second[-4:-1]) - int(first[-4:-1])) % 1000 == 20
