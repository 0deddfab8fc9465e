"""Who waits for whom in a database: what a test asks before it lets go of what it holds."""

import asyncio

from hub.db.engine import Database

WAITS = """
SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()
"""
WITHIN_S = 60.0


async def until_waiting(database: Database, count: int = 1) -> None:
    """Return when so many wait for a lock in this database."""
    async with asyncio.timeout(WITHIN_S), database.connection() as connection:
        while await connection.fetchval(WAITS) < count:  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.01)
