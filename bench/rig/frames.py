"""Audio messages as Azure puts them on a media socket, masked and ready to be sent; only two stretches change.

A frame is a WebSocket frame of one JSON message. Into it go, just before it is sent, the message's timestamp (the media
clock) and, as the first eight bytes of its PCM, the monotonic clock in nanoseconds: so whoever decodes the sound learns
when it was sent.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

FRAME_S: Final = 0.02
STAMP_BYTES: Final = 8
CALLER: Final = "4:+14255550123"

_MASK: Final = b"\x5a\xc3\x96\x3c"
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
_CLOCK: Final = "2026-01-01T00:00:00.000Z"
_STAMP_CHARS: Final = 12  # nine bytes: the stamp and one more, so that base64 comes out even


def client_frame(payload: bytes, opcode: int = 1) -> bytes:
    """One frame from a client, text by default."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + _MASK + _masked(payload, 0)


def opening(rate_hz: int) -> bytes:
    """The first message of a socket."""
    audio = {
        "subscriptionId": "bench",
        "encoding": "PCM",
        "sampleRate": rate_hz,
        "channels": 1,
        "length": rate_hz // 25,
    }
    return client_frame(json.dumps({"kind": "AudioMetadata", "audioMetadata": audio}).encode())


class Voice:
    """A second of speech-like noise, said again and again."""

    def __init__(self, rate_hz: int) -> None:
        rng = np.random.default_rng(7)
        loudness = 1_500 + 1_200 * np.sin(np.arange(50) / 4)
        self._frames = []
        for level in loudness:
            pcm = np.clip(rng.normal(0, level, rate_hz // 50), -32_000, 32_000).astype("<i2").tobytes()
            audio = {"timestamp": _CLOCK, "participantRawID": CALLER, "data": base64.b64encode(pcm).decode()}
            message = {"kind": "AudioData", "audioData": audio | {"silent": False}}
            text = json.dumps(message, separators=(",", ":"))
            self._frames.append(bytearray(client_frame(text.encode())))
        head = len(self._frames[0]) - len(text)
        self._clock = _Stretch(head, text.index(_CLOCK), len(_CLOCK))
        self._stamp = _Stretch(head, text.index(audio["data"]), _STAMP_CHARS)
        self._tick = -1
        self._clock_bytes = b""

    def frame(self, tick: int, stream: int, now_ns: int) -> bytearray:
        """What `stream` says in the 20 ms number `tick`. Good until the next call; a longer wish has to be copied."""
        if tick != self._tick:
            self._tick = tick
            at = (_EPOCH + timedelta(milliseconds=20 * tick)).isoformat(timespec="milliseconds")
            self._clock_bytes = self._clock.masked(at.replace("+00:00", "Z").encode())
        frame = self._frames[(tick + 7 * stream) % 50]
        frame[self._clock.place] = self._clock_bytes
        frame[self._stamp.place] = self._stamp.masked(base64.b64encode(now_ns.to_bytes(9, "little")))
        return frame


class _Stretch:
    """Some bytes of a payload that are written anew each time."""

    def __init__(self, head: int, offset: int, length: int) -> None:
        self.place = slice(head + offset, head + offset + length)
        self._length = length
        self._pad = int.from_bytes(_masked(bytes(length), offset), "little")

    def masked(self, content: bytes) -> bytes:
        return (int.from_bytes(content, "little") ^ self._pad).to_bytes(self._length, "little")


def _masked(content: bytes, offset: int) -> bytes:
    return bytes(byte ^ _MASK[(offset + number) % 4] for number, byte in enumerate(content))
