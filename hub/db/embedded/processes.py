"""Processes that belong to one cluster, found in `/proc`, and how they are brought to an end.

A PostgreSQL process works in its data folder and is called `postgres`: both must hold, so that nobody's shell in that
folder and no other cluster's process is ever touched.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Process:
    """A process by id and start time: the pair is never given twice, the id alone is."""

    pid: int
    started: str

    def is_alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return identify(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Signal the process if it still is the one we mean."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def identify(pid: int) -> Process | None:
    """The live process with this id, or None."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # proc(5): state is field 3, start time field 22; field 2, the name, may hold anything but ends at the last ")"
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else Process(pid, fields[19])


def processes_of(cluster: Path) -> list[Process]:
    """Live PostgreSQL processes whose working folder is `cluster`."""
    try:
        place = cluster.stat()
    except FileNotFoundError:
        return []
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            here = (entry / "cwd").stat()
            name = (entry / "comm").read_text().strip()
        except OSError:
            continue
        if (here.st_dev, here.st_ino) == (place.st_dev, place.st_ino) and name == "postgres":
            process = identify(int(entry.name))
            if process is not None:
                found.append(process)
    return found


def wait_until_gone(processes: list[Process], seconds: float) -> list[Process]:
    """Wait until all have ended, at most `seconds`; gives those that have not."""
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if process.is_alive()]) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return alive
