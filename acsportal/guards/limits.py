"""How much of anything a peer may ask for."""

import sys
import time
from typing import Final

if sys.platform != "win32":
    import resource

HEAD_WITHIN_S: Final = 8.0
"""A request's line and headers, from the connection or from its first byte."""
HEAD_BYTES: Final = 65_536
DOOR_BODY_WITHIN_S: Final = 8.0
BODY_WITHIN_S: Final = 300.0
"""A clip of 50 MB over a slow line; Azure's doors are given DOOR_BODY_WITHIN_S."""
CALLBACK_BYTES: Final = 256 * 1024
FORM_BYTES: Final = 1024 * 1024
UPLOAD_BYTES: Final = 51 * 1024 * 1024
"""A clip, and a form around it."""
LAST_WORDS_BYTES: Final = 65_536
"""What a peer that was told to go may still send: a second of sound that was on its way."""
MOST_PIECES: Final = 64
"""Fragments of one message. Azure's messages have one."""
CONTROLS_AT_ONCE, CONTROLS_PER_S = 200, 100.0
POLICY: Final = 1008
TOO_MANY_PIECES: Final = f"A message may come in {MOST_PIECES} pieces."
TOO_MANY_CONTROLS: Final = f"A socket may send {CONTROLS_PER_S:g} pings and pongs a second."


def body_limits(path: str, content_type: str) -> tuple[int, float]:
    """The most bytes of a request's body, and the seconds it may take to arrive."""
    if path.startswith("/acs/"):
        return (CALLBACK_BYTES if path.startswith("/acs/callbacks/") else FORM_BYTES), DOOR_BODY_WITHIN_S
    if content_type.lower().startswith("multipart/form-data"):
        return UPLOAD_BYTES, BODY_WITHIN_S
    return FORM_BYTES, DOOR_BODY_WITHIN_S


class Allowance:
    """So many at once, and so many a second after that. `now_s` is a monotonic clock."""

    __slots__ = ("_at_once", "_left", "_per_s", "_since_s")

    def __init__(self, at_once: float, per_s: float, now_s: float | None = None) -> None:
        self._at_once = self._left = at_once
        self._per_s = per_s
        self._since_s = time.monotonic() if now_s is None else now_s

    def spend(self, now_s: float | None = None) -> bool:
        """Takes one; False if there is none."""
        now_s = time.monotonic() if now_s is None else now_s
        self._left = min(self._at_once, self._left + (now_s - self._since_s) * self._per_s)
        self._since_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


def open_more_files() -> None:
    """Each socket is an open file, and many systems let a process open 1,024 of them unless it asks for more."""
    if sys.platform != "win32":
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
