"""A partner that is killed at a chosen call to the operating system: `python -m tests.support.killed_partner FOLDER RES SEED HOW`.

Forks a process for each point, which signs and sends and is killed with SIGKILL just before or just after one of its calls that reach
disk or network; then another, which goes on and is killed in its turn at a seeded point; then one that goes on to the end. HOW `one`
sends one record, and `resume` goes on; `file` sends several envelopes, and the same once more goes on. Prints a line of JSON for each
point: the records' code, and what lies in the folder afterwards.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from hub.client import Partner

REACHING = frozenset({"open", "fsync", "replace", "unlink", "close", "connect", "sendall", "recv", "mkdir"})
"""Calls by the names of their functions, in Python's own modules or the client's."""

BOTH = ("c_call", "c_return")

ENVELOPES = 2


class Counter:
    """Counts the ends of calls that reach out, and kills this process at the one that was chosen; 0: at none."""

    def __init__(self, point: int) -> None:
        self.point, self.count = point, 0

    def __call__(self, frame: FrameType, event: str, function: Any) -> None:
        if event in BOTH and getattr(function, "__name__", "") in REACHING:
            self.count += 1
            if self.count == self.point:
                os.kill(os.getpid(), signal.SIGKILL)


def run(point: int, act: Callable[[], object]) -> int | None:
    """Do it in a process of its own, which knows of others only what is on disk; how many points it passed, None: killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        counter = Counter(point)
        sys.setprofile(counter)
        act()
        sys.setprofile(None)
        os.write(writing, str(counter.count).encode())
        os._exit(0)
    os.close(writing)
    said = os.read(reading, 20)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    assert said or os.WTERMSIG(status) == signal.SIGKILL
    return int(said) if said else None


def files(folder: Path) -> int:
    """How many messages lie in a folder."""
    return len(list(folder.glob("*.jws")))


def main(folder: Path, res: str, seed: int, how: str) -> None:
    """Kill at every point once."""
    chosen = random.Random(seed)
    partner = Partner.load(folder)  # once for all children: it has not done anything yet

    def one(code: str) -> None:
        partner.publish(res, [{"item_code": code, "item_name": "示例"}], ver=1)

    def file(code: str) -> None:
        payloads = [{"records": [{"item_code": code, "item_name": f"第 {place} 份"}]} for place in range(ENVELOPES)]
        partner.publish_payloads(res, payloads, ver=1)

    send = {"one": one, "file": file}[how]
    points = run(0, lambda: send("0"))
    assert points
    for point in range(1, points + 1):
        code, before = str(point), files(folder / "receipts")

        def first(code: str = code) -> None:
            send(code)

        def is_over(before: int = before) -> bool:
            """Whether a file was sent to its end: who was told all receipts does not send it once more."""
            return files(folder / "receipts") - before == ENVELOPES and not (folder / "sending.json").exists()

        go_on = first if how == "file" else partner.resume
        killed = run(point, first) is None
        kept = files(folder / "outbox")
        again = not is_over() and run(chosen.randint(1, points), go_on) is None
        if not is_over():
            run(0, go_on)
        left, receipts = files(folder / "outbox"), files(folder / "receipts") - before
        line = {"code": code, "killed": killed, "kept": kept, "again": again, "left": left, "receipts": receipts}
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
