"""What people may write into the search: words (all of them), "phrases", -not, prefix*. Nothing of it is an error.

Calls are in several languages, and the wrong language's stemmer does more harm than none. So both databases keep words
as they were said ("simple"), and a word that is asked for is also found with the commonest endings of European
languages. In quotation marks it is found only as it is written.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from calls.operations.folding import Word, words_of

MOST_TERMS: Final = 16
MOST_WORDS_OF_PHRASE: Final = 16
LONGEST: Final = 200
# Each is taken off and put on; a word keeps four letters at least, so that no short word becomes another one.
ENDINGS: Final = ("s", "es", "e", "d", "ed", "ing", "n", "en", "er", "ern")
_SHORTEST: Final = 4
_LONGEST_WORD: Final = 60
_TERM: Final = re.compile(r'(-?)(?:["“”„«»]([^"“”„«»]*)["“”„«»]?|([^\s"“”„«»]+))')


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must follow each other; of a single one, `forms` are all that count as it."""

    words: tuple[str, ...]
    forms: tuple[str, ...]
    prefix: bool
    """Whether the last word may go on."""

    def at(self, said: list[Word], start: int) -> int:
        """How many words of `said`, from `start` on, are this term; 0 if they are not."""
        if len(self.words) == 1:
            word = said[start].text
            return int(word in self.forms or (self.prefix and word.startswith(self.words[0])))
        if start + len(self.words) > len(said):
            return 0
        *first, last = (each.text for each in said[start : start + len(self.words)])
        ends = last == self.words[-1] or (self.prefix and last.startswith(self.words[-1]))
        return len(self.words) if ends and tuple(first) == self.words[:-1] else 0


@dataclass(frozen=True)
class Asked:
    """A question as it is understood. Without a word that must be there, it finds nothing."""

    wanted: tuple[Term, ...] = ()
    unwanted: tuple[Term, ...] = ()

    @classmethod
    def read(cls, text: str) -> "Asked":
        wanted: list[Term] = []
        unwanted: list[Term] = []
        for minus, phrase, bare in _TERM.findall(text):
            term = _term(phrase or bare, exact=bool(phrase))
            into = unwanted if minus else wanted
            if term and term not in into and len(wanted) + len(unwanted) < MOST_TERMS:
                into.append(term)
        return cls(tuple(wanted), tuple(unwanted))

    def __bool__(self) -> bool:
        return bool(self.wanted)

    @cached_property
    def for_postgresql(self) -> str:
        """As `to_tsquery` reads it. Words hold letters and digits alone, so nothing has to be escaped."""
        there = " & ".join(_tsquery(each) for each in self.wanted)
        return there + "".join(f" & !{_tsquery(each)}" for each in self.unwanted)

    @cached_property
    def for_sqlite(self) -> str:
        """As FTS5's MATCH reads it."""
        there = " AND ".join(_match(each) for each in self.wanted)
        return f"({there}) NOT ({' OR '.join(map(_match, self.unwanted))})" if self.unwanted else there

    def marks(self, text: str) -> list[tuple[int, int]]:
        """Where `text` says what is wanted, from sign to sign, in order; words that follow each other are one mark."""
        said = list(words_of(text))
        found: list[tuple[int, int]] = []
        at = 0
        while at < len(said):
            length = max((each.at(said, at) for each in self.wanted), default=0)
            if length:
                start, end = said[at].start, said[at + length - 1].end
                if found and not text[found[-1][1] : start].strip():
                    start = found.pop()[0]
                found.append((start, end))
            at += length or 1
        return found


def _term(text: str, *, exact: bool) -> Term | None:
    prefix = text.rstrip().endswith("*")
    words = tuple(each.text[:_LONGEST_WORD] for each in words_of(text) if each.text)[:MOST_WORDS_OF_PHRASE]
    if not words:
        return None
    alone = len(words) == 1 and not prefix and not exact
    return Term(words, forms_of(words[0]) if alone else words[:1], prefix)


def forms_of(word: str) -> tuple[str, ...]:
    """The word itself first, then its stems and each of them with every ending; digits and short words stay alone."""
    if len(word) < _SHORTEST or not word.isalpha():
        return (word,)
    stems = [word]
    for ending in ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST and stem not in stems:
            stems.append(stem)
    return tuple(dict.fromkeys([word, *stems, *(stem + ending for stem in stems for ending in ENDINGS)]))


def _tsquery(term: Term) -> str:
    if len(term.words) == 1 and not term.prefix:
        return "(" + " | ".join(f"'{each}'" for each in term.forms) + ")"
    *first, last = (f"'{each}'" for each in term.words)
    return "(" + " <-> ".join([*first, f"{last}:*" if term.prefix else last]) + ")"


def _match(term: Term) -> str:
    if len(term.words) == 1 and not term.prefix:
        return "(" + " OR ".join(f'"{each}"' for each in term.forms) + ")"
    return f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'
