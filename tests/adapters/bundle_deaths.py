"""Puts files into a folder and is killed: `python -m tests.adapters.bundle_deaths OUT STATE TAKEN steps|kills`.

After each death a gateway moves what lies in the folder to TAKEN, so that the folder does not tell which number came last.

`steps`: a child that dies just before its n-th act on the file system, for every n there is, as kill -9 would end it there.
`kills`: children that put one file after the other until SIGKILL ends them.
"""

import os
import signal
import sys
import time
from pathlib import Path

from adapters.bundle_numbers import Outgoing

ACTS = frozenset({"open", "os.rename", "os.remove", "os.scandir"})
KILLS = 25


def content(series: str, number: int) -> bytes:
    """Recognisable when whole: 64 KiB of the number."""
    return f"{series} {number:06d}\n".encode() * 4096


def put(outgoing: Outgoing, fence: int) -> None:
    """One file."""
    outgoing.put("lane", fence, [content], go_on=lambda: True)


def die_at(step: int) -> None:
    """Exit, without any cleaning up, before the n-th act on the file system."""
    acts = 0

    def count(event: str, _: object) -> None:
        nonlocal acts
        acts += event in ACTS
        if acts == step and event in ACTS:
            os._exit(9)

    sys.addaudithook(count)


def carry(outgoing: Outgoing, taken: Path) -> None:
    """A gateway that takes every file at once, and none twice."""
    for path in outgoing.folder.iterdir():
        if (taken / path.name).exists():
            raise AssertionError(f"the number of {path.name} was given twice")
        path.rename(taken / path.name)


def steps(outgoing: Outgoing, taken: Path) -> int:
    """The number of steps that a put has; after each death one more file is put by somebody who lives."""
    for step in range(1, 100):
        child = os.fork()
        if child == 0:
            die_at(step)
            put(outgoing, step)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        carry(outgoing, taken)
        if os.waitstatus_to_exitcode(status) == 0:
            return step
        put(outgoing, step)
    raise AssertionError("a put never ends")


def kills(outgoing: Outgoing, taken: Path) -> int:
    """The number of kills; the pauses between them go through the lengths that a put may take."""
    for number in range(KILLS):
        child = os.fork()
        if child == 0:
            while True:
                put(outgoing, 1)
        time.sleep(0.002 + number * 0.0013)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        carry(outgoing, taken)
    return KILLS


if __name__ == "__main__":
    folder, state, taken_to, how = sys.argv[1:]
    act = {"steps": steps, "kills": kills}[how]
    print(act(Outgoing(Path(folder), Path(state), "S_", "txt", 1_000_000), Path(taken_to)))
