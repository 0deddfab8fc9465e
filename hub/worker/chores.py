"""The hub's regular chores: partitions made ahead, freshness noted, and what has outlived its use cleared away.

Any number of workers may run; a chore takes its own lock or is harmless when two do it. A chore that fails is logged and
comes again; it never stops the others.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

from hub.db.closing import close
from hub.db.faults import FAULTS
from hub.db.ids import lowest_id
from hub.db.partitions import ensure_partitions
from hub.identity.token_issue import KEPT_BEYOND
from hub.publishing import freshness

log = logging.getLogger(__name__)

EVERY_S = 30.0

NOTE_EVERY_S = 120.0
"""How often exchanges are looked through for freshness: every one that came is read once for it, 500,000 in about 3 s on two
busy cores, and what it tells counts by days."""

KEEP_ACCEPTANCES = timedelta(days=731)
"""(sender, jti) counts for 24 months (contract, "seen before"); two years with a leap day are 731 days."""

CLEAR_AT_ONCE = 5_000
"""Rows deleted in one statement: short enough to hold nobody up."""

CLEAR_ACCEPTANCES = """
WITH gone AS (
    DELETE FROM acceptance WHERE (sender, jti) IN (SELECT sender, jti FROM acceptance WHERE accepted_at < $1 LIMIT $2)
    RETURNING kind, message_id, answer
), kept AS (
    UPDATE exchange SET receipt = gone.answer FROM gone WHERE exchange.id = gone.message_id AND gone.kind = 'exchange'
)
SELECT count(*) FROM gone
"""
"""The key goes and the receipt stays, with its exchange: evidence needs it for longer than a `jti` counts.

Moved here and not written twice at acceptance, which every envelope would pay for; and the row does not stay instead, for
then the sender could never use the `jti` again.
"""

CLEAR_ASSERTIONS = "DELETE FROM client_assertion WHERE expires_at < $1"
CLEAR_SESSIONS = "DELETE FROM staff_session WHERE expires_at < $1"

CLEAR_REFUSALS = "DELETE FROM refusal_count WHERE minute < $1"

CLEAR_ATTEMPTS = """
WITH gone AS (
    DELETE FROM attempt WHERE id IN (SELECT id FROM attempt WHERE id < $1 AND ended_at IS NOT NULL ORDER BY id LIMIT $2)
    RETURNING id
)
SELECT count(*) FROM gone
"""

KEEP_ATTEMPTS = timedelta(days=183)
"""Attempts to push, with what was answered: six months, as network logs (网络安全法); the sharing log keeps its entries."""

KEEP_SESSIONS = timedelta(days=1)

CLEAR_IMPORTS = "DELETE FROM catalogue_import WHERE updated_at < $1"

KEEP_IMPORTS = timedelta(days=30)
"""Workbooks that were uploaded, with their verdicts: long enough to be corrected; the log keeps digests and what came of each."""

KEEP_REFUSALS = timedelta(days=366)
"""Network logs are kept six months at least (网络安全法); the counts hold addresses, so not for ever."""

Connect = Callable[[], Awaitable[asyncpg.Connection]]


@dataclass(frozen=True, slots=True)
class Chores:
    """One round of all chores at the moment `now` of the database; between two pieces of work it looks at `stop`."""

    connection: asyncpg.Connection
    now: datetime
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    notes: bool = True
    """Whether this round looks through the exchanges for freshness."""

    async def do(self) -> None:
        """Each chore once, whatever has become of the others. Raises what shows that the connection is gone."""
        chores = (
            self.make_partitions,
            *((self.note_data,) if self.notes else ()),
            self.clear_acceptances,
            self.clear_attempts,
            self.clear_assertions,
            self.clear_sessions,
            self.clear_refusals,
            self.clear_imports,
        )
        for chore in chores:
            try:
                await chore()
            except asyncpg.PostgresError as fault:
                if self.connection.is_closed():
                    raise
                log.error("a chore failed", extra={"chore": chore.__name__, "sqlstate": fault.sqlstate})

    async def make_partitions(self) -> None:
        """The months ahead."""
        for name in await ensure_partitions(self.connection, self.now):
            log.info("partition made", extra={"partition": name})

    async def note_data(self) -> None:
        """When data last came for each resource."""
        await freshness.note_data(self.connection, self.stop)

    async def clear_acceptances(self) -> None:
        """Keys of messages that have had their 24 months; receipts move to their exchanges."""
        async for rows in self._cleared(CLEAR_ACCEPTANCES, self.now - KEEP_ACCEPTANCES):
            log.info("acceptances past their 24 months cleared", extra={"rows": rows})

    async def clear_attempts(self) -> None:
        """Old attempts to push."""
        async for rows in self._cleared(CLEAR_ATTEMPTS, lowest_id(self.now - KEEP_ATTEMPTS)):
            log.info("old attempts cleared", extra={"rows": rows})

    async def clear_assertions(self) -> None:
        """What was shown for an access token, once it cannot be shown again."""
        await self.connection.execute(CLEAR_ASSERTIONS, self.now - KEPT_BEYOND)

    async def clear_sessions(self) -> None:
        """Sessions that ran out."""
        await self.connection.execute(CLEAR_SESSIONS, self.now - KEEP_SESSIONS)

    async def clear_refusals(self) -> None:
        """Counts of refusals, with their addresses."""
        await self.connection.execute(CLEAR_REFUSALS, self.now - KEEP_REFUSALS)

    async def clear_imports(self) -> None:
        """Workbooks that nobody has touched for a while."""
        await self.connection.execute(CLEAR_IMPORTS, self.now - KEEP_IMPORTS)

    async def _cleared(self, statement: str, before: object) -> AsyncIterator[int]:
        """How many rows went, piece by piece, until there are no more or `stop` is set."""
        rows = CLEAR_AT_ONCE
        while rows == CLEAR_AT_ONCE and not self.stop.is_set():
            rows = await self.connection.fetchval(statement, before, CLEAR_AT_ONCE)
            if rows:
                yield rows


async def run(connect: Connect, stop: asyncio.Event) -> None:
    """Do the chores every `EVERY_S` until `stop` is set; a database that is away is waited for.

    The time is the database's: a worker whose clock runs ahead must not clear what still counts.
    """
    noted_at = -NOTE_EVERY_S
    while not stop.is_set():
        notes = time.monotonic() - noted_at >= NOTE_EVERY_S
        try:
            connection = await connect()
            try:
                await Chores(connection, await connection.fetchval("SELECT clock_timestamp()"), stop, notes).do()
                noted_at = time.monotonic() if notes else noted_at
            finally:
                await close(connection)
        except FAULTS as fault:
            log.warning("chores put off", extra={"fault": type(fault).__name__})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVERY_S):
                await stop.wait()
