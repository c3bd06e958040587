"""Which address is whose: what we hand to Azure for its callbacks and media sockets, and what may be Azure's own."""

import base64
import binascii
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from calls.errors import GatewayError
from calls.tokens import call_token


def callback_url(call_id: UUID) -> str:
    return f"{settings.PUBLIC_URL}/acs/callbacks/{call_token(call_id, 'callbacks')}/"


def media_url(call_id: UUID) -> str:
    """`wss://…`, or `ws://…` on a laptop where PUBLIC_URL is plain http."""
    return f"ws{settings.PUBLIC_URL.removeprefix('http')}/ws/acs/media/{call_token(call_id, 'media')}/"


def transcription_url(call_id: UUID) -> str:
    """Like `media_url`: where Azure sends what it understands of the call."""
    return f"ws{settings.PUBLIC_URL.removeprefix('http')}/ws/acs/transcription/{call_token(call_id, 'transcription')}/"


def check_resource(endpoint: str, access_key: str) -> None:
    """Raises GatewayError if endpoint and key cannot be a resource's."""
    if not endpoint or not access_key:
        raise _unconfigured("Azure is not connected: set ACS_ENDPOINT and ACS_ACCESS_KEY, then start the portal again.")
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.path or parts.query or "@" in parts.netloc or not endpoint.startswith(parts.scheme):
        raise _unconfigured(
            "ACS_ENDPOINT is no address of a resource: it must look like https://name.communication.azure.com, "
            "with nothing behind it."
        )
    try:
        base64.b64decode(access_key, validate=True)
    except (binascii.Error, ValueError):
        raise _unconfigured(
            "ACS_ACCESS_KEY is not base64: copy the primary key alone, not the whole connection string."
        ) from None


def _unconfigured(message: str) -> GatewayError:
    return GatewayError("azure_not_configured", message, status=503)
