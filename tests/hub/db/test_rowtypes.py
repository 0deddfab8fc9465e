"""The binary form of arrays of rows, read back by a real server."""

import os
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from hub.db import rowtypes
from hub.db.engine import Database

TYPE = (
    "CREATE TYPE several AS (b bytea, t text, u uuid, i integer, l bigint, z timestamptz, us uuid[], j jsonb,"
    " none jsonb)"
)
FIELDS = (
    rowtypes.bytea,
    rowtypes.text,
    rowtypes.uuid,
    rowtypes.int4,
    rowtypes.int8,
    rowtypes.timestamptz,
    rowtypes.uuids,
    rowtypes.jsonb,
    rowtypes.jsonb,
)


@pytest.mark.parametrize("count", [0, 1, 2, 300])
async def test_rows_arrive_as_they_were(database: Database, count: int) -> None:
    connection = await database.connect()
    await connection.execute(TYPE)
    await rowtypes.teach(connection, "several", *FIELDS)
    start = datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    rows = [
        (
            os.urandom(n % 50),
            f"值 {n}",
            uuid4(),
            n - 150,
            n * 10**12,
            start + timedelta(days=n, microseconds=n),
            [uuid4() for _ in range(n % 3)],
            b'{"n": %d}' % n,
            None,
        )
        for n in range(count)
    ]
    found = await connection.fetch("SELECT * FROM unnest($1::several[])", rows)
    assert [tuple(row) for row in found] == [(*row[:7], {"n": n}, None) for n, row in enumerate(rows)]
    await connection.close()


async def test_a_row_of_the_wrong_length_is_refused_before_it_is_sent(database: Database) -> None:
    connection = await database.connect()
    await connection.execute("CREATE TYPE pair AS (a text, b integer)")
    await rowtypes.teach(connection, "pair", rowtypes.text, rowtypes.int4)
    with pytest.raises(asyncpg.DataError, match="zip"):
        await connection.fetch("SELECT * FROM unnest($1::pair[])", [("one",)])
    await connection.close()


async def test_such_a_value_is_not_read(database: Database) -> None:
    connection = await database.connect()
    await connection.execute("CREATE TYPE pair AS (a text, b integer)")
    await rowtypes.teach(connection, "pair", rowtypes.text, rowtypes.int4)
    with pytest.raises(ValueError, match="never read"):
        await connection.fetchval("SELECT ARRAY[ROW('one', 1)]::pair[]")
    await connection.close()
