"""The committer: it writes what arrives while its last transaction is in flight, in one transaction, and says so.

The problem. A receipt means committed (I1); a transaction for each envelope would spend the machine on commits. So there
is one writer for each gateway process, with one connection. Once that is free, it takes everything that waits (up to a
bound) and writes it; before, it lets the batch grow as long as every turn of the event loop brings more, for a moment at
most: a batch costs the database about as much as ten envelopes do. Under load batches grow by themselves; idle, a batch is one.

A batch is one call of the database function `accept_batch`, which is one transaction and one round trip: between two
round trips this process would do other work while the transaction holds its locks. The function takes the shared barrier
lock; its next statement reads the registry's epoch (I3). What was judged under another epoch, or rests on a validity that
has ended meanwhile, it leaves out, and it is judged again. The rest goes into `acceptance` in key order (unsorted batches
deadlock each other across gateways), ON CONFLICT DO NOTHING; exchanges, deliveries and log entries follow for the winners
(I2). Losers are answered with what came first, read after the commit. Only after the commit does anybody learn of it.

Death half-way. Until the call is sent, nothing has happened: callers are told to try again. If its outcome is unknown,
the keys are looked up over a new connection: found, it is done; not found proves nothing, for it may still commit, so
callers are told to try again with the same bytes, and will meet either nothing or their own receipt. A fault that belongs
to one row (the database refuses it) fails the batch; its members are then written one by one, so that the fault reaches
its owner alone.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from hub.audit import repository as audit
from hub.audit.entry import Entry
from hub.db.clock import DatabaseClock
from hub.db.closing import close
from hub.db.locks import REGISTRY_BARRIER
from hub.errors import SetupError, Unavailable
from hub.ledger import repository as sql
from hub.ledger.batch_rows import prepared, projections_of, rows_of
from hub.ledger.records import Committed, LogOnly, NewExchange, Outcome, Seen, Stale, Work

log = logging.getLogger(__name__)

MAX_BATCH = 256
"""Envelopes in one transaction: past this a commit's cost is shared enough, and latency would grow for nothing."""

MAX_BATCH_BYTES = 8 << 20
"""Bytes in one transaction: a partner that sends the largest envelopes shall not hold the barrier for seconds."""

MAX_GATHER_S = 0.002
"""How long a batch may grow once the connection is free. An idle gateway waits one turn of its event loop."""

RETRY_AFTER_S = 1
RECONNECT_DELAYS_S = (0.05, 0.1, 0.2, 0.5, 1.0)

Connect = Callable[[], Awaitable[asyncpg.Connection]]
Acquire = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]
"""Lends a pooled connection."""

CONNECTION_FAULTS = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.InternalClientError,
    SetupError,
)
"""Faults of the way to the database, not of a row."""


def busy() -> Unavailable:
    """The early answer when the queue is full."""
    return Unavailable(
        "枢纽繁忙，没有接收任何内容；请稍后原样重发",
        "The hub is busy and has accepted nothing; send the same bytes again later",
        retry_after=RETRY_AFTER_S,
    )


def outcome_unknown() -> Unavailable:
    """The answer when a commit may or may not have happened."""
    return Unavailable(
        "数据库暂不可用，无法确认是否已接收；请稍后原样重发同一信封",
        "The database is unavailable and acceptance cannot be confirmed; send the same bytes again later",
        retry_after=RETRY_AFTER_S,
    )


Done = Callable[[Outcome | Unavailable], None]
"""Told the outcome once it is certain; called from the event loop, must not raise."""


LAST_BATCH_S = 2.0
"""As a process ends, nobody waits for the committer any more who has not waited for longer than this already."""


@dataclass(slots=True)
class _Waiting:
    work: Work
    done: Done
    told: bool = False

    def tell(self, outcome: Outcome | Unavailable) -> None:
        """Tell the owner, once."""
        if not self.told:
            self.told = True
            self.done(outcome)


@dataclass(slots=True)
class Counters:
    """What the committer has done, for /metrics."""

    batches: int = 0
    exchanges: int = 0
    duplicates: int = 0
    judged_again: int = 0
    busy: int = 0
    reconnects: int = 0
    seconds: float = 0.0


class _RowFault(Exception):
    """The database refused a row of the batch; which one is not known."""


@dataclass(slots=True)
class Committer:
    """One writer of one gateway process. `start` it, `submit` work, `stop` it: what was accepted is finished first."""

    connect: Connect
    clock: DatabaseClock
    max_queue: int
    max_queue_bytes: int
    committed: Callable[[frozenset[UUID]], None] = lambda consumers: None
    failed: Callable[[], None] = lambda: None
    """Told when an unforeseen error has ended the writer: this process should end, and another begin."""
    counters: Counters = field(default_factory=Counters)
    _queue: deque[_Waiting] = field(default_factory=deque)
    _queued_bytes: int = 0
    _current: list[_Waiting] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None
    _connection: asyncpg.Connection | None = None
    _stopping: bool = False

    async def start(self) -> None:
        """Open the connection and begin; raises what `connect` raises."""
        self._connection = await prepared(await self.connect())
        self._task = asyncio.create_task(self._run(), name="committer")
        self._task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        fault = None if task.cancelled() else task.exception()
        if fault is None:
            return
        log.critical("the committer has ended: %s", type(fault).__name__)
        self._stopping = True
        self._fail_all()
        self.failed()

    async def stop(self) -> None:
        """Finish what waits, within `LAST_BATCH_S`, then close; new work is refused from now on. Raises what has ended the writer.

        Who still waits then, for the database says nothing, is told that the outcome is unknown.
        """
        self._stopping = True
        self._wake.set()
        try:
            if self._task is not None:
                await asyncio.wait({self._task}, timeout=LAST_BATCH_S)
                if not self._task.done():
                    self._drop_connection()
                    self._task.cancel()
                    await asyncio.wait({self._task})
                    self._fail_all()
                if not self._task.cancelled():
                    self._task.result()
        finally:
            if self._connection is not None:
                await close(self._connection)

    def _fail_all(self) -> None:
        """Nobody writes any more: whoever waits is told that the outcome is unknown."""
        waiting, self._queue = [*self._current, *self._queue], deque()
        _fail(waiting, outcome_unknown())

    @property
    def queued(self) -> int:
        """How much waits for the next transaction."""
        return len(self._queue)

    def enqueue(self, work: Work, done: Done) -> None:
        """Have it written in the next transaction; `done` is told when that is committed. Raises `Unavailable`."""
        if self._stopping or len(self._queue) >= self.max_queue or self._queued_bytes >= self.max_queue_bytes:
            self.counters.busy += 1
            raise busy()
        self._queue.append(_Waiting(work, done))
        self._queued_bytes += work.size
        self._wake.set()

    async def submit(self, work: Work) -> Outcome:
        """Write it in the next transaction; returns when that is committed. Raises `Unavailable`."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def done(outcome: Outcome | Unavailable) -> None:
            if future.done():
                return
            if isinstance(outcome, Unavailable):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self.enqueue(work, done)
        return await future

    async def submit_entry(self, entry: Entry) -> None:
        """Write one log entry that stands alone. Raises `Unavailable`."""
        await self.submit(LogOnly(entry))

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._gather()
            self._current = self._next_batch()
            await self._write_all(self._current)
            self._current = []

    async def _gather(self) -> None:
        """Let the queue grow while every turn of the loop brings more, for `MAX_GATHER_S` at most."""
        until = time.monotonic() + MAX_GATHER_S
        seen = 0
        while seen < len(self._queue) < MAX_BATCH and time.monotonic() < until:
            seen = len(self._queue)
            await asyncio.sleep(0)

    def _next_batch(self) -> list[_Waiting]:
        """What waits, up to `MAX_BATCH` and `MAX_BATCH_BYTES`; at least one."""
        batch: list[_Waiting] = []
        size = 0
        while (
            self._queue and len(batch) < MAX_BATCH and (not batch or size + self._queue[0].work.size <= MAX_BATCH_BYTES)
        ):
            batch.append(self._queue.popleft())
            size += batch[-1].work.size
        self._queued_bytes -= size
        return batch

    async def _write_all(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._write(batch)
        except _RowFault:
            if len(batch) == 1:
                _fail(batch, outcome_unknown())
                return
            for waiting in batch:
                await self._write_all([waiting])

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        started = time.perf_counter()
        sent = False
        try:
            connection = await self._ready_connection()
            sent = True
            outcomes = await self._transact(connection, [waiting.work for waiting in batch])
        except CONNECTION_FAULTS as fault:
            log.warning("committer lost its connection: %s", type(fault).__name__)
            self._drop_connection()
            if sent:
                await self._resolve_unknown(batch)
            else:
                _fail(batch, outcome_unknown())
            return
        except asyncpg.LockNotAvailableError:
            # rolled back as a whole, and no row's fault: one by one it would only wait again
            _fail(batch, busy())
            return
        except asyncpg.PostgresError as fault:
            log.error("the database refused a batch of %d: %s", len(batch), type(fault).__name__)
            raise _RowFault from fault
        self.counters.batches += 1
        self.counters.seconds += time.perf_counter() - started
        self._answer(batch, outcomes)

    async def _transact(self, connection: asyncpg.Connection, works: Sequence[Work]) -> list[Outcome]:
        """Write all; the outcome of each work in its place."""
        exchanges = [w for w in works if isinstance(w, NewExchange)]
        outcomes = await self._accept(connection, exchanges) if exchanges else {}
        # after the exchanges: were they refused, the entries would be written again, one by one
        if entries := [w.entry for w in works if isinstance(w, LogOnly)]:
            await audit.insert(connection, entries)
        return [outcomes[w.id] if isinstance(w, NewExchange) else Committed() for w in works]

    async def _accept(self, connection: asyncpg.Connection, exchanges: Sequence[NewExchange]) -> dict[UUID, Outcome]:
        asked_at = time.monotonic()
        projections = projections_of(exchanges)
        statement, more = (sql.ACCEPT_BATCH_WITH_PROJECTIONS, [projections]) if projections else (sql.ACCEPT_BATCH, [])
        row = await connection.fetchrow(statement, REGISTRY_BARRIER, *rows_of(exchanges), *more)
        assert row is not None
        epoch, now, won = row
        self.clock.observe(now, asked_at=asked_at)
        outcomes: dict[UUID, Outcome] = dict.fromkeys(won, Committed())
        if len(won) == len(exchanges):
            return outcomes
        outcomes |= {w.id: Stale(epoch) for w in exchanges if w.epoch != epoch or w.judged_until <= now}
        lost = [w for w in exchanges if w.id not in outcomes]
        seen = await find_seen(connection, [(w.sender, w.jti) for w in lost])
        # what outlived its 24 months and was cleared this moment is there no more: judged again, it will be new
        return outcomes | {w.id: seen.get((w.sender, w.jti)) or Stale(epoch) for w in lost}

    def _answer(self, batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
        consumers: set[UUID] = set()
        for waiting, outcome in zip(batch, outcomes, strict=True):
            match outcome:
                case Committed() if isinstance(waiting.work, NewExchange):
                    self.counters.exchanges += 1
                    consumers |= waiting.work.consumers
                case Seen():
                    self.counters.duplicates += 1
                case Stale():
                    self.counters.judged_again += 1
            waiting.tell(outcome)
        if consumers:
            self.committed(frozenset(consumers))

    async def _resolve_unknown(self, batch: Sequence[_Waiting]) -> None:
        """COMMIT was sent and its answer never came: what is found is done, what is not found is unknown."""
        found: dict[tuple[str, str], Seen] = {}
        try:
            connection = await self._ready_connection()
            found = await find_seen(
                connection, [(w.work.sender, w.work.jti) for w in batch if isinstance(w.work, NewExchange)]
            )
        except (*CONNECTION_FAULTS, asyncpg.PostgresError) as fault:
            log.warning("could not look up an unknown commit: %s", type(fault).__name__)
        for waiting in batch:
            work = waiting.work
            answer = found.get((work.sender, work.jti)) if isinstance(work, NewExchange) else None
            if answer is None:
                _fail([waiting], outcome_unknown())
            elif isinstance(work, NewExchange) and answer.message_id == work.id:
                self._answer([waiting], [Committed()])
            else:
                self._answer([waiting], [answer])

    async def _ready_connection(self) -> asyncpg.Connection:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        for delay in RECONNECT_DELAYS_S:
            try:
                self._connection = await prepared(await self.connect())
            except (*CONNECTION_FAULTS, asyncpg.PostgresError) as fault:
                log.warning("committer cannot reach the database: %s", type(fault).__name__)
                await asyncio.sleep(delay)
            else:
                self.counters.reconnects += 1
                return self._connection
        raise ConnectionError("the database cannot be reached")

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*CONNECTION_FAULTS, asyncpg.PostgresError):
                connection.terminate()


async def find_seen(connection: asyncpg.Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Seen]:
    """What is stored under these (sender, jti) keys."""
    if not keys:
        return {}
    rows = await connection.fetch(sql.FIND_ACCEPTANCES, [sender for sender, _ in keys], [jti for _, jti in keys])
    return {(r["sender"], r["jti"]): Seen(r["digest"], r["kind"], r["message_id"], r["answer"]) for r in rows}


def _fail(batch: Iterable[_Waiting], fault: Unavailable) -> None:
    for waiting in batch:
        waiting.tell(fault)
