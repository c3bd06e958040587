"""How a test uses a recogniser: as the portal's loop does, from one task, in pieces, faster than real time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from streaming.engines.contract import Heard, Recogniser

PIECE_MS = 100


@dataclass
class Hearing:
    recogniser: Recogniser
    heard: list[Heard] = field(default_factory=list)

    @property
    def finals(self) -> list[Heard]:
        return [each for each in self.heard if each.final]

    @property
    def partials(self) -> list[Heard]:
        return [each for each in self.heard if not each.final]

    async def push(self, pcm: bytes, pace: float = 5.0) -> None:
        size = self.recogniser.rate_hz * PIECE_MS // 1000 * 2
        for start in range(0, len(pcm), size):
            await self.recogniser.push(pcm[start : start + size])
            await asyncio.sleep(PIECE_MS / 1000 / pace)


def hearing(recogniser: Recogniser, talk: Callable[[Hearing], Awaitable[None]], within_s: float = 30) -> Hearing:
    """Opens it, lets `talk` use it, closes it whatever happened."""

    async def run() -> Hearing:
        found = Hearing(recogniser)
        try:
            async with asyncio.timeout(within_s):
                await recogniser.open(found.heard.append)
                await talk(found)
        finally:
            await recogniser.close()
        return found

    return asyncio.run(run())
