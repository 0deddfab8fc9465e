"""A committer on a real database, with a little county to write about."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from hub.audit.entry import Actor, Event, make_entry
from hub.db.clock import DatabaseClock
from hub.db.engine import Database
from hub.db.ids import new_id
from hub.db.locks import hold_barrier
from hub.ledger.committer import Committer
from hub.ledger.records import LogOnly, NewDelivery, NewExchange
from tests.support.world import HUB, TestSystem, World, new_jti

RES = "306001000001/000001"


@dataclass(slots=True)
class Desk:
    """The committer under test, `database` to look behind it, and the parties of what it writes."""

    database: Database
    connection: asyncpg.Connection
    world: World
    committer: Committer
    sender: TestSystem
    consumer: TestSystem
    lane: UUID
    epoch: int
    woken: list[frozenset[UUID]] = field(default_factory=list)

    def work(self, jti: str | None = None, **changes: Any) -> NewExchange:
        """An exchange that was judged a moment ago."""
        now = datetime.now(UTC)
        identifier = changes.pop("id", None) or new_id(now)
        event = Event("exchange.accepted", Actor("system", self.sender.code), "exchange", str(identifier))
        values: dict[str, Any] = {
            "id": identifier,
            "sender": self.sender.code,
            "sender_id": self.sender.id,
            "jti": jti or new_jti(),
            "kid": self.sender.kid,
            "resource_id": self.world.resources[RES],
            "version": 1,
            "digest": os.urandom(32),
            "schema_digest": os.urandom(32),
            "envelope": b"envelope of " + str(identifier).encode(),
            "receipt": b"receipt for " + str(identifier).encode(),
            "deliveries": [NewDelivery(new_id(now), self.lane)],
            "projections": [],
            "consumers": frozenset([self.consumer.id]),
            "accepted_at": now,
            "epoch": self.epoch,
            "judged_until": now + timedelta(hours=1),
            "entry": make_entry(event, hub=HUB, now=now, entry_id=identifier),
        }
        return NewExchange(**values | changes)

    def refusal(self) -> LogOnly:
        """A log entry that stands alone."""
        event = Event("message.refused", Actor("system", self.sender.code), "envelope", "sha-256:00", outcome="fail")
        return LogOnly(make_entry(event, hub=HUB, now=datetime.now(UTC)))

    async def count(self, table: str) -> int:
        """Rows of a table."""
        found: int = await self.connection.fetchval(f"SELECT count(*) FROM {table}")
        return found

    @asynccontextmanager
    async def held_up(self) -> AsyncIterator[asyncpg.Connection]:
        """Let the committer wait in the middle of its transaction for the length of the block."""
        async with self.database.connection() as connection, connection.transaction():
            await hold_barrier(connection)
            yield connection

    async def writer(self) -> int:
        """The process id of the backend that waits for the barrier."""
        query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND NOT granted"
        while (pid := await self.connection.fetchval(query)) is None:
            await self.connection.execute("SELECT pg_sleep(0.005)")
        found: int = pid
        return found


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    """A committer that runs."""
    async with database.connection() as connection:
        world = await World.make(connection)
        sender, consumer = await world.system("provider-a"), await world.system("consumer-b")
        _, lane = await world.grant(consumer, await world.resource(RES, sender))
        epoch = await connection.fetchval("SELECT epoch FROM registry_epoch")
        committer = Committer(database.connect, DatabaseClock(), max_queue=100, max_queue_bytes=1 << 20)
        await committer.start()
        found = Desk(database, connection, world, committer, sender, consumer, lane, epoch)
        committer.committed = found.woken.append
        yield found
        await committer.stop()
