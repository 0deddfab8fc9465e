"""What waits to be sealed, for whoever watches over the hub: a receipt promises when its entry is in the tree."""

from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from hub.db.ids import time_of

LOOK = """
SELECT checkpoint_size, (SELECT count(*) FROM log_pending) AS waiting,
       (SELECT id FROM log_pending ORDER BY id LIMIT 1) AS oldest, clock_timestamp() AS now
FROM tree_head
"""
OVERDUE = """
SELECT count(*) FROM log_pending p JOIN log_entry l ON l.id = p.id
WHERE l.event = 'exchange.accepted' AND l.occurred_at < clock_timestamp() - $1::interval
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Entries that wait, the age of the oldest in seconds (0 if none waits), and the size of the tree that is shown."""

    waiting: int
    oldest_s: float
    checkpoint_size: int


async def look(connection: asyncpg.Connection) -> Backlog:
    """The backlog at this moment."""
    row = await connection.fetchrow(LOOK)
    assert row is not None
    age = (row["now"] - time_of(row["oldest"])).total_seconds() if row["oldest"] is not None else 0.0
    return Backlog(row["waiting"], max(age, 0.0), row["checkpoint_size"])


async def overdue(connection: asyncpg.Connection, within: timedelta) -> int:
    """Acceptances that wait for longer than their receipts promised."""
    count: int = await connection.fetchval(OVERDUE, within)
    return count
