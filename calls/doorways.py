"""The addresses that we hand to Azure: where it calls back, and where it opens a call's media socket."""

from uuid import UUID

from django.conf import settings

from calls.tokens import call_token


def callback_url(call_id: UUID) -> str:
    return f"{settings.PUBLIC_URL}/acs/callbacks/{call_token(call_id, 'callbacks')}/"


def media_url(call_id: UUID) -> str:
    """`wss://…`, or `ws://…` on a laptop where PUBLIC_URL is plain http."""
    return f"ws{settings.PUBLIC_URL.removeprefix('http')}/ws/acs/media/{call_token(call_id, 'media')}/"
