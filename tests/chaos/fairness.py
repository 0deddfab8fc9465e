"""What one dead consumer of three hundred costs the others: their rate with it and without it, phase by phase, in one run.

A worker's loop as in service pushes to a real HTTP server, which answers each of the living after a while and the dead one
never. There is always more to do than places in the loop. Phases with and without the dead one follow each other, and each is
compared with its neighbours: by rate, in which the machine's other work shows, and by places, in which it hardly does.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import cast
from uuid import UUID

import asyncpg
from aiohttp import web

from certs.http_signature import HttpSigner
from certs.keys import generate_key
from certs.suites import KeySigner
from hub.audit.entry import Actor
from hub.db.clock import DatabaseClock
from hub.db.embedded import EmbeddedPostgres
from hub.db.engine import Database
from hub.db.ids import new_id
from hub.delivery import claiming
from hub.delivery.making import Adapters
from hub.delivery.pushing import Pusher
from hub.worker.deliveries import Deliveries
from tests.support.postgres import TestServer, binaries, server_directory
from tests.support.world import HUB, World

CONSUMERS = 300
ANSWER_S = (0.1, 0.3)
"""How long a living consumer takes to answer, evenly spread so that places do not become free in step."""

CALM_S = 0.4
"""After each change the places are filled anew; what is counted begins then."""

LOOK_S = 0.01

QUEUE = """
INSERT INTO delivery (id, lane_id, exchange_id, kid, digest)
SELECT gen_random_uuid(), lane, $2, 'kid', '\\x00'::bytea
FROM unnest($1::uuid[]) AS lane CROSS JOIN generate_series(1, $3)
"""

SET_TARGET = """
INSERT INTO push_target (system_id, adapter, settings, policy, max_attempts, state, set_by, set_at)
VALUES ($1, 'http', $2, 'block', 100, 'active', 'test', now())
"""

DIE = """
UPDATE lane_lease SET paused_at = NULL, paused_reason = NULL, next_attempt_at = now() WHERE lane_id = ANY($1::uuid[])
"""
REST = """
INSERT INTO lane_lease AS e (lane_id, fence, next_attempt_at, failures, failed_reason, batch_limit, paused_at, paused_reason)
SELECT lane, 0, now(), 1, 'timed-out', 1, now(), 'test' FROM unnest($1::uuid[]) AS lane
ON CONFLICT (lane_id) DO UPDATE SET paused_at = now(), paused_reason = 'test', failures = 1, failed_reason = 'timed-out'
"""


@dataclass(frozen=True, slots=True)
class Phase:
    """A while: the pushes of the living per second, and the places in the worker's loop, on average, of all and of the dead."""

    rate: float
    places: float
    places_of_the_dead: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Phase by phase: without the dead consumer, with it, without it, and so on. `hung`: calls that it kept waiting."""

    phases: Sequence[Phase]
    hung: int

    @property
    def places_lost(self) -> float:
        """The share of all places that the dead one holds while it is there; hardly any noise in it."""
        return fmean(phase.places_of_the_dead / phase.places for phase in self.phases[1::2])

    @property
    def rate_lost(self) -> float:
        """The share of their rate, on average over the phases, each against its neighbours."""
        return fmean(self._losses)

    @property
    def noise(self) -> float:
        """The standard error of `rate_lost`."""
        return stdev(self._losses) / math.sqrt(len(self._losses))

    @property
    def _losses(self) -> list[float]:
        rates = [phase.rate for phase in self.phases]
        return [1 - rates[n] / fmean((rates[n - 1], rates[n + 1])) for n in range(1, len(rates), 2)]


@dataclass(slots=True)
class Receivers:
    """The server of all consumers: counts what the living answered; the dead keep their callers until `let_go`."""

    answered: int = 0
    hung: int = 0
    url: str = ""
    _gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def living(self, request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(random.uniform(*ANSWER_S))
        self.answered += 1
        return web.Response()

    async def dead(self, request: web.Request) -> web.Response:
        self.hung += 1
        await self._gone.wait()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    def let_go(self) -> None:
        """Break every call that hangs."""
        self._gone.set()
        self._gone = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen for the length of the block."""
        app = web.Application()
        app.router.add_post("/living", self.living)
        app.router.add_post("/dead", self.dead)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            self.let_go()
            await runner.cleanup()


async def measure(database: Database, *, pairs: int, phase_s: float, lanes_of_the_dead: int = 1) -> Cost:
    """The cost in a fresh database; takes `(2 * pairs + 1)` phases. Each living consumer has one lane."""
    receivers = Receivers()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(receivers.serving())
        connection = await database.connect()
        stack.push_async_callback(connection.close)
        dead = await _make_consumers(
            connection, receivers.url, lanes_of_the_dead, per_lane=round(8 * pairs * phase_s) + 20
        )
        await connection.execute(REST, dead)
        stack.enter_context(_one_item_in_a_batch())
        loop = await stack.enter_async_context(_pushing(database))
        await asyncio.sleep(2 * CALM_S)
        phases = [await _phase(receivers, loop, dead, phase_s)]
        for _ in range(pairs):
            await connection.execute(DIE, dead)
            phases.append(await _phase(receivers, loop, dead, phase_s))
            await connection.execute(REST, dead)
            receivers.let_go()
            phases.append(await _phase(receivers, loop, dead, phase_s))
        return Cost(phases, receivers.hung)


async def _phase(receivers: Receivers, loop: Deliveries, dead: Sequence[UUID], seconds: float) -> Phase:
    """What the living get for some seconds."""
    await asyncio.sleep(CALM_S)
    began, before = time.monotonic(), receivers.answered
    looks = []
    while time.monotonic() < began + seconds:
        looks.append((len(loop._open), sum(lane in loop._open for lane in dead)))
        await asyncio.sleep(LOOK_S)
    rate = (receivers.answered - before) / (time.monotonic() - began)
    return Phase(rate, *(fmean(column) for column in zip(*looks, strict=True)))


@contextmanager
def _one_item_in_a_batch() -> Iterator[None]:
    """Pushes are counted, not items: small batches make short queues do."""
    before, claiming.MAX_BATCH = claiming.MAX_BATCH, 1
    try:
        yield
    finally:
        claiming.MAX_BATCH = before


@asynccontextmanager
async def _pushing(database: Database) -> AsyncIterator[Deliveries]:
    """A worker's loop, wired as a worker wires it."""
    clock = DatabaseClock()
    pool = await asyncpg.create_pool(database.dsn, min_size=1, max_size=6, connect=lambda *_, **__: database.connect())
    adapters = Adapters(HttpSigner(KeySigner(generate_key("ES256"), "A" * 43)), clock)

    @asynccontextmanager
    async def acquire() -> AsyncIterator[asyncpg.Connection]:
        async with pool.acquire() as lent:
            yield cast(asyncpg.Connection, lent)

    async def acknowledge(compact: bytes, *, address: str, request_id: str) -> bytes:
        raise AssertionError("nobody signs here")

    pusher = Pusher(HUB, Actor("host", "host:worker"), acquire, clock, adapters, acknowledge)
    stop = asyncio.Event()
    loop = Deliveries(database.connect, pusher)
    task = asyncio.create_task(loop.run(stop))
    try:
        yield loop
    finally:
        stop.set()
        await task
        await adapters.close()
        await pool.close()


async def _make_consumers(connection: asyncpg.Connection, url: str, dead_lanes: int, *, per_lane: int) -> list[UUID]:
    """The consumers with full queues; returns the lanes of the dead one."""
    world = await World.make(connection)
    provider = await world.system("provider-a")
    resources = [
        await world.resource(f"306001000001/{number:06d}", provider) for number in range(1, max(1, dead_lanes) + 1)
    ]
    exchange = await _make_exchange(world, provider.id, resources[0])
    lanes: list[UUID] = []
    dead: list[UUID] = []
    for number in range(CONSUMERS):
        system = await world.system(f"consumer-{number}")
        is_dead = number == 0
        for resource in resources if is_dead else resources[:1]:
            _, lane = await world.grant(system, resource)
            (dead if is_dead else lanes).append(lane)
        settings = {"url": f"{url}/{'dead' if is_dead else 'living'}", "networks": ["127.0.0.0/8"]}
        await connection.execute(SET_TARGET, system.id, settings)
    await world.change("UPDATE lane SET mode = 'push'")
    await world.change("UPDATE access_grant SET mode = 'push'")
    await connection.execute(QUEUE, [*lanes, *dead], exchange, per_lane)
    await connection.execute("ANALYZE")
    return dead


async def _make_exchange(world: World, sender: UUID, resource: UUID) -> UUID:
    """One exchange that all deliveries are of: what they hold costs nothing here."""
    identifier = new_id(world.now)
    await world.connection.execute(
        "INSERT INTO exchange (id, sender_id, jti, resource_id, version, digest, schema_digest, kid, envelope, data_key_id,"
        " deliveries, epoch, accepted_at) VALUES ($1, $2, 'j', $3, 1, $4, $4, 'kid', $5, 0, '{}', 1, $6)",
        identifier,
        sender,
        resource,
        bytes(32),
        b"a.b.c",
        world.now,
    )
    return identifier


def measure_at_length() -> Cost:
    """The cost on a server of its own, with long phases. Blocks."""
    with server_directory() as directory:
        postgres = EmbeddedPostgres(directory, binaries=binaries(), grace_s=0.0)
        with postgres:
            server = TestServer(postgres)
            try:
                return asyncio.run(_measure_in(server.create()))
            finally:
                server.close()


async def _measure_in(address: str) -> Cost:
    database = Database(address, application="test")
    try:
        return await measure(database, pairs=8, phase_s=2.0, lanes_of_the_dead=20)
    finally:
        await database.dispose()
