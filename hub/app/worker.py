"""One worker as a process: the background loops, until it is told to stop."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop

from hub.app import logs
from hub.app.ending import bounded_after, ending_signals, open_unless, when_starter_ends
from hub.app.upkeep import database_address, in_words
from hub.app.wiring import counting, open_context, open_pushing, watched_connect
from hub.audit.sealer import Sealer
from hub.publishing.imports.running import Importer
from hub.registry.masterkey import load_master_key
from hub.settings import Settings
from hub.worker import chores, imports, providing, sealing

log = logging.getLogger(__name__)

ENDS_WITHIN_S = 12.0
"""Calls of pushes that are open have ten seconds of their own (`hub.worker.deliveries`)."""


def worker(settings: Settings, *, ends_with_starter: bool = False) -> None:
    """Run the background loops until SIGTERM or SIGINT; `ends_with_starter`: also until standard input ends. Raises `SetupError`."""
    logs.configure()
    load_master_key(settings.master_key_path)
    with database_address(settings) as dsn, in_words():
        uvloop.run(_work(settings, dsn, ends_with_starter=ends_with_starter))


@asynccontextmanager
async def _ending(stop: asyncio.Event) -> AsyncIterator[None]:
    """After `stop`, what is done in the block has `ENDS_WITHIN_S`; what waits for a silent database then is broken off."""

    try:
        async with bounded_after(stop, ENDS_WITHIN_S) as bounds:
            yield
    except TimeoutError:
        log.warning("work under way did not end in time and is broken off")
    except ExceptionGroup as faults:  # what some of it said as it was broken off
        if not bounds.expired():
            raise
        log.warning(
            "work under way is broken off", extra={"faults": [type(fault).__name__ for fault in faults.exceptions]}
        )


async def _work(settings: Settings, dsn: str, *, ends_with_starter: bool = False) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in ending_signals():
        loop.add_signal_handler(number, stop.set)
    if ends_with_starter:
        when_starter_ends(stop.set)
    async with AsyncExitStack() as stack:
        context = await open_unless(stop, stack, open_context(settings, dsn, application="shuniu-worker"))
        if context is None:
            return
        deliveries, polls = await stack.enter_async_context(open_pushing(context))
        connect = watched_connect(context.database)
        context.committer.failed = stop.set
        sealer = Sealer.of(context.keyring.signer("log"), context.keyring.log_verifier_key(settings.hub_id))
        log.info("worker ready", extra={"pid": os.getpid()})
        # should one end with an error, all end; the process is started again
        async with counting(context), _ending(stop), asyncio.TaskGroup() as loops:
            loops.create_task(chores.run(connect, stop))
            loops.create_task(sealing.run(connect, sealer, stop))
            loops.create_task(providing.run(context.database, context.recorder, context.clock, stop))
            loops.create_task(deliveries.run(stop))
            loops.create_task(polls.run(stop))
            loops.create_task(imports.run(Importer(context.database, context.clock, context.recorder), stop))
