"""The exchange floor put together on a real database, without HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import asyncpg
import pytest

from certs.keys import generate_key
from certs.suites import KeySigner, Verifier
from hub.db.clock import DatabaseClock
from hub.db.engine import Database
from hub.exchange.acknowledging import Acknowledging
from hub.exchange.gate import Gate
from hub.exchange.inbox import Inbox
from hub.exchange.intake import Intake
from hub.exchange.refusals import RefusalLog
from hub.ledger.committer import Committer
from hub.registry.picture_store import PictureStore
from tests.support.world import HUB, TestSystem, World


@dataclass
class Floor:
    """One gateway's exchange floor and the world it serves."""

    world: World
    connection: asyncpg.Connection
    pictures: PictureStore
    committer: Committer
    refusals: RefusalLog
    intake: Intake
    inbox: Inbox
    acknowledging: Acknowledging
    receipt_verifier: Verifier
    projection_verifier: Verifier
    provider: TestSystem
    consumer: TestSystem
    res: str
    lane: object
    grant: object


@pytest.fixture
async def floor(database: Database) -> AsyncIterator[Floor]:
    """A provider, a consumer, one resource, one grant, and everything that serves them."""
    connection = await database.connect()
    world = await World.make(connection)
    provider, consumer = await world.system("provider-a"), await world.system("consumer-b")
    resource = await world.resource("306001000001/000001", provider)
    grant, lane = await world.grant(consumer, resource)
    pool = await asyncpg.create_pool(database.dsn, min_size=1, max_size=4, connect=lambda *_, **__: database.connect())
    pictures = PictureStore(database.connect)
    await pictures.start()
    clock = DatabaseClock()
    committer = Committer(database.connect, clock, max_queue=1000, max_queue_bytes=1 << 26)
    await committer.start()
    refusals = RefusalLog(HUB, committer)
    receipt_key, projection_key = generate_key("ES256"), generate_key("ES256")
    receipts = KeySigner(receipt_key, "A" * 43)

    @asynccontextmanager
    async def acquire() -> AsyncIterator[asyncpg.Connection]:
        async with pool.acquire() as lent:
            yield cast(asyncpg.Connection, lent)

    gate = Gate(HUB, 300, 4 << 20, pictures, refusals, acquire, clock)
    intake = Intake(gate, committer, receipts, KeySigner(projection_key, "P" * 42 + "A"))
    inbox = Inbox(HUB, acquire, pictures, clock)
    committer.committed = inbox.arrivals.wake
    acknowledging = Acknowledging(gate, acquire)
    yield Floor(
        world,
        connection,
        pictures,
        committer,
        refusals,
        intake,
        inbox,
        acknowledging,
        Verifier(receipt_key.public_key()),
        Verifier(projection_key.public_key()),
        provider,
        consumer,
        "306001000001/000001",
        lane,
        grant,
    )
    await committer.stop()
    await pictures.stop()
    await pool.close()
    await connection.close()
