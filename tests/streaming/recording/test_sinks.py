from streaming.recording.records import Kind, Why
from streaming.recording.sinks import QUEUE_S, TakeSink, TrackSink
from tests.streaming.recording.recorder import FRAME, RATE_HZ, head, numbered


def sink() -> TakeSink:
    return TakeSink(head(), lambda words: None, lambda: None, lambda facts: None)


def fill(track: TrackSink, frames: int) -> None:
    for number in range(frames):
        track.sound(number * FRAME, numbered(number))


def test_a_track_holds_ten_seconds_and_says_what_it_had_to_drop() -> None:
    take = sink()
    track = take.track("participant", "4:+1")
    fill(track, 600)
    assert track.waiting_samples == take.waiting_samples == QUEUE_S * RATE_HZ
    track.taken += FRAME
    track.waiting.popleft()
    track.sound(600 * FRAME, numbered(600))
    assert [entry[:4] for entry in track.waiting if entry[0] == Kind.LOST] == [
        (Kind.LOST, Why.DISK, 500 * FRAME, 100 * FRAME)
    ]


def test_a_take_that_ends_tells_all_that_is_known_of_it() -> None:
    take = sink()
    track = take.track("participant", "4:+1")
    fill(track, 520)
    take.close(520 * FRAME, [])
    track.abandon()
    facts = take.facts(written=False, trouble="the disk is full")
    assert (facts.duration_s, facts.lost_ms, facts.written) == (10.4, 10_400, False)
    assert [(hole.from_s, hole.to_s, hole.why) for hole in facts.holes] == [(0.0, 10.4, "disk")]
    assert [(each.raw_id, each.lost_ms, each.silence_ms) for each in facts.tracks] == [("4:+1", 10_400, 0)]


def test_what_follows_our_clock_moves_by_what_the_first_frame_was_late() -> None:
    take = sink()
    theirs, ours = take.track("participant", "4:+1", by_azure=True), take.track("injected", "")
    theirs.marks.was_sent(0, RATE_HZ)
    ours.marks.was_lost(0, RATE_HZ // 2, Why.DISK)
    take.late = RATE_HZ // 4
    take.close(RATE_HZ, [])
    facts = take.facts(written=True, trouble="")
    assert (facts.duration_s, facts.late_s) == (1.25, 0.25)
    assert [(hole.from_s, hole.to_s) for hole in facts.holes] == [(0.25, 0.75)]
