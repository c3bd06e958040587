"""How a call looks: its state in a word, an icon, a colour and a reason. The wall's script reads the same table."""

from typing import Final, TypedDict

from calls.numbers import number_text
from calls.selectors import CallRow, ParticipantJson


class Look(TypedDict):
    word: str
    icon: str
    tone: str
    reason: str


class Leg(TypedDict):
    raw_id: str
    label: str
    look: str


LOOKS: Final[dict[str, Look]] = {
    "rings_us": {"word": "Ringing", "icon": "ringing", "tone": "wait", "reason": "for us to answer"},
    "rings_them": {"word": "Ringing", "icon": "ringing", "tone": "wait", "reason": "at the other end"},
    "connecting": {"word": "Connecting", "icon": "ringing", "tone": "wait", "reason": "Azure connects it"},
    "us": {"word": "We speak", "icon": "speak", "tone": "us", "reason": ""},
    "live": {"word": "Live", "icon": "live", "tone": "ok", "reason": "we hear it"},
    "mixed": {"word": "Live", "icon": "live", "tone": "ok", "reason": "all in one stream"},
    "starting": {"word": "Live, not heard", "icon": "no-stream", "tone": "ok", "reason": "streaming starts"},
    "stopping": {"word": "Live, not heard", "icon": "no-stream", "tone": "ok", "reason": "streaming stops"},
    "unheard": {"word": "Live, not heard", "icon": "no-stream", "tone": "ok", "reason": "streaming is off"},
    "refused": {"word": "Live, not heard", "icon": "trouble", "tone": "bad", "reason": "streaming failed"},
    "sensitive": {"word": "Sensitive pause", "icon": "eye-off", "tone": "wait", "reason": "nothing is kept"},
    "held": {"word": "On hold", "icon": "pause", "tone": "ok", "reason": "a leg is on hold"},
    "muted": {"word": "Live, leg muted", "icon": "mic-off", "tone": "ok", "reason": "a leg is muted"},
    "ended": {"word": "Ended", "icon": "ended", "tone": "off", "reason": ""},
    "failed": {"word": "Failed", "icon": "trouble", "tone": "bad", "reason": ""},
}


def look_name(row: CallRow) -> str:
    """The key of `LOOKS` for a call; that we speak is known from live levels alone, so never said here."""
    if row["state"] != "connected":
        rings = phase(row)
        return rings if rings.startswith("rings") else row["state"]
    if row["sensitive"]:
        return "sensitive"
    streaming = row["streaming"]["state"]
    if streaming != "streaming":
        return {"starting": "starting", "stopping": "stopping", "failed": "refused"}.get(streaming, "unheard")
    here = [each for each in row["participants"] if not each["left_at"]]
    if any(each["on_hold"] for each in here):
        return "held"
    if any(each["muted"] for each in here):
        return "muted"
    return "mixed" if row["streaming"]["channel_type"] == "mixed" else "live"


def happened(row: CallRow) -> str:
    """The newest thing worth a sentence about a call."""
    if row["end"]:
        return row["end"]["text"] or row["end"]["message"] or "The call is over."
    inbound = row["direction"] == "inbound"
    if row["state"] != "connected":
        return _before_connected(row, inbound)
    streaming = row["streaming"]
    if streaming["state"] == "failed":
        return streaming["error"] or "Azure did not open the stream. Start streaming again."
    if streaming["state"] == "off":
        return "Nobody hears this call here. Start streaming to see its levels and to speak."
    if not inbound:
        return "The other side answered."
    return f"Answered, policy {row['policy']}." if row["policy"] else "Answered."


def _before_connected(row: CallRow, inbound: bool) -> str:
    if row["state"] == "connecting" and inbound:
        return "Azure was told to answer."
    if not inbound:
        starts = row["streaming"]["start"] == "now"
        return "Streaming starts when the call is answered." if starts else "Streaming stays off until you start it."
    return f"Policy {row['policy']} rings the operators." if row["policy"] else "No policy took it, so it rings here."


def legs(row: CallRow) -> list[Leg]:
    """The meters of a call: one per voice, or one for all in a mixed stream; none before it connects."""
    if row["state"] != "connected":
        return []
    streams = row["streaming"]["state"] == "streaming"
    if row["streaming"]["channel_type"] == "mixed":
        return [{"raw_id": "mixed", "label": "Mixed", "look": "quiet" if streams else "off"}]
    return [
        {
            "raw_id": each["raw_id"],
            "label": short(each["label"]),
            "look": "held" if each["on_hold"] else "muted" if each["muted"] else "quiet" if streams else "off",
        }
        for each in row["participants"]
        if not each["left_at"]
    ]


def phase(row: CallRow) -> str:
    """What can be done with a call: `rings_us`, `rings_them`, `connecting`, `talking` or `over`.

    A call that we place rings at the other end from the moment Azure dials it.
    """
    if row["state"] in {"ringing", "connecting"} and row["direction"] == "outbound":
        return "rings_them"
    return {"ringing": "rings_us", "connecting": "connecting", "connected": "talking"}.get(row["state"], "over")


def line(row: CallRow) -> str:
    """Who is on it with whom: `Priya Raman +1, Support line`, `to Support line` or `from +1 800 555 0100`."""
    names = [each["name"] for each in row["participants"] if each["name"] and not each["left_at"]]
    if names:
        who = names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "")
        return f"{who}, {row['policy']}" if row["policy"] else who
    if row["direction"] == "inbound":
        return f"to {row['policy'] or row['other_title']}"
    return f"from {row['other_title']}"


def short(label: str) -> str:
    """A name for a meter's narrow column: the first word, or the end of a number or an id."""
    return f"…{label[-4:]}" if label.startswith("+") or "…" in label else label.partition(" ")[0]


def end_code(row: CallRow) -> str:
    """Azure's code and subcode, `200/0`; empty while the call lives or when Azure gave none."""
    end = row["end"]
    return code_words(end["code"], end["subcode"]) if end else ""


def code_words(code: int | None, subcode: int | None) -> str:
    """`500/8603`, or `1000` where there is no subcode."""
    if code is None:
        return ""
    return str(code) if subcode is None else f"{code}/{subcode}"


def stream_words(row: CallRow) -> str:
    streaming = row["streaming"]
    if streaming["state"] != "streaming":
        return streaming["state"].capitalize()
    return f"{streaming['sample_rate_hz'] / 1000:g} kHz {streaming['channel_type']}"


def stream_icon(row: CallRow) -> str:
    streaming = row["streaming"]
    if streaming["state"] != "streaming":
        return "no-stream"
    return "both-ways" if streaming["bidirectional"] else "one-way"


def counts_from(row: CallRow) -> str:
    """The moment from which the shown duration counts on; empty when it stands still."""
    if row["state"] == "connected":
        return row["connected_at"] or ""
    return (row["ringing_at"] or row["created_at"]) if row["state"] in {"ringing", "connecting"} else ""


# What the page's <template> is made of: a script copies it for each new call and writes the call's id over this one.
BLANK_ROW: Final[CallRow] = {
    "id": "00000000-0000-0000-0000-000000000000",
    "seq": 0,
    "url": "/calls/00000000-0000-0000-0000-000000000000/",
    "direction": "inbound",
    "state": "connected",
    "caller": "",
    "callee": "",
    "caller_text": "",
    "callee_text": "",
    "title": "",
    "other_title": "",
    "policy": "",
    "tags": [],
    "streaming": {
        "state": "off",
        "sample_rate_hz": 16000,
        "channel_type": "unmixed",
        "bidirectional": True,
        "dtmf": True,
        "start": "now",
        "error": "",
    },
    "recording": {"state": "off", "start": "later", "keep_days": None},
    "transcript": {
        "state": "off",
        "recogniser": "",
        "source": "",
        "title": "",
        "note": "",
        "language": "",
        "error": "",
    },
    "sensitive": None,
    "last_line": None,
    "participants": [],
    "created_at": "",
    "ringing_at": None,
    "connected_at": None,
    "ended_at": None,
    "duration_s": None,
    "end": None,
    "may": {},
}
BLANK_LEG: Final[Leg] = {"raw_id": "", "label": "", "look": "quiet"}


class Voice(Leg):
    """One entry of the people of a call, ours included; `metered` if a meter of its own belongs to it."""

    name: str
    word: str
    second: str
    since: str
    metered: bool


def voices(row: CallRow) -> list[Voice]:
    """Everybody on a call, then the mixed stream if there is one, then we; before that, who calls or is called."""
    mixed = row["streaming"]["channel_type"] == "mixed"
    looks = {leg["raw_id"]: leg["look"] for leg in legs(row)}
    found: list[Voice] = [
        {
            "raw_id": each["raw_id"],
            "label": each["label"],
            "look": looks.get(each["raw_id"], "off"),
            "name": each["label"],
            "word": "left" if each["left_at"] else "on hold" if each["on_hold"] else "muted" if each["muted"] else "",
            "second": person_line(each),
            "since": "",
            "metered": not mixed and not each["left_at"],
        }
        for each in row["participants"]
    ]
    if mixed and row["state"] == "connected":
        found.append(_voice("mixed", "Mixed", "everybody in one stream", looks.get("mixed", "off")))
    if row["state"] != "connected":
        return found or [_waiting(row)]
    if row["streaming"]["bidirectional"]:
        streams = row["streaming"]["state"] == "streaming"
        found.append(_voice("us", "We", "this portal", "quiet" if streams else "off"))
    return found


def _waiting(row: CallRow) -> Voice:
    """Who calls or is called before anybody is on the call."""
    inbound = row["direction"] == "inbound"
    who = _voice("", "Caller" if inbound else "Callee", row["title"], "off")
    return {**who, "word": "waits" if inbound else "rings", "metered": False}


def _voice(raw_id: str, name: str, second: str, look: str) -> Voice:
    return {
        "raw_id": raw_id,
        "label": name,
        "look": look,
        "name": name,
        "word": "",
        "second": second,
        "since": "",
        "metered": True,
    }


def person_line(person: ParticipantJson) -> str:
    """`+1 425 555 0123, phone`."""
    kind = {"phone": "phone", "acs_user": "ACS user", "teams_user": "Teams user", "teams_app": "Teams app"}
    number = number_text(person["number"]) if person["number"] else ""
    return ", ".join(part for part in (number, kind.get(person["kind"], "participant")) if part)


BLANK_VOICE: Final[Voice] = _voice("", "", "", "quiet")
