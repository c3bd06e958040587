"""What every stage of a call's pipeline has to offer."""

from typing import Protocol

from streaming.audio import PcmFrame


class Stage(Protocol):
    """Something that is fed every frame of a call, from the event loop."""

    def feed(self, frame: PcmFrame) -> None:
        """Takes one frame at once: no waiting, no lock, no query. What needs time gets a bounded queue of its own."""

    def close(self) -> None:
        """The pipeline has ended; no frame follows."""
