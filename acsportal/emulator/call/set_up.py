"""What the portal said when it answered, placed or joined a call."""

from dataclasses import dataclass

from acsportal.emulator.call.transcription import TranscriptionOptions
from acsportal.emulator.media.stream import StreamingOptions


@dataclass(frozen=True, slots=True)
class SetUp:
    """``speaks``: an AI service was named, so that text can be spoken and speech recognized."""

    callback_url: str
    operation_context: str | None
    api_version: str
    streaming: StreamingOptions | None
    own_raw_id: str
    transcription: TranscriptionOptions | None = None
    speaks: bool = False
