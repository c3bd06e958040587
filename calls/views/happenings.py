"""What happened on a call in one list, newest first: Azure's events, our orders, our sounds.

The script's half is static/js/call/events.js.
"""

from datetime import datetime
from typing import Final, TypedDict

from django.urls import reverse
from django.utils.dateparse import parse_datetime

from calls.selectors import WAYS, AuditJson, CallDetail, CommandJson, EventJson, InjectionJson
from calls.views.looks import code_words


class Happening(TypedDict):
    key: str
    at: str
    offset_s: float
    icon: str
    tone: str
    text: str
    second: str
    code: str
    url: str


# Verb → (icon, words).
VERB_WORDS: Final[dict[str, tuple[str, str]]] = {
    "place": ("call-out", "Place the call"),
    "answer": ("phone", "Answer"),
    "reject": ("ended", "Reject"),
    "redirect": ("transfer", "Redirect"),
    "hang_up": ("ended", "Hang up"),
    "start_streaming": ("both-ways", "Start streaming"),
    "stop_streaming": ("no-stream", "Stop streaming"),
    "stop_sound": ("stop", "Stop sound"),
    "start_recording": ("record", "Start recording"),
    "stop_recording": ("stop", "Stop recording"),
    "pause_recording": ("pause", "Pause recording"),
    "resume_recording": ("play", "Resume recording"),
    "begin_sensitive": ("pause", "Begin sensitive pause"),
    "end_sensitive": ("play", "End sensitive pause"),
    "start_transcript": ("text", "Start transcript"),
    "stop_transcript": ("stop", "Stop transcript"),
    "change_language": ("text", "Change language"),
    "start_azure_recording": ("record", "Start Azure’s recording"),
    "pause_azure_recording": ("pause", "Pause Azure’s recording"),
    "resume_azure_recording": ("play", "Resume Azure’s recording"),
    "stop_azure_recording": ("stop", "Stop Azure’s recording"),
}
# Most events are Azure's callbacks, so only the others say where they come from.
SOURCES: Final = {"event_grid": "From Event Grid", "stream": "From the media socket", "portal": "From this portal"}
KIND_ICONS: Final = {"text": "text", "tone": "tone", "clip": "wave", "file": "file"}
SOUND_TONES: Final = {"queued": "wait", "playing": "us", "done": "us", "stopped": "off", "failed": "bad"}


def happenings(detail: CallDetail, audit: dict[str, AuditJson]) -> list[Happening]:
    """`audit` by the order's id, for readers who may see from where an order came."""
    row = detail["row"]
    start = _parse(row["connected_at"] or row["ringing_at"] or row["created_at"])
    found = [_of_event(each, row["id"]) for each in detail["events"]]
    found += [_of_command(each, start) for each in detail["commands"]]
    found += [_of_injection(each, start) for each in detail["injections"]]
    for each in found:
        entry = audit.get(each["key"])
        if entry is not None and entry["address"]:
            each["second"] = f"{each['second'].rstrip('.')}, by {WAYS[entry['via']]} from {entry['address']}"
    return sorted(found, key=lambda each: each["at"], reverse=True)


def _of_event(event: EventJson, call_id: str) -> Happening:
    return {
        "key": event["id"],
        "at": event["event_time"],
        "offset_s": event["offset_s"],
        "icon": event["icon"],
        "tone": event["tone"],
        "text": event["text"],
        "second": event["remedy"] or SOURCES.get(event["source"], ""),
        "code": code_words(event["code"], event["subcode"]),
        "url": reverse("call_event", args=[call_id, event["id"]]),
    }


def _of_command(command: CommandJson, start: datetime) -> Happening:
    icon, words = VERB_WORDS.get(command["verb"], ("clock", command["verb"]))
    failed, error = command["state"] == "failed", command["error"]
    return {
        "key": command["id"],
        "at": command["created_at"],
        "offset_s": (_parse(command["created_at"]) - start).total_seconds(),
        "icon": "trouble" if failed else icon,
        "tone": "bad" if failed else "off" if command["state"] == "done" else "wait",
        "text": f"{words}: failed" if failed else f"Order: {words[0].lower()}{words[1:]}",
        "second": error["message"] if error else _when(command["asked_by"], command["created_at"], command),
        "code": "",
        "url": "",
    }


def steps(command: CommandJson) -> list[tuple[str, str, str]]:
    """The life of an order as (word, `past` `now` or `next`, tone): Asked, Accepted, Done, or Failed where it broke."""
    state = command["state"]
    if state == "failed":
        accepted = [("Accepted", "past", "")] if command["accepted_at"] else []
        return [("Asked", "past", ""), *accepted, ("Failed", "now", "bad")]
    at = ("queued", "accepted", "done").index(state)
    words = ("Asked", "Accepted", "Done")
    place = ["past" if each < at else "now" if each == at else "next" for each in range(3)]
    return [(word, place[each], "ok" if state == "done" and each == 2 else "") for each, word in enumerate(words)]


def _when(asked_by: str, asked_at: str, command: CommandJson) -> str:
    """`Asked by demo, accepted after 0.2 s, done after 0.6 s`."""
    words = f"Asked by {asked_by}"
    for name in ("accepted", "done"):
        moment = command["accepted_at"] if name == "accepted" else command["done_at"]
        if moment:
            words += f", {name} after {(_parse(moment) - _parse(asked_at)).total_seconds():.1f} s"
    return words


def _of_injection(injection: InjectionJson, start: datetime) -> Happening:
    at = injection["started_at"] or injection["queued_at"]
    error = injection["error"]
    failed = injection["state"] == "failed"
    return {
        "key": injection["id"],
        "at": at,
        "offset_s": (_parse(at) - start).total_seconds(),
        "icon": "trouble" if failed else KIND_ICONS[injection["kind"]],
        "tone": SOUND_TONES[injection["state"]],
        "text": sound_words(injection),
        "second": error["message"] if error else f"Asked by {injection['asked_by']}",
        "code": "",
        "url": "",
    }


def sound_words(injection: InjectionJson) -> str:
    """`Played text “Your refund …”, 8.4 s`."""
    verb = {"queued": "Waits to play", "playing": "Plays", "failed": "Not played:"}.get(injection["state"], "Played")
    what = {
        "text": f"text “{injection['text']}”",
        "tone": f"tone {injection['tone_hz']} Hz",
        "clip": f"clip {injection['label']}",
        "file": f"file {injection['label']}",
    }[injection["kind"]]
    over = injection["state"] in {"done", "stopped"}
    length = f", {injection['played_ms'] / 1000:.1f} s" if over else ""
    return f"{verb} {what}{length}" + (", stopped" if injection["state"] == "stopped" else "")


BLANK_HAPPENING: Final[Happening] = {
    "key": "",
    "at": "",
    "offset_s": 0.0,
    "icon": "tag",
    "tone": "off",
    "text": "",
    "second": "",
    "code": "",
    "url": "",
}


def _parse(text: str) -> datetime:
    found = parse_datetime(text)
    assert found is not None, "selectors write ISO times"
    return found
