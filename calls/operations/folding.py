"""Words as the search knows them: small letters without accents, cut at whatever is no letter and no digit.

The same rule three times: here for what people ask and for what is marked, and in calls/operations/search_index.py for
what each database keeps. PostgreSQL cuts and folds by `translate`, SQLite by its tokenizer unicode61.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Latin letters that are a plain letter and accents; others (ß, ø, Cyrillic) stay as they are on both databases.
_LETTERS: Final = (chr(code) for part in (range(0xC0, 0x250), range(0x1E00, 0x1F00)) for code in part)


def _plain(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)
    accented = len(base) > 1 and base[0].isascii() and all(unicodedata.combining(each) for each in base[1:])
    return base[0] if accented else ""


ACCENTS: Final[dict[str, str]] = {letter: plain for letter in _LETTERS if (plain := _plain(letter))}
_FOLDING: Final = str.maketrans(ACCENTS)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text, folded; `start` and `end` say where it stands in the text as it was written."""

    text: str
    start: int
    end: int


def fold(text: str) -> str:
    return "".join(each for each in text.translate(_FOLDING).lower() if not unicodedata.combining(each))


def words_of(text: str) -> Iterator[Word]:
    start = -1
    for at, sign in enumerate(f"{text} "):
        inside = sign.isalnum() or (start >= 0 and bool(unicodedata.combining(sign)))
        if inside and start < 0:
            start = at
        elif not inside and start >= 0:
            yield Word(fold(text[start:at]), start, at)
            start = -1
