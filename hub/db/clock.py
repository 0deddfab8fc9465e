"""The gateway's clock: the database's time, carried forward between looks by this machine's monotonic counter.

All gateways of a hub so share one clock, and what they sign can be put in one order of time. A wall clock that differs
from the database's by more than `MAX_OFFSET_S` says that one of the two machines is wrong: then the gateway is not ready.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

MAX_OFFSET_S = 2.0
"""Architecture, "Data": beyond this a gateway signs nothing."""

MAX_ROUND_TRIP_S = 0.2
"""A look that took longer says too little about when in it the clock was read; the first one counts all the same."""

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
        """Follow the database: its clock read `database_time` between the monotonic instant `asked_at` and now."""
        answered_at = self._monotonic()
        if answered_at - asked_at > MAX_ROUND_TRIP_S and self._observed:
            return
        self._observed = True
        middle = (asked_at + answered_at) / 2
        self._offset = database_time.timestamp() - middle
        self.wall_offset_s = self._wall() - answered_at - self._offset

    def not_before(self, moment: datetime) -> None:
        """Never show a time before `moment`: the last log entry's, as the hub starts."""
        self._latest = max(self._latest, moment.timestamp())

    @property
    def trustworthy(self) -> bool:
        """Whether wall clock and database agree, and we do not run ahead of both because an older entry did."""
        ahead = self._latest - (self._monotonic() + self._offset)
        return abs(self.wall_offset_s) <= MAX_OFFSET_S and ahead <= MAX_OFFSET_S
