"""The sealer's loop: about once a second, more often while much comes in, at once again while more waits than one round takes.

A tree that is not what was signed is never sealed upon: the loop says so and looks again, for a restored tile ends it. What
else the worker does goes on. A database that is away is one thing, one that refuses is another, and louder.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import asyncpg

from certs.errors import CertsError
from hub.audit.sealer import MAX_AT_ONCE, Sealer
from hub.db.closing import close
from hub.ledger.committer import CONNECTION_FAULTS

log = logging.getLogger(__name__)

EVERY_S = 1.0

MANY = 200
OFTEN_S = 0.2
"""After a round of `MANY` entries the next comes so soon: small rounds take turns with intake, a large one holds a core."""

REST_S = 10.0
"""After what does not pass by itself: often enough to be seen, and well within the minute that receipts promise."""

Connect = Callable[[], Awaitable[asyncpg.Connection]]


async def run(connect: Connect, sealer: Sealer, stop: asyncio.Event) -> None:
    """Seal until `stop` is set; a database that is away is waited for, on a new connection."""
    while not stop.is_set():
        try:
            connection = await connect()
            try:
                await _seal(connection, sealer, stop)
            finally:
                await close(connection)
        except CONNECTION_FAULTS as fault:
            log.warning("sealing put off", extra={"fault": type(fault).__name__})
            await _wait(stop, EVERY_S)
        except CertsError as fault:
            log.error("sealing has stopped: the stored tree is not what was signed", extra={"reason": fault.reason})
            await _wait(stop, REST_S)
        except asyncpg.PostgresError as fault:
            log.error(
                "sealing has stopped: the database refuses",
                extra={"sqlstate": fault.sqlstate, "fault": type(fault).__name__},
            )
            await _wait(stop, REST_S)


async def _seal(connection: asyncpg.Connection, sealer: Sealer, stop: asyncio.Event) -> None:
    while not stop.is_set():
        done = await sealer.round(connection)
        if done.entries == MAX_AT_ONCE:
            log.info("sealing a backlog", extra={"size": done.size, "seconds": round(done.seconds, 2)})
        else:
            await _wait(stop, OFTEN_S if done.entries >= MANY else EVERY_S)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
