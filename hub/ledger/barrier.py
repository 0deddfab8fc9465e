"""The transaction of claims and acknowledgements: rights stand still while it is open (I3)."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from hub.db.clock import DatabaseClock
from hub.ledger import repository as sql


@asynccontextmanager
async def rights_standing_still(
    connection: asyncpg.Connection, clock: DatabaseClock
) -> AsyncIterator[tuple[int, datetime]]:
    """A transaction during which nobody narrows rights; yields the registry's epoch and the database's time after the lock.

    Commits at the end of the block, rolls back on any error.
    """
    try:
        await connection.execute(sql.OPEN_UNDER_BARRIER)
        asked_at = time.monotonic()
        row = await connection.fetchrow(sql.READ_EPOCH)
        assert row is not None
        clock.observe(row["now"], asked_at=asked_at)
        yield row["epoch"], row["now"]
    except BaseException:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")
