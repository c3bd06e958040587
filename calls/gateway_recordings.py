"""Orders to Azure about the recording that it makes itself, through the same gateway as all others (calls.gateway).

Which states a recording has, and what brings them: how-tos/call-automation/actions-for-call-recording (Microsoft).
"""

from dataclasses import dataclass
from typing import Final

from azure.communication.callautomation import (
    CallAutomationClient,
    RecordingChannel,
    RecordingContent,
    RecordingFormat,
    RecordingProperties,
)
from azure.core.exceptions import DecodeError

from calls.errors import GatewayError
from calls.gateway import gateway

ACTIVE: Final = "active"
_UNKNOWN: Final = (404, 8522)


@dataclass(frozen=True, slots=True)
class RecordingOrder:
    """What Azure is to record, and where it tells of its states. Unmixed sound has one channel for each voice."""

    call_connection_id: str
    state_url: str
    channel: str
    file_format: str
    paused: bool


def start(order: RecordingOrder) -> str:
    """Azure's id of the new recording; RecordingStateChanged may arrive before this returns. Raises GatewayError."""

    def ask(client: CallAutomationClient) -> str:
        # Audio is asked for aloud: left out, Azure makes a video.
        made = client.start_recording(
            call_connection_id=order.call_connection_id,
            recording_state_callback_url=order.state_url,
            recording_content_type=RecordingContent.AUDIO,
            recording_channel_type=RecordingChannel(order.channel),
            recording_format_type=RecordingFormat(order.file_format),
            pause_on_start=order.paused,
        )
        if not made.recording_id:
            raise DecodeError("no recordingId")
        return str(made.recording_id)

    return gateway().ask(ask)


def pause(recording_id: str) -> None:
    gateway().ask(lambda client: client.pause_recording(recording_id))


def resume(recording_id: str) -> None:
    gateway().ask(lambda client: client.resume_recording(recording_id))


def stop(recording_id: str) -> None:
    """For good; the file follows by Event Grid. One that Azure no longer knows counts as stopped."""
    try:
        gateway().ask(lambda client: client.stop_recording(recording_id))
    except GatewayError as error:
        if not is_unknown(error):
            raise


def state_of(recording_id: str) -> str:
    """active or inactive; "" if Azure knows no such recording any more."""
    try:
        found: RecordingProperties = gateway().ask(lambda client: client.get_recording_properties(recording_id))
    except GatewayError as error:
        if not is_unknown(error):
            raise
        return ""
    state = found.recording_state or ""
    return str(getattr(state, "value", state))


def is_unknown(error: GatewayError) -> bool:
    """Whether Azure said that it knows no such recording."""
    return (error.azure_status, error.subcode) == _UNKNOWN
