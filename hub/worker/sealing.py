"""The sealer's loop: about once a second; at once again while more waits than one round takes."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import asyncpg

from hub.audit.sealer import MAX_AT_ONCE, Sealer
from hub.db.faults import FAULTS

log = logging.getLogger(__name__)

EVERY_S = 1.0

Connect = Callable[[], Awaitable[asyncpg.Connection]]


async def run(connect: Connect, sealer: Sealer, stop: asyncio.Event) -> None:
    """Seal until `stop` is set; a database that is away is waited for, on a new connection."""
    while not stop.is_set():
        try:
            connection = await connect()
            try:
                await _seal(connection, sealer, stop)
            finally:
                await connection.close()
        except FAULTS as fault:
            log.warning("sealing put off", extra={"fault": type(fault).__name__})
            await _wait(stop)


async def _seal(connection: asyncpg.Connection, sealer: Sealer, stop: asyncio.Event) -> None:
    while not stop.is_set():
        done = await sealer.round(connection)
        if done.entries == MAX_AT_ONCE:
            log.info("sealing a backlog", extra={"size": done.size, "seconds": round(done.seconds, 2)})
        else:
            await _wait(stop)


async def _wait(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), EVERY_S)
