"""Every WebSocket door of the portal."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import path

from streaming.dashboard import OneCall, Wall
from streaming.endpoint import MediaEndpoint

# Azure's sockets carry no cookie, so no session is looked up for them.
websockets = URLRouter(
    [
        path("ws/acs/media/<str:token>/", MediaEndpoint.as_asgi()),
        path("ws/live/", AuthMiddlewareStack(Wall.as_asgi())),
        path("ws/calls/<uuid:call_id>/", AuthMiddlewareStack(OneCall.as_asgi())),
    ]
)
