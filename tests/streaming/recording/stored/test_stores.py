"""Where finished recordings are kept, and how parts of them are read."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from streaming.recording.stored.stores import BLOCK, LocalRecordings, opened, stored_part

CONTENT = bytes(range(256)) * (BLOCK // 128)
NAME = "recordings/call/take/injected-1.flac"


class Remote(InMemoryStorage):
    """Gives parts, as an object store does, and notes what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[int, int]] = []

    def read_part(self, name: str, start: int, length: int) -> Iterator[bytes]:
        self.asked.append((start, length))
        with self.open(name, "rb") as file:
            content = file.read()[start : start + length]
        yield content[: len(content) // 2]
        yield b""
        yield content[len(content) // 2 :]


@pytest.fixture(params=["local", "remote", "in memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> InMemoryStorage | LocalRecordings:
    kinds: dict[str, Any] = {
        "local": lambda: LocalRecordings(str(tmp_path)),
        "remote": Remote,
        "in memory": InMemoryStorage,
    }
    made: InMemoryStorage | LocalRecordings = kinds[str(request.param)]()
    made.save(NAME, ContentFile(CONTENT))
    return made


@pytest.mark.parametrize(("start", "length"), [(0, 0), (0, 1), (5, 10), (0, len(CONTENT)), (1, len(CONTENT) - 1)])
def test_a_part_is_that_part(store: InMemoryStorage, start: int, length: int) -> None:
    blocks = list(stored_part(store, NAME, start, length))
    assert b"".join(blocks) == CONTENT[start : start + length]
    assert all(0 < len(each) <= BLOCK or isinstance(store, Remote) for each in blocks)
    assert all(blocks)


def test_a_file_that_ends_too_early_is_an_error(store: InMemoryStorage) -> None:
    with pytest.raises(EOFError, match="10 bytes too early"):
        list(stored_part(store, NAME, 5, len(CONTENT) + 5))


def test_an_opened_file_is_sought_and_read(store: InMemoryStorage) -> None:
    with opened(store, NAME, len(CONTENT)) as file:
        assert file.read(4) == CONTENT[:4]
        assert file.seek(-7, io.SEEK_END) == len(CONTENT) - 7
        assert file.read() == CONTENT[-7:]
        assert file.seek(1_000) == file.tell() == 1_000
        assert file.seek(5, io.SEEK_CUR) == 1_005
        assert file.read(3) == CONTENT[1_005:1_008]
        assert file.read(0) == b""


def test_a_remote_file_is_fetched_no_further_than_it_is_read() -> None:
    store = Remote()
    store.save(NAME, ContentFile(CONTENT))
    with opened(store, NAME, len(CONTENT)) as file:
        file.seek(10)
        file.read(10)
    assert store.asked == [(10, BLOCK)]


def test_local_files_are_for_the_portal_s_eyes_and_their_folders_go_with_them(tmp_path: Path) -> None:
    store = LocalRecordings(str(tmp_path))
    store.save(NAME, ContentFile(b"x"))
    other = store.save("recordings/call/other/injected-2.flac", ContentFile(b"y"))
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / NAME).parent.stat().st_mode & 0o777 == 0o700
    store.delete(NAME)
    assert not (tmp_path / NAME).parent.exists()
    assert store.exists(other)
    store.delete(other)
    store.delete(other)
    assert list((tmp_path / "recordings").iterdir()) == []
