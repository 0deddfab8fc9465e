"""The gateway's clock: the database's time, carried forward between looks by this machine's monotonic counter.

All gateways of a hub so share one clock, and what they sign can be put in one order of time. A wall clock that differs
from the database's by more than `MAX_OFFSET_S` says that one of the two machines is wrong: then the gateway is not ready.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

MAX_OFFSET_S = 2.0
"""Architecture, "Data": beyond this a gateway signs nothing."""

Clock = Callable[[], datetime]


class DatabaseClock:
    """Calling it returns the present time (aware, UTC); it never goes back."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = wall() - monotonic()
        self._latest = 0.0
        self._observed = False
        self.wall_offset_s = 0.0

    def __call__(self) -> datetime:
        """The present moment."""
        now = self._monotonic() + self._offset
        if now > self._latest:
            self._latest = now
        return datetime.fromtimestamp(self._latest, UTC)

    def observe(self, database_time: datetime, *, asked_at: float) -> None:
        """Follow the database: its clock read `database_time` between the monotonic instant `asked_at` and now.

        When in between, nobody knows: a statement that waits for a lock reads it at the end, one whose commit is slow at the
        beginning. So what is known already stands unless this look contradicts it, and then gives way as far as it must.
        """
        answered_at = self._monotonic()
        told = database_time.timestamp()
        least, most = told - answered_at, told - asked_at
        self._offset = min(max(self._offset, least), most) if self._observed else (least + most) / 2
        self._observed = True
        self.wall_offset_s = self._wall() - answered_at - self._offset

    def not_before(self, moment: datetime) -> None:
        """Never show a time before `moment`: the last log entry's, as the hub starts."""
        self._latest = max(self._latest, moment.timestamp())

    @property
    def trustworthy(self) -> bool:
        """Whether wall clock and database agree, and we do not run ahead of both because an older entry did."""
        ahead = self._latest - (self._monotonic() + self._offset)
        return abs(self.wall_offset_s) <= MAX_OFFSET_S and ahead <= MAX_OFFSET_S
