"""Numbered files into a folder: each complete or absent, each number given once, whoever is killed at whatever moment.

The problem. A one-way gateway takes files out of the folder as soon as they are there, so the folder does not tell which
number came last; and whoever writes may die between any two steps. A number that is given twice or never would look to the
far side like a repeat or a loss.

The state folder, which the gateway does not scan, holds `numbers.json` (series, the last number, what is being written for it,
the highest fence of each lane), a lock, and the file that is being written. One file goes these steps, under the lock:

    1 write it here, under its number, and fsync
    2 say in numbers.json that this number is being written as that file, and fsync
    3 rename it into the outgoing folder, and fsync that

Death before 2: numbers.json does not know the file, which is removed; its number is given to the next. Between 2 and 3: the
file is still here, so nobody has seen it; it is removed (the right to send it may have ended since), and its number is given to
the next. After 3: the file is no longer here, so the number was used. A new state folder begins a series of its own.

Knows nothing of what the files hold.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

STATE = "numbers.json"
LOCK = "lock"
PARTIAL = ".part"

SERIES_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SERIES_LENGTH = 8

LOCK_LOOK_S = 0.02
"""How often a lock that somebody holds is tried again: files are written one after the other, in milliseconds."""

_NO_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP})
"""What file systems over a network answer that cannot fsync a folder; their server orders renames itself."""


class Abandoned(Exception):
    """Nobody waits for the call any more: it was cancelled, or its time is over."""


class OutOfStep(Exception):
    """A higher fence of this lane was written before."""


class GatewayBehind(Exception):
    """As many files as may wait lie in the outgoing folder."""


class NumbersDamaged(Exception):
    """`numbers.json` is not what was written."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What `numbers.json` holds. `writing` is the name of the file that is being written for `number`, "" for none."""

    series: str
    number: int = 0
    writing: str = ""
    fences: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A folder that a gateway empties, and the state folder beside it, on one file system; both exist."""

    folder: Path
    state: Path
    prefix: str
    extension: str
    waiting_limit: int

    def put(
        self, lane: str, fence: int, contents: list[Callable[[str, int], bytes]], *, go_on: Callable[[], bool]
    ) -> list[str]:
        """Write each content, made from series and number, as a file of the next number; returns the names.

        `go_on` is asked at the last moment before a file appears. Raises Abandoned, OutOfStep, GatewayBehind, NumbersDamaged,
        OSError; files written until then stay.
        """
        with self._locked(go_on):
            numbers = self._recovered()
            if fence < numbers.fences.get(lane, 0):
                raise OutOfStep
            if self._waiting() >= self.waiting_limit:
                raise GatewayBehind
            names = []
            for content in contents:
                numbers = replace(self._next(numbers), fences={**numbers.fences, lane: fence})
                name = self._name(numbers)
                self._write(name, content(numbers.series, numbers.number), numbers, go_on)
                names.append(name)
            return names

    def _name(self, numbers: Numbers) -> str:
        return f"{self.prefix}{numbers.series}_{numbers.number:010d}.{self.extension}"

    def _next(self, numbers: Numbers) -> Numbers:
        """The next number whose file is not there: a state folder put back from a backup is behind what was written."""
        while True:
            numbers = replace(numbers, number=numbers.number + 1)
            if not os.path.lexists(self.folder / self._name(numbers)):
                return numbers

    def _write(self, name: str, data: bytes, numbers: Numbers, go_on: Callable[[], bool]) -> None:
        partial = self.state / f"{name}{PARTIAL}"
        try:
            _write_synced(partial, data)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise
        _sync(self.state)
        self._save(replace(numbers, writing=partial.name))
        if not go_on():
            raise Abandoned
        partial.rename(self.folder / name)
        _sync(self.folder)

    def _recovered(self) -> Numbers:
        """The numbers as they are, after a death of whoever wrote last; what that left here is removed."""
        numbers = self._load()
        if numbers.writing and (self.state / numbers.writing).exists():
            numbers = replace(numbers, number=numbers.number - 1, writing="")
            self._save(numbers)
        for left in self.state.glob(f"*{PARTIAL}"):
            left.unlink()
        return numbers

    def _load(self) -> Numbers:
        try:
            return Numbers(**orjson.loads((self.state / STATE).read_bytes()))
        except FileNotFoundError:
            numbers = Numbers("".join(secrets.choice(SERIES_LETTERS) for _ in range(SERIES_LENGTH)))
            self._save(numbers)
            return numbers
        except (ValueError, TypeError):
            raise NumbersDamaged from None

    def _save(self, numbers: Numbers) -> None:
        partial = self.state / f"{STATE}{PARTIAL}"
        members = {name: getattr(numbers, name) for name in ("series", "number", "writing", "fences")}
        _write_synced(partial, orjson.dumps(members))
        partial.rename(self.state / STATE)
        _sync(self.state)

    def _waiting(self) -> int:
        with os.scandir(self.folder) as entries:
            return sum(entry.name.startswith(self.prefix) for entry in entries)

    @contextmanager
    def _locked(self, go_on: Callable[[], bool]) -> Iterator[None]:
        """One at a time writes, in this process and in others; who died holds no lock."""
        with (self.state / LOCK).open("ab") as lock:
            while True:
                if not go_on():
                    raise Abandoned
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(LOCK_LOOK_S)
            yield


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as fault:
        if fault.errno not in _NO_SYNC:
            raise
    finally:
        os.close(handle)
