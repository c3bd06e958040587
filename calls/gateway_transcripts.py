"""Azure's own transcription of a call, as its SDK asks for it: with the call's set-up, and by orders afterwards.

The SDK's `speech_recognition_model_endpoint_id` is left out: version 1.6.0 takes it and never sends it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from azure.communication.callautomation import (
    CallAutomationClient,
    StreamingTransportType,
    TranscriptionOptions,
)

Order = Callable[[CallAutomationClient], None]
NOTHING: Final[dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Transcribing:
    """How Azure is to write a call down, from when it connects: by which AI service, in which language, and where to
    it sends the words."""

    socket_url: str
    language: str
    ai_endpoint: str


def set_up_with(wanted: Transcribing | None) -> dict[str, Any]:
    """What an order to answer or to place a call says of it."""
    if wanted is None:
        return NOTHING
    options = TranscriptionOptions(
        transport_url=wanted.socket_url,
        transport_type=StreamingTransportType.WEBSOCKET,
        locale=wanted.language,
        start_transcription=True,
        enable_intermediate_results=True,
    )
    return {"cognitive_services_endpoint": wanted.ai_endpoint, "transcription": options}


def starting(call_connection_id: str, language: str, operation_context: str) -> Order:
    """TranscriptionStarted or …Failed brings `operation_context` back."""
    return lambda client: client.get_call_connection(call_connection_id).start_transcription(
        locale=language, operation_context=operation_context
    )


def stopping(call_connection_id: str, operation_context: str) -> Order:
    """TranscriptionStopped brings `operation_context` back."""
    return lambda client: client.get_call_connection(call_connection_id).stop_transcription(
        operation_context=operation_context
    )


def changing(call_connection_id: str, language: str, operation_context: str) -> Order:
    """TranscriptionUpdated or …Failed brings `operation_context` back."""
    return lambda client: client.get_call_connection(call_connection_id).update_transcription(
        locale=language, operation_context=operation_context
    )
