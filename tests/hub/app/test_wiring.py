"""How a process is wired: its connections notice a database that says nothing, and what it counted it writes."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from hub.api.context import Context
from hub.app import gateway, wiring, worker
from hub.app.ending import open_unless
from hub.audit.sealer import Sealer
from hub.db import engine
from hub.errors import SetupError
from hub.settings import Settings
from hub.worker import chores, sealing
from tests.support.gateway import running_gateway

Connect = Callable[[], Awaitable[asyncpg.Connection]]

WATCHED_S = 2.5
"""What a command may take: little enough to wait for, long enough for every other command on a machine that is busy."""


async def insist_on_watch(connection: asyncpg.Connection) -> None:
    """The connection gives up on a database that takes too long to say anything."""
    async with asyncio.timeout(25):
        with pytest.raises(TimeoutError):
            await connection.execute("SELECT pg_sleep(29)")


async def insist_on_watched(connect: Connect) -> None:
    """What it opens gives up in time."""
    connection = await connect()
    await insist_on_watch(connection)
    await connection.close()


async def test_no_connection_waits_for_ever(database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "COMMAND_TIMEOUT_S", WATCHED_S)
    async with running_gateway(database_dsn, tmp_path / "data") as gateway:
        async with gateway.context.acquire() as connection:
            await insist_on_watch(connection)
        async with wiring.open_pushing(gateway.context) as loops:
            for loop in loops:
                await insist_on_watched(loop.connect)
        async with asyncio.timeout(25):
            with pytest.raises(TimeoutError):
                async with gateway.context.transaction() as session:
                    await session.execute(text("SELECT pg_sleep(29)"))


async def test_a_database_of_a_newer_release_is_named_as_such_and_an_older_one_is_to_be_migrated(
    database_dsn: str, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path, database_url=None)
    connection = await asyncpg.connect(database_dsn)
    for revision, said in (("9999", "install the release that made it"), ("0018", "shuniu migrate")):
        await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
        with pytest.raises(SetupError, match=said):
            async with wiring.open_context(settings, database_dsn, application="test"):
                pass
    await connection.close()


async def test_a_worker_watches_its_connections_and_writes_the_refusals_that_it_counted(
    database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Context] = []
    chores_done = asyncio.Event()

    @asynccontextmanager
    async def seen(context: Context) -> AsyncIterator[object]:
        opened.append(context)
        async with wiring.open_pushing(context) as loops:
            yield loops

    async def look_once(connect: Connect, stop: asyncio.Event) -> None:
        await insist_on_watched(connect)
        context = opened[0]
        context.refusals.count("bad-signature", "10.1.2.3", now=context.clock())
        chores_done.set()
        await stop.wait()

    async def fail_then(connect: Connect, sealer: Sealer, stop: asyncio.Event) -> None:
        await insist_on_watched(connect)
        await chores_done.wait()
        opened[0].committer.failed()

    monkeypatch.setattr(worker, "open_pushing", seen)
    monkeypatch.setattr(chores, "run", look_once)
    monkeypatch.setattr(sealing, "run", fail_then)
    async with running_gateway(database_dsn, tmp_path / "data") as gateway:
        monkeypatch.setattr(wiring, "COMMAND_TIMEOUT_S", WATCHED_S)
        async with asyncio.timeout(60):
            await worker._work(gateway.context.settings, database_dsn)
        async with gateway.context.acquire() as connection:
            rows = await connection.fetch("SELECT cause, address, count FROM refusal_count")
        assert [tuple(row) for row in rows] == [("bad-signature", "10.1.2.3", 1)]
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)


@asynccontextmanager
async def silent_database() -> AsyncIterator[str]:
    """The address of a server that takes connections and says nothing."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://shuniu:x@127.0.0.1:{port}/shuniu?sslmode=disable"


@pytest.mark.sockets
async def test_a_worker_that_is_told_to_end_while_it_starts_does_so(tmp_path: Path) -> None:
    async with silent_database() as dsn:
        working = asyncio.create_task(worker._work(Settings(data=tmp_path), dsn))
        await asyncio.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(engine.CONNECT_S / 2):
            await working
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)


@pytest.mark.sockets
async def test_a_gateway_whose_starter_ends_while_it_starts_does_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starter: list[Callable[[], None]] = []
    monkeypatch.setattr(gateway, "when_starter_ends", starter.append)
    async with silent_database() as dsn:
        with socket.socket() as listener:
            serving = asyncio.create_task(
                gateway._serve(Settings(data=tmp_path), dsn, listener, ends_with_starter=True)
            )
            await asyncio.sleep(0.2)
            starter[0]()
            async with asyncio.timeout(engine.CONNECT_S / 2):
                await serving


async def test_what_cannot_be_opened_says_so_though_nobody_was_told_to_end() -> None:
    @asynccontextmanager
    async def late() -> AsyncIterator[None]:
        if not expected:
            raise TimeoutError("of its own")
        yield

    expected: list[str] = []

    async with AsyncExitStack() as stack:
        with pytest.raises(TimeoutError, match="of its own"):
            await open_unless(asyncio.Event(), stack, late())


@pytest.mark.parametrize("fault", [TimeoutError, asyncio.CancelledError])
async def test_a_connection_that_is_broken_off_is_not_given_back(
    database_dsn: str, tmp_path: Path, fault: type[BaseException]
) -> None:
    async with running_gateway(database_dsn, tmp_path / "data") as served:
        with contextlib.suppress(fault):
            async with served.context.acquire() as connection:
                first = await connection.fetchval("SELECT pg_backend_pid()")
                raise fault
        async with served.context.acquire() as connection:
            assert await connection.fetchval("SELECT pg_backend_pid()") != first


@pytest.mark.parametrize("fault", [None, RuntimeError("as it was broken off")])
async def test_what_does_not_end_in_time_is_broken_off_and_the_worker_ends_in_order(
    monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    monkeypatch.setattr(worker, "ENDS_WITHIN_S", 0.01)
    stop, begun = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            if fault is not None:
                raise fault

    async with worker._ending(stop), asyncio.TaskGroup() as loops:
        loops.create_task(hang())
        await begun.wait()
        stop.set()


async def test_a_loop_that_fails_before_ends_the_worker_with_its_fault() -> None:
    async def fail() -> None:
        raise RuntimeError("in service")

    with pytest.raises(ExceptionGroup):
        async with worker._ending(asyncio.Event()), asyncio.TaskGroup() as loops:
            loops.create_task(fail())
