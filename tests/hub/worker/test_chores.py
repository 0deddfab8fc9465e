"""What has outlived its use is cleared, and what has not stays."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import asyncpg
import pytest

from hub.db.engine import Database
from hub.db.ids import new_id
from hub.worker.chores import KEEP_ACCEPTANCES, KEEP_ATTEMPTS, KEEP_IMPORTS, KEEP_REFUSALS, Chores, run

ATTEMPT = """
INSERT INTO attempt (id, lane_id, fence, holder, first_sequence, count, started_at, expires_at, ended_at, outcome)
VALUES ($1, $2, 1, $2, 1, 1, now(), now(), $3, CASE WHEN $3::timestamptz IS NULL THEN NULL ELSE 'failed' END)
"""
ACCEPTANCE = "INSERT INTO acceptance VALUES ('s', $1, 'exchange', sha256('x'), $2, 'r', $3)"
IMPORT = """
INSERT INTO catalogue_import (id, organisation_id, staff_id, actor, file, file_digest, options, state, good_rows, done, total,
    attempts, fence, created_at, updated_at)
SELECT gen_random_uuid(), o.id, s.id, '{}', '', 'sha-256:' || repeat('0', 64), '{}', 'cancelled', false, 0, 0, 0, 0, $1, $1
FROM organisation o, staff s
"""
PEOPLE = """
INSERT INTO organisation (id, code, name, region, state, created_at)
VALUES (gen_random_uuid(), '11320982014392332G', '示例单位', '621124', 'active', now());
INSERT INTO staff (id, login, display_name, state, created_at, updated_at)
VALUES (gen_random_uuid(), 'editor', '示例', 'active', now(), now())
"""
REFUSAL = "INSERT INTO refusal_count VALUES ($1, 'bad-signature', $2, 1)"


async def test_what_is_older_than_its_time_goes_and_all_else_stays(database: Database) -> None:
    now = datetime.now(UTC)
    second = timedelta(seconds=1)
    async with database.connection() as connection:
        ends = {"old": (KEEP_ATTEMPTS + second, now), "open": (KEEP_ATTEMPTS + second, None), "new": (second, now)}
        for age, ended in ends.values():
            await connection.execute(ATTEMPT, new_id(now - age), uuid4(), ended)
        for jti, age in (("old", KEEP_ACCEPTANCES + second), ("new", KEEP_ACCEPTANCES - second)):
            await connection.execute(ACCEPTANCE, jti, uuid4(), now - age)
        for address, age in (("old", KEEP_REFUSALS + second), ("new", KEEP_REFUSALS - second)):
            await connection.execute(REFUSAL, now - age, address)
        await connection.execute(PEOPLE)
        for age in (KEEP_IMPORTS + second, KEEP_IMPORTS - second):
            await connection.execute(IMPORT, now - age)
        await Chores(connection, now).do()
        assert await connection.fetchval("SELECT count(*) FROM catalogue_import") == 1
        attempts = await connection.fetch("SELECT ended_at IS NULL AS open FROM attempt ORDER BY id")
        assert [row["open"] for row in attempts] == [True, False]
        assert await connection.fetchval("SELECT string_agg(jti, ',') FROM acceptance") == "new"
        assert await connection.fetchval("SELECT string_agg(address, ',') FROM refusal_count") == "new"


class Refusing:
    """A connection to a database that refuses one kind of statement, by what it contains."""

    def __init__(self, connection: asyncpg.Connection, refused: str) -> None:
        self._connection, self._refused = connection, refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetchval(self, query: str, *args: object) -> Any:
        if self._refused in query:
            query = "SELECT 1 / 0"
            args = ()
        return await self._connection.fetchval(query, *args)


@pytest.mark.parametrize("refused", ["to_regclass", "DELETE FROM acceptance", "DELETE FROM attempt"])
async def test_a_chore_that_fails_is_told_and_stops_no_other(
    database: Database, caplog: pytest.LogCaptureFixture, refused: str
) -> None:
    now = datetime.now(UTC)
    async with database.connection() as connection:
        await connection.execute(REFUSAL, now - KEEP_REFUSALS - timedelta(seconds=1), "old")
        await Chores(cast(asyncpg.Connection, Refusing(connection, refused)), now).do()
        assert await connection.fetchval("SELECT count(*) FROM refusal_count") == 0
    (failed,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert failed.__dict__["sqlstate"] == "22012"


async def test_who_is_told_to_stop_clears_no_further_piece(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.worker.chores.CLEAR_AT_ONCE", 1)
    now, stop = datetime.now(UTC), asyncio.Event()
    async with database.connection() as connection:
        for jti in ("one", "two"):
            await connection.execute(ACCEPTANCE, jti, uuid4(), now - KEEP_ACCEPTANCES - timedelta(seconds=1))
        chores = Chores(connection, now, stop)
        stop.set()
        await chores.do()
        assert await connection.fetchval("SELECT count(*) FROM acceptance") == 2
        stop.clear()
        await chores.do()
        assert await connection.fetchval("SELECT count(*) FROM acceptance") == 0


async def test_a_database_that_is_away_is_waited_for_and_the_chores_are_done_when_it_is_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.worker.chores.EVERY_S", 0.01)
    stop, tried = asyncio.Event(), 0

    async def connect() -> asyncpg.Connection:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise ConnectionRefusedError
        return await database.connect()

    async with database.connection() as connection, asyncio.timeout(60):
        await connection.execute(REFUSAL, datetime.now(UTC) - KEEP_REFUSALS - timedelta(seconds=1), "old")
        running = asyncio.create_task(run(connect, stop))
        while await connection.fetchval("SELECT count(*) FROM refusal_count"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        stop.set()
        await running
    assert tried > 1


async def test_exchanges_are_looked_through_less_often_than_the_other_chores_are_done(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.worker.chores.EVERY_S", 0.01)
    stop, rounds, looks = asyncio.Event(), 0, 0

    async def connect() -> asyncpg.Connection:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            stop.set()
        return await database.connect()

    async def look(_: asyncpg.Connection, __: asyncio.Event) -> int:
        nonlocal looks
        looks += 1
        return 0

    monkeypatch.setattr("hub.worker.chores.freshness.note_data", look)
    async with asyncio.timeout(60):
        await run(connect, stop)
    assert (rounds, looks) == (3, 1)
