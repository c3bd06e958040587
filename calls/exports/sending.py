"""An export as an answer that is sent while it is made: no more than a few pieces of it are ever in memory."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from calls.exports.exporting import Exported


def as_response(exported: Exported, request: HttpRequest) -> StreamingHttpResponse:
    """Under ASGI Django would read a plain generator to its end before it sends the first byte."""
    pieces = _in_turns(exported.pieces) if isinstance(request, ASGIRequest) else exported.pieces
    response = StreamingHttpResponse(pieces, content_type=exported.content_type)
    response["Content-Disposition"] = f'attachment; filename="{exported.name}"'
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


async def _in_turns(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each piece is made in the request's own thread, when the one before it is sent."""
    following = sync_to_async(lambda: next(pieces, b""), thread_sensitive=True)
    while piece := await following():
        yield piece
