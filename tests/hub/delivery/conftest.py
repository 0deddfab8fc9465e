"""The delivery floor on a real database: envelopes are accepted as they are in service, a receiver stands in the test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest

from adapters.protocol import Batch, Outcome, Pushed
from certs.keys import generate_key
from certs.suites import KeySigner
from hub.audit.entry import Actor
from hub.db.clock import DatabaseClock
from hub.db.engine import Database
from hub.delivery.claiming import PushLane
from hub.delivery.pushing import Pusher
from hub.exchange.acknowledging import Acknowledging
from hub.exchange.gate import Gate
from hub.exchange.intake import Intake
from hub.exchange.refusals import RefusalLog
from hub.ledger.committer import Committer
from hub.registry.picture_store import PictureStore
from tests.support.world import HUB, TestSystem, World, record

RES = "306001000001/000001"
ACTOR = Actor(kind="host", id="host:worker")

Answer = Callable[[Batch], Awaitable[Pushed]]


async def confirm(batch: Batch) -> Pushed:
    """A receiver that says 200."""
    return Pushed(Outcome.TRANSPORT_CONFIRMED, answer=b"ok")


@dataclass
class Receiver:
    """A consumer's end: it keeps every batch that reached it and answers as it is told to."""

    answer: Answer = confirm
    batches: list[Batch] = field(default_factory=list)
    lanes: list[PushLane] = field(default_factory=list)

    async def push(self, batch: Batch) -> Pushed:
        self.batches.append(batch)
        return await self.answer(batch)

    def adapter_for(self, lane: PushLane) -> "Receiver":
        self.lanes.append(lane)
        return self

    @property
    def sequences(self) -> list[list[int]]:
        return [[item.sequence for item in batch.items] for batch in self.batches]


@dataclass
class Post:
    """What the tests of delivery work with."""

    world: World
    connection: asyncpg.Connection
    intake: Intake
    acknowledging: Acknowledging
    pictures: PictureStore
    acquire: Any
    clock: DatabaseClock
    provider: TestSystem
    consumer: TestSystem
    grant: UUID
    lane: UUID
    receiver: Receiver = field(default_factory=Receiver)

    def pusher(self, receiver: Any = None, *, jitter: float = 0.0) -> Pusher:
        """A worker's pusher; each has a holder of its own."""
        who = receiver or self.receiver
        return Pusher(
            HUB,
            ACTOR,
            self.acquire,
            self.clock,
            who.adapter_for,
            self.acknowledging.acknowledge,
            jitter=lambda: jitter,
        )

    async def publish(self, count: int, res: str = RES) -> list[bytes]:
        """Accept so many envelopes."""
        envelopes = [self.provider.exchange(res, [record(n)]) for n in range(count)]
        for envelope in envelopes:
            await self.intake.accept(envelope, address="", request_id="r")
        return envelopes

    async def push_lane(self, consumer: TestSystem, resource: UUID, **how: Any) -> tuple[UUID, UUID]:
        """A grant whose lane pushes."""
        grant, lane = await self.world.grant(consumer, resource, **how)
        await self.world.change("UPDATE lane SET mode = 'push' WHERE id = $1", lane)
        await self.world.change("UPDATE access_grant SET mode = 'push' WHERE id = $1", grant)
        return grant, lane

    async def target(self, consumer: TestSystem, *, policy: str = "park", max_attempts: int = 3) -> None:
        """Where the consumer is pushed to."""
        await self.connection.execute(
            "INSERT INTO push_target (system_id, adapter, settings, policy, max_attempts, state, set_by, set_at)"
            " VALUES ($1, 'http', '{}', $2, $3, 'active', 'test', now())",
            consumer.id,
            policy,
            max_attempts,
        )

    async def due_now(self) -> None:
        """Let no lane rest."""
        await self.connection.execute("UPDATE lane_lease SET next_attempt_at = now() - interval '1 second'")

    async def run_out(self) -> None:
        """Let every lease run out."""
        await self.connection.execute("UPDATE lane_lease SET expires_at = now() - interval '1 second'")

    async def events(self, *prefixes: str) -> list[str]:
        """The log's events, oldest first, that begin with one of the prefixes."""
        rows = await self.connection.fetch("SELECT event FROM log_entry ORDER BY occurred_at, ctid")
        return [row["event"] for row in rows if row["event"].startswith(prefixes)]

    async def values(self, query: str, *arguments: object) -> list[Any]:
        """The first column of a query."""
        return [row[0] for row in await self.connection.fetch(query, *arguments)]


@pytest.fixture
async def post(database: Database) -> AsyncIterator[Post]:
    """A provider, a consumer with a lane that pushes and a target, and everything that serves them."""
    connection = await database.connect()
    world = await World.make(connection)
    provider, consumer = await world.system("provider-a"), await world.system("consumer-b")
    pool = await asyncpg.create_pool(database.dsn, min_size=1, max_size=6, connect=lambda *_, **__: database.connect())
    pictures = PictureStore(database.connect)
    await pictures.start()
    clock = DatabaseClock()
    committer = Committer(database.connect, clock, max_queue=1000, max_queue_bytes=1 << 26)
    await committer.start()

    @asynccontextmanager
    async def acquire() -> AsyncIterator[asyncpg.Connection]:
        async with pool.acquire() as lent:
            yield cast(asyncpg.Connection, lent)

    gate = Gate(HUB, 300, 4 << 20, pictures, RefusalLog(HUB, committer), acquire, clock)
    keys = (KeySigner(generate_key("ES256"), "A" * 43), KeySigner(generate_key("ES256"), "P" * 42 + "A"))
    intake = Intake(gate, committer, *keys)
    made = Post(
        world, connection, intake, Acknowledging(gate, acquire), pictures, acquire, clock, provider, consumer,
        UUID(int=0), UUID(int=0),
    )  # fmt: skip
    resource = await world.resource(RES, provider)
    made.grant, made.lane = await made.push_lane(consumer, resource)
    await made.target(consumer)
    yield made
    await committer.stop()
    await pictures.stop()
    await pool.close()
    await connection.close()


def ids(batches: Sequence[Batch]) -> list[list[UUID]]:
    """The delivery ids of batches."""
    return [[item.delivery for item in batch.items] for batch in batches]
