import io
import wave

import pytest

from acsportal.emulator.media.playout import Playout

RATE_HZ = 16000
FRAME = b"\x01\x00" * 320


def samples(playout: Playout, now_s: float) -> list[int]:
    with wave.open(io.BytesIO(playout.heard(now_s).wav())) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, playout.rate_hz)
        content = file.readframes(file.getnframes())
    return [content[i] for i in range(0, len(content), 2)]


def test_nothing_played_is_silence_as_long_as_the_call() -> None:
    assert samples(Playout(RATE_HZ), 0.5) == [0] * 8000


def test_sound_starts_at_the_next_tick_of_the_call() -> None:
    playout = Playout(RATE_HZ)
    playout.push(FRAME, 0.105)
    heard = samples(playout, 0.2)
    assert heard[: 6 * 320] == [0] * 6 * 320
    assert heard[6 * 320 : 7 * 320] == [1] * 320
    assert heard[7 * 320 :] == [0] * 3 * 320


def test_what_is_sent_at_once_is_played_at_real_time() -> None:
    playout = Playout(RATE_HZ)
    playout.push(FRAME * 50, 0.0)
    assert playout.queued_ms(0.0) == 1000
    assert playout.queued_ms(0.52) == 500
    assert playout.queued_ms(5.0) == 0
    assert playout.max_queued_ms == 1000


def test_stop_audio_drops_what_is_not_played_and_what_comes_later_is_heard() -> None:
    playout = Playout(RATE_HZ)
    playout.push(FRAME * 50, 0.0)
    playout.stop(0.1)
    assert playout.queued_ms(0.1) == 0
    playout.push(FRAME, 2.0)
    heard = samples(playout, 3.0)
    assert sum(heard) == 5 * 320 - 320 + 320
    assert playout.stop_audio == 1


def test_an_empty_queue_that_fills_again_within_100_ms_is_an_underrun() -> None:
    playout = Playout(RATE_HZ)
    playout.push(FRAME, 0.0)
    playout.push(FRAME, 0.09)
    assert playout.underruns == 1
    playout.push(FRAME, 0.5)
    assert playout.underruns == 1


def test_audio_sent_every_tick_does_not_underrun() -> None:
    playout = Playout(RATE_HZ)
    for tick in range(100):
        playout.push(FRAME, 0.001 + tick * 0.02)
    assert playout.underruns == 0
    assert playout.max_queued_ms <= 40


def test_frames_that_follow_a_stop_without_a_pause_are_counted() -> None:
    playout = Playout(RATE_HZ)
    playout.push(FRAME, 0.0)
    playout.stop(0.1)
    playout.push(FRAME, 0.12)
    playout.push(FRAME, 0.3)
    assert playout.frames_after_stop == 2
    playout.push(FRAME, 0.7)
    playout.push(FRAME, 0.72)
    assert playout.frames_after_stop == 2


def test_a_stop_silences_the_underrun_count() -> None:
    playout = Playout(RATE_HZ)
    playout.push(FRAME, 0.0)
    playout.stop(0.05)
    playout.push(FRAME, 0.06)
    assert playout.underruns == 0


def test_an_odd_byte_is_dropped() -> None:
    playout = Playout(RATE_HZ)
    playout.push(FRAME + b"\x07", 0.0)
    playout.push(FRAME, 0.0)
    assert sum(samples(playout, 1.0)) == 640


def test_what_was_heard_until_now_stays_as_it_was() -> None:
    playout = Playout(RATE_HZ)
    playout.push(FRAME * 10, 0.0)
    early = playout.heard(0.1)
    before = early.wav()
    playout.advance(5.0)
    assert early.wav() == before


@pytest.mark.parametrize("rate_hz", [16000, 24000])
def test_memory_ends_after_an_hour(rate_hz: int) -> None:
    playout = Playout(rate_hz)
    playout.push(FRAME, 3700.0)
    playout.advance(3701.0)
    assert len(playout.heard(4000.0).wav()) == 44 + 2 * rate_hz * 3600
