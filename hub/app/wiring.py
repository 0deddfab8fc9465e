"""Opens everything that one gateway process needs, in order, and closes it in the reverse order."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any, cast

import asyncpg

from certs.http_signature import HttpSigner
from hub.api.parts import Context
from hub.audit import repository as audit
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.checks import check_server, insist
from hub.db.clock import DatabaseClock
from hub.db.closing import close_pool
from hub.db.engine import Database
from hub.db.revision import current, head, is_unknown, too_new
from hub.delivery.making import Adapters
from hub.delivery.notary import HubNotary
from hub.delivery.pushing import Pusher
from hub.delivery.vault import Vault
from hub.errors import SetupError
from hub.exchange.acknowledging import Acknowledging
from hub.exchange.gate import Gate
from hub.exchange.inbox import Inbox
from hub.exchange.intake import Intake
from hub.exchange.refusals import RefusalLog
from hub.identity.parts import Identity
from hub.ledger.committer import Committer
from hub.registry.keyring import KeyRing
from hub.registry.masterkey import MasterKey, load_master_key
from hub.registry.picture_store import PictureStore
from hub.settings import Settings
from hub.worker.deliveries import Deliveries
from hub.worker.polling import Polls

COMMAND_TIMEOUT_S = 35.0
"""Beyond the server's own `statement_timeout`: whoever has not answered by then is not there any more."""

LAST_COUNTS_S = 2.0
"""As a process ends: how long the database has to take the last counts of refusals."""

POOL_SIZE = 6
"""Raw connections for pulls and acknowledgements of one gateway."""


@asynccontextmanager
async def open_context(settings: Settings, dsn: str, *, application: str = "shuniu-gateway") -> AsyncIterator[Context]:
    """The parts of one process on the database at `dsn`; what was accepted is finished before they close.

    Raises `SetupError` when the database is unsafe, older or newer than this code, or the hub is not initialised.
    """
    async with AsyncExitStack() as stack:
        database = Database(dsn, application=application, session_timeout_s=COMMAND_TIMEOUT_S)
        stack.push_async_callback(database.dispose)
        clock = DatabaseClock()
        async with database.connection(command_timeout_s=COMMAND_TIMEOUT_S) as connection:
            insist(await check_server(connection))
            asked_at = time.monotonic()
            clock.observe(await connection.fetchval("SELECT clock_timestamp()"), asked_at=asked_at)
        if (revision := await current(dsn, command_timeout_s=COMMAND_TIMEOUT_S)) != head():
            if revision is not None and is_unknown(revision):
                raise too_new(revision)
            raise not_initialised(str(settings.data))
        master_key = load_master_key(settings.master_key_path)
        async with database.session() as session:
            keyring = await KeyRing.load(session, master_key)
            keyring.insist_on_hub_id(settings.hub_id)
            if (last := await audit.last_time(session)) is not None:
                clock.not_before(last)
        watched = watched_connect(database)
        pool = await asyncpg.create_pool(
            dsn,
            min_size=0,  # asyncpg keeps a floor up by itself, with a traceback for every try while the database is away
            max_size=POOL_SIZE,
            connect=lambda *_, **__: watched(),
            reset=_keep,
            init=_plan_each_time,
        )
        stack.push_async_callback(close_pool, pool)
        pictures = PictureStore(watched, reloaded=clock.not_before)
        await pictures.start()
        stack.push_async_callback(pictures.stop)
        committer = Committer(
            connect=watched,
            clock=clock,
            max_queue=settings.max_queue,
            max_queue_bytes=settings.max_queue_bytes,
        )
        await committer.start()
        stack.push_async_callback(committer.stop)
        yield _context(settings, database, clock, keyring, master_key, pictures, committer, pool)


@asynccontextmanager
async def open_pushing(context: Context) -> AsyncIterator[tuple[Deliveries, Polls]]:
    """The loops that push and that poll, with their adapters, which close with the block."""
    signer = context.keyring.signer("push")
    notary = HubNotary(context.settings.hub_id, signer, context.keyring, context.database.session)
    adapters = Adapters(HttpSigner(signer), context.clock, notary, Vault(context.identity.master_key))
    actor = Actor("host", "host:worker")
    pusher = Pusher(
        context.settings.hub_id,
        actor,
        context.acquire,
        context.clock,
        adapters,
        context.acknowledging.acknowledge,
    )
    connect = watched_connect(context.database)
    try:
        yield Deliveries(connect, pusher), Polls(connect, adapters, context.acknowledging.acknowledge)
    finally:
        await adapters.close()


@asynccontextmanager
async def counting(context: Context) -> AsyncIterator[None]:
    """Refusals that are only counted are written, regularly and once more at the end of the block."""
    flushing = asyncio.create_task(context.refusals.flush_regularly(context.acquire))
    try:
        yield
    finally:
        flushing.cancel()
        with suppress(asyncio.CancelledError):
            await flushing
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_COUNTS_S):
                await context.refusals.flush_last(context.acquire)


def watched_connect(database: Database) -> Callable[[], Coroutine[Any, Any, asyncpg.Connection]]:
    """Opens connections that notice a database which went away without a word: without a limit one waits for ever."""
    return partial(database.connect, command_timeout_s=COMMAND_TIMEOUT_S)


async def _keep(connection: asyncpg.Connection) -> None:
    """Connections go back as they are: every use of one is a transaction that has ended. One that has not is closed."""
    if connection.is_in_transaction():
        connection.terminate()


async def _plan_each_time(connection: asyncpg.Connection) -> None:
    """Lanes differ a thousandfold in length: a plan made for one is a scan of the whole queue for another."""
    await connection.execute("SET plan_cache_mode = force_custom_plan")


def _context(
    settings: Settings,
    database: Database,
    clock: DatabaseClock,
    keyring: KeyRing,
    master_key: MasterKey,
    pictures: PictureStore,
    committer: Committer,
    pool: asyncpg.Pool,
) -> Context:
    @asynccontextmanager
    async def acquire() -> AsyncIterator[asyncpg.Connection]:
        async with pool.acquire() as lent:
            try:
                yield cast(asyncpg.Connection, lent)
            except (asyncio.CancelledError, TimeoutError):
                lent.terminate()  # to give it back would be to wait until the database has heard of it, which may say nothing
                raise

    refusals = RefusalLog(settings.hub_id, committer)
    gate = Gate(
        hub_id=settings.hub_id,
        skew_s=settings.clock_skew_s,
        max_bytes=settings.max_envelope_bytes,
        pictures=pictures,
        refusals=refusals,
        acquire=acquire,
        clock=clock,
    )
    inbox = Inbox(settings.hub_id, acquire, pictures, clock)
    committer.committed = inbox.arrivals.wake
    return Context(
        settings=settings,
        database=database,
        clock=clock,
        recorder=Recorder(settings.hub_id, settings.region),
        keyring=keyring,
        identity=Identity.open(settings, keyring, master_key),
        pictures=pictures,
        committer=committer,
        acquire=acquire,
        refusals=refusals,
        intake=Intake(gate, committer, keyring.signer("receipt"), keyring.signer("projection")),
        inbox=inbox,
        acknowledging=Acknowledging(gate, acquire),
    )


def not_initialised(data: str) -> SetupError:
    """The hub has no keys or no schema yet."""
    return SetupError(
        f"数据库尚未初始化或迁移到本版本；请运行 shuniu init 或 shuniu migrate --data {data}",
        f"the database is not initialised or not migrated to this release; run shuniu init or shuniu migrate --data {data}",
    )
