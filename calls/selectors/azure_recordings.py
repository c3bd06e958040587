"""The recordings that Azure makes and keeps itself, as a panel or an API answer needs them."""

from typing import TypedDict

from calls.models import AzureRecording, Call
from calls.selectors.records import iso, iso_of


class AzureFileJson(TypedDict):
    document_id: str
    index: int
    started_at: str
    duration_s: float | None
    end_reason: str


class AzureRecordingJson(TypedDict):
    id: str
    call: str
    azure_id: str
    state: str
    held: bool
    content: str
    channel: str
    format: str
    asked_by: str
    started_at: str
    offset_s: float
    ended_at: str | None
    files: list[AzureFileJson]
    error: str


def azure_recording_json(recording: AzureRecording, call: Call) -> AzureRecordingJson:
    return {
        "id": str(recording.pk),
        "call": str(recording.call_id),
        "azure_id": recording.azure_id,
        "state": recording.state,
        "held": recording.held,
        "content": recording.content,
        "channel": recording.channel,
        "format": recording.file_format,
        "asked_by": recording.asked_by,
        "started_at": iso_of(recording.started_at),
        "offset_s": round((recording.started_at - call.since).total_seconds(), 3),
        "ended_at": iso(recording.ended_at),
        "files": [{name: each[name] for name in AzureFileJson.__annotations__} for each in recording.files],  # type: ignore[misc]
        "error": recording.error,
    }
