"""What Linux says of a process: its time on a processor, its time in the queue for one, its memory, its port."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
LISTENS: Final = "0A"


@dataclass(frozen=True, slots=True)
class Reading:
    """`cpu_s` is all that the process has used, `waited_s` how long its threads were runnable but did not run."""

    at_s: float
    cpu_s: float
    waited_s: float


def read(pid: int) -> Reading:
    """Raises OSError if there is no such process, or no /proc to ask."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    waited_ns = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            waited_ns += int((thread / "schedstat").read_text(encoding="utf-8").split()[1])
        except (OSError, IndexError):  # it ended just now, or this kernel does not count
            continue
    return Reading(time.monotonic(), (int(fields[11]) + int(fields[12])) * TICK_S, waited_ns / 1e9)


def rss_mib(pid: int) -> float:
    """The memory that the process has in use, in MiB. Raises OSError."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def listening(port: int) -> set[int]:
    """The processes of ours that listen on this port."""
    return {
        int(process.name)
        for inode in _listening_sockets(port)
        for process in Path("/proc").iterdir()
        if process.name.isdecimal() and f"socket:[{inode}]" in _open_files(process)
    }


def _listening_sockets(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text(encoding="utf-8").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def _open_files(process: Path) -> set[str]:
    names = set()
    try:
        for each in (process / "fd").iterdir():
            try:
                names.add(os.readlink(each))
            except OSError:
                continue
    except OSError:  # another user's, or gone
        pass
    return names
