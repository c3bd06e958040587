"""The loop between frames and a recogniser: whatever a recogniser does costs the call nothing but its transcript."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from streaming.audio import PcmFrame
from streaming.engines.contract import Listening, Recogniser
from streaming.transcripts.loop import VoiceLoop
from streaming.transcripts.voice import Gap, Limits, Turn
from tests.streaming.transcripts import parrot

CALLER = "4:+14255550123"
LOUD = (8_000 * np.sin(np.arange(320) / 3)).astype("<i2").tobytes()
QUIET = bytes(640)
LIMITS = Limits(open_s=0.3, push_s=0.3, flush_s=0.3, close_s=0.1, first_pause_s=0.05, last_pause_s=0.2, idle_s=0.2)


class Told:
    """What the loop tells, in order."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.gaps: list[Gap] = []
        self.troubles: list[str] = []
        self.failures: list[str] = []
        self.openings = 0

    def turn(self, turn: Turn) -> None:
        self.turns.append(turn)

    def gap(self, gap: Gap) -> None:
        self.gaps.append(gap)

    def opened(self, raw_id: str) -> None:
        self.openings += 1

    def troubled(self, raw_id: str, why: str) -> None:
        self.troubles.append(why)

    def failed(self, raw_id: str, why: str) -> None:
        self.failures.append(why)

    @property
    def finals(self) -> list[str]:
        return [each.text for each in self.turns if each.final]


def maker(kind: type[parrot.Parrot]) -> Callable[[Listening], Awaitable[Recogniser]]:
    async def make(listening: Listening) -> Recogniser:
        return kind(listening)

    return make


class Stage:
    """A voice's loop, its frames fed as fast as the test likes: each frame says by itself when it arrived."""

    def __init__(self, kind: type[parrot.Parrot], limits: Limits = LIMITS) -> None:
        self.told = Told()
        self.loop = VoiceLoop(CALLER, maker(kind), Listening("en-US"), self.told, limits)
        self.task = asyncio.create_task(self.loop.run())
        self.at_s = time.monotonic()

    def say(self, pcm: bytes, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.at_s += 0.02
            self.loop.feed(PcmFrame(CALLER, pcm, 16_000, silent=False, timestamp=None, arrived_s=self.at_s))

    async def until(self, holds: Callable[[], object], within_s: float = 5) -> None:
        async with asyncio.timeout(within_s):
            while not holds():  # noqa: ASYNC110 (what it waits for has no event)
                await asyncio.sleep(0.005)

    async def end(self) -> None:
        self.loop.end()
        async with asyncio.timeout(5):
            await self.task


@pytest.fixture(autouse=True)
def none_was_made() -> None:
    parrot.Stalling.made = parrot.Failing.made = 0


def test_a_turn_grows_by_partials_and_ends_as_one_final() -> None:
    async def story() -> None:
        stage = Stage(parrot.Parrot, Limits(partial_each_s=0.0))
        for pcm, seconds in ((QUIET, 1.0), (LOUD, 1.2), (QUIET, 0.6)):
            stage.say(pcm, seconds)
            await stage.until(lambda: stage.loop.waiting_ms < 100)
        await stage.until(lambda: stage.told.finals)
        await stage.end()
        texts = [each.text for each in stage.told.turns]
        assert texts[-1] == "one two three four"
        assert texts[0] in {"one", "one two"}
        assert {each.key for each in stage.told.turns} == {stage.told.turns[0].key}
        assert not stage.told.gaps

    asyncio.run(story())


def test_partials_are_told_now_and_then_and_finals_at_once() -> None:
    async def story() -> None:
        stage = Stage(parrot.Parrot, Limits(partial_each_s=60))
        stage.say(LOUD, 3.0)
        await stage.until(lambda: stage.loop.waiting_ms < 100)
        stage.say(QUIET, 0.6)
        await stage.until(lambda: stage.told.finals)
        assert len(stage.told.turns) == 2
        await stage.end()

    asyncio.run(story())


def test_a_hole_in_the_stream_does_not_shift_what_is_said_after_it() -> None:
    async def story() -> None:
        stage = Stage(parrot.Parrot)
        began_s = stage.at_s
        stage.say(LOUD, 0.6)
        stage.say(QUIET, 0.6)
        await stage.until(lambda: len(stage.told.finals) == 1)
        stage.at_s += 40  # nothing came for so long
        stage.say(LOUD, 0.6)
        stage.say(QUIET, 0.6)
        await stage.until(lambda: len(stage.told.finals) == 2)
        await stage.end()
        first, second = (each for each in stage.told.turns if each.final)
        epoch_s = time.time() - time.monotonic()
        assert first.started_at.timestamp() - epoch_s - began_s == pytest.approx(0, abs=0.15)
        assert (second.started_at - first.started_at).total_seconds() == pytest.approx(41.2, abs=0.15)
        assert second.words[0]["start_s"] == pytest.approx(0)

    asyncio.run(story())


def test_a_recogniser_that_stalls_is_replaced_and_what_it_swallowed_is_a_gap() -> None:
    async def story() -> None:
        stage = Stage(parrot.Stalling)
        stage.say(LOUD, 2.5)
        await stage.until(lambda: stage.told.openings == 2)
        stage.say(LOUD, 0.6)
        stage.say(QUIET, 0.6)
        await stage.until(lambda: any("two" in each for each in stage.told.finals))
        await stage.end()
        assert stage.told.troubles == ["the recogniser failed (it did not take sound within 0.3 s)"]
        (gap,) = stage.told.gaps
        assert "could not be recognised: the recogniser failed" in gap.text
        assert parrot.Stalling.made == 2

    asyncio.run(story())


def test_all_that_was_taken_without_a_word_is_a_gap_when_that_is_noticed_late() -> None:
    async def story() -> None:
        parrot.Deaf.made = 0
        stage = Stage(parrot.Deaf)
        for _ in range(8):
            stage.say(LOUD, 1.0)
            await stage.until(lambda: stage.loop.waiting_ms < 100)
        await stage.until(lambda: stage.told.openings == 2 or stage.loop.waiting_ms < 100)
        stage.say(LOUD, 0.6)
        stage.say(QUIET, 0.6)
        await stage.until(lambda: stage.told.finals)
        await stage.end()
        (gap,) = stage.told.gaps
        assert 7.5 < (gap.ended_at - gap.started_at).total_seconds() < 8.3

    asyncio.run(story())


def test_one_that_falls_behind_loses_the_oldest_sound_and_says_how_much() -> None:
    async def story() -> None:
        stage = Stage(parrot.Slow, Limits(queue_s=1.0, piece_s=0.1, longest_piece_s=0.1, gap_each_s=0.05))
        began_s = time.perf_counter()
        for _ in range(40):
            stage.say(LOUD, 0.1)
            await asyncio.sleep(0.02)
        fed_s = time.perf_counter() - began_s
        assert fed_s < 3
        assert stage.loop.waiting_ms <= 1_000
        assert stage.loop.dropped_ms >= 1_000
        await stage.end()
        assert stage.told.gaps
        assert stage.told.gaps[-1].text.endswith(" s could not be recognised: the recogniser fell behind")
        told_ms = sum(
            {each.key: (each.ended_at - each.started_at).total_seconds() * 1000 for each in stage.told.gaps}.values()
        )
        assert told_ms >= stage.loop.dropped_ms - 1
        assert not stage.told.troubles

    asyncio.run(story())


def test_errors_are_followed_by_growing_pauses_until_one_works() -> None:
    async def story() -> None:
        stage = Stage(parrot.Failing)
        began_s = time.monotonic()
        while stage.told.openings < 3:
            stage.say(LOUD, 0.1)
            await asyncio.sleep(0.01)
            assert time.monotonic() < began_s + 5
        assert time.monotonic() - began_s >= 0.05 + 0.1
        stage.say(LOUD, 0.6)
        stage.say(QUIET, 0.6)
        await stage.until(lambda: stage.loop.waiting_ms < 100)
        await stage.end()
        assert stage.told.troubles == ["the recogniser failed (ConnectionResetError)"] * 2
        assert not stage.told.failures
        # What was half said when it failed is what was said.
        assert all(each for each in stage.told.finals)

    asyncio.run(story())


def test_what_can_never_work_ends_the_loop_with_the_engine_s_own_words() -> None:
    async def story() -> None:
        stage = Stage(parrot.Refused)
        stage.say(LOUD, 0.5)
        async with asyncio.timeout(2):
            await stage.task
        assert stage.told.failures == ["There is no key. Set PARROT_KEY."]

    asyncio.run(story())


def test_the_end_is_told_to_the_last_word() -> None:
    async def story() -> None:
        stage = Stage(parrot.Parrot)
        stage.say(LOUD, 0.92)
        await stage.end()
        assert stage.told.finals == ["one two three"]

    asyncio.run(story())


def test_an_order_to_flush_tells_what_was_said_before_it() -> None:
    async def story() -> None:
        stage = Stage(parrot.Parrot)
        stage.say(LOUD, 0.62)
        stage.loop.flush()
        await stage.until(lambda: stage.told.finals == ["one two"])
        await stage.end()

    asyncio.run(story())


def test_a_stream_that_breaks_off_leaves_no_turn_open() -> None:
    async def story() -> None:
        stage = Stage(parrot.Parrot)
        stage.say(LOUD, 0.62)
        await stage.until(lambda: stage.told.finals == ["one two"])
        await stage.end()

    asyncio.run(story())


def test_another_language_is_another_recogniser_and_loses_nothing() -> None:
    async def story() -> None:
        stage = Stage(parrot.Parrot)
        stage.say(LOUD, 0.62)
        await stage.until(lambda: stage.loop.waiting_ms < 100)
        stage.loop.relisten(Listening("de-DE"))
        await stage.until(lambda: stage.told.finals)
        stage.say(LOUD, 0.62)
        await stage.end()
        finals = [(each.text, each.language) for each in stage.told.turns if each.final]
        assert finals == [("one two", "en-US"), ("one two", "de-DE")]

    asyncio.run(story())


def test_feeding_takes_microseconds_whatever_the_recogniser_does() -> None:
    async def story() -> None:
        stage = Stage(parrot.Stalling)
        await asyncio.sleep(0)
        began_s = time.perf_counter()
        stage.say(LOUD, 100.0)
        each_us = (time.perf_counter() - began_s) / 5_000 * 1e6
        assert each_us < 50  # a few are usual; a thread hop would be a hundred
        assert stage.loop.waiting_ms <= 5_000
        await stage.end()

    asyncio.run(story())
