from streaming.recording.marks import Hole, Marks, Share, holes_of, ms, share_of
from streaming.recording.records import Why

SECOND = 16_000


def test_each_sample_of_a_track_is_sent_lost_held_or_silent() -> None:
    marks = Marks()
    marks.was_sent(0, SECOND)
    marks.was_sent(SECOND, SECOND)
    marks.was_lost(2 * SECOND, SECOND, Why.GAP)
    assert share_of(marks, [(3 * SECOND, 4 * SECOND)], 6 * SECOND) == Share(2 * SECOND, SECOND, SECOND)
    assert marks.sent == [(0, 2 * SECOND)]


def test_what_came_after_all_is_not_lost_and_what_was_held_is_not_either() -> None:
    marks = Marks()
    marks.was_lost(0, 3 * SECOND, Why.GAP)
    marks.was_sent(0, SECOND)
    assert share_of(marks, [(SECOND, 2 * SECOND)], 3 * SECOND) == Share(0, SECOND, SECOND)


def test_holes_are_those_of_all_tracks_and_short_ones_are_only_counted() -> None:
    one, other = Marks(), Marks()
    one.was_lost(0, SECOND, Why.DISK)
    other.was_lost(SECOND // 2, SECOND, Why.DISK)
    other.was_lost(4 * SECOND, SECOND // 50, Why.GAP)
    holes, lost = holes_of([one, other], [(5 * SECOND, 6 * SECOND, Why.SENSITIVE)], 7 * SECOND, SECOND)
    assert holes == (Hole(0.0, 1.5, "disk"), Hole(5.0, 6.0, "sensitive"))
    assert ms(lost, SECOND) == 1_520
