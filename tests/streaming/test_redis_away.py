"""Redis goes away and comes back: calls are heard all the while, and orders and live views recover by themselves."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.journeys.stack import REDIS
from tests.streaming.doorstep import Door, opened, sine


class Proxy:
    """The network between the portal and Redis, which can be cut."""

    def __init__(self) -> None:
        target = urlsplit(REDIS)
        self._target = (target.hostname or "", target.port or 6379)
        self._kept: list[socket.socket] = []
        self._door = self._listen(0)
        self.port = int(self._door.getsockname()[1])

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}{urlsplit(REDIS).path}"

    def cut(self) -> None:
        """Every connection breaks, and new ones are refused."""
        for each in (self._door, *self._kept):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._kept.clear()

    def mend(self) -> None:
        self._door = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        door = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._serve, args=(door,), daemon=True).start()
        return door

    def _serve(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = door.accept()
                far = socket.create_connection(self._target)
                self._kept += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65_536):
                sink.sendall(piece)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    yield made
    made.cut()


def test_calls_outlive_redis_and_orders_work_again_when_it_is_back(
    doors: Callable[..., Door], proxy: Proxy, tmp_path: Path
) -> None:
    doors("uvicorn")  # says aloud if the machine cannot
    with opened("uvicorn", tmp_path, REDIS_URL=proxy.url) as door:
        call = door.call()
        with (
            call.dial().open() as media,
            door.page("live/") as wall,
            door.page(f"calls/{call.id}/") as page,
            media.saying(sine(9_000, 16_000)),
        ):
            page.take(lambda message: message["kind"] == "levels" and message["levels"])
            before = len(door.log)
            proxy.cut()
            door.soon(before, "channel layer does not answer")
            other = door.call()
            with other.dial().open() as second:  # a socket can be opened meanwhile, too
                second.say(sine(400, 16_000))
            lost = call.play(tone_hz=440, duration_ms=200)
            proxy.mend()
            # Nobody heard of this order, but its row was found when the layer was back.
            assert call.reaches(lost, "done")["played_ms"] == 200
            after = len(page.messages)
            call.reaches(call.play(tone_hz=880, duration_ms=200), "done")
            page.take(lambda message: message["kind"] == "injection_state", after=after)
            for each in (page, wall):
                snapshots = [text for _, text in each.messages if text.startswith('{"kind":"snapshot"')]
                assert len(snapshots) >= 2
            assert other.id in snapshots[-1]
            assert media.is_open
        said = [line.partition(" calls.")[2] for line in door.lines(before, "channel layer")]
        assert len(said) == 3, said
        row = call.closed_stream()
        assert (row["frames_received"], row["gaps"], row["close_code"]) == (450, 0, 1000)
        assert other.closed_stream()["frames_received"] == 20
