"""The recordings of all calls: running ones by their id, finished files by the name under which they are fetched."""

import asyncio
import shutil
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from acsportal.emulator import errors
from acsportal.emulator.call.lifecycle import Call
from acsportal.emulator.call.recording import Recording, RecordingOptions
from acsportal.emulator.eventgrid import EventGrid
from acsportal.emulator.network import Tasks

KEPT_FILES = 100


@dataclass(frozen=True, slots=True)
class Stored:
    """A finished recording: the sound, and what Azure writes beside it."""

    path: Path
    metadata: dict[str, Any]


class Archive:
    """Of more than a hundred files the oldest are deleted; all are when the emulator ends."""

    def __init__(self, grid: EventGrid) -> None:
        self._grid = grid
        self._running: dict[str, Recording] = {}
        self._origins: dict[str, str] = {}
        self._stored: OrderedDict[str, Stored] = OrderedDict()
        self._tasks = Tasks("archive")
        self._folder: Path | None = None

    def start(self, call: Call, options: RecordingOptions, origin: str) -> Recording:
        """``origin`` is where the file will be fetched."""
        recording = Recording(call, options, self._stopped)
        self._running[recording.id] = recording
        self._origins[recording.id] = origin
        call.recordings.append(recording)
        recording.start()
        return recording

    def running(self, recording_id: str) -> Recording:
        """Raises AzureError for one that never was or is stopped."""
        recording = self._running.get(recording_id)
        if recording is None:
            raise errors.recording_not_found(recording_id)
        return recording

    def stored(self, document_id: str) -> Stored:
        """Raises AzureError for what is not there."""
        stored = self._stored.get(document_id)
        if stored is None:
            raise errors.recording_not_found(document_id)
        return stored

    def delete(self, document_id: str) -> None:
        """Raises AzureError for what is not there."""
        path = self.stored(document_id).path
        del self._stored[document_id]
        path.unlink(missing_ok=True)

    async def shut_down(self) -> None:
        await self._tasks.cancel()
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _stopped(self, recording: Recording) -> None:
        del self._running[recording.id]
        self._tasks.spawn("store", self._store(recording, self._origins.pop(recording.id)))

    async def _store(self, recording: Recording, origin: str) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="emulator-recordings-"))
        path = await asyncio.to_thread(recording.write, self._folder)
        self._stored[recording.document_id] = Stored(path, _metadata(recording))
        while len(self._stored) > KEPT_FILES:
            self.delete(next(iter(self._stored)))
        await self._tell(recording, f"{origin}/v1/objects/{recording.document_id}")

    async def _tell(self, recording: Recording, place: str) -> None:
        chunk = {
            "documentId": recording.document_id,
            "index": 0,
            "endReason": "SessionEnded",
            "contentLocation": f"{place}/content/audio",
            "metadataLocation": f"{place}/content/acsmetadata",
            "deleteLocation": place,
        }
        content = {
            "recordingStorageInfo": {"recordingChunks": [chunk]},
            "recordingStartTime": _time(recording.started_at),
            "recordingDurationMs": round(1000 * recording.duration_s),
            "sessionEndReason": recording.end_reason,
        }
        call = recording.call
        subject = (
            f"/recording/call/{call.call_connection_id}/serverCallId/{call.server_call_id}/recordingId/{recording.id}"
        )
        await self._grid.deliver("Microsoft.Communication.RecordingFileStatusUpdated", subject, content)


def _metadata(recording: Recording) -> dict[str, Any]:
    call = recording.call
    return {
        "callId": call.correlation_id,
        "chunkDocumentId": recording.document_id,
        "chunkIndex": 0,
        "chunkStartTime": _time(recording.started_at),
        "chunkDuration": round(1000 * recording.duration_s),
        "participants": [{"participantId": raw_id} for raw_id in recording.raw_ids()],
    }


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
