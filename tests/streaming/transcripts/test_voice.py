"""The bounds that every voice's loop has."""

from streaming.transcripts.voice import Limits


def test_a_stalled_recogniser_is_given_up_before_sound_is_lost() -> None:
    limits = Limits()
    assert limits.push_s < limits.queue_s
    assert limits.first_pause_s < limits.last_pause_s
