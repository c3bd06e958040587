"""Takes as a process leaves them on its disk, with the rows that belong to them."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from calls.models import Call, Recording, Take
from streaming.recording.records import (
    MANIFEST,
    TAKE_INDEX,
    Kind,
    TakeHead,
    TrackHead,
    head_bytes,
    index_name,
    manifest_bytes,
    pcm_name,
    record_bytes,
)

Samples = NDArray[np.int16]
RATE_HZ = 16_000
CALLER, CALLEE, US = ("participant", "4:+14255550123"), ("participant", "4:+18005550100"), ("injected", "us")


def noise(seconds: float, seed: int = 0, peak: int = 8_000) -> Samples:
    """Sound of which no two seconds are alike."""
    return np.random.default_rng(seed).integers(-peak, peak, round(seconds * RATE_HZ), dtype=np.int16)


@dataclass(frozen=True)
class WrittenTake:
    take: Take
    folder: Path
    sounds: Mapping[tuple[str, str], Samples]

    def recording(self, track: tuple[str, str]) -> Recording:
        return Recording.objects.get(take=self.take, track=track[0], raw_id=track[1])

    @property
    def stereo(self) -> Recording:
        return self.recording(("stereo", ""))

    def again(self) -> Take:
        return Take.objects.get(pk=self.take.pk)


def row(call: Call, number: int = 1, **fields: Any) -> Take:
    now = timezone.now()
    return Take.objects.create(
        **{
            "call": call,
            "number": number,
            "state": Take.State.FINISHING,
            "owner": "web-1",
            "sample_rate_hz": RATE_HZ,
            "asked_by": "dana",
            "started_at": now - timedelta(seconds=60),
            "ended_at": now,
            **fields,
        }
    )


def written(
    root: Path, call: Call, sounds: Mapping[tuple[str, str], Samples], *, ended: bool = True, **fields: Any
) -> WrittenTake:
    """A take in a folder of its own, and its rows; without `ended` its process was killed."""
    take = row(call, **fields)
    folder = root / str(take.pk)
    folder.mkdir(parents=True)
    head = TakeHead(str(take.pk), str(call.pk), RATE_HZ, take.started_at.isoformat(), "web-1")
    heads = []
    for number, ((track, raw_id), samples) in enumerate(sounds.items()):
        recording = Recording.objects.create(
            take=take, call=call, track=track, raw_id=raw_id, sample_rate_hz=RATE_HZ, state="finishing"
        )
        heads.append(TrackHead(str(recording.pk), track, raw_id, f"{number:03}"))
        _write_track(folder, head, heads[-1], samples)
    frames = max((len(each) for each in sounds.values()), default=0)
    (folder / MANIFEST).write_bytes(manifest_bytes(head, heads, 0))
    end = record_bytes(0, Kind.END, frames) if ended else b""
    (folder / TAKE_INDEX).write_bytes(head_bytes(head) + end)
    return WrittenTake(take, folder, sounds)


def _write_track(folder: Path, head: TakeHead, track: TrackHead, samples: Samples) -> None:
    pcm, index = bytearray(), bytearray(head_bytes(head, track))
    for number, at in enumerate(range(0, len(samples), RATE_HZ)):
        piece = samples[at : at + RATE_HZ].astype("<i2").tobytes()
        index += record_bytes(number, Kind.SOUND, at, len(piece) // 2, offset=len(pcm) // 2, pcm_crc=zlib.crc32(piece))
        pcm += piece
    (folder / pcm_name(track)).write_bytes(pcm)
    (folder / index_name(track)).write_bytes(index)


def finished_row(call: Call, **fields: Any) -> Recording:
    """A track that can be heard, as far as its row goes."""
    take = row(call, state=Take.State.COMPLETE, number=call.takes.count() + 1, duration_s=1.0)
    return Recording.objects.create(
        **{
            "take": take,
            "call": call,
            "track": "participant",
            "raw_id": "4:+14255550123",
            "sample_rate_hz": RATE_HZ,
            "state": Recording.State.COMPLETE,
            "duration_s": 1.0,
            "size": 10,
            "sha256": "0" * 64,
            **fields,
        }
    )
