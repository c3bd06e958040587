"""What is hidden in an export, and how. The rows in the database stay as they are.

`digits`: in everything that people said or wrote, each digit becomes •, and so does each word of three or more number
words that follow each other ("four two four two"); one or two of them ("two minutes", "twenty one") stay, because
they are rarely a secret. `numbers`: phone numbers in what is known of the call become •••, and raw ids that hold one
become voice-1, voice-2 in the order of the call.
"""

import re
from dataclasses import dataclass, field
from typing import Final

DOT: Final = "•"
HIDDEN: Final = "•••"
_WORDS: Final = (
    # English
    "zero oh nought nil one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred"
    " thousand double triple"
    # German
    " null eins ein zwei zwo drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn"
    " siebzehn achtzehn neunzehn zwanzig dreißig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig hundert"
    " tausend"
    # French
    " zéro un une deux trois quatre cinq sept huit neuf dix onze douze treize quatorze quinze seize vingt vingts trente"
    " quarante cinquante soixante septante huitante nonante cent cents mille"
    # Spanish
    " cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete"
    " dieciocho diecinueve veinte veintiuno treinta cuarenta cincuenta sesenta setenta ochenta noventa ciento mil"
)
_UNITS: Final = "ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun"
_TENS: Final = "zwanzig|dreißig|dreissig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig"
_LONGEST_FIRST: Final = "|".join(sorted(_WORDS.split(), key=len, reverse=True))
_NUMBER: Final = rf"(?:{DOT}+|(?:{_UNITS})und(?:{_TENS})\b|(?:{_LONGEST_FIRST})\b)"
# What may stand between two figures that somebody reads out.
_GAP: Final = r"[\s,.;:/-]+(?:(?:and|und|et|y|uh|um|er|äh|ähm|euh|eh)[\s,.;:-]+)?"
_RUN: Final = re.compile(rf"(?<![^\W_]){_NUMBER}(?:{_GAP}{_NUMBER}){{2,}}", re.IGNORECASE)
_ONE: Final = re.compile(rf"(?<![^\W_]){_NUMBER}", re.IGNORECASE)
_DIGIT: Final = re.compile(r"\d")
_PHONE: Final = re.compile(r"\+?\d(?:[\s().-]?\d){4,}")
# Joins words for one look at all of them; it is a space to the patterns, and no word holds it.
_JOINT: Final = "\x1f"


def hide_digits(text: str) -> str:
    return _RUN.sub(lambda run: _ONE.sub(DOT, run.group()), _DIGIT.sub(DOT, text))


def hide_digits_in(words: list[str]) -> list[str]:
    """The same for words that are kept one by one: a run of number words goes over their borders."""
    return hide_digits(_JOINT.join(each.replace(_JOINT, " ") for each in words)).split(_JOINT) if words else []


def hide_numbers(text: str) -> str:
    return _PHONE.sub(HIDDEN, text)


@dataclass(frozen=True, slots=True)
class Redaction:
    """For one call. What is not asked for passes unchanged."""

    digits: bool
    numbers: bool
    _voices: dict[str, str] = field(default_factory=dict)

    def said(self, text: str) -> str:
        return hide_digits(text) if self.digits else text

    def said_words(self, words: list[str]) -> list[str]:
        return hide_digits_in(words) if self.digits else words

    def known(self, text: str) -> str:
        """A number, a label or a sentence about the call."""
        return hide_numbers(text) if self.numbers else text

    def voice(self, raw_id: str) -> str:
        if not self.numbers or not _PHONE.search(raw_id):
            return raw_id
        return self._voices.setdefault(raw_id, f"voice-{len(self._voices) + 1}")
