"""The loop that pushes: it finds lanes with something due and has each pushed, many at once, until it is told to stop.

Fair by being bounded. A lane is in one task at a time, gives its place up after a slice of time, and is found again in the
order of last claims, those that waited longest first. A lane whose consumer is dead is simply not due while it rests; when
it is, it competes only for the few places that failing lanes may take, and those of one consumer for fewer still, so that
three hundred consumers do not wait for the time-outs of one. Any number of workers may run: leases keep them apart.

It looks often while there is something to do, less often when idle, and at once when woken by NOTIFY or by a place that
becomes free.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from hub.db.faults import FAULTS
from hub.delivery import repository as sql
from hub.delivery.claiming import STOPPING
from hub.delivery.pushing import Pusher
from hub.delivery.settling import Settled
from hub.errors import Unavailable
from hub.ledger.heads import DEEP_EVERY_S, DEEP_SHARE, MOST_PASSED

log = logging.getLogger(__name__)

MAX_OPEN = 64
"""Lanes pushed at once by one process: calls that mostly wait for somebody else's machine."""

MAX_FAILING = 16
"""Of these, lanes that failed last time: each may take as long as its time-out."""

MAX_FAILING_OF_ONE = 2
"""Of these, lanes of one consumer: 3 % of all places, however many resources a dead consumer is granted."""

MAX_OF_CONSUMER = 8
"""Of all places, those of one consumer: it may be slow, or have died a moment ago. The `http` adapter's `connections` has that default."""

SLICE_S = 2.0
"""How long a busy lane keeps its place when others wait for one."""

WORTH_IT = 100
"""New items for which a lane is pushed again at once; fewer gather until the next look, for a push costs what thirty items do."""

POLL_S = 0.05
IDLE_POLL_S = 0.5
IDLE_AFTER_S = 2.0
"""A hub that is idle costs its database two looks a second; one that delivers looks twenty times."""

AWAY_S = 1.0
"""Rest after a fault of the database."""

SHUN_S = 60.0
"""Rest, in this process, of a lane in which our own code failed: nothing was settled, and nothing says that it will be."""

GRACE_S = 10.0
"""Time for calls that are open when the worker is told to stop; what is cut off then is taken again after its lease."""

Connect = Callable[[], Awaitable[asyncpg.Connection]]


@dataclass(slots=True)
class Deliveries:
    """The loop of one worker process; `connect` opens the connection by which it looks and is woken."""

    connect: Connect
    pusher: Pusher
    _open: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)
    _failing: set[UUID] = field(default_factory=set)
    _shunned: dict[UUID, float] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False
    _busy_at: float = field(default_factory=time.monotonic)
    _deep_at: float = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Push until `stop` is set, then let open calls end within `GRACE_S`; a database that is away is waited for."""
        stopped = asyncio.create_task(self._told(stop), name="deliveries stop")
        try:
            while not self._stopping:
                try:
                    await self._look_until_fault()
                except FAULTS as fault:
                    log.warning("deliveries put off", extra={"fault": type(fault).__name__})
                    await self._sleep(AWAY_S)
        finally:
            stopped.cancel()
            await self._finish()

    async def _told(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping = True
        self._wake.set()

    async def _look_until_fault(self) -> None:
        connection = await self.connect()
        try:
            await connection.add_listener(sql.DELIVERY_CHANNEL, self._notified)
            while not self._stopping:
                self._wake.clear()
                for lane, failures in await self._due(connection):
                    self._start(lane, failing=failures > 0)
                idle = not self._open and time.monotonic() - self._busy_at > IDLE_AFTER_S
                await self._sleep(IDLE_POLL_S if idle else POLL_S)
        finally:
            connection.terminate()

    async def _due(self, connection: asyncpg.Connection) -> Sequence[tuple[UUID, int]]:
        """Lanes for the places that are free, those that have waited longest first, with their failures in a row."""
        places, failing_places = MAX_OPEN - len(self._open), MAX_FAILING - len(self._failing)
        if places <= 0:
            return []
        now = time.monotonic()
        self._shunned = {lane: until for lane, until in self._shunned.items() if until > now}
        is_deep = now >= self._deep_at
        if is_deep:
            self._deep_at = now + DEEP_EVERY_S
        rows = await connection.fetch(
            sql.FIND_DUE,
            list(self._open),
            STOPPING,
            list(self._shunned),
            places,
            max(0, failing_places),
            MAX_OF_CONSUMER,
            list(self._failing),
            MAX_FAILING_OF_ONE,
            None if is_deep else MOST_PASSED,
        )
        if is_deep:
            self._deep_at = max(self._deep_at, now + (time.monotonic() - now) * DEEP_SHARE)
        return [(row["id"], row["failures"]) for row in rows]

    def _start(self, lane: UUID, *, failing: bool) -> None:
        self._busy_at = time.monotonic()
        if failing:
            self._failing.add(lane)
        task = self._open[lane] = asyncio.create_task(self._serve(lane), name=f"lane {lane}")
        task.add_done_callback(lambda done: self._ended(lane, done))

    async def _serve(self, lane: UUID) -> None:
        """Push the lane while it takes what it gets and has enough of it, for a slice of time."""
        began = time.monotonic()
        settled = await self.pusher.push(lane)
        while settled is Settled.DELIVERED and not self._stopping and time.monotonic() - began < SLICE_S:
            settled = await self.pusher.push(lane, at_least=WORTH_IT)

    def _ended(self, lane: UUID, task: asyncio.Task[None]) -> None:
        if len(self._open) >= MAX_OPEN:
            self._wake.set()
        del self._open[lane]
        self._failing.discard(lane)
        self._busy_at = time.monotonic()
        fault = None if task.cancelled() else task.exception()
        if fault is None:
            return
        is_away = isinstance(fault, (*FAULTS, Unavailable))
        self._shunned[lane] = time.monotonic() + (AWAY_S if is_away else SHUN_S)
        level = logging.WARNING if is_away else logging.ERROR
        log.log(level, "a push broke off", extra={"lane": str(lane), "fault": type(fault).__name__})

    async def _finish(self) -> None:
        if self._open:
            await asyncio.wait(self._open.values(), timeout=GRACE_S)
        left = list(self._open.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _notified(self, *_: object) -> None:
        self._wake.set()
