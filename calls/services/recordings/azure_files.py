"""What Event Grid's RecordingFileStatusUpdated says of a recording's files (Event Grid, voice and video events)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypedDict
from urllib.parse import unquote

from django.utils.dateparse import parse_datetime

MOST_FILES: Final = 200
LONGEST: Final = 2_000


class AzureFile(TypedDict):
    """One chunk. The locations answer only who has the resource's key."""

    document_id: str
    index: int
    started_at: str
    duration_s: float | None
    end_reason: str
    content_location: str
    metadata_location: str
    delete_location: str


@dataclass(frozen=True, slots=True)
class FilesTold:
    """`recording_id` and `server_call_id` are "" where the event names none."""

    recording_id: str
    server_call_id: str
    started_at: datetime | None
    files: list[AzureFile]


def files_in(raw: dict[str, Any]) -> FilesTold:
    """The files of a stored event, either schema. Its subject names the recording:
    /recording/call/{id}/serverCallId/{id}/recordingId/{id}."""
    subject = _text(raw.get("subject"))
    head, _, recording_id = subject.partition("/recordingId/")
    told = raw.get("data")
    about: dict[str, Any] = told if isinstance(told, dict) else {}
    began = _text(about.get("recordingStartTime"))
    chunks = (about.get("recordingStorageInfo") or {}).get("recordingChunks") or []
    duration_ms = about.get("recordingDurationMs")
    duration_s = round(duration_ms / 1000, 3) if len(chunks) == 1 and isinstance(duration_ms, int | float) else None
    return FilesTold(
        unquote(recording_id),
        unquote(head.partition("/serverCallId/")[2]),
        _moment(began),
        [
            {
                "document_id": _text(chunk.get("documentId")),
                "index": chunk["index"] if isinstance(chunk.get("index"), int) else at,
                "started_at": began,
                "duration_s": duration_s,
                "end_reason": _text(chunk.get("endReason")),
                "content_location": _text(chunk.get("contentLocation")),
                "metadata_location": _text(chunk.get("metadataLocation")),
                "delete_location": _text(chunk.get("deleteLocation")),
            }
            for at, chunk in enumerate(chunks[:MOST_FILES])
            if isinstance(chunk, dict)
        ],
    )


def _text(value: object) -> str:
    return value[:LONGEST] if isinstance(value, str) else ""


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)) if found else None
