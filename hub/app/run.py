"""The whole hub on one machine: a supervisor that starts gateways and workers, and starts them again.

It and whoever asks it for a port or for variables need nothing of what those processes are made of.
"""

import asyncio
import contextlib
import logging
import os
import socket
import sys
import time

from hub.app import logs
from hub.app.ending import ending_signals
from hub.app.upkeep import database_address, in_words, insist_on_own_keys, migrate_and_prepare
from hub.errors import SetupError
from hub.registry.masterkey import load_master_key
from hub.settings import Settings

log = logging.getLogger(__name__)


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


def up(settings: Settings) -> None:
    """Migrate, then run gateways and workers as processes until SIGTERM or SIGINT; one that dies is started again."""
    logs.configure()
    load_master_key(settings.master_key_path)
    with database_address(settings) as dsn:
        with in_words():
            asyncio.run(migrate_and_prepare(settings, dsn))
            asyncio.run(insist_on_own_keys(settings, dsn))
        listen(settings, shared=False).close()
        asyncio.run(_supervise(settings))


RESTART_DELAY_S = 1.0
MAX_RESTART_DELAY_S = 30.0
"""Twice as long each time that a process ends within this time of its start: what is wrong then is not mended by haste."""

STOP_S = 60.0
"""A gateway ends within 30 s, a worker within 20, also where the database says nothing; one that hangs in a folder of a
network that is gone would never."""


async def _supervise(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in ending_signals():
        loop.add_signal_handler(number, stop.set)
    commands = [["gateway", "--shared-port"]] * settings.gateways + [["worker"]] * settings.workers
    await asyncio.gather(*(_keep_running(settings, command, stop) for command in commands))


async def _keep_running(settings: Settings, command: list[str], stop: asyncio.Event) -> None:
    delay_s = RESTART_DELAY_S
    while not stop.is_set():
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hub", *command, "--ends-with-starter"),
            stdin=asyncio.subprocess.PIPE,  # ends with us, however we end
            env=os.environ | environment(settings),
            start_new_session=True,
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
        if time.monotonic() - began >= MAX_RESTART_DELAY_S:
            delay_s = RESTART_DELAY_S
        extra = {"command": command[0], "status": process.returncode, "after_s": delay_s}
        log.error("a process ended and is started again", extra=extra)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await stop.wait()
        delay_s = min(delay_s * 2, MAX_RESTART_DELAY_S)


def environment(settings: Settings) -> dict[str, str]:
    """The settings as variables, for the processes that a command starts."""
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is not None:
            shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            values[f"SHUNIU_{name.upper()}"] = ",".join(map(str, shown)) if isinstance(shown, tuple) else str(shown)
    return values
