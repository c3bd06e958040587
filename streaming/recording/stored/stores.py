"""Where finished recordings are kept, and how parts of them are read without loading the whole."""

import io
import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast, runtime_checkable

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage

BLOCK: Final = 256 * 1024


@runtime_checkable
class ReadsParts(Protocol):
    """A storage that fetches bytes of a file without the rest."""

    def read_part(self, name: str, start: int, length: int) -> Iterator[bytes]: ...


class LocalRecordings(FileSystemStorage):
    """A folder of this machine, for the portal's own eyes; what was saved outlives a power failure."""

    def __init__(self, location: str) -> None:
        super().__init__(location, file_permissions_mode=0o600, directory_permissions_mode=0o700)

    def _save(self, name: str, content: "File[bytes]") -> str:
        saved: str = super()._save(name, content)  # type: ignore[misc]
        path = Path(self.path(saved))
        for each in (path, path.parent):
            descriptor = os.open(each, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return saved

    def delete(self, name: str) -> None:
        """Folders of a take and of a call go with their last file."""
        super().delete(name)
        with suppress(OSError):
            for folder in Path(self.path(name)).parents[:2]:
                folder.rmdir()


def stored_part(store: Storage, name: str, start: int, length: int) -> Generator[bytes]:
    """`length` bytes of a stored file from `start` on, in blocks; fails if the file ends before that."""
    left = length
    if isinstance(store, ReadsParts):
        for block in store.read_part(name, start, length):
            left -= len(block)
            if block:
                yield block
    else:
        with store.open(name, "rb") as file:
            file.seek(start)
            while left and (block := file.read(min(BLOCK, left))):
                left -= len(block)
                yield block
    if left:
        raise EOFError(f"A stored recording ends {left} bytes too early.")


def opened(store: Storage, name: str, size: int) -> BinaryIO:
    """A stored file to seek and read in, of which no more is fetched than what is read. To be closed."""
    if isinstance(store, ReadsParts):
        return cast(BinaryIO, io.BufferedReader(_Remote(store, name, size), BLOCK))
    return cast(BinaryIO, store.open(name, "rb"))


class _Remote(io.RawIOBase):
    def __init__(self, store: ReadsParts, name: str, size: int) -> None:
        super().__init__()
        self._store, self._name, self._size, self._at = store, name, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        length = max(0, min(len(buffer), self._size - self._at))
        if length == 0:
            return 0
        found = b"".join(self._store.read_part(self._name, self._at, length))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)
