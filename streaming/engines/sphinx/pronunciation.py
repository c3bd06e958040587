"""How an English word is probably spoken that no dictionary has: letters to sounds by rules, in ARPAbet.

Rules, no statistics: good for brand names and surnames that are spoken as they are spelt, poor for all others.
"""

import re
from typing import Final

_VOWELS: Final = "aeiouy"

# Longest first at each place. ^ and $ stand for the word's ends.
_RULES: Final[dict[str, str]] = {
    "^kn": "N", "^wr": "R", "^ps": "S", "^x": "Z", "^gn": "N", "^pn": "N", "^y": "Y",
    "tion": "SH AH N", "sion": "ZH AH N", "cian": "SH AH N", "tious": "SH AH S", "cious": "SH AH S",
    "ought": "AO T", "aught": "AO T", "eigh": "EY", "ough": "OW", "igh": "AY", "tch": "CH", "dge": "JH",
    "sch": "SH", "ture": "CH ER", "sure": "ZH ER", "ing$": "IH NG", "ous$": "AH S", "age$": "IH JH", "le$": "AH L",
    "able$": "AH B AH L", "ies$": "IY Z", "ed$": "D", "es$": "AH Z", "que$": "K", "gue$": "G", "ay": "EY", "ai": "EY",
    "au": "AO", "aw": "AO", "ar": "AA R", "al$": "AH L", "ee": "IY", "ea": "IY", "ei": "EY", "eu": "Y UW", "ew": "UW",
    "er": "ER", "ey$": "IY", "ie": "IY", "ir": "ER", "oa": "OW", "oe": "OW", "oi": "OY", "oo": "UW", "ou": "AW",
    "or": "AO R", "ow": "OW", "oy": "OY", "ue": "UW", "ui": "UW", "ur": "ER", "ch": "CH", "ck": "K", "gh": "G",
    "ng$": "NG", "nk": "NG K", "ph": "F", "qu": "K W", "sh": "SH", "th": "TH", "wh": "W", "wr": "R", "ce": "S EH",
    "ci": "S IH", "cy": "S IY", "ge$": "JH", "ce$": "S", "se$": "Z", "o$": "OW", "a$": "AH", "y$": "IY", "i$": "IY",
    "e$": "", "u$": "UW", "bb": "B", "cc": "K", "dd": "D", "ff": "F", "gg": "G", "kk": "K", "ll": "L", "mm": "M",
    "nn": "N", "pp": "P", "rr": "R", "ss": "S", "tt": "T", "zz": "Z",
}  # fmt: skip
_LETTERS: Final[dict[str, str]] = {
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K",
    "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V",
    "w": "W", "x": "K S", "y": "IH", "z": "Z",
}  # fmt: skip
_LONG: Final = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}
_NAMES: Final[dict[str, str]] = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z IY",
}  # fmt: skip
_MAGIC_E: Final = re.compile(r"([aeiouy])[bcdfgjklmnpqstvz]e$")


def pronounced(word: str) -> str:
    """The phones of a word of the letters a to z and apostrophes, separated by spaces; empty if it has no letter.

    A word without a vowel is spelt out.
    """
    letters = re.sub(r"[^a-z]", "", word)
    if not set(letters) & set(_VOWELS):
        return " ".join(_NAMES[each] for each in letters)
    sounds = [_sounds_at(letters, place) for place in _places(letters)]
    return " ".join(sound for sound in sounds if sound)


def _places(letters: str) -> list[int]:
    """Where a rule begins, from the left."""
    places, place = [], 0
    while place < len(letters):
        places.append(place)
        place += _length_at(letters, place)
    return places


def _rule_at(letters: str, place: int) -> str:
    for length in range(min(5, len(letters) - place), 0, -1):
        piece = letters[place : place + length]
        for rule in ("^" + piece if place == 0 else "", piece + "$" if place + length == len(letters) else "", piece):
            if rule in _RULES:
                return rule
    return ""


def _length_at(letters: str, place: int) -> int:
    rule = _rule_at(letters, place)
    # The second letter of "ce" and its like is spoken by itself, so that what follows it is still seen.
    if rule in ("ce", "ci", "cy"):
        return 1
    return len(rule.strip("^$")) or 1


def _sounds_at(letters: str, place: int) -> str:
    rule = _rule_at(letters, place)
    if rule in ("ce", "ci", "cy"):
        return "S"
    magic = _MAGIC_E.search(letters)
    if magic is not None and magic.start() == place and len(rule) <= 1:
        return _LONG[letters[place]]
    return _RULES[rule] if rule else _LETTERS[letters[place]]
