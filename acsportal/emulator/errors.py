"""Azure's error answers: one status, one code, one sentence, always in the same JSON shape."""

from typing import Any


class AzureError(Exception):
    """A REST refusal; ``code`` is the sub-code that the SDK shows as ``(8522) …``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def body(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": str(self), "target": None, "details": []}}


def call_not_found(connection_id: str) -> AzureError:
    return AzureError(404, "8522", f"Call not found: {connection_id}.")


def participant_not_found(raw_id: str) -> AzureError:
    return AzureError(404, "8522", f"Participant not found: {raw_id}.")


def invitation_not_found(invitation_id: str) -> AzureError:
    return AzureError(404, "8522", f"Invitation not found: {invitation_id}.")


def recording_not_found(recording_id: str) -> AzureError:
    return AzureError(404, "8522", f"Recording not found: {recording_id}.")


def ringing_is_over() -> AzureError:
    """For a context whose call was given up, timed out, rejected or redirected (sheet, pitfall 15)."""
    return AzureError(404, "8522", "Call not found: it no longer rings.")


def not_established(connection_id: str) -> AzureError:
    return AzureError(400, "8501", f"Call {connection_id} is not in Established state.")


def terminated(connection_id: str) -> AzureError:
    return AzureError(400, "8528", f"Call {connection_id} is already terminated.")


def conflict() -> AzureError:
    return AzureError(409, "8519", "Conflict: the incoming call was already answered or is being acted upon.")


def conflict_of(what: str) -> AzureError:
    return AzureError(409, "8519", f"Conflict: {what}.")


def invalid(what: str) -> AzureError:
    return AzureError(400, "8523", f"Invalid argument: {what}.")


def not_supported(operation: str) -> AzureError:
    return AzureError(405, "8520", f"Operation not supported at this time: {operation}.")


def wrong_state(what: str) -> AzureError:
    return AzureError(400, "8585", f"Action not valid in current call state: {what}.")


def media_mode(what: str) -> AzureError:
    return AzureError(400, "8500", f"Invalid media mode: {what}.")


def incompatible(operation: str) -> AzureError:
    """For a media operation that may not queue behind those that are there."""
    return AzureError(
        412, "8583", f"Precondition failed: {operation} cannot wait behind the media operation that runs."
    )


def no_speech_service() -> AzureError:
    return AzureError(400, "8567", "Azure AI services are not configured: no cognitiveServicesEndpoint at set-up.")


def no_transcription() -> AzureError:
    return AzureError(405, "8522", "Transcription URL is not set or cognitive service is not configured at set-up.")


def no_stream_url() -> AzureError:
    """The sheet says that streaming cannot be started later without options at set-up, not with which code."""
    return AzureError(400, "8581", "Stream URL is not valid: the call was set up without mediaStreamingOptions.")


def signature_refused(why: str) -> AzureError:
    return AzureError(401, "7509", f"HMAC validation error: {why}.")
