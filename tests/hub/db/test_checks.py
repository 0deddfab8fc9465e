"""Start-up's conditions on the server, the clock's offset, the cost of a durable write."""

import time
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from hub.db.checks import check_server, clock_offset, fsync_cost, insist
from hub.db.engine import Database
from hub.db.errors import DatabaseUnsafe
from tests.support.postgres import TestServer


async def test_our_own_server_passes(database: Database) -> None:
    async with database.connection() as connection:
        checks = await check_server(connection)
    insist(checks)
    assert {check.name for check in checks} == {
        "server_version",
        "fsync",
        "full_page_writes",
        "synchronous_commit",
        "server_encoding",
        "primary",
    }


async def test_a_connection_without_synchronous_commit_is_refused_with_the_cure(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("SET synchronous_commit = off")
        checks = await check_server(connection)
    with pytest.raises(DatabaseUnsafe, match=r"synchronous_commit is off: set synchronous_commit = on"):
        insist(checks)


async def test_a_database_that_is_not_utf8_is_refused(postgres: TestServer) -> None:
    postgres.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' OWNER shuniu")
    connection = await asyncpg.connect(postgres.address("latin"))
    try:
        checks = await check_server(connection)
    finally:
        await connection.close()
        postgres.drop(postgres.address("latin"))
    with pytest.raises(DatabaseUnsafe, match="server_encoding is LATIN1"):
        insist(checks)


async def test_every_broken_condition_is_named(database: Database) -> None:
    async with database.connection() as connection:
        checks = await check_server(connection)
    broken = [replace(check, holds=False) for check in checks]
    with pytest.raises(DatabaseUnsafe) as caught:
        insist(broken)
    assert all(check.name in caught.value.zh and check.name in caught.value.en for check in checks)


async def test_the_offset_says_how_far_the_server_is_ahead(database: Database) -> None:
    async with database.connection() as connection:
        assert abs(await clock_offset(connection)) < 1
        assert await clock_offset(connection, lambda: time.time() - 60) == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        pytest.param([0, 200], -100, id="half of the round trip is the way there"),
        pytest.param([0, 6000, 1000, 1000, 0, 4000], -1000, id="the quickest of three counts"),
    ],
)
async def test_the_offset_takes_the_way_there_as_half_of_the_quickest_round_trip(
    database: Database, readings: list[float], expected: float
) -> None:
    ours = iter(readings)
    async with database.connection() as connection:
        offset = await clock_offset(connection, lambda: time.time() + next(ours), samples=len(readings) // 2)
    assert offset == pytest.approx(expected, abs=40)


def test_a_durable_write_costs_something(tmp_path: Path) -> None:
    assert 0 < fsync_cost(tmp_path, rounds=8) < 5_000_000
    assert list(tmp_path.iterdir()) == []
