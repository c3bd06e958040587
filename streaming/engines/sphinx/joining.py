"""The words of the general search, with the phrases in them that the phrase search has found. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol


class Word(Protocol):
    @property
    def word(self) -> str: ...
    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def fit(self) -> float: ...
    @property
    def chance(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word as it is written; frames of 10 ms."""

    text: str
    first: int
    last: int
    chance: float


# A phrase may fit its sound so much worse than what the general search heard there, in nats per frame of 10 ms: it is
# more likely by itself, since somebody said that it is to be expected. One that its own search is sure of may fit worse
# still: phrases that were said were at most 2 worse, and false ones hardly ever sure.
WORSE: Final = 0.8
SURELY_WORSE: Final = 2.0
SURE: Final = 0.4
# A phrase of one short word would be found everywhere.
SHORTEST_FRAMES: Final = 25


def joined(
    general: Sequence[Word], listed: Sequence[Word], spelt: Mapping[tuple[str, ...], str]
) -> tuple[list[Spoken], int]:
    """The words in order, and how many of the list's phrases are among them."""
    words = [Spoken(_written(each.word), each.first, each.last, each.chance) for each in general]
    found = 0
    for phrase in _phrases_in(listed, spelt):
        if not _is_better(phrase, general):
            continue
        first, last = phrase[0].first, phrase[-1].last
        kept = [each for each in words if not first <= (each.first + each.last) / 2 <= last]
        text = spelt[tuple(each.word for each in phrase)].split()
        own = text if len(text) == len(phrase) else [each.word for each in phrase]
        kept += [Spoken(text, each.first, each.last, each.chance) for text, each in zip(own, phrase, strict=True)]
        words = sorted(kept, key=lambda each: (each.first, each.last))
        found += 1
    return words, found


def _phrases_in(listed: Sequence[Word], spelt: Mapping[tuple[str, ...], str]) -> list[Sequence[Word]]:
    """The phrases among the words, the longest at each place."""
    longest = max(map(len, spelt), default=0)
    names = [each.word for each in listed]
    found: list[Sequence[Word]] = []
    place = 0
    while place < len(names):
        lengths = range(min(longest, len(names) - place), 0, -1)
        length = next((each for each in lengths if tuple(names[place : place + each]) in spelt), 0)
        if length:
            found.append(listed[place : place + length])
        place += length or 1
    return found


def _is_better(phrase: Sequence[Word], general: Sequence[Word]) -> bool:
    first, last = phrase[0].first, phrase[-1].last
    frames = last - first + 1
    if frames < SHORTEST_FRAMES:
        return False
    there = 0.0
    covered = 0
    for each in general:
        shared = min(last, each.last) - max(first, each.first) + 1
        if shared > 0:
            there += each.fit * shared / (each.last - each.first + 1)
            covered += shared
    if not covered:
        return True
    fit = sum(each.fit for each in phrase)
    is_sure = min(each.chance for each in phrase) >= SURE
    return fit / frames >= there / covered - (SURELY_WORSE if is_sure else WORSE)


def _written(word: str) -> str:
    return word.replace("i", "I", 1) if word == "i" or word.startswith("i'") else word
