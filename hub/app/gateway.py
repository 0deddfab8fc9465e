"""One gateway as a process: opens its parts, serves, and ends in good order."""

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from types import FrameType

import uvicorn
import uvloop

from hub.app import logs
from hub.app.application import Front, create_app
from hub.app.ending import ending_signals, open_unless, when_starter_ends
from hub.app.protocol import BoundedProtocol
from hub.app.run import listen
from hub.app.upkeep import database_address, in_words
from hub.app.wiring import counting, open_context
from hub.registry.masterkey import load_master_key
from hub.settings import Settings

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 75
GRACE_S = 20
"""Time for requests under way when a gateway is told to stop; long polls are answered at once, nothing accepted is cut short."""


def gateway(settings: Settings, *, shared_port: bool = False, ends_with_starter: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; what was accepted is finished and answered first.

    `shared_port`: other gateways of this machine listen on the same port; `ends_with_starter`: also when standard input ends.
    Raises `SetupError`.
    """
    logs.configure()
    load_master_key(settings.master_key_path)  # who has none was never initialised: say so before a database is made
    with database_address(settings) as dsn, listen(settings, shared=shared_port) as listener, in_words():
        uvloop.run(_serve(settings, dsn, listener, ends_with_starter=ends_with_starter))


async def _serve(settings: Settings, dsn: str, listener: socket.socket, *, ends_with_starter: bool) -> None:
    told = asyncio.Event()
    if ends_with_starter:
        when_starter_ends(told.set)
    async with AsyncExitStack() as stack:
        context = await open_unless(told, stack, open_context(settings, dsn))
        if context is None:
            return
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
        log.info("gateway ready", extra={"host": settings.host, "port": listener.getsockname()[1], "pid": os.getpid()})
        server = _Server(config, ending=context.inbox.arrivals.close)
        context.committer.failed = partial(setattr, server, "should_exit", True)
        _end_when_told(server)
        ending = asyncio.create_task(_end_once(told, server))
        try:
            async with counting(context):
                await server.serve(sockets=[listener])
        finally:
            ending.cancel()


async def _end_once(told: asyncio.Event, server: uvicorn.Server) -> None:
    await told.wait()
    server.should_exit = True


class _Server(uvicorn.Server):
    """uvicorn's, which waits for what is under way as it ends; `ending` is told before, for long polls need not be."""

    def __init__(self, config: uvicorn.Config, *, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go what only waits, then shut down."""
        self._ending()
        await super().shutdown(sockets)


def _end_when_told(server: uvicorn.Server) -> None:
    """What a signal does before uvicorn listens for it, which must not lose it, and when uvicorn raises it again after its end.

    An orderly end exits with 0.
    """

    def end(_: int, __: FrameType | None) -> None:
        server.should_exit = True

    for number in ending_signals():
        signal.signal(number, end)
