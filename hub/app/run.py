"""What the commands start: one gateway or worker, or all of them together."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from types import FrameType

import uvicorn
import uvloop

from hub.api.context import Context
from hub.app import logs
from hub.app.application import Front, create_app
from hub.app.protocol import BoundedProtocol
from hub.app.upkeep import database_address, migrate_and_prepare
from hub.app.wiring import open_context, open_pushing, watched_connect
from hub.audit.sealer import Sealer
from hub.db.faults import FAULTS
from hub.errors import SetupError
from hub.publishing.imports.running import Importer
from hub.registry.masterkey import load_master_key
from hub.settings import Settings
from hub.worker import chores, imports, providing, sealing

log = logging.getLogger(__name__)

GC_THRESHOLDS = (20_000, 20, 50)
"""Envelopes leave no cycles behind; at the default of 700 objects the collector ran for every second envelope."""

KEEP_ALIVE_S = 75
GRACE_S = 20
"""Time for requests under way when a gateway is told to stop; long polls are answered at once, nothing accepted is cut short."""


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
        if getattr(fault, "filename", None) is not None:  # a file's fault is not the database's
            raise
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
            loops.create_task(providing.run(context.database, context.recorder, context.clock, stop))
            loops.create_task(deliveries.run(stop))
            loops.create_task(polls.run(stop))
            loops.create_task(imports.run(Importer(context.database, context.clock, context.recorder), stop))


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
                async with asyncio.timeout(STOP_S):
                    await asyncio.shield(ended)
            if not ended.done():
                log.error("a process did not end and is killed", extra={"command": command[0], "pid": process.pid})
                process.kill()
                await ended
            return
        stopped.cancel()
        log.error("a process ended and is started again", extra={"command": command[0], "status": process.returncode})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RESTART_DELAY_S):
                await stop.wait()


def environment(settings: Settings) -> dict[str, str]:
    """The settings as variables, for the processes that a command starts."""
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is not None:
            shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            values[f"SHUNIU_{name.upper()}"] = ",".join(map(str, shown)) if isinstance(shown, tuple) else str(shown)
    return values
