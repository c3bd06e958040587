"""A small language model from a list of phrases, to be searched beside the general one.

Its background are the commonest words of the general model with their own pairs, so that a phrase is found within
other words; the phrases are laid over it as pairs and triples. Written as ARPA text with back-off weights.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

Row = dict[str, float]

BEGIN: Final = "<s>"
END: Final = "</s>"

BACKGROUND_WORDS: Final = 1_000
BACKGROUND_CONTEXTS: Final = 300
# A pair of the background is worth a line only if it says something that its words alone do not.
TELLING: Final = 3.0
RAREST: Final = 1e-4

# How much of all speech is expected to be phrases, and how surely a phrase that has begun goes on.
PHRASES_SHARE: Final = 0.4
GOES_ON: Final = 0.8
ENDS_ON: Final = 0.9
END_SHARE: Final = 0.05
MOST_LISTED: Final = 0.95
LEAST: Final = 1e-9

_DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class Background:
    """Probabilities of the commonest words, alone and behind another."""

    words: Row
    pairs: dict[str, Row]


def spoken_words(phrase: str) -> list[str]:
    """The phrase as the words somebody says: lower case, no punctuation, digits one by one."""
    spaced = re.sub(r"[0-9]", lambda digit: f" {_DIGITS[int(digit[0])]} ", phrase.lower().replace("’", "'"))
    return [word for each in re.findall(r"[a-z']+", spaced) if (word := each.strip("'"))]


def background(words: Iterable[str], probability: Callable[[list[str]], float]) -> Background:
    """`probability` tells how likely the first word is behind the others, the nearest of them first."""
    ranked = sorted(((probability([word]), word) for word in words), reverse=True)[:BACKGROUND_WORDS]
    total = sum(chance for chance, _ in ranked)
    common = {word: chance / total for chance, word in ranked}
    contexts = [BEGIN, *(word for _, word in ranked[:BACKGROUND_CONTEXTS])]
    pairs = {context: _telling(context, common, probability) for context in contexts}
    return Background(common, pairs)


def _telling(context: str, common: Row, probability: Callable[[list[str]], float]) -> Row:
    row = {}
    for word in (*common, END):
        chance = probability([word, context])
        if chance > RAREST and chance > TELLING * common.get(word, END_SHARE):
            row[word] = chance
    return row


class _Phrases:
    """How often what follows what in the list."""

    def __init__(self, phrases: Iterable[list[str]]) -> None:
        self.first: Counter[str] = Counter()
        self.words: Counter[str] = Counter()
        self.next: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.third: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for words in phrases:
            self.first[words[0]] += 1
            self.words.update(words)
            for word, following in pairwise(words):
                self.next[word][following] += 1
            for one, two, three in zip(words, words[1:], words[2:], strict=False):
                self.third[one, two][three] += 1

    def share_of(self, word: str) -> float:
        """How likely it is as a word of a phrase, its beginning counting as much as all the rest."""
        return 0.5 * self.words[word] / self.words.total() + 0.5 * self.first[word] / self.first.total()


def arpa(common: Background, phrases: list[list[str]]) -> str:
    """The model as ARPA text. `phrases` are words as spoken_words gives them, none of them empty."""
    counts = _Phrases(phrases)
    alone = _alone(common, counts)
    pairs = {each: row for each in (*common.pairs, *counts.next) if (row := _behind(each, common, counts, alone))}
    triples = {
        context: {word: ENDS_ON * count / following.total() for word, count in following.items()}
        for context, following in counts.third.items()
    }
    return _written(alone, pairs, triples)


def _alone(common: Background, counts: _Phrases) -> Row:
    alone = {word: chance * (1 - PHRASES_SHARE) for word, chance in common.words.items()}
    for word in counts.words:
        alone[word] = alone.get(word, 0.0) + PHRASES_SHARE * counts.share_of(word)
    alone[END] = END_SHARE
    total = sum(alone.values())
    return {word: chance / total for word, chance in alone.items()}


def _behind(context: str, common: Background, counts: _Phrases, alone: Row) -> Row:
    row = {word: chance * GOES_ON for word, chance in common.pairs.get(context, {}).items() if word in alone}
    if following := counts.next.get(context):
        row = {word: chance * (1 - GOES_ON) for word, chance in row.items()}
        for word, count in following.items():
            row[word] = row.get(word, 0.0) + GOES_ON * count / counts.words[context]
    total = sum(row.values())
    return {word: chance * MOST_LISTED / total for word, chance in row.items()} if total > MOST_LISTED else row


def _back_off(row: Mapping[str, float], otherwise: Callable[[str], float]) -> float:
    """What the rest of the words get of their probability without the context, so that all add up to one."""
    if not row:
        return 1.0
    return (1 - sum(row.values())) / max(LEAST, 1 - sum(otherwise(word) for word in row))


def _written(alone: Row, pairs: dict[str, Row], triples: dict[tuple[str, str], Row]) -> str:
    backs = {word: _back_off(pairs.get(word, {}), lambda each: alone.get(each, 0.0)) for word in (BEGIN, *alone)}

    def behind(word: str, context: str) -> float:
        return pairs.get(context, {}).get(word, alone.get(word, 0.0) * backs.get(context, 1.0))

    lines = ["\\data\\", f"ngram 1={len(alone) + 1}", f"ngram 2={sum(map(len, pairs.values()))}"]
    lines += [f"ngram 3={sum(map(len, triples.values()))}", "", "\\1-grams:", f"-99.0 {BEGIN} {_log(backs[BEGIN])}"]
    lines += [f"{_log(alone[word])} {word} {_log(backs[word])}" for word in sorted(alone)]
    lines += ["", "\\2-grams:"]
    for one in sorted(pairs):
        for two in sorted(pairs[one]):
            back = _back_off(triples.get((one, two), {}), lambda each, context=two: behind(each, context))  # type: ignore[misc]
            lines.append(f"{_log(pairs[one][two])} {one} {two} {_log(back)}")
    lines += ["", "\\3-grams:"]
    for (one, two), row in sorted(triples.items()):
        lines += [f"{_log(row[three])} {one} {two} {three}" for three in sorted(row)]
    return "\n".join([*lines, "", "\\end\\", ""])


def _log(chance: float) -> str:
    return f"{math.log10(max(chance, LEAST)):.4f}"
