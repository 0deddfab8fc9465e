"""What the commands start: setting a hub up, one gateway or worker, all of them together, and the doctor."""

import asyncio
import contextlib
import gc
import getpass
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType

import uvicorn
import uvloop
from sqlalchemy import text

from hub.api.context import Context
from hub.app import logs
from hub.app.application import Front, create_app
from hub.app.protocol import BoundedProtocol
from hub.app.wiring import open_context, open_pushing, watched_connect
from hub.audit.backlog import overdue
from hub.audit.entry import Actor, Event
from hub.audit.sealer import Sealer
from hub.audit.service import Recorder
from hub.db.checks import Check, check_server, clock_offset, fsync_cost, insist
from hub.db.clock import MAX_OFFSET_S
from hub.db.embedded import EmbeddedPostgres
from hub.db.embedded.layout import Layout, make_data_directory
from hub.db.engine import Database
from hub.db.faults import FAULTS
from hub.db.migrate import migrate
from hub.db.partitions import ensure_partitions
from hub.errors import SetupError
from hub.exchange.intake import SEAL_WITHIN
from hub.identity.passwords import Passwords
from hub.identity.roles import Role
from hub.identity.staff import NewAccount, create_first_accounts
from hub.registry.keyring import KeyRing, create_keys
from hub.registry.masterkey import create_master_key, load_master_key
from hub.settings import Settings
from hub.worker import chores, sealing

log = logging.getLogger(__name__)

GC_THRESHOLDS = (20_000, 20, 50)
"""Envelopes leave no cycles behind; at the default of 700 objects the collector ran for every second envelope."""

KEEP_ALIVE_S = 75
GRACE_S = 20
"""Time for requests under way when a gateway is told to stop; long polls are answered at once, nothing accepted is cut short."""

FIRST_ACCOUNTS = (
    NewAccount("sysadmin", "系统管理员 operator", frozenset({Role.OPERATOR})),
    NewAccount("secadmin", "安全管理员 security officer", frozenset({Role.SECURITY})),
    NewAccount("auditadmin", "审计管理员 auditor", frozenset({Role.AUDITOR})),
)
"""The three officers that GB/T 22239 separates; they propose and approve everybody else."""


_NOW = text("SELECT clock_timestamp()")
"""What the host does is dated by the database, as all else is: no gateway signs anything before the newest entry's time."""


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `initialise` made, beside the anchors in `DATA/trust`; the passwords are shown once and stored nowhere."""

    applied: list[str]
    passwords: dict[str, str]


@contextmanager
def database_address(settings: Settings) -> Iterator[str]:
    """The address of the hub's database: the configured one, or the embedded server, held for the length of the block."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with EmbeddedPostgres(settings.data) as server:
        yield server.dsn


def insist_on_database(settings: Settings) -> None:
    """Raises `SetupError` where there is nothing to look at: a mistyped folder would get a new database, and all seem well."""
    if settings.database_url is None and not Layout(settings.data).cluster.exists():
        raise SetupError(
            f"{settings.data} 里没有枢纽的数据库；请核对 --data 或 SHUNIU_DATA，新建枢纽请运行 shuniu init",
            f"there is no hub's database in {settings.data}; check --data or SHUNIU_DATA, a new hub is made by shuniu init",
        )


def host_actor() -> Actor:
    """Who acts from the host itself (`host:<user>`), for the few commands that touch the database."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = f"uid-{os.getuid()}"
    return Actor(kind="host", id=f"host:{name}")


def initialise(
    settings: Settings, *, organisation: str = "临洮县", accounts: tuple[NewAccount, ...] = FIRST_ACCOUNTS
) -> Initialised:
    """Make the data folder, the schema, the master key, the hub's keys and the first accounts.

    Raises `SetupError` where any of it exists already: nothing is overwritten.
    """
    make_data_directory(settings.data)
    with database_address(settings) as dsn:
        return asyncio.run(_initialise(settings, dsn, organisation, accounts))


async def _initialise(settings: Settings, dsn: str, organisation: str, accounts: tuple[NewAccount, ...]) -> Initialised:
    applied = await migrate_and_prepare(settings, dsn)
    master_key = create_master_key(settings.master_key_path)
    database = Database(dsn, application="shuniu-init")
    recorder, actor = Recorder(settings.hub_id, settings.region), host_actor()
    try:
        async with database.session() as session, session.begin():
            now = (await session.execute(_NOW)).scalar_one()
            await create_keys(session, master_key, hub_id=settings.hub_id, organisation_name=organisation, now=now)
            recorder.record(session, Event("hub.initialised", actor, "hub", settings.hub_id), now=now)
            passwords = await create_first_accounts(
                session, accounts, passwords=Passwords(), actor=actor, recorder=recorder, now=now
            )
        async with database.session() as session:
            write_trust(settings, await KeyRing.load(session, master_key))
    finally:
        await database.dispose()
    return Initialised(applied, passwords)


def write_trust(settings: Settings, keyring: KeyRing) -> None:
    """The anchors that partners and auditors are given, into `DATA/trust`: `ca.pem`, `hub.pem`, `push.pem`, `log.pub`."""
    folder = settings.data / "trust"
    folder.mkdir(mode=0o755, exist_ok=True)
    (folder / "ca.pem").write_bytes(keyring.ca_pem())
    (folder / "hub.pem").write_bytes(keyring.receipt_certificate_pem())
    (folder / "push.pem").write_bytes(keyring.chain_pem(keyring.certificate("push")))
    (folder / "log.pub").write_text(keyring.log_verifier_key(settings.hub_id) + "\n", encoding="ascii")


async def migrate_and_prepare(settings: Settings, dsn: str) -> list[str]:
    """Insist on a safe server, bring the schema up to date and make the partitions; returns the revisions applied.

    Each revision is an act of the host's user in the log.
    """
    database = Database(dsn, application="shuniu-migrate")
    async with database.connection() as connection:
        insist(await check_server(connection))
    applied = await migrate(dsn)
    async with database.connection() as connection:
        now = await connection.fetchval("SELECT clock_timestamp()")
        await ensure_partitions(connection, now)
    try:
        async with database.session() as session, session.begin():
            for revision in applied:
                event = Event("hub.migrated", host_actor(), "schema", revision)
                Recorder(settings.hub_id, settings.region).record(session, event, now=now)
    finally:
        await database.dispose()
    return applied


def gateway(settings: Settings, *, shared_port: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; what was accepted is finished and answered first.

    `shared_port`: other gateways of this machine listen on the same port. Raises `SetupError`.
    """
    logs.configure()
    load_master_key(settings.master_key_path)  # who has none was never initialised: say so before a database is made
    with database_address(settings) as dsn, listen(settings, shared=shared_port) as listener, _in_words():
        uvloop.run(_serve(settings, dsn, listener))


async def _serve(settings: Settings, dsn: str, listener: socket.socket) -> None:
    async with open_context(settings, dsn) as context:
        app = create_app(context)
        config = uvicorn.Config(
            Front(app),
            http=BoundedProtocol,
            ws="none",
            interface="asgi3",
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
            backlog=1024,
        )
        app.openapi()
        gc.collect()
        gc.freeze()  # what start-up made stays: collections no longer walk it
        gc.set_threshold(*GC_THRESHOLDS)
        log.info("gateway ready", extra={"host": settings.host, "port": listener.getsockname()[1], "pid": os.getpid()})
        server = _Server(config, ending=context.inbox.arrivals.close)
        context.committer.failed = partial(setattr, server, "should_exit", True)
        _ignore_after_shutdown()
        async with _counting(context):
            await server.serve(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn's, which waits for what is under way as it ends; `ending` is told before, for long polls need not be."""

    def __init__(self, config: uvicorn.Config, *, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go what only waits, then shut down."""
        self._ending()
        await super().shutdown(sockets)


@contextlib.asynccontextmanager
async def _counting(context: Context) -> AsyncIterator[None]:
    """Refusals that are only counted are written, regularly and once more at the end of the block."""
    counting = asyncio.create_task(context.refusals.flush_regularly(context.acquire))
    try:
        yield
    finally:
        counting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await counting
        await context.refusals.flush_last(context.acquire)


def listen(settings: Settings, *, shared: bool) -> socket.socket:
    """The listening socket. Raises `SetupError` when the port is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as fault:
        listener.close()
        raise SetupError(
            f"无法监听 {settings.host}:{settings.port}（{fault.strerror}）；请用 --port 换一个端口，或停掉占用它的程序",
            f"cannot listen on {settings.host}:{settings.port} ({fault.strerror}); choose another --port or stop what uses it",
        ) from fault
    return listener


def _ignore_after_shutdown() -> None:
    """uvicorn raises the signal again once it has shut down; an orderly end exits with 0."""

    def nothing(_: int, __: FrameType | None) -> None:
        return

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, nothing)


def worker(settings: Settings) -> None:
    """Run the background loops until SIGTERM or SIGINT. Raises `SetupError`."""
    logs.configure()
    load_master_key(settings.master_key_path)
    with database_address(settings) as dsn, _in_words():
        uvloop.run(_work(settings, dsn))


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """A database that goes away while a process starts or ends is said in words: the driver's own say nothing to an operator."""
    try:
        yield
    except SetupError:
        raise
    except FAULTS as fault:
        raise SetupError(
            f"数据库在进程启动或结束时中断（{type(fault).__name__}）；请确认它在运行、能连上，再启动一次",
            f"the database went away while the process started or ended ({type(fault).__name__}); see that it runs and "
            "can be reached, then start again",
        ) from fault


async def _work(settings: Settings, dsn: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_context(settings, dsn, application="shuniu-worker") as context, open_pushing(context) as pushing:
        deliveries, polls = pushing
        connect = watched_connect(context.database)
        context.committer.failed = stop.set
        sealer = Sealer.of(context.keyring.signer("log"), context.keyring.log_verifier_key(settings.hub_id))
        log.info("worker ready", extra={"pid": os.getpid()})
        # should one end with an error, all end; the process is started again
        async with _counting(context), asyncio.TaskGroup() as loops:
            loops.create_task(chores.run(connect, stop))
            loops.create_task(sealing.run(connect, sealer, stop))
            loops.create_task(deliveries.run(stop))
            loops.create_task(polls.run(stop))


def up(settings: Settings) -> None:
    """Migrate, then run gateways and workers as processes until SIGTERM or SIGINT; one that dies is started again."""
    logs.configure()
    load_master_key(settings.master_key_path)
    with database_address(settings) as dsn:
        asyncio.run(migrate_and_prepare(settings, dsn))
        listen(settings, shared=False).close()
        asyncio.run(_supervise(settings))


RESTART_DELAY_S = 1.0

STOP_S = 60.0
"""A gateway ends within 25 s, a worker within 15; one that hangs in a folder of a network that is gone would never."""


async def _supervise(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    commands = [["gateway", "--shared-port"]] * settings.gateways + [["worker"]] * settings.workers
    await asyncio.gather(*(_keep_running(settings, command, stop) for command in commands))


async def _keep_running(settings: Settings, command: list[str], stop: asyncio.Event) -> None:
    while not stop.is_set():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub", *command, env=os.environ | environment(settings), start_new_session=True
        )
        ended = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(ended), STOP_S)
            if not ended.done():
                log.error("a process did not end and is killed", extra={"command": command[0], "pid": process.pid})
                process.kill()
                await ended
            return
        stopped.cancel()
        log.error("a process ended and is started again", extra={"command": command[0], "status": process.returncode})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RESTART_DELAY_S)


def environment(settings: Settings) -> dict[str, str]:
    """The settings as variables, for the processes that a command starts."""
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is not None:
            shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            values[f"SHUNIU_{name.upper()}"] = ",".join(map(str, shown)) if isinstance(shown, tuple) else str(shown)
    return values


def doctor(settings: Settings) -> list[Check]:
    """What the database promises, how its clock and disk do: every check with what was found. Raises `SetupError`."""
    insist_on_database(settings)
    with database_address(settings) as dsn:
        return asyncio.run(_examine(settings, dsn))


async def _examine(settings: Settings, dsn: str) -> list[Check]:
    async with Database(dsn, application="shuniu-doctor").connection() as connection:
        checks = await check_server(connection)
        offset = await clock_offset(connection)
        if await connection.fetchval("SELECT to_regclass('log_pending') IS NOT NULL"):
            late = await overdue(connection, SEAL_WITHIN)
            checks.append(
                Check(
                    "receipts_overdue",
                    str(late),
                    late == 0,
                    "凭证承诺的封存时间已过；请确认 worker 在运行，并看它的日志里为什么没有封存",
                    "receipts promised these entries sealed by now; see that a worker runs, and in its log why it does not seal",
                )
            )
    checks.append(
        Check(
            "clock_offset_s",
            f"{offset:+.3f}",
            abs(offset) <= MAX_OFFSET_S,
            f"本机与数据库的时钟相差超过 {MAX_OFFSET_S:.0f} 秒；请启用 NTP",
            f"clocks differ by more than {MAX_OFFSET_S:.0f} s; run NTP",
        )
    )
    cost = fsync_cost(settings.data) if settings.data.is_dir() else None
    if cost is not None:
        checks.append(
            Check(
                "fsync_us",
                f"{cost:.0f}",
                True,
                "一次写入落盘的微秒数（中位）",
                "microseconds for one write to reach the disk (median)",
            )
        )
    return checks
