"""Every WebSocket door of the portal."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import path

from streaming.endpoint import MediaEndpoint
from streaming.screens.dashboard import OneCall, Wall
from streaming.transcripts.endpoint import TranscriptEndpoint

# Azure's sockets carry no cookie, so no session is looked up for them.
websockets = URLRouter(
    [
        path("ws/acs/media/<str:token>/", MediaEndpoint.as_asgi()),
        path("ws/acs/transcription/<str:token>/", TranscriptEndpoint.as_asgi()),
        path("ws/live/", AuthMiddlewareStack(Wall.as_asgi())),
        path("ws/calls/<uuid:call_id>/", AuthMiddlewareStack(OneCall.as_asgi())),
    ]
)
