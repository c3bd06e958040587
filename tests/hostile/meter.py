"""Azure's end of one call as a process of its own, so that what an attacker costs the test costs the meter nothing.

Speaks 50 frames a second, each followed by a ping, and hears what the portal plays. Each line on standard input asks
for one measurement since the line before; the answer is a line of JSON:

* `taken`: milliseconds from a frame's departure to the answer to the ping behind it, when the portal has read both;
* `heard`: milliseconds by which a frame of the portal's came later than its place in the absolute 20 ms schedule;
* `sent`: frames sent since the beginning; `open`: whether the socket still is.
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import Awaitable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

FRAME_S = 0.02
SPEAKER = "4:+14255550199"
METADATA = {"subscriptionId": "neighbour", "encoding": "PCM", "sampleRate": 16_000, "channels": 1, "length": 640}


def frame(at: datetime) -> str:
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    sound = base64.b64encode(b"\x00\x10\x00\xf0" * 160).decode()
    body = {"timestamp": stamp, "participantRawID": SPEAKER, "data": sound, "silent": False}
    return json.dumps({"kind": "AudioData", "audioData": body})


class Meter:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._arrived_s: list[float] = []
        self._taken_ms: list[float] = []
        self._marked = (0, 0)
        self._waiting: set[asyncio.Task[None]] = set()
        self.sent = 0
        self.open = True

    async def speak(self) -> None:
        started_s, started = time.perf_counter(), datetime.now(UTC)
        with suppress(ConnectionClosed):
            while True:
                sent_s = time.perf_counter()
                await self._connection.send(frame(started + timedelta(seconds=FRAME_S * self.sent)))
                self.sent += 1
                task = asyncio.create_task(self._time(await self._connection.ping(), sent_s))
                self._waiting.add(task)
                task.add_done_callback(self._waiting.discard)
                await asyncio.sleep(max(0.0, started_s + self.sent * FRAME_S - time.perf_counter()))
        self.open = False

    async def _time(self, pong: Awaitable[float], sent_s: float) -> None:
        with suppress(ConnectionClosed):
            await pong
            self._taken_ms.append((time.perf_counter() - sent_s) * 1000)

    async def hear(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self._connection:
                if '"Kind":"AudioData"' in str(message):
                    self._arrived_s.append(time.perf_counter())
        self.open = False

    def measured(self) -> str:
        heard, taken = self._marked
        self._marked = len(self._arrived_s), len(self._taken_ms)
        # Against the earliest of this measurement: a sound that once broke off goes on by a later schedule.
        offsets_s = [at - index * FRAME_S for index, at in enumerate(self._arrived_s[heard:])]
        late_ms = [round((each - min(offsets_s)) * 1000, 2) for each in offsets_s]
        taken_ms = [round(each, 2) for each in self._taken_ms[taken:]]
        return json.dumps({"heard": late_ms, "taken": taken_ms, "sent": self.sent, "open": self.open})


async def main(url: str, headers: list[tuple[str, str]]) -> None:
    async with connect(url, additional_headers=headers, compression=None, ping_interval=None, max_size=None) as open_:
        await open_.send(json.dumps({"kind": "AudioMetadata", "audioMetadata": METADATA}))
        meter = Meter(open_)
        tasks = [asyncio.create_task(meter.speak()), asyncio.create_task(meter.hear())]
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while await lines.readline():
            sys.stdout.write(meter.measured() + "\n")
            sys.stdout.flush()
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
