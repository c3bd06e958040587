"""The recording of a call on its page: how it stands, what can be ordered, its takes, and Azure's own beside them.

The page's script fetches the panel anew whenever something of it has changed.
"""

from typing import Any, Final, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from calls.models import AzureRecording, Call, Take
from calls.selectors import CallRow, call_row, people
from calls.selectors.azure_recordings import azure_recording_json
from calls.selectors.recordings import TakeJson, takes_of
from calls.views.page import permitted


class Chip(NamedTuple):
    icon: str
    word: str
    tone: str


class OrderButton(NamedTuple):
    """A button of the panel: the page's slug, the API's address below the call, and why it is impossible now."""

    verb: str
    slug: str
    api: str
    icon: str
    words: str
    obstacle: str


TAKE_CHIPS: Final = {
    Take.State.RECORDING: Chip("record", "Recording", "bad"),
    Take.State.PAUSED: Chip("pause", "Paused", "wait"),
    Take.State.FINISHING: Chip("clock", "Being finished", "off"),
    Take.State.COMPLETE: Chip("check", "Complete", "ok"),
    Take.State.FAILED: Chip("trouble", "Failed", "bad"),
    Take.State.DELETED: Chip("trash", "Deleted", "off"),
}
AZURE_CHIPS: Final = {
    AzureRecording.State.STARTING: Chip("clock", "Starting", "off"),
    AzureRecording.State.ACTIVE: Chip("record", "Recording", "bad"),
    AzureRecording.State.PAUSED: Chip("pause", "Paused", "wait"),
    AzureRecording.State.STOPPED: Chip("clock", "Azure makes the file", "off"),
    AzureRecording.State.READY: Chip("check", "Ready at Azure", "ok"),
    AzureRecording.State.FAILED: Chip("trouble", "Failed", "bad"),
}
HOLE_WORDS: Final = {"pause": "paused", "sensitive": "held back", "gap": "lost on the way", "disk": "not written"}
OFF: Final = Chip("record", "Off", "off")
NOTHING: Final = Chip("record", "None", "off")
HELD: Final = Chip("eye-off", "Held back", "wait")


@require_safe
@permitted()
def call_recording(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """The panel alone."""
    calls = Call.objects.visible_to(request.user).prefetch_related(people(), "tags")
    found = get_object_or_404(calls, pk=call_id)
    row = call_row(found)
    return render(request, "call/recording.html", {"row": row, "over": not found.is_live, **panel(found, row)})


def panel(call: Call, row: CallRow) -> dict[str, Any]:
    """What the panel says, under `recording`."""
    takes = list(reversed(takes_of(call)))
    azure = [azure_recording_json(each, call) for each in call.azure_recordings.all()]
    trouble = call.events.filter(type="RecordingTrouble").order_by("-event_time").first()
    return {
        "recording": {
            "chip": _chip(call, row, takes),
            "orders": _orders(row) if call.is_live else [],
            "takes": [{**each, "chip": _take_chip(row, each), "kept": _kept(each)} for each in takes],
            "trouble": f"{trouble.message[:1].upper()}{trouble.message[1:]}" if trouble else "",
            "azure": [{**each, "chip": AZURE_CHIPS[AzureRecording.State(each["state"])]} for each in azure],
            "azure_orders": _azure_orders(row, azure[0]["state"] if azure else "") if call.is_live else [],
        }
    }


def _chip(call: Call, row: CallRow, takes: list[TakeJson]) -> Chip:
    if call.is_live and row["recording"]["state"] == "off":
        return OFF
    return _take_chip(row, takes[0]) if takes else NOTHING


def _take_chip(row: CallRow, take: TakeJson) -> Chip:
    if row["sensitive"] and take["state"] == Take.State.RECORDING:
        return HELD
    return TAKE_CHIPS[Take.State(take["state"])]


def _orders(row: CallRow) -> list[OrderButton]:
    may, state = row["may"], row["recording"]["state"]
    if state == Call.Kept.OFF:
        return [_order("start_recording", "record", "Start recording", may["start_recording"])]
    paused = state == Call.Kept.PAUSED
    other = (
        _order("resume_recording", "play", "Resume", may["resume_recording"])
        if paused
        else _order("pause_recording", "pause", "Pause", may["pause_recording"])
    )
    return [other, _order("stop_recording", "stop", "Stop recording", may["stop_recording"])]


def _order(verb: str, icon: str, words: str, obstacle: str) -> OrderButton:
    return OrderButton(verb, verb.replace("_", "-"), f"recording/{verb.partition('_')[0]}/", icon, words, obstacle)


def _azure_orders(row: CallRow, state: str) -> list[OrderButton]:
    obstacle = row["may"]["record_at_azure"]

    def at_azure(step: str, icon: str, words: str) -> OrderButton:
        verb = f"{step}_azure_recording"
        return OrderButton(verb, verb.replace("_", "-"), f"azure-recording/{step}/", icon, words, obstacle)

    stop = at_azure("stop", "stop", "Stop")
    if state == AzureRecording.State.ACTIVE:
        return [at_azure("pause", "pause", "Pause"), stop]
    if state == AzureRecording.State.PAUSED:
        return [stop] if row["sensitive"] else [at_azure("resume", "play", "Resume"), stop]
    return [] if state == AzureRecording.State.STARTING else [at_azure("start", "record", "Start")]


def _kept(take: TakeJson) -> str:
    """What is silence in a take though something may have been said: `held back 0:30, lost on the way 0.9 s`."""
    sums: dict[str, float] = {}
    for hole in take["holes"]:
        sums[hole["why"]] = sums.get(hole["why"], 0.0) + hole["to_s"] - hole["from_s"]
    return ", ".join(f"{seconds:.1f} s {HOLE_WORDS.get(why, why)}" for why, seconds in sums.items())
