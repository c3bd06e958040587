"""Stored sound on its way: block by block, with the event loop free, and with every place given back."""

import asyncio
import time
from collections.abc import Generator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.files.storage import InMemoryStorage
from django.test import AsyncClient

from calls.errors import Busy
from calls.models import Call
from streaming.recording import jobs
from streaming.recording.stored.sending import MOST_TRANSFERS, Transfer
from tests.streaming.recording.left_takes import CALLER, noise, written

SLOW_S = 0.2


class Source:
    """Blocks that know how many were asked for and whether anybody holds them still."""

    def __init__(self, blocks: int = 5, fails_at: int = -1) -> None:
        self.asked, self.held = 0, False
        self._blocks, self._fails_at = blocks, fails_at

    def read(self) -> Generator[bytes]:
        self.held = True
        try:
            for number in range(self._blocks):
                self.asked += 1
                if number == self._fails_at:
                    raise OSError("the disk does not answer")
                yield bytes([number])
        finally:
            self.held = False


def all_places_are_free() -> bool:
    transfers = [Transfer(Source().read()) for _ in range(MOST_TRANSFERS)]
    for each in transfers:
        each.close()
    return True


def test_blocks_come_in_order_and_are_read_when_they_are_wanted() -> None:
    source = Source()
    transfer = Transfer(source.read())
    assert source.asked == 1
    assert [transfer.take() for _ in range(2)] == [b"\0", b"\1"]
    assert source.asked == 2
    assert [transfer.take() for _ in range(4)] == [b"\2", b"\3", b"\4", b""]
    assert not source.held
    transfer.close()
    assert all_places_are_free()


def test_a_visitor_too_many_is_turned_away_and_takes_nothing() -> None:
    transfers = [Transfer(Source().read()) for _ in range(MOST_TRANSFERS)]
    source = Source()
    with pytest.raises(Busy, match="64 recordings are being fetched"):
        Transfer(source.read())
    assert not source.held
    transfers.pop().close()
    Transfer(Source().read()).close()
    for each in transfers:
        each.close()
        each.close()
    assert all_places_are_free()


def test_what_breaks_off_or_is_left_gives_its_place_back() -> None:
    with pytest.raises(OSError, match="disk"):
        Transfer(Source(fails_at=0).read())
    source = Source()
    transfer = Transfer(source.read())
    transfer.take()
    transfer.close()
    assert (transfer.take(), source.held) == (b"", False)
    forgotten = Source()
    Transfer(forgotten.read())  # its visitor left before a response was made of it
    assert not forgotten.held
    assert all_places_are_free()


class Slow(InMemoryStorage):
    """Takes its time for each piece, as a network does."""

    pieces, piece_s = 0, 0.0

    def read_part(self, name: str, start: int, length: int) -> Generator[bytes]:
        with self.open(name, "rb") as file:
            content = file.read()[start : start + length]
        for at in range(0, len(content), 16_384):
            Slow.pieces += 1
            time.sleep(Slow.piece_s)
            yield content[at : at + 16_384]


@pytest.fixture
def recording(
    transactional_db: None, call: Call, written_in: Path, kept_in: Any, monkeypatch: pytest.MonkeyPatch
) -> Any:
    kept_in(f"{__name__}.Slow")
    take = written(written_in, call, {CALLER: noise(2.0)})
    jobs.finish_take(str(take.take.pk))
    monkeypatch.setattr(Slow, "pieces", 0)
    monkeypatch.setattr(Slow, "piece_s", SLOW_S)
    return take.recording(CALLER)


async def _heard_from_an_event_loop(user: User, url: str) -> tuple[bytes, list[float], int]:
    """What came, when the loop was free meanwhile, and how many pieces were read when the first block was there."""
    client, ticks = AsyncClient(), []

    async def tick() -> None:
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.01)

    await client.aforce_login(user)
    response: Any = await client.get(url)
    assert response.status_code == 200
    assert response.is_async
    ticker = asyncio.create_task(tick())
    blocks = []
    first = 0
    async for block in response:
        first = first or Slow.pieces
        blocks.append(block)
    ticker.cancel()
    response.close()
    return b"".join(blocks), ticks, first


def test_the_event_loop_never_waits_for_the_storage(recording: Any) -> None:
    user = User.objects.create_superuser("root")
    url = f"/api/v1/recordings/{recording.pk}/audio/"
    content, ticks, first = async_to_sync(_heard_from_an_event_loop)(user, url)
    assert len(content) == recording.size
    assert max(later - earlier for earlier, later in pairwise(ticks)) < SLOW_S, "the loop stood still for a piece"
    assert first <= 2 < Slow.pieces, "the file was gathered before it was sent"
    assert all_places_are_free()
