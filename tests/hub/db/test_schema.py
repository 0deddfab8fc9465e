"""The tables that the code believes in are the tables that the migrations make.

Two comparisons: Alembic's, which names the difference best, and the server's own description of a database made from
the models beside that of a migrated one, which also knows conditions, partial indexes and partition keys.
"""

import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from hub.db.engine import Database
from hub.db.models_registry import import_all_models
from tests.support.postgres import TestServer

# Not compared: defaults in the database. The code gives every value itself; a default is for statements by hand.
HIDDEN_TABLES = """
SELECT relname FROM pg_class WHERE relispartition  -- has the columns of its table, by construction
UNION SELECT 'alembic_version'                     -- Alembic's own
"""

# Per table: every constraint and every index as the server spells it, less its name.
DESCRIPTION = f"""
SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND conrelid <> 0
  AND conrelid::regclass::text NOT IN ({HIDDEN_TABLES})
UNION ALL
SELECT tablename::text, regexp_replace(indexdef, 'INDEX \\S+ ON (ONLY )?', 'INDEX ON ') FROM pg_indexes
WHERE schemaname = 'public' AND tablename NOT IN ({HIDDEN_TABLES})
UNION ALL
SELECT partrelid::regclass::text, 'PARTITION BY ' || pg_get_partkeydef(partrelid) FROM pg_partitioned_table
"""


async def _differences(database: Database) -> list[Any]:
    """What would have to be done to the migrated database to make it what the models say, as Alembic puts it."""
    import_all_models()

    def compare(connection: Connection) -> list[Any]:
        hidden = set(connection.execute(text(HIDDEN_TABLES)).scalars())
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _parents: kind != "table" or name not in hidden,
            },
        )
        return list(compare_metadata(context, SQLModel.metadata))

    async with database.async_engine().connect() as connection:
        return await connection.run_sync(compare)


async def _description(address: str) -> set[tuple[str, str]]:
    connection = await asyncpg.connect(address)
    try:
        return {(table, re.sub(r"\s+", " ", what)) for table, what in await connection.fetch(DESCRIPTION)}
    finally:
        await connection.close()


@pytest.fixture
def empty_dsn(postgres: TestServer) -> Iterator[str]:
    """The address of a database without tables."""
    address = postgres.create("template0")
    yield address
    postgres.drop(address)


async def test_models_and_migrated_schema_agree(database: Database) -> None:
    differences = await _differences(database)
    assert not differences, "\n".join(str(difference) for difference in differences)


async def test_conditions_keys_and_indexes_agree_too(database_dsn: str, empty_dsn: str) -> None:
    import_all_models()
    from_models = Database(empty_dsn)
    async with from_models.async_engine().begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    await from_models.dispose()
    migrated, modelled = await _description(database_dsn), await _description(empty_dsn)
    assert migrated - modelled == set(), "the models lack what the migrations make"
    assert modelled - migrated == set(), "the migrations lack what the models say"


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE organisation DROP COLUMN name",
        "ALTER TABLE organisation ADD COLUMN surplus text",
        "ALTER TABLE organisation ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE exchange ALTER COLUMN version TYPE bigint",
        "DROP INDEX delivery_queue_idx",
        "DROP TABLE refusal_count",
        "CREATE TABLE surplus (id uuid)",
    ],
)
async def test_a_difference_is_found(database: Database, change: str) -> None:
    before = await _differences(database)
    async with database.connection() as connection:
        await connection.execute(change)
    assert len(await _differences(database)) > len(before)


async def test_a_lost_condition_is_found(database: Database, database_dsn: str) -> None:
    before = await _description(database_dsn)
    async with database.connection() as connection:
        await connection.execute("ALTER TABLE acceptance DROP CONSTRAINT acceptance_kind_check")
    lost = before - await _description(database_dsn)
    assert len(lost) == 1
