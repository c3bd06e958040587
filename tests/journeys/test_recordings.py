"""A call is recorded: what was said and what was played, sample for sample, each where it was heard."""

import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from streaming.recording.wal import read_take
from tests.journeys.scenes import in_portal
from tests.journeys.stack import Stack, ask, multipart, wait_for

pytestmark = [pytest.mark.journey]

RATE_HZ = 16_000
ALIGNED_S = 0.02
SPEAKS_AT_S = 3
RECORD = (
    "from calls.models import CallPolicy; CallPolicy.objects.filter(name='Support line').update(recording_start='{}')"
)


@pytest.fixture
def recorded(stack: Stack) -> Iterator[Stack]:
    """The stack, whose support line records from the first frame on."""
    in_portal(stack, RECORD.format("now"))
    yield stack
    in_portal(stack, RECORD.format("later"))


def noise(seconds: float, seed: int) -> NDArray[np.int16]:
    """Whole frames, none of whose samples is zero."""
    dice = np.random.default_rng(seed)
    count = round(seconds * 50) * 320
    samples: NDArray[np.int16] = (dice.integers(1, 9_000, count) * dice.choice((-1, 1), count)).astype(np.int16)
    return samples


def wav(samples: NDArray[np.int16]) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


def ring(stack: Stack, **voices: NDArray[np.int16]) -> str:
    """A call between these two voices, heard apart."""
    mark = uuid4().hex
    fields = {"caller": "+14255550123", "callee": "+18005550100"}
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, samples in voices.items():
        head = f'--{mark}\r\nContent-Disposition: form-data; name="audio"; filename="{name}.wav"\r\n\r\n'
        parts.append(head.encode() + wav(samples) + b"\r\n")
    body = b"".join(parts) + f"--{mark}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    answer = ask("POST", f"{stack.emulator}/emulator/calls", body, headers)
    assert answer.status == 201, answer
    return str(answer.json["id"])


def tracks(stack: Stack, call: str) -> dict[str, NDArray[np.int16]]:
    """The tracks of the call's one take, read from its files as they were written."""
    folders = (stack.demo.options.folder / "recording").glob("*/manifest.json")
    [folder] = [path.parent for path in folders if json.loads(path.read_text())["call"] == call]
    return {each.raw_id or "us": np.fromfile(each.pcm, np.int16) for each in read_take(folder).tracks}


def place_of(said: NDArray[np.int16], track: NDArray[np.int16]) -> int:
    """Where in the track exactly these samples are."""
    pattern = said[:64].tobytes()
    content = track.tobytes()
    at = content.find(pattern)
    while at >= 0:
        first = at // 2
        if at % 2 == 0 and np.array_equal(track[first : first + said.size], said):
            return first
        at = content.find(pattern, at + 1)
    raise AssertionError("these samples are not in the track, or not all of them in a row")


def events(stack: Stack, call: str) -> list[Any]:
    found: list[Any] = stack.get(f"calls/{call}/events/")["results"]
    return found


def test_tracks_are_what_was_sent_bit_for_bit_and_what_was_heard_where_it_was_heard(recorded: Stack) -> None:
    stack = recorded
    caller, expert = noise(3.0, 1), noise(2.0, 2)
    # Nobody speaks before the socket is open: what was said by then was sent to nobody.
    quiet = np.zeros(SPEAKS_AT_S * RATE_HZ, np.int16)
    emulated = ring(stack, caller=np.append(quiet, caller), expert=np.append(quiet, expert))
    call = stack.call_of(emulated)
    stack.until(call, lambda row: row["recording"]["state"] == "recording")
    body, headers = multipart({}, {"audio": ("clip.wav", wav(noise(1.0, 3)))})
    order = stack.order(f"calls/{call}/injections/", body, **headers)
    assert order.status == 202, order
    tone = stack.order(f"calls/{call}/injections/", {"tone_hz": 440, "duration_ms": 500})
    assert stack.played(call, tone.json["id"])["state"] == "done"
    wait_for(lambda: stack.heard(emulated)[0].size > (SPEAKS_AT_S + 4) * RATE_HZ, 20)
    stack.caller_hangs_up(emulated)
    stack.until(call, lambda row: row["recording"]["state"] == "off")
    heard, _ = stack.heard(emulated)
    found = tracks(stack, call)
    assert len(found) == 3
    assert len({track.size for track in found.values()}) == 1
    said = {
        each: place_of(samples, found[each]) for each, samples in zip(sorted(found)[:2], (caller, expert), strict=True)
    }
    ours = found["us"]
    first_heard, first_kept = int(np.flatnonzero(heard)[0]), int(np.flatnonzero(ours)[0])
    # Between two frames that this machine was late with, each side may have waited for another while.
    assert np.array_equal(ours[ours != 0], heard[heard != 0])
    apart = [(at - first_kept) - (SPEAKS_AT_S * RATE_HZ - first_heard) for at in said.values()]
    late_ms = max(ask("GET", f"{stack.emulator}/emulator/calls/{emulated}/round-trips").json["ms"])
    print(
        f"said and heard are {[round(each / 16, 1) for each in apart]} ms apart; the machine was {late_ms:.0f} ms late"
    )
    types = [each["type"] for each in events(stack, call)]
    assert [each for each in types if each.startswith("Recording")] == ["RecordingStarted", "RecordingEnded"]
    assert all(abs(each) <= (ALIGNED_S + late_ms / 1000) * RATE_HZ for each in apart)
