"""The hub's regular chores: partitions made ahead, and what has outlived its use cleared away.

Any number of workers may run; a chore takes its own lock or is harmless when two do it. A chore that fails is logged and
comes again; it never stops the others.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import asyncpg

from hub.db.faults import FAULTS
from hub.db.ids import lowest_id
from hub.db.partitions import ensure_partitions
from hub.identity.token_issue import KEPT_BEYOND

log = logging.getLogger(__name__)

EVERY_S = 30.0

KEEP_ACCEPTANCES = timedelta(days=731)
"""(sender, jti) counts for 24 months (contract, "seen before"); two years with a leap day are 731 days."""

CLEAR_AT_ONCE = 5_000
"""Rows deleted in one statement: short enough to hold nobody up."""

CLEAR_ACCEPTANCES = """
DELETE FROM acceptance WHERE (sender, jti) IN (SELECT sender, jti FROM acceptance WHERE accepted_at < $1 LIMIT $2)
"""
CLEAR_ASSERTIONS = "DELETE FROM client_assertion WHERE expires_at < $1"
CLEAR_SESSIONS = "DELETE FROM staff_session WHERE expires_at < $1"

CLEAR_REFUSALS = "DELETE FROM refusal_count WHERE minute < $1"

CLEAR_ATTEMPTS = """
DELETE FROM attempt WHERE id IN (SELECT id FROM attempt WHERE id < $1 AND ended_at IS NOT NULL ORDER BY id LIMIT $2)
"""

KEEP_ATTEMPTS = timedelta(days=183)
"""Attempts to push, with what was answered: six months, as network logs (网络安全法); the sharing log keeps its entries."""

KEEP_SESSIONS = timedelta(days=1)

KEEP_REFUSALS = timedelta(days=366)
"""Network logs are kept six months at least (网络安全法); the counts hold addresses, so not for ever."""

Connect = Callable[[], Awaitable[asyncpg.Connection]]


async def do_chores(connection: asyncpg.Connection, now: datetime) -> None:
    """Each chore once."""
    for name in await ensure_partitions(connection, now):
        log.info("partition made", extra={"partition": name})
    while (
        await connection.execute(CLEAR_ACCEPTANCES, now - KEEP_ACCEPTANCES, CLEAR_AT_ONCE) == f"DELETE {CLEAR_AT_ONCE}"
    ):
        log.info("acceptances past their 24 months cleared", extra={"rows": CLEAR_AT_ONCE})
    oldest = lowest_id(now - KEEP_ATTEMPTS)
    while await connection.execute(CLEAR_ATTEMPTS, oldest, CLEAR_AT_ONCE) == f"DELETE {CLEAR_AT_ONCE}":
        log.info("old attempts cleared", extra={"rows": CLEAR_AT_ONCE})
    await connection.execute(CLEAR_ASSERTIONS, now - KEPT_BEYOND)
    await connection.execute(CLEAR_SESSIONS, now - KEEP_SESSIONS)
    await connection.execute(CLEAR_REFUSALS, now - KEEP_REFUSALS)


async def run(connect: Connect, stop: asyncio.Event) -> None:
    """Do the chores every `EVERY_S` until `stop` is set; a database that is away is waited for.

    The time is the database's: a worker whose clock runs ahead must not clear what still counts.
    """
    while not stop.is_set():
        try:
            connection = await connect()
            try:
                await do_chores(connection, await connection.fetchval("SELECT clock_timestamp()"))
            finally:
                await connection.close()
        except FAULTS as fault:
            log.warning("chores put off", extra={"fault": type(fault).__name__})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY_S)
