"""Monthly partitions: made ahead, in months of UTC, with rows moved out of the default partition."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import asyncpg
import pytest

from hub.db import partitions
from hub.db.engine import Database
from hub.db.ids import new_id
from hub.db.partitions import PARTITIONED, ensure_partitions
from tests.support.locks import until_waiting

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def _add(connection: asyncpg.Connection, when: datetime) -> UUID:
    identifier = new_id(when)
    await connection.execute(
        "INSERT INTO log_entry (id, event, outcome, actor, object_type, object_id, occurred_at, leaf, leaf_hash)"
        " VALUES ($1, 'test', 'success', 'test', 'test', 'test', $2, '', $3)",
        identifier,
        when,
        bytes(32),
    )
    return identifier


async def _place(connection: asyncpg.Connection, identifier: UUID) -> str:
    place: str = await connection.fetchval("SELECT tableoid::regclass::text FROM log_entry WHERE id = $1", identifier)
    return place


async def test_this_month_and_the_next_ones_are_made_once_for_every_table(database: Database) -> None:
    async with database.connection() as connection:
        made = await ensure_partitions(connection, NOW, 2)
        assert made == [f"{table}_{month}" for table in PARTITIONED for month in ("2026_11", "2026_12", "2027_01")]
        assert await ensure_partitions(connection, NOW, 2) == []
        assert await ensure_partitions(connection, NOW + timedelta(days=31), 2) == [
            f"{table}_2027_02" for table in PARTITIONED
        ]


async def test_every_partitioned_table_is_known_and_has_a_default(database: Database) -> None:
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT partrelid::regclass::text AS name, partdefid::regclass::text AS fallback FROM pg_partitioned_table"
        )
    assert {row["name"]: row["fallback"] for row in rows} == {table: f"{table}_default" for table in PARTITIONED}


async def test_tables_that_only_grow_are_vacuumed_rarely(database: Database) -> None:
    """Months made by migrations, by chores, and what is not cut into months."""
    async with database.connection() as connection:
        await ensure_partitions(connection, NOW, 1)
        rows = await connection.fetch(
            "SELECT relname, reloptions FROM pg_class WHERE relname IN ('acceptance', 'sealed_entry')"
            " OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY ($1::text[]::regclass[]))"
            " AND relkind = 'r'",
            PARTITIONED,
        )
    assert len(rows) >= 2 + 3 * len(PARTITIONED)
    for row in rows:
        assert "autovacuum_vacuum_insert_threshold=10000000" in row["reloptions"], row["relname"]
        assert "autovacuum_analyze_scale_factor=1" in row["reloptions"], row["relname"]


async def test_rows_go_to_the_month_of_their_id_in_utc(database: Database) -> None:
    last_moment = datetime(2026, 11, 30, 23, 59, 59, 999000, tzinfo=UTC)
    async with database.connection() as connection:
        await ensure_partitions(connection, NOW, 1)
        assert await _place(connection, await _add(connection, last_moment)) == "log_entry_2026_11"
        assert (
            await _place(connection, await _add(connection, last_moment + timedelta(milliseconds=1)))
            == "log_entry_2026_12"
        )
        assert await _place(connection, await _add(connection, NOW + timedelta(days=300))) == "log_entry_default"


async def test_the_month_is_that_of_utc_wherever_now_was_read(database: Database) -> None:
    in_lintao = datetime(2027, 1, 1, 7, 30, tzinfo=timezone(timedelta(hours=8)))
    async with database.connection() as connection:
        assert await ensure_partitions(connection, in_lintao, 0, ["exchange"]) == ["exchange_2026_12"]


async def test_rows_in_the_default_partition_move_when_their_month_is_made(database: Database) -> None:
    async with database.connection() as connection:
        early = [await _add(connection, NOW + timedelta(days=day)) for day in (0, 1, 2)]
        other = await _add(connection, NOW + timedelta(days=300))
        assert await _place(connection, early[0]) == "log_entry_default"
        await ensure_partitions(connection, NOW, 0, ["log_entry"])
        assert [await _place(connection, identifier) for identifier in early] == ["log_entry_2026_11"] * 3
        assert await _place(connection, other) == "log_entry_default"
        assert await connection.fetchval("SELECT count(*) FROM log_entry") == 4


async def test_the_log_stays_append_only_in_made_and_default_partitions(database: Database) -> None:
    async with database.connection() as connection:
        await _add(connection, NOW)
        await _add(connection, NOW + timedelta(days=300))
        await ensure_partitions(connection, NOW, 1, ["log_entry"])
        await _add(connection, NOW + timedelta(days=15))
        for place in ("log_entry_2026_11", "log_entry_2026_12", "log_entry_default"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(f"DELETE FROM {place}")


async def test_made_partitions_have_the_indexes_of_their_table(database: Database) -> None:
    async with database.connection() as connection:
        await ensure_partitions(connection, NOW, 0)
        for table in PARTITIONED:
            counts = [
                await connection.fetchval("SELECT count(*) FROM pg_index WHERE indrelid = $1::regclass", name)
                for name in (table, f"{table}_default", f"{table}_2026_11")
            ]
            assert len(set(counts)) == 1
            assert await connection.fetchval(
                "SELECT bool_and(indexrelid IN (SELECT inhrelid FROM pg_inherits)) FROM pg_index"
                " WHERE indrelid = $1::regclass",
                f"{table}_2026_11",
            )


async def test_many_at_once_make_each_partition_once(database: Database) -> None:
    async def one() -> list[str]:
        async with database.connection() as connection:
            return await ensure_partitions(connection, NOW, 2)

    made = await asyncio.gather(*(one() for _ in range(6)))
    assert sorted(name for names in made for name in names) == sorted(
        f"{table}_{month}" for table in PARTITIONED for month in ("2026_11", "2026_12", "2027_01")
    )


async def test_intake_goes_on_while_partitions_are_made(database: Database) -> None:
    """An open transaction that has written to this month must not be waited for, nor hold the next month up."""
    async with database.connection() as writer, database.connection() as maker:
        await ensure_partitions(maker, NOW, 0)
        async with writer.transaction():
            await _add(writer, NOW)
            assert await ensure_partitions(maker, NOW, 1) == [f"{table}_2026_12" for table in PARTITIONED]
            await _add(writer, NOW)


async def test_a_busy_default_partition_ends_the_attempt_and_leaves_nothing_half_made(database: Database) -> None:
    async with database.connection() as writer, database.connection() as maker:
        async with writer.transaction():
            await _add(writer, NOW)  # holds a lock on the default partition
            with pytest.raises(asyncpg.LockNotAvailableError):
                await ensure_partitions(maker, NOW, 0, ["log_entry"])
        assert await ensure_partitions(maker, NOW, 0, ["log_entry"]) == ["log_entry_2026_11"]
        assert await maker.fetchval("SELECT count(*) FROM log_entry_2026_11") == 1


async def test_a_row_that_reaches_the_default_partition_at_the_last_moment_moves_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "LOCK_MS", 60_000)
    async with database.connection() as writer, database.connection() as maker:
        async with writer.transaction():
            late = await _add(writer, NOW)
            making = asyncio.create_task(ensure_partitions(maker, NOW, 0, ["log_entry"]))
            await until_waiting(database)
        assert await making == ["log_entry_2026_11"]
        assert await _place(maker, late) == "log_entry_2026_11"
