"""Closing what is connected to the database, also to one that says nothing any more: politely, then without its consent.

All work has ended by then, so what is cut off is a connection, never a transaction that somebody waits for.
"""

import asyncio
from collections.abc import Iterable

import asyncpg

from hub.db.faults import FAULTS

CLOSE_S = 1.0
"""How long a database has to say good-bye: several in a row must fit into what is left of a process that was told to end."""


async def close(connection: asyncpg.Connection) -> None:
    """Close the connection, within `CLOSE_S` or without the server's answer."""
    try:
        await connection.close(timeout=CLOSE_S)
    except FAULTS:
        connection.terminate()


async def close_pool(pool: asyncpg.Pool) -> None:
    """Close every connection of the pool, within `CLOSE_S` or without the server's answer."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await pool.close()
    except FAULTS:
        pool.terminate()


async def close_all(connections: Iterable[asyncpg.Connection]) -> None:
    """Close every connection, at the same time, each within `CLOSE_S` or without the server's answer."""
    await asyncio.gather(*(close(connection) for connection in connections))
