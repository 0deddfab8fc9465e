"""A guard of pushes that remembers across restarts: SQLite in one file, shared by all processes of a receiver.

What a receiver stores of a push and what the guard remembers of it belong together: a crash between the two makes it act
twice, or never. So `receiving` is one transaction around both. Knows nothing of signatures; what it judges was verified.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from hub.client.errors import FolderError
from hub.client.push import Push
from hub.client.push_guard import Judgement, Verdict, judge

REMEMBERED_ON_DISK = 5_000_000
"""Delivery ids that are kept unless told otherwise: about 400 MB, and years of what one county pushes to one system."""

BUSY_S = 30.0
"""How long one process waits for another that is receiving."""

_PRIVATE_FILE = 0o600

# WAL with FULL: a COMMIT is on disk when it returns (sqlite.org/pragma.html#pragma_synchronous).
_SETTINGS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
_TABLES = (
    "CREATE TABLE IF NOT EXISTS push_fence (lane TEXT PRIMARY KEY, fence INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS push_had (place INTEGER PRIMARY KEY AUTOINCREMENT, delivery TEXT NOT NULL UNIQUE)",
)


class DurablePushGuard:
    """The highest fence of each lane and the last `remembered` delivery ids, in the SQLite file at `path`.

    May be used by several threads, and by several processes on one machine: they take turns. `database` is the connection; a
    receiver may keep tables of its own there and write them inside `receiving`. Nothing may be awaited inside: others wait for
    the block. Not for a network file system (SQLite's WAL).
    """

    def __init__(
        self,
        path: Path,
        *,
        remembered: int = REMEMBERED_ON_DISK,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open the file, or make it, readable by its owner alone. Raises FolderError."""
        self._remembered = remembered
        self._clock = clock
        self._turn = threading.Lock()
        try:
            self.database = _opened(path)
        except (OSError, sqlite3.Error) as fault:
            raise FolderError(
                f"{path} 打不开，或不是推送记录（{fault}）；请勿删除：其中记着已收到的投递",
                f"{path} cannot be opened, or is no memory of pushes ({fault}); do not delete it: it knows what was received",
            ) from None

    @contextmanager
    def receiving(self, push: Push) -> Iterator[Judgement]:
        """Judge `push`, and remember its items as had if the block ends well: on disk when this returns, or not at all.

        `stale` (409): expired, or a higher fence was seen in its lane. `already-had` (200): every item was kept before. `accept`
        (200): the block stores `items` before it ends. When it raises, the items are not remembered and what it wrote to
        `database` is undone; the fence is remembered in any case. Raises sqlite3.Error when the disk does not take it.
        """
        with self._turn, self._transaction():
            judgement = self._judge(push)
            self.database.execute("SAVEPOINT acting")
            ended_well = False
            try:
                yield judgement
                self._keep(judgement)
                ended_well = True
            finally:
                if not ended_well:
                    self.database.execute("ROLLBACK TO acting")

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self.database.close()

    def __enter__(self) -> Self:
        """Use as a context manager: the file is closed at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Whatever happens, what stands at the end is committed: what may not stand was undone before."""
        if self.database.in_transaction:  # a COMMIT that the disk refused
            self.database.execute("ROLLBACK")
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            self.database.execute("COMMIT")

    def _judge(self, push: Push) -> Judgement:
        row = self.database.execute("SELECT fence FROM push_fence WHERE lane = ?", (push.lane,)).fetchone()
        judgement = judge(push, fence=row[0] if row else None, had=self._had, now=self._clock())
        if judgement.verdict is not Verdict.STALE:
            self.database.execute("INSERT OR REPLACE INTO push_fence VALUES (?, ?)", (push.lane, push.fence))
        return judgement

    def _had(self, delivery: str) -> bool:
        return self.database.execute("SELECT 1 FROM push_had WHERE delivery = ?", (delivery,)).fetchone() is not None

    def _keep(self, judgement: Judgement) -> None:
        listed = [(item.delivery,) for item in judgement.items]
        self.database.executemany("INSERT INTO push_had (delivery) VALUES (?)", listed)
        self.database.execute(
            "DELETE FROM push_had WHERE place <= (SELECT max(place) FROM push_had) - ?", (self._remembered,)
        )


def _opened(path: Path) -> sqlite3.Connection:
    """The database at `path` with its settings and tables. Raises OSError, sqlite3.Error."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE))
    database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        for statement in (*_SETTINGS, *_TABLES):
            database.execute(statement)
    except sqlite3.Error:
        database.close()
        raise
    return database
