"""What stops the sealer is said aloud and stops nothing else."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certs.checkpoint import verifier_key
from certs.suites import KeySigner
from hub.audit import repository
from hub.audit.backlog import look, overdue
from hub.audit.entry import Actor, Event, make_entry
from hub.audit.sealer import Sealer
from hub.db.engine import Database
from hub.worker import sealing

WITHIN_S = 30.0


def sealer() -> Sealer:
    key = Ed25519PrivateKey.generate()
    return Sealer.of(KeySigner(key, "log"), verifier_key("test-hub", key.public_key()))


async def append(connection: asyncpg.Connection, *, event: str = "x.tested", age_s: float = 0) -> None:
    now = datetime.now(UTC) - timedelta(seconds=age_s)
    entry = make_entry(Event(event, Actor("host", "host:t"), "system", "s"), hub="test-hub", now=now)
    await repository.insert(connection, [entry])


async def spoilt(connection: asyncpg.Connection) -> None:
    """A tile that is not what was signed."""
    await connection.execute(
        "ALTER TABLE log_tile DISABLE TRIGGER USER; UPDATE log_tile SET hashes = sha256('x');"
        " ALTER TABLE log_tile ENABLE TRIGGER USER"
    )


async def mended(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "ALTER TABLE log_tile DISABLE TRIGGER USER;"
        " UPDATE log_tile SET hashes = (SELECT leaf_hash FROM log_entry e JOIN sealed_entry s USING (id) WHERE leaf_index = 0);"
        " ALTER TABLE log_tile ENABLE TRIGGER USER"
    )


@asynccontextmanager
async def sealing_in_the_background(database: Database) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(sealing.run(database.connect, sealer(), stop))
    try:
        yield task
    finally:
        stop.set()
        await task


async def until_told(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    async with asyncio.timeout(WITHIN_S):
        while True:
            for record in caplog.records:
                if record.levelno >= logging.ERROR:
                    return record
            await asyncio.sleep(0.02)


async def test_a_tile_that_is_not_what_was_signed_stops_sealing_until_it_is_mended(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "REST_S", 0.05)
    async with database.connection() as connection:
        await append(connection)
        await sealer().round(connection)
        await spoilt(connection)
        await append(connection)
        async with sealing_in_the_background(database) as task:
            record = await until_told(caplog)
            assert record.__dict__["reason"]
            assert not task.done()
            assert (await look(connection)).waiting == 1
            await mended(connection)
            async with asyncio.timeout(WITHIN_S):
                while (await look(connection)).waiting:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)


async def test_an_entry_that_the_database_refuses_to_number_is_an_error_with_its_sqlstate(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with database.connection() as connection:
        await append(connection)
        await sealer().round(connection)
        await connection.execute("INSERT INTO log_pending SELECT id, sha256('x') FROM sealed_entry")
        async with sealing_in_the_background(database) as task:
            record = await until_told(caplog)
            assert record.__dict__["sqlstate"] == "23505"
            assert not task.done()


async def test_the_backlog_tells_how_much_waits_since_when_and_which_promises_are_broken(database: Database) -> None:
    async with database.connection() as connection:
        assert ((await look(connection)).waiting, (await look(connection)).oldest_s) == (0, 0.0)
        await append(connection, age_s=90)
        await append(connection, event="exchange.accepted", age_s=70)
        await append(connection, event="exchange.accepted")
        found = await look(connection)
        assert found.waiting == 3
        assert 89 < found.oldest_s < 120
        assert await overdue(connection, timedelta(seconds=60)) == 1
        await sealer().round(connection)
        assert (await look(connection)).checkpoint_size == 3
        assert await overdue(connection, timedelta(seconds=60)) == 0


@pytest.mark.parametrize(("first", "soon"), [(sealing.MANY, True), (sealing.MANY - 1, False)])
async def test_while_much_comes_in_rounds_come_often(
    database: Database, monkeypatch: pytest.MonkeyPatch, first: int, soon: bool
) -> None:
    monkeypatch.setattr(sealing, "EVERY_S", 3600.0)
    async with database.connection() as connection:
        now = datetime.now(UTC)
        event = Event("x.tested", Actor("host", "host:t"), "system", "s")
        await repository.insert(connection, [make_entry(event, hub="test-hub", now=now) for _ in range(first)])
        async with sealing_in_the_background(database):
            await until_sealed(connection, WITHIN_S)
            await append(connection)
            if soon:
                await until_sealed(connection, WITHIN_S)
            else:
                with pytest.raises(TimeoutError):
                    await until_sealed(connection, sealing.OFTEN_S * 5)


async def until_sealed(connection: asyncpg.Connection, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while (await look(connection)).waiting:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
