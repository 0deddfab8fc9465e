"""The binary form of arrays and records, read back by a real server."""

import os
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from hub.db import arrays
from hub.db.engine import Database

TYPE = "CREATE TYPE several AS (b bytea[], t text[], u uuid[], i integer[], l bigint[], z timestamptz[])"


@pytest.mark.parametrize("count", [0, 1, 2, 300])
async def test_arrays_arrive_as_they_were(database: Database, count: int) -> None:
    connection = await database.connect()
    await connection.execute(TYPE)
    await arrays.write_whole(connection, "several", arrays.record)
    binary = [os.urandom(n % 50) for n in range(count)]
    texts = [None if n % 7 == 3 else f"值 {n}" for n in range(count)]
    ids = [uuid4() for _ in range(count)]
    small = [n - 150 for n in range(count)]
    large = [n * 10**12 for n in range(count)]
    times = [
        datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC) + timedelta(days=n, microseconds=n) for n in range(count)
    ]
    value = [
        arrays.bytes_array(binary),
        arrays.text_array(texts),
        arrays.uuid_array(ids),
        arrays.int4_array(small),
        arrays.int8_array(large),
        arrays.timestamp_array(times),
    ]
    rows = await connection.fetch(
        "SELECT t.* FROM (SELECT $1::several AS v) s,"
        " unnest((v).b, (v).t, (v).u, (v).i, (v).l, (v).z) AS t (b, t, u, i, l, z)",
        value,
    )
    assert [tuple(row) for row in rows] == list(zip(binary, texts, ids, small, large, times, strict=True))
    await connection.close()


async def test_such_a_value_is_not_read(database: Database) -> None:
    connection = await database.connect()
    await connection.execute(TYPE)
    await arrays.write_whole(connection, "several", arrays.record)
    with pytest.raises(ValueError, match="never read"):
        await connection.fetchval("SELECT ROW(NULL, NULL, NULL, NULL, NULL, NULL)::several")
    await connection.close()
