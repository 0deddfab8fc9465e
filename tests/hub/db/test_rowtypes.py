"""The binary form of arrays of rows, read back by a real server."""

import os
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from hub.db import rowtypes
from hub.db.engine import Database
from hub.db.rowtypes import bytea, int4, int8, jsonb, record, text, timestamptz, uuid, uuids

TYPE = (
    "CREATE TYPE several AS (b bytea, t text, u uuid, i integer, l bigint, z timestamptz, us uuid[], j jsonb,"
    " none jsonb)"
)
START = datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize("count", [0, 1, 2, 300])
async def test_rows_arrive_as_they_were(database: Database, count: int) -> None:
    connection = await database.connect()
    await connection.execute(TYPE)
    await rowtypes.teach(connection, "several")
    rows = [
        (
            os.urandom(n % 50),
            f"值 {n}",
            uuid4(),
            n - 150,
            n * 10**12,
            START + timedelta(days=n, microseconds=n),
            [uuid4() for _ in range(n % 3)],
        )
        for n in range(count)
    ]
    written = [
        record(
            bytea(data),
            text(word),
            uuid(identifier),
            int4(small),
            int8(large),
            timestamptz(moment),
            uuids(identifiers),
            jsonb(b'{"n": %d}' % n),
            jsonb(None),
        )
        for n, (data, word, identifier, small, large, moment, identifiers) in enumerate(rows)
    ]
    found = await connection.fetch("SELECT * FROM unnest($1::several[])", written)
    assert [tuple(row) for row in found] == [(*row, {"n": n}, None) for n, row in enumerate(rows)]
    await connection.close()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [([text("one")], "wrong number of columns: 1, expected 2"), ([text("one"), int8(1)], "type:? 20")],
)
async def test_a_row_of_another_form_is_refused_by_the_server(
    database: Database, fields: list[bytes], reason: str
) -> None:
    connection = await database.connect()
    await connection.execute("CREATE TYPE pair AS (a text, b integer)")
    await rowtypes.teach(connection, "pair")
    with pytest.raises(asyncpg.PostgresError, match=reason):
        await connection.fetch("SELECT * FROM unnest($1::pair[])", [record(*fields)])
    await connection.close()


async def test_such_a_value_is_not_read(database: Database) -> None:
    connection = await database.connect()
    await connection.execute("CREATE TYPE pair AS (a text, b integer)")
    await rowtypes.teach(connection, "pair")
    with pytest.raises(ValueError, match="never read"):
        await connection.fetchval("SELECT ARRAY[ROW('one', 1)]::pair[]")
    await connection.close()
