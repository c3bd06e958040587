"""What Azure records of a call: the people, the portal's stream and what was played, in a file after the end."""

import base64
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
import soxr

from acsportal.emulator import errors
from acsportal.emulator.call.results import COMPLETED
from acsportal.emulator.call.sounds.hearing import Pcm
from acsportal.emulator.call.voices import Said
from acsportal.emulator.media.playout import Heard
from acsportal.emulator.media.stream import Order
from acsportal.emulator.media.tracks import render

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call

RATE_HZ = 16000


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """``ordering``: whose channel comes first, in an unmixed file."""

    state_url: str | None
    unmixed: bool
    format: str
    paused: bool
    ordering: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Recording:
    """``spans`` are seconds of call time in which it was active; the last one is open while it is."""

    call: "Call"
    options: RecordingOptions
    stopped: Callable[["Recording"], None]
    id: str = ""
    document_id: str = field(default_factory=lambda: f"0-emu-d1-{uuid.uuid4().hex}")
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    spans: list[tuple[float, float | None]] = field(default_factory=list)
    end_reason: str = ""

    def __post_init__(self) -> None:
        name = {"PlatformEndpointId": self.call.call_connection_id, "ResourceSpecificId": str(uuid.uuid4())}
        self.id = base64.urlsafe_b64encode(json.dumps(name, separators=(",", ":")).encode()).decode()

    @property
    def is_active(self) -> bool:
        return bool(self.spans) and self.spans[-1][1] is None

    @property
    def duration_s(self) -> float:
        return sum(to_s - from_s for from_s, to_s in self.spans if to_s is not None)

    def body(self) -> dict[str, Any]:
        state = "active" if self.is_active else "inactive"
        return {"recordingId": self.id, "recordingState": state, "recordingKind": "azureCommunicationServices"}

    def start(self) -> None:
        if not self.options.paused:
            self.spans.append((self.call.elapsed_s(), None))
        self._tell()

    def pause(self) -> None:
        """Raises AzureError when it rests already."""
        if not self.is_active:
            raise errors.wrong_state("the recording is not active")
        self._close_span()
        self._tell()

    def resume(self) -> None:
        """Raises AzureError when it runs."""
        if self.is_active:
            raise errors.wrong_state("the recording is active")
        self.spans.append((self.call.elapsed_s(), None))
        self._tell()

    def stop(self, reason: str) -> None:
        """For good; then the file is made."""
        self.end_reason = reason
        self._close_span()
        self._tell()
        self.stopped(self)

    def raw_ids(self) -> list[str]:
        """Whose channels the file has, in their order; a mixed one has all in one."""
        return list(
            dict.fromkeys(
                [*self.options.ordering, *(said.raw_id for said in self.call.voices.said), self.call.own_raw_id]
            )
        )

    def write(self, folder: Path) -> Path:
        """Mix the file. Takes about a second for ten minutes: call it outside the event loop."""
        path = folder / f"{self.document_id}.{self.options.format}"
        channels = self._channels()
        rows = list(channels.values()) if self.options.unmixed else [_sum(channels.values())]
        kept = np.stack([self._cut(row) for row in rows], axis=1)
        soundfile.write(str(path), kept, RATE_HZ, format=self.options.format.upper())
        return path

    def _close_span(self) -> None:
        if self.is_active:
            self.spans[-1] = (self.spans[-1][0], self.call.elapsed_s())

    def _tell(self) -> None:
        """To the recording's own address, if it has one."""
        if self.options.state_url is None:
            return
        place = f"calling/recordings/{self.call.server_call_id}/{self.id}/RecordingStateChanged"
        extra = {
            "eventSource": place,
            "recordingId": self.id,
            "state": "active" if self.is_active else "inactive",
            "startDateTime": f"{self.started_at:%Y-%m-%dT%H:%M:%S.%f}0+00:00",
            "recordingKind": "azureCommunicationServices",
        }
        self.call.tell("RecordingStateChanged", Order(url=self.options.state_url), COMPLETED, extra, source=place)

    def _channels(self) -> dict[str, Pcm]:
        """By raw id, in call time: each person, and the portal with all that was played to everybody."""
        end_s = max((to_s for _, to_s in self.spans if to_s is not None), default=0.0)
        length = round(end_s * RATE_HZ)
        found = {raw_id: np.zeros(length, dtype=np.int16) for raw_id in self.raw_ids()}
        for said in tuple(self.call.voices.said):
            _lay(found[said.raw_id], said)
        for raw_id, row in found.items():
            for from_s, to_s in self.call.voices.stills(raw_id):
                row[round(from_s * RATE_HZ) : length if to_s is None else round(to_s * RATE_HZ)] = 0
        found[self.call.own_raw_id] = _of_portal(self.call.heard_by_everybody(), length)
        return found

    def _cut(self, row: Pcm) -> Pcm:
        parts = [row[round(a * RATE_HZ) : round(b * RATE_HZ)] for a, b in self.spans if b is not None]
        return np.concatenate(parts) if parts else row[:0]


def _lay(row: Pcm, said: Said) -> None:
    track = render((said.voice,), RATE_HZ)
    pcm, first = track.pcm.reshape(-1), round(said.start_s * RATE_HZ)
    wrap = None if track.wrap is None else track.wrap * track.frame_samples
    while first < len(row) and len(pcm):
        skipped = max(0, -first)
        piece = pcm[skipped : skipped + len(row) - max(0, first)]
        place = row[max(0, first) : max(0, first) + len(piece)]
        place[:] = np.clip(place.astype(np.int32) + piece, -32768, 32767).astype(np.int16)
        first += len(pcm)
        if wrap is None:
            return
        pcm = pcm[wrap:]


def _of_portal(heard: Heard, length: int) -> Pcm:
    pcm = np.zeros(length, dtype=np.int16)
    for first, piece in heard.pieces:
        part = np.frombuffer(piece, dtype="<i2")
        if heard.rate_hz != RATE_HZ:
            part = soxr.resample(part, heard.rate_hz, RATE_HZ)
        begin = round(first * RATE_HZ / heard.rate_hz)
        place = pcm[begin : begin + len(part)]
        place[:] = part[: len(place)]
    return pcm


def _sum(rows: Any) -> Pcm:
    total: Pcm = np.clip(np.sum(list(rows), axis=0, dtype=np.int32), -32768, 32767).astype(np.int16)
    return total
