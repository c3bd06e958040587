"""Who this process is, and whether it still takes new work."""

import os
import socket
import threading
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

HOST: Final = socket.gethostname()[:64]
PROCESS_ID: Final = f"{HOST[:24]}-{os.getpid()}-{uuid4().hex[:6]}"
"""Unique among all processes that ever ran; the owner of a stream, and what /livez calls the worker."""
STARTED_AT: Final = datetime.now(UTC)

stumbling: Final[set[str]] = set()
"""Tasks of this process that failed just now and are not yet started again."""

draining: Final = threading.Event()
"""Set when this process was asked to end: it takes no new calls, and ends when those that it has are over."""
