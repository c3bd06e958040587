"""The JSON on the media socket, as section 1 of the protocol sheet has it: written by hand, read with any casing."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from acsportal.emulator.media.mixer import Frame


@dataclass(frozen=True, slots=True)
class Audio:
    pcm: bytes


@dataclass(frozen=True, slots=True)
class StopAudio:
    pass


class GarbageError(ValueError):
    """A message that Azure would ignore."""


def metadata(subscription_id: str, rate_hz: int, frame_bytes: int) -> bytes:
    return (
        f'{{"kind":"AudioMetadata","audioMetadata":{{"subscriptionId":"{subscription_id}","encoding":"PCM",'
        f'"sampleRate":{rate_hz},"channels":1,"length":{frame_bytes}}}}}'
    ).encode()


def audio(frame: Frame, stamp: str, *, null_speaker: bool = False, with_silent: bool = True) -> bytes:
    """One frame. The mixed stream has no ``participantRawID`` at all: the JavaScript SDK cannot read a null."""
    speaker = b"" if frame.raw_id is None else b'"participantRawID":"%b",' % frame.raw_id.encode()
    if null_speaker:
        speaker = b'"participantRawID":null,'
    silent = b',"silent":%b' % (b"true" if frame.silent else b"false") if with_silent else b""
    return b'{"kind":"AudioData","audioData":{"timestamp":"%b",%b"data":"%b"%b}}' % (
        stamp.encode(),
        speaker,
        frame.content,
        silent,
    )


def unknown(kind: str) -> bytes:
    """A message of a kind that the portal cannot know, with a body of that name as all others have."""
    return json.dumps({"kind": kind, kind[:1].lower() + kind[1:]: {"id": "1", "status": "Completed"}}).encode()


def dtmf(tone: str) -> bytes:
    return f'{{"kind":"DtmfData","dtmfData":{{"data":"{tone}"}}}}'.encode()


def read(text: str) -> Audio | StopAudio:
    """What the portal sent. ``kind`` alone decides: JavaScript's audio frames carry an empty ``stopAudio`` too."""
    try:
        message = _lowered(json.loads(text))
    except ValueError as error:
        raise GarbageError("no JSON") from error
    kind = message.get("kind") if isinstance(message, dict) else None
    if not isinstance(kind, str):
        raise GarbageError("no kind")
    match kind.lower():
        case "audiodata":
            return Audio(_pcm(message.get("audiodata")))
        case "stopaudio":
            return StopAudio()
    raise GarbageError("unknown kind")


def _pcm(member: Any) -> bytes:
    content = member.get("data") if isinstance(member, dict) else None
    if not isinstance(content, str):
        raise GarbageError("no audio")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise GarbageError("no base64") from error


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key).lower(): _lowered(member) for key, member in value.items()}
    return value
