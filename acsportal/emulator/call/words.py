"""What is said when, word for word: the emulator has no ears, but it knows the script of its stored scenarios."""

import asyncio
from dataclasses import dataclass, replace

from acsportal.emulator import scenario as scenarios
from acsportal.emulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Utterance:
    """Times are seconds since the conversation began."""

    raw_id: str
    text: str
    start_s: float
    duration_s: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class Words:
    """``period_s`` is after how long the conversation begins anew; None if it does not."""

    utterances: tuple[Utterance, ...] = ()
    period_s: float | None = None

    def next(self, at_s: float, raw_id: str | None = None) -> Utterance | None:
        """What begins then or first thereafter, said by that one or by anybody."""
        mine = [each for each in self.utterances if raw_id in (None, each.raw_id)]
        if not mine:
            return None
        round_s = 0.0 if not self.period_s else max(0.0, at_s // self.period_s * self.period_s)
        for base_s in (round_s,) if not self.period_s else (round_s, round_s + self.period_s):
            for each in mine:
                if base_s + each.start_s >= at_s:
                    return replace(each, start_s=base_s + each.start_s)
        return None


async def words_of(scenario: Scenario) -> Words:
    """None for uploaded sound: what was said in it nobody wrote down."""
    if not scenario.is_stored:
        return Words()
    script = await asyncio.to_thread(scenarios.script, scenario.name)
    raw_ids = {
        role["role"]: speaker.raw_id for role, speaker in zip(script["speakers"], scenario.speakers, strict=True)
    }
    said = (
        Utterance(raw_ids[each["speaker"]], each["text"], each["start_s"], each["duration_s"])
        for each in script["utterances"]
    )
    return Words(tuple(sorted(said, key=lambda each: each.start_s)), script["duration_s"] if script["loop"] else None)
