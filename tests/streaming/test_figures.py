"""What the streams of a process add up to, asked once a second."""

import pytest

from streaming.figures import Pace, Totals, totals
from streaming.session import StreamFacts
from tests.calls.prometheus import figure


class Source:
    """An open media socket."""

    def __init__(self) -> None:
        self.facts = StreamFacts()
        self.frames_sent = 0


@pytest.mark.django_db
def test_a_streams_counts_are_taken_each_second_and_stay_when_it_closes() -> None:
    before = {name: figure(name) for name in ("frames_received_total", "frames_sent_total", "stream_gaps_total")}
    lost_before = figure("stream_lost_seconds_total")
    source = Source()
    totals.enter(source)
    source.facts.frames_received, source.frames_sent, source.facts.lag_ms = 500, 20, 35.0
    assert figure("frames_received_total") == before["frames_received_total"] + 500
    assert (figure("streams_open"), figure("stream_lag_worst_seconds")) == (1, 0.035)
    source.facts.frames_received, source.facts.gaps, source.facts.lost_ms = 750, 2, 120.0
    totals.leave(source)
    assert figure("frames_received_total") == before["frames_received_total"] + 750
    assert figure("frames_sent_total") == before["frames_sent_total"] + 20
    assert figure("stream_gaps_total") == before["stream_gaps_total"] + 2
    assert figure("stream_lost_seconds_total") == pytest.approx(lost_before + 0.12)
    assert (figure("streams_open"), figure("stream_lag_worst_seconds")) == (0, 0)


def test_a_process_says_how_many_frames_pass_it_in_a_second() -> None:
    counted, source = Totals(), Source()
    counted.enter(source)
    clock = [100.0]
    pace = Pace(lambda: clock[0])
    source.facts.frames_received, source.frames_sent = 100, 50
    clock[0] += 2.0
    first = pace.facts(counted.reading())
    assert (first["frames_received_per_s"], first["frames_sent_per_s"], first["streams"]) == (50, 25, 1)
    clock[0] += 2.0
    assert pace.facts(counted.reading())["frames_received_per_s"] == 0
    assert first["queues"]["journal"][1] > 0


def test_a_stream_that_left_twice_is_counted_once() -> None:
    counted, source = Totals(), Source()
    counted.enter(source)
    source.facts.frames_received = 10
    counted.leave(source)
    counted.leave(source)
    assert (counted.reading()["frames_received"], counted.open) == (10, 0)
