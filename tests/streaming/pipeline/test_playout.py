import random

import numpy as np
import pytest

from streaming.audio import Samples
from streaming.pipeline.playout import Finished, Playing, Playout, PlayoutFull, Sound, Started, Stopped

RATE_HZ = 16_000
FRAME = 320
START_S = 5000.0


def ramp(milliseconds: float, first: int = 1) -> Samples:
    """Samples that all differ from their neighbours and are never zero, so that a missing or doubled one is seen."""
    count = round(milliseconds * RATE_HZ / 1000)
    return ((np.arange(count) + first - 1) % 30_000 + 1).astype(np.int16)


class Listener:
    """What a call's participant hears: plays what it gets at once, and counts where it runs dry."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.ends_at_s = 0.0
        self.most_queued_s = 0.0
        self.dry = 0

    def take(self, frames: list[bytes], now_s: float) -> None:
        for frame in frames:
            if self.ends_at_s < now_s - 1e-6:
                self.dry += self.ends_at_s > 0
                self.ends_at_s = now_s
            self.ends_at_s += 0.02
            self.frames.append(frame)
        self.most_queued_s = max(self.most_queued_s, self.ends_at_s - now_s)

    @property
    def samples(self) -> list[int]:
        return [int(sample) for sample in np.frombuffer(b"".join(self.frames), "<i2")]


class Line:
    """A playout driven as its owner drives it: send what is due, take the events, sleep until the next moment."""

    def __init__(self, rate_hz: int = RATE_HZ, lead_ms: int = 200) -> None:
        self.playout = Playout(rate_hz, lead_ms)
        self.listener = Listener()
        self.now_s = START_S
        self.events: list[tuple[float, Started | Finished]] = []

    @property
    def at_ms(self) -> float:
        return (self.now_s - START_S) * 1000

    def say(self, injection_id: str, samples: Samples, *, loop: bool = False) -> None:
        self.playout.enqueue(Sound(injection_id, samples, loop, kind="tone", label=injection_id.upper()))

    def turn(self) -> None:
        self.listener.take(self.playout.due(self.now_s), self.now_s)
        self.events.extend((self.at_ms, event) for event in self.playout.take_events(self.now_s))

    def run(self, milliseconds: float, oversleep: random.Random | None = None) -> None:
        until_s = self.now_s + milliseconds / 1000
        self.turn()
        while (wake_s := self.playout.wake_at_s(self.now_s)) is not None and wake_s <= until_s:
            assert wake_s >= self.now_s
            self.now_s = wake_s + (oversleep.uniform(0, 0.015) if oversleep else 0)
            self.turn()
        self.now_s = max(self.now_s, until_s)

    def stall(self, milliseconds: float) -> None:
        self.now_s += milliseconds / 1000

    def told(self) -> list[Started | Finished]:
        return [event for _, event in self.events]

    def told_at_ms(self) -> list[int]:
        return [round(at_ms) for at_ms, _ in self.events]


def test_the_lead_is_sent_at_once_and_then_a_frame_each_20_ms() -> None:
    line = Line()
    line.say("a", ramp(1000))
    line.turn()
    assert len(line.listener.frames) == 10
    assert line.playout.due(line.now_s) == []
    assert line.playout.due(line.now_s + 0.0199) == []
    assert len(line.playout.due(line.now_s + 0.020)) == 1
    assert line.playout.wake_at_s(line.now_s + 0.020) == pytest.approx(START_S + 0.040)


@pytest.mark.parametrize(("rate_hz", "frame_bytes"), [(16_000, 640), (24_000, 960)])
def test_every_frame_is_whole(rate_hz: int, frame_bytes: int) -> None:
    playout = Playout(rate_hz)
    playout.enqueue(Sound("a", np.ones(rate_hz // 10 + 1, np.int16)))
    frames = playout.due(START_S)
    assert [len(frame) for frame in frames] == [frame_bytes] * 6
    assert frames[-1] == b"\x01\x00" + bytes(frame_bytes - 2)


def test_a_sound_arrives_whole_and_its_last_frame_is_filled_up_with_silence() -> None:
    line = Line()
    line.say("a", ramp(507))
    line.run(2000)
    assert line.listener.samples == [*ramp(507).tolist(), *[0] * (26 * FRAME - 8112)]
    assert (line.playout.frames_sent, line.listener.dry) == (26, 0)


def test_a_minute_runs_without_a_break_or_too_much_lead_however_sleep_wavers() -> None:
    line = Line()
    line.say("a", ramp(60_000))
    line.run(61_000, random.Random(1))
    assert line.listener.samples == ramp(60_000).tolist()
    assert line.listener.dry == 0
    assert line.listener.most_queued_s <= 0.2201
    assert line.playout.underruns == 0
    assert line.told() == [Started("a"), Finished("a", 60_000)]
    assert line.told_at_ms()[1] == pytest.approx(60_000, abs=15)


@pytest.mark.parametrize("lead_ms", [0, 20, 100, 500])
def test_the_lead_bounds_what_the_other_side_has_queued(lead_ms: int) -> None:
    line = Line(lead_ms=lead_ms)
    line.say("a", ramp(5000))
    line.run(6000)
    assert line.listener.most_queued_s <= (lead_ms + 20) / 1000 + 1e-6
    assert line.listener.dry == 0


def test_sounds_follow_each_other_without_a_break() -> None:
    line = Line()
    line.say("a", ramp(100))
    line.say("b", ramp(200, first=9000))
    line.run(1000)
    assert line.listener.samples == [*ramp(100).tolist(), *ramp(200, first=9000).tolist()]
    assert line.listener.dry == 0
    assert line.told() == [Started("a"), Finished("a", 100), Started("b"), Finished("b", 200)]
    assert line.told_at_ms() == [0, 100, 100, 300]


def test_a_sound_ordered_while_the_last_is_still_heard_joins_its_run() -> None:
    line = Line()
    line.say("a", ramp(200))
    line.run(150)
    line.say("b", ramp(200))
    line.run(1000)
    assert line.listener.dry == 0
    assert line.told_at_ms() == [0, 200, 200, 400]
    assert line.playout.underruns == 0


def test_a_sound_ordered_later_starts_a_run_of_its_own() -> None:
    line = Line()
    line.say("a", ramp(100))
    line.run(1000)
    line.say("b", ramp(100))
    line.run(1000)
    assert line.told_at_ms() == [0, 100, 1000, 1100]
    assert line.playout.underruns == 0


def test_nothing_to_do_needs_no_waking() -> None:
    line = Line()
    assert line.playout.wake_at_s(line.now_s) is None
    line.say("a", ramp(100))
    assert line.playout.wake_at_s(line.now_s) == line.now_s
    line.run(1000)
    assert line.playout.wake_at_s(line.now_s) is None
    assert line.playout.progress(line.now_s) is None


def test_a_sound_shorter_than_a_frame_ends_when_its_last_sample_does() -> None:
    line = Line()
    line.say("a", ramp(7))
    line.run(100)
    assert line.told() == [Started("a"), Finished("a", 7)]
    assert line.told_at_ms() == [0, 7]


def test_a_sound_starts_when_it_is_heard_and_not_when_it_is_sent() -> None:
    line = Line()
    line.say("a", ramp(100))
    line.say("b", ramp(100))
    line.turn()
    assert len(line.listener.frames) == 10
    assert line.told() == [Started("a")]


def test_a_loop_goes_round_without_a_seam_until_it_is_stopped() -> None:
    line = Line()
    line.say("a", ramp(33), loop=True)
    line.run(10_000)
    expected = np.tile(ramp(33), 400)[: len(line.listener.samples)].tolist()
    assert line.listener.samples == expected
    assert line.told() == [Started("a")]
    progress = line.playout.progress(line.now_s)
    assert progress is not None
    assert (progress.left_ms, progress.played_ms) == (None, 10_000)
    assert line.playout.stop(line.now_s) == [Stopped("a", 10_000)]


def test_a_stall_shorter_than_the_lead_is_caught_up_without_drifting() -> None:
    line = Line()
    line.say("a", ramp(2000))
    line.run(500)
    line.stall(190)
    line.run(2000)
    assert (line.listener.dry, line.playout.underruns) == (0, 0)
    assert line.listener.samples == ramp(2000).tolist()
    assert line.told_at_ms()[-1] == 2000


def test_a_stall_beyond_the_lead_restarts_the_schedule_and_is_counted() -> None:
    line = Line()
    line.say("a", ramp(2000))
    line.run(500)
    line.stall(400)  # 700 ms were sent, so that the listener heard nothing from 720 ms on
    line.run(3000)
    assert (line.listener.dry, line.playout.underruns) == (1, 1)
    assert line.listener.samples == ramp(2000).tolist()
    assert line.listener.most_queued_s <= 0.2201
    assert line.told() == [Started("a"), Finished("a", 2000)]
    assert line.told_at_ms()[-1] == 2000 + 400 - 200


def test_progress_follows_what_is_heard() -> None:
    line = Line()
    line.say("a", ramp(500))
    line.say("b", ramp(300))
    line.say("c", ramp(300))
    assert line.playout.progress(line.now_s) == Playing("a", "tone", "A", 0, 500, 2)
    line.run(250)
    assert line.playout.progress(line.now_s) == Playing("a", "tone", "A", 250, 250, 2)
    line.run(300)
    assert line.playout.progress(line.now_s) == Playing("b", "tone", "B", 50, 250, 1)


def test_stop_drops_everything_and_says_what_was_heard() -> None:
    line = Line()
    line.say("a", ramp(500))
    line.say("b", ramp(500))
    line.run(333)
    assert line.playout.stop(line.now_s) == [Stopped("a", 333), Stopped("b", 0)]
    line.run(1000)
    assert line.playout.due(line.now_s) == []
    assert line.playout.progress(line.now_s) is None
    assert line.told() == [Started("a")]


def test_stop_with_nothing_to_stop_is_harmless() -> None:
    assert Playout(RATE_HZ).stop(START_S) == []


def test_after_a_stop_the_next_sound_starts_at_once() -> None:
    line = Line()
    line.say("a", ramp(5000))
    line.run(300)
    line.playout.stop(line.now_s)
    line.say("b", ramp(100))
    line.turn()
    assert (line.told()[-1], line.told_at_ms()[-1]) == (Started("b"), 300)
    line.run(500)
    assert (line.told()[-1], line.told_at_ms()[-1]) == (Finished("b", 100), 400)
    assert line.playout.underruns == 0


def test_one_sound_can_be_taken_out_of_the_queue() -> None:
    line = Line()
    for name in "abc":
        line.say(name, ramp(200))
    assert line.playout.stop_one("b", line.now_s) == Stopped("b", 0)
    assert line.playout.stop_one("b", line.now_s) is None
    line.run(1000)
    assert line.told() == [Started("a"), Finished("a", 200), Started("c"), Finished("c", 200)]


def test_the_sound_being_heard_can_be_taken_out_and_the_next_follows_what_was_sent() -> None:
    line = Line()
    line.say("a", ramp(5000))
    line.say("b", ramp(100))
    line.run(100)
    assert line.playout.stop_one("a", line.now_s) == Stopped("a", 300)
    line.run(1000)
    assert line.told() == [Started("a"), Started("b"), Finished("b", 100)]
    assert line.told_at_ms() == [0, 300, 400]
    assert line.listener.dry == 0


def test_a_lost_socket_gets_again_what_was_sent_and_not_heard() -> None:
    line = Line()
    line.say("a", ramp(500))
    line.say("b", ramp(300))
    line.run(400)  # 600 ms are sent: all of a and the beginning of b
    line.playout.pause(line.now_s)
    line.listener = Listener()
    line.run(3000)
    assert line.listener.frames == []
    assert line.playout.wake_at_s(line.now_s) is None
    assert line.playout.progress(line.now_s) == Playing("a", "tone", "A", 400, 100, 1)
    line.playout.resume(line.now_s)
    line.run(1000)
    assert line.listener.samples == [*ramp(500).tolist()[6400:], *ramp(300).tolist()]
    assert line.told() == [Started("a"), Finished("a", 500), Started("b"), Finished("b", 300)]
    assert line.told_at_ms()[-1] == 400 + 3000 + 400
    assert line.playout.underruns == 0


def test_a_frame_cut_in_the_middle_by_a_lost_socket_is_sent_whole_again() -> None:
    line = Line()
    line.say("a", ramp(300))
    line.run(110)
    line.playout.pause(line.now_s)
    line.playout.resume(line.now_s)
    line.listener = Listener()
    line.run(1000)
    assert line.listener.samples == ramp(300).tolist()[1600:]
    assert line.told()[-1] == Finished("a", 300)


def test_a_loop_survives_a_lost_socket() -> None:
    line = Line()
    line.say("a", ramp(33), loop=True)
    line.run(1000)
    line.playout.pause(line.now_s)
    line.playout.resume(line.now_s)
    line.listener = Listener()
    line.run(500)
    position = 50 * FRAME % 528
    expected = np.tile(ramp(33), 100)[position:][: len(line.listener.samples)].tolist()
    assert line.listener.samples == expected


def test_without_a_socket_orders_are_kept_and_can_be_stopped() -> None:
    line = Line()
    line.playout.pause(line.now_s)
    line.say("a", ramp(300))
    assert line.playout.due(line.now_s) == []
    assert line.playout.stop(line.now_s) == [Stopped("a", 0)]
    line.playout.resume(line.now_s)
    assert line.playout.due(line.now_s) == []


def test_the_queue_is_bounded() -> None:
    line = Line()
    for index in range(100):
        line.say(str(index), ramp(20))
    with pytest.raises(PlayoutFull, match="100 sounds wait"):
        line.say("one too many", ramp(20))
    line.run(100)
    line.say("fits again", ramp(20))


def test_a_sound_without_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="without samples"):
        Line().say("a", ramp(0))


def test_the_meter_sees_the_last_100_ms_heard() -> None:
    line = Line()
    assert line.playout.level_window(line.now_s).size == 0
    line.say("a", ramp(500))
    line.run(50)
    window = line.playout.level_window(line.now_s)
    assert window.tolist() == [0] * 800 + ramp(50).tolist()
    line.run(200)
    assert line.playout.level_window(line.now_s).tolist() == ramp(500).tolist()[2400:4000]
    line.run(300)
    assert line.playout.level_window(line.now_s).tolist() == ramp(500).tolist()[7200:] + [0] * 800
    line.run(100)
    assert line.playout.level_window(line.now_s).size == 0


def test_the_meter_does_not_see_what_was_stopped_before_it_was_heard() -> None:
    line = Line()
    line.say("a", ramp(500))
    line.run(110)
    line.playout.stop(line.now_s)
    assert line.playout.level_window(line.now_s + 0.05).tolist() == ramp(110).tolist()[960:] + [0] * 800
    assert line.playout.level_window(line.now_s + 0.15).size == 0


def test_any_sequence_of_orders_loses_no_sample_and_tells_every_end_once() -> None:
    dice = random.Random(42)
    for _ in range(60):
        line = Line(lead_ms=dice.choice([0, 100, 200]))
        said: dict[str, int] = {}
        stopped: list[Stopped] = []
        for index in range(dice.randint(1, 25)):
            match dice.randrange(6):
                case 0 | 1 | 2:
                    name = f"{index}"
                    said[name] = dice.randint(1, 900)
                    line.say(name, ramp(said[name]))
                case 3:
                    line.stall(dice.randint(0, 600))
                case 4:
                    line.playout.pause(line.now_s)
                    line.stall(dice.randint(0, 600))
                    line.playout.resume(line.now_s)
                case _:
                    if dice.random() < 0.3:
                        stopped += line.playout.stop(line.now_s)
            line.run(dice.randint(0, 700), dice)
        line.run(30_000)
        finished = {event.injection_id: event.played_ms for event in line.told() if isinstance(event, Finished)}
        assert finished.keys() | {each.injection_id for each in stopped} == said.keys()
        assert len(finished) + len(stopped) == len(said)
        assert all(said[name] == played_ms for name, played_ms in finished.items())
        assert all(each.played_ms <= said[each.injection_id] for each in stopped)
        assert line.playout.wake_at_s(line.now_s) is None


def test_what_was_heard_is_told_piece_by_piece_with_its_moment_and_what_was_stopped_is_not() -> None:
    line, pieces = Line(), []
    line.playout.on_heard = lambda samples, plays_at_s: pieces.append((samples, plays_at_s))
    line.say("a", ramp(110))
    line.say("b", ramp(500, first=7_000))
    line.run(170)
    line.stall(5)
    line.playout.settle(line.now_s)
    assert line.playout.is_ahead
    line.playout.stop(line.now_s)
    assert not line.playout.is_ahead
    line.run(300)
    heard = np.concatenate([samples for samples, _ in pieces]).tolist()
    assert heard == [*ramp(110).tolist(), *ramp(500, first=7_000).tolist()[: 55 * 16]]
    assert [round((at_s - START_S) * 1000) for _, at_s in pieces] == [20 * number for number in range(9)]
