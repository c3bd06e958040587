"""Where Azure dials: the door of its sockets, and its media socket behind it."""

from streaming.endpoint.media import MediaEndpoint

__all__ = ["MediaEndpoint"]
