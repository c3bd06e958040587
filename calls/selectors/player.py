"""A call as a player needs it: lanes with their recordings and turns, what held or lost sound, and every mark."""

from collections.abc import Iterable
from typing import Final, TypedDict

from calls.models import Call, Recording, Segment
from calls.selectors.annotations import notes_of
from calls.selectors.measures import talk_json
from calls.selectors.recordings import RecordingJson, TakeJson, takes_of
from calls.selectors.shapes import CallDetail
from calls.selectors.voices import US, side, speaker

HOLE_WORDS: Final = {
    "pause": "Recording paused",
    "sensitive": "Held back",
    "gap": "No sound came",
    "disk": "Not written: the disk refused",
}
SHORTEST_HOLE_S: Final = 0.1


class TrackJson(TypedDict):
    """A recording of one voice; `peaks` and `audio` are addresses."""

    id: str
    offset_s: float
    duration_s: float
    peaks: str
    audio: str


class LaneJson(TypedDict):
    raw_id: str
    label: str
    side: str
    tracks: list[TrackJson]
    talk: list[list[float]]


class RegionJson(TypedDict):
    """`kind` is played, hole, gap or sensitive; `lane` is a raw id, or "" for all."""

    kind: str
    lane: str
    from_s: float
    to_s: float
    text: str


class MarkJson(TypedDict):
    at_s: float
    icon: str
    tone: str
    text: str


class PlayerJson(TypedDict):
    call: str
    live: bool
    duration_s: float
    lanes: list[LaneJson]
    regions: list[RegionJson]
    marks: list[MarkJson]
    unfinished: bool


def player_json(call: Call, detail: CallDetail, *, may_hear: bool) -> PlayerJson:
    """All that one page needs to play a call; sound only for who may hear it. Prefetch the call's `participants`."""
    takes = takes_of(call)
    talk = talk_json(call)
    tracks = [track for take in takes for track in take["tracks"] if track["track"] != Recording.Track.STEREO]
    return {
        "call": str(call.pk),
        "live": call.is_live,
        "duration_s": round(call.duration_s or 0.0, 3),
        "lanes": _lanes(call, talk, tracks if may_hear else []),
        "regions": [*_played(detail, call), *_holes(takes), *_gaps(call)],
        "marks": _marks(call, detail),
        "unfinished": any(take["state"] in {"recording", "paused", "finishing"} for take in takes),
    }


def _lanes(call: Call, talk: dict[str, list[list[float]]], tracks: Iterable[RecordingJson]) -> list[LaneJson]:
    by_voice: dict[str, list[TrackJson]] = {}
    for track in tracks:
        voice = US if track["track"] == Recording.Track.INJECTED else track["raw_id"]
        by_voice.setdefault(voice, [])
        if track["url"] and track["peaks_url"]:
            by_voice[voice].append(
                {
                    "id": track["id"],
                    "offset_s": track["offset_s"],
                    "duration_s": track["duration_s"] or 0.0,
                    "peaks": track["peaks_url"],
                    "audio": track["url"],
                }
            )
    people = [each.raw_id for each in call.participants.all() if each.raw_id != call.own_raw_id]
    heard = [*by_voice, *talk]
    voices = [each for each in (*people, *heard) if each in heard and each != US]
    order = dict.fromkeys(
        [*sorted(set(voices), key=lambda each: (side(call, each) != "theirs", voices.index(each))), US]
    )
    return [
        {
            "raw_id": raw_id,
            "label": speaker(call, raw_id),
            "side": side(call, raw_id),
            "tracks": by_voice.get(raw_id, []),
            "talk": talk.get(raw_id, []),
        }
        for raw_id in order
    ]


def _played(detail: CallDetail, call: Call) -> list[RegionJson]:
    found: list[RegionJson] = []
    for injection in call.injections.filter(started_at__isnull=False).order_by("started_at"):
        from_s = (injection.started_at - call.since).total_seconds()
        until = injection.ended_at
        to_s = (until - call.since).total_seconds() if until else from_s + injection.played_ms / 1000
        found.append(_region("played", US, from_s, to_s, injection.label[:80]))
    return found


def _holes(takes: Iterable[TakeJson]) -> list[RegionJson]:
    return [
        _region(
            "sensitive" if hole["why"] == "sensitive" else "hole",
            "",
            take["offset_s"] + hole["from_s"],
            take["offset_s"] + hole["to_s"],
            HOLE_WORDS.get(hole["why"], "Nothing was recorded"),
        )
        for take in takes
        for hole in take["holes"]
        if hole["to_s"] - hole["from_s"] >= SHORTEST_HOLE_S
    ]


def _gaps(call: Call) -> list[RegionJson]:
    """Where nothing could be recognised."""
    gaps = call.segments.filter(kind=Segment.Kind.GAP)
    return [
        _region("gap", raw_id, (began - call.since).total_seconds(), (ended - call.since).total_seconds(), text)
        for raw_id, began, ended, text in gaps.values_list("raw_id", "started_at", "ended_at", "text")
    ]


def _region(kind: str, lane: str, from_s: float, to_s: float, text: str) -> RegionJson:
    return {"kind": kind, "lane": lane, "from_s": round(from_s, 3), "to_s": round(to_s, 3), "text": text}


def _marks(call: Call, detail: CallDetail) -> list[MarkJson]:
    """Events, orders and notes, in their order; what is about the whole call stands at its end."""
    marks: list[MarkJson] = [
        {"at_s": each["offset_s"], "icon": each["icon"], "tone": each["tone"], "text": each["text"]}
        for each in detail["events"]
    ]
    for command in call.commands.all():
        at_s = (command.created_at - call.since).total_seconds()
        failed = command.state == "failed"
        said = f"{command.asked_by} asked to {command.get_verb_display().lower()}{': failed' if failed else ''}"
        marks.append({"at_s": at_s, "icon": "forward", "tone": "bad" if failed else "off", "text": said})
    marks += [
        {"at_s": note["about_s"], "icon": "note", "tone": "us", "text": f"{note['author']}: {note['text'][:200]}"}
        for note in notes_of(call)
        if note["about_s"] is not None
    ]
    return sorted(({**mark, "at_s": round(mark["at_s"], 3)} for mark in marks), key=lambda mark: mark["at_s"])
