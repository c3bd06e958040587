"""Many recorded calls, with the test in Azure's part: each frame says its own number, and a ping says what arrived."""

import json
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
from websockets.exceptions import ConnectionClosed

from streaming.recording.wal import TakeFiles, read_take
from tests.journeys.stack import wait_for
from tests.streaming.doorstep import CALLER, AzureCall, Door, MediaSocket, audio

RATE_HZ = 16_000
FRAME = RATE_HZ // 50
RECORD = (
    "from calls.models import CallPolicy; CallPolicy.objects.filter(name='Support line').update(recording_start='now')"
)


@dataclass
class Talk:
    """One call's media socket. `arrived` is the number of the last frame that the portal has answered for."""

    call: AzureCall
    socket: MediaSocket
    sent: int = -1
    arrived: int = -1
    _asked: deque[tuple[int, Any]] = field(default_factory=deque)
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def say(self) -> None:
        """The next frame; never zero, and another one than its neighbours."""
        number = self.sent + 1
        pcm = np.full(FRAME, 1 + number, np.int16).tobytes()
        self.socket.send(audio(pcm, self._began + timedelta(milliseconds=20 * number), CALLER))
        self.sent = number
        self._asked.append((number, self.socket.connection.ping()))

    def hear_answers(self) -> None:
        while self._asked and self._asked[0][1].is_set():
            self.arrived = self._asked.popleft()[0]


@dataclass
class Talks:
    """All calls speak in turn, fifty times a second. `late_s` is the longest that the machine kept the test waiting."""

    door: Door
    talks: list[Talk] = field(default_factory=list)
    late_s: float = 0.0

    @classmethod
    def opened(cls, door: Door, count: int) -> Self:
        found = cls(door)
        for _ in range(count):
            call = door.call()
            found.talks.append(Talk(call, call.dial().open()))
        for talk in found.talks:
            door.stack.until(talk.call.id, lambda row: row["recording"]["state"] == "recording")
        return found

    def speak(self, seconds: float) -> None:
        """In real time; what is answered by its end counts as arrived."""
        began_s = time.monotonic()
        for turn in range(round(seconds * 50)):
            for talk in self.talks:
                talk.say()
                talk.hear_answers()
            left_s = began_s + (turn + 1) * 0.02 - time.monotonic()
            self.late_s = max(self.late_s, -left_s)
            time.sleep(max(0.0, left_s))
        for talk in self.talks:
            talk.hear_answers()

    def gone(self) -> None:
        """The other end was killed."""
        for talk in self.talks:
            talk.socket.drop()

    def hang_up(self) -> None:
        for talk in self.talks:
            try:
                talk.socket.close()
            except (ConnectionClosed, OSError):
                talk.socket.drop()
            talk.call.hang_up()


def tracks_of(door: Door, call: str) -> list[Any]:
    found: list[Any] = door.stack.get(f"calls/{call}/recordings/")["results"]
    return found


def folder_of(door: Door, take: str) -> Path:
    return door.stack.demo.options.folder / "recording" / take


def take_of(door: Door, call: str) -> str:
    """The call's one take, found by its files: its rows may have died with the process."""
    folder = door.stack.demo.options.folder / "recording"
    found = [json.loads(path.read_text()) for path in folder.glob("*/manifest.json")]
    [take] = [each["take"] for each in found if each["call"] == call]
    return str(take)


def read_apart(door: Door, take: str) -> TakeFiles:
    return read_take(folder_of(door, take))


def numbers_in(files: TakeFiles) -> list[int]:
    """The numbers of the frames that the caller's track holds, in their order."""
    [track] = [each for each in files.tracks if each.raw_id == CALLER]
    heard = np.fromfile(track.pcm, np.int16)
    edges = np.flatnonzero(np.diff(heard, prepend=np.int16(0)))
    return [int(heard[at]) - 1 for at in edges if heard[at]]


def events_of(door: Door, call: str) -> list[Any]:
    found: list[Any] = door.stack.get(f"calls/{call}/events/")["results"]
    return found


def told(door: Door, call: str, event_type: str, within_s: float) -> Any:
    return wait_for(
        lambda: next((each for each in events_of(door, call) if each["type"] == event_type), None),
        within_s,
        f"the timeline tells of {event_type}",
    )
