"""Who is on the line, in Azure's raw ids and in words that people read.

Raw ids: `4:+14255550123` a phone, `4:anonymous` a phone that hides its number, `8:acs:…` an ACS user,
`8:orgid:…` a Teams user, `28:orgid:…` a Teams app (with `dod` and `gcch` for the US government's clouds).
"""

import re
from typing import Final, Literal

ParticipantKind = Literal["phone", "acs_user", "teams_user", "teams_app", "unknown"]

ANONYMOUS_RAW_ID: Final = "4:anonymous"
ANONYMOUS_TEXT: Final = "Anonymous caller"

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
# At least one letter that no GUID has, and short enough to be read.
_A_WORD = re.compile(r"(?=.*[g-z])[a-z0-9][a-z0-9.-]{1,23}", re.ASCII | re.IGNORECASE)
_KIND_TEXT: Final[dict[ParticipantKind, str]] = {
    "phone": "Phone",
    "acs_user": "ACS user",
    "teams_user": "Teams user",
    "teams_app": "Teams app",
    "unknown": "Participant",
}
_PREFIXES: Final[tuple[tuple[str, ParticipantKind], ...]] = (
    ("4:", "phone"),
    ("8:acs:", "acs_user"),
    ("8:dod-acs:", "acs_user"),
    ("8:gcch-acs:", "acs_user"),
    ("8:spool:", "acs_user"),
    ("8:orgid:", "teams_user"),
    ("8:dod:", "teams_user"),
    ("8:gcch:", "teams_user"),
    ("8:teamsvisitor:", "teams_user"),
    ("28:orgid:", "teams_app"),
    ("28:dod:", "teams_app"),
    ("28:gcch:", "teams_app"),
)
# Country codes of two digits (ITU E.164); 1 and 7 have one digit, all others three.
_TWO_DIGIT_CODES: Final = re.compile(r"20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")
# Country code → (national number, sizes of its groups; the last group takes the rest). First match counts.
_GROUPS: Final[dict[str, tuple[tuple[re.Pattern[str], tuple[int, ...]], ...]]] = {
    "1": ((re.compile(r"\d{10}"), (3, 3, 4)),),
    "33": ((re.compile(r"\d{9}"), (1, 2, 2, 2, 2)),),
    "34": ((re.compile(r"\d{9}"), (3, 3, 3)),),
    "44": (
        (re.compile(r"2\d{9}"), (2, 4, 4)),
        (re.compile(r"(?:11|1\d1|3|8|9)\d{6,8}"), (3, 3, 4)),
        (re.compile(r"[17]\d{8,9}"), (4, 6)),
    ),
    "49": (
        (re.compile(r"(?:30|40|69|89)\d{5,9}"), (2, 9)),
        (re.compile(r"1[5-7]\d{8,9}"), (3, 8)),
        (re.compile(r"800\d{5,8}"), (3, 8)),
        (re.compile(r"\d{7,11}"), (4, 7)),
    ),
    "61": ((re.compile(r"4\d{8}"), (3, 3, 3)), (re.compile(r"\d{9}"), (1, 4, 4))),
}


def raw_id_kind(raw_id: str) -> ParticipantKind:
    """What a raw id stands for. A Teams user who calls by ACS (`8:acs:resource_tenant_user`) is a Teams user."""
    for prefix, kind in _PREFIXES:
        if raw_id.startswith(prefix):
            teams_extension = kind == "acs_user" and raw_id.removeprefix(prefix).count("_") == 2
            return "teams_user" if teams_extension else kind
    return "unknown"


def raw_id_number(raw_id: str) -> str | None:
    """The phone number in a raw id, as Azure writes it; None for an anonymous caller and for all but phones."""
    if raw_id_kind(raw_id) != "phone" or raw_id == ANONYMOUS_RAW_ID:
        return None
    return raw_id.removeprefix("4:").partition("_")[0] or None  # "4:+1425…_<asserted id>"


def raw_id_text(raw_id: str) -> str:
    """A raw id in words: a grouped number, "Anonymous caller", or kind and last six signs ("ACS user …dcfe24").

    An ACS user whose own part of the id is a word and no GUID goes by that word ("agent-tom").
    """
    if raw_id == ANONYMOUS_RAW_ID:
        return ANONYMOUS_TEXT
    number = raw_id_number(raw_id)
    if number:
        return number_text(number)
    kind, own = raw_id_kind(raw_id), raw_id.rpartition("_")[2]
    if kind == "acs_user" and "_" in raw_id and _A_WORD.fullmatch(own):
        return own
    return f"{_KIND_TEXT[kind]} …{raw_id[-6:]}" if raw_id else "Unknown caller"


def number_text(number: str | None) -> str:
    """A number as people read it: `+14255550123` → `+1 425 555 0123`; None and "anonymous" → "Anonymous caller".

    What is no E.164 number (a short code, a SIP name) comes back unchanged.
    """
    if not number or number.lower() == "anonymous":
        return ANONYMOUS_TEXT
    if not _E164.fullmatch(number):
        return number
    country = _country_code(number[1:])
    national = number[1 + len(country) :]
    for pattern, sizes in _GROUPS.get(country, ()):
        if pattern.fullmatch(national):
            return " ".join([f"+{country}", *_cut(national, sizes)])
    return " ".join([f"+{country}", *_threes(national)])


def _country_code(digits: str) -> str:
    if digits[0] in "17":
        return digits[0]
    return digits[:2] if _TWO_DIGIT_CODES.match(digits) else digits[:3]


def _cut(digits: str, sizes: tuple[int, ...]) -> list[str]:
    groups = []
    for size in sizes[:-1]:
        groups.append(digits[:size])
        digits = digits[size:]
    return [*groups, digits]


def _threes(digits: str) -> list[str]:
    """Groups of three; a last single digit joins the group before it, so that none stands alone."""
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


_DIALLED_ID = re.compile(r"(?:8:acs:|8:orgid:|28:)[0-9A-Za-z_:.\-]{1,200}")


def as_stored(text: str) -> str:
    """A number without the spaces and dashes people group it by; anything else as it is."""
    return re.sub(r"[\s().-]", "", text) if text.strip().startswith("+") else text.strip()


def dialled(text: str) -> str:
    """What Azure can dial: a number as +14255550123, or a raw id. Raises ValueError."""
    compact = as_stored(text)
    if _E164.fullmatch(compact) or _DIALLED_ID.fullmatch(compact):
        return compact
    raise ValueError("Give a number with + and country code, such as +14255550123, or an ACS user's raw id (8:acs:…).")
