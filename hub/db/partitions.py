"""Monthly partitions of the tables that grow for ever, cut by the time inside their UUIDv7 ids.

Each such table also has a default partition, so that no row is ever refused for want of a month. Rows that landed there
(clock far off, chores not run for months) are moved when their month is made. Months are UTC.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from hub.db.ids import lowest_id
from hub.db.locks import hold_maintenance

# TRUNCATE of one partition fires no trigger of its table, and a trigger for statements is not handed down.
TRUNCATE_TRIGGERS = """
SELECT tgname AS name, tgfoid::regproc::text AS function FROM pg_trigger
WHERE tgrelid = $1::text::regclass AND NOT tgisinternal AND tgtype & 32 <> 0
"""

PARTITIONED = ("exchange", "projection", "delivered", "acknowledgement", "log_entry")

# So many months stand ready beyond the present one: a hub whose chores fail has that long until rows go to the default.
MONTHS_AHEAD = 3

# Making a partition needs short locks on its table; rather than hold up intake behind us we give up and come again.
LOCK_MS = 2_000

STORAGE = (
    # Rows up to a page stay in one piece: an ordinary envelope is not cut up, nor squeezed in vain.
    "toast_tuple_target = 8160, "
    # Rows are only added. Under full load autovacuum would go through them every minute, for a sixth of the machine; what it
    # leaves behind (rows known to be visible to all, and to be old) is of use years later, and it comes for that by itself.
    "autovacuum_vacuum_insert_threshold = 10000000, "
    # Statistics as often as a table doubles: they tell the planner of its form, which does not change.
    "autovacuum_analyze_scale_factor = 1"
)
"""How PostgreSQL keeps each partition."""


async def ensure_partitions(
    connection: asyncpg.Connection, now: datetime, months_ahead: int = MONTHS_AHEAD, tables: Sequence[str] = PARTITIONED
) -> list[str]:
    """Make the partitions of this month and the next `months_ahead` that are missing; returns the names of those made.

    Each in a transaction of its own: what was made stays, whatever happens to the next. Raises
    `asyncpg.LockNotAvailableError` where a table is too busy; calling again later continues.
    """
    made = []
    for table in tables:
        for start, end in _months(now, months_ahead):
            name = f"{table}_{start:%Y_%m}"
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
                await hold_maintenance(connection)
                if await connection.fetchval("SELECT to_regclass($1) IS NULL", name):
                    await _make(connection, table, name, lowest_id(start), lowest_id(end))
                    made.append(name)
    return made


async def _make(connection: asyncpg.Connection, table: str, name: str, low: UUID, high: UUID) -> None:
    """Made beside the table and then attached: that lets intake go on, while `PARTITION OF` would stop it."""
    default = f"{table}_default"
    await connection.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL) WITH ({STORAGE})")
    for trigger in await connection.fetch(TRUNCATE_TRIGGERS, table):
        await connection.execute(
            f"CREATE TRIGGER {trigger['name']} BEFORE TRUNCATE ON {name}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {trigger['function']}()"
        )
    attach = f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')"
    # Nobody may add a row of this month to the default partition between our look and the attachment.
    await connection.execute(f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE")
    early = f"id >= '{low}' AND id < '{high}'"
    if not await connection.fetchval(f"SELECT EXISTS (SELECT FROM {default} WHERE {early})"):  # noqa: S608
        await connection.execute(attach)
        return
    # Detached it is a table of its own, without the triggers that forbid taking rows out of the log.
    await connection.execute(f"ALTER TABLE {table} DETACH PARTITION {default}")
    await connection.execute(f"INSERT INTO {name} SELECT * FROM {default} WHERE {early}")  # noqa: S608
    await connection.execute(f"DELETE FROM {default} WHERE {early}")  # noqa: S608
    await connection.execute(attach)
    await connection.execute(f"ALTER TABLE {table} ATTACH PARTITION {default} DEFAULT")


def _months(now: datetime, ahead: int) -> Iterator[tuple[datetime, datetime]]:
    """Beginning and end of this month and the `ahead` following ones, in UTC."""
    present = now.astimezone(UTC)
    first = present.year * 12 + present.month - 1
    for number in range(first, first + ahead + 1):
        yield _beginning(number), _beginning(number + 1)


def _beginning(number: int) -> datetime:
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
