"""No entry of the log is lost: not when sealing is brought in under load, not to a statement that empties a table."""

import importlib
import re
from datetime import UTC, datetime

import asyncpg
import pytest

from hub.db.engine import Database
from hub.db.partitions import ensure_partitions

CORE = importlib.import_module("hub.db.migrations.versions.0001_core")
SEALING = importlib.import_module("hub.db.migrations.versions.0002_sealing")

ROW = """
INSERT INTO old.log_entry (id, event, outcome, actor, object_type, object_id, occurred_at, leaf, leaf_hash)
VALUES (gen_random_uuid(), 'e', 'success', 'a', 't', 'o', now(), 'x', sha256('x'))
"""


def statements(block: str) -> list[str]:
    return re.split(r";\s*\n+(?=CREATE |INSERT |ALTER )", block.strip())


async def test_what_is_logged_while_sealing_is_brought_in_waits_to_be_sealed_all_the_same(database: Database) -> None:
    held_up = False
    async with database.connection() as migrating, database.connection() as gateway:
        await migrating.execute("CREATE SCHEMA old; SET search_path = old")
        await gateway.execute("SET search_path = old; SET lock_timeout = '50ms'")
        for statement in statements(CORE.LOG):
            await migrating.execute(statement)
        async with migrating.transaction():
            for statement in statements(SEALING.SEALING):
                await migrating.execute(statement)
                try:
                    await gateway.execute(ROW)
                except asyncpg.LockNotAvailableError:
                    held_up = True
        await gateway.execute(ROW)
        entries = await gateway.fetchval("SELECT count(*) FROM old.log_entry")
        assert entries == await gateway.fetchval("SELECT count(*) FROM old.log_pending")
        assert entries >= 2
        assert held_up


@pytest.mark.parametrize(
    "table",
    ["log_entry", "log_entry_default", "log_entry_2026_11", "log_pending", "sealed_entry", "log_tile", "tree_head"],
)
async def test_no_table_of_the_log_can_be_emptied(database: Database, table: str) -> None:
    async with database.connection() as connection:
        await ensure_partitions(connection, datetime(2026, 11, 21, tzinfo=UTC), 0)
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(f"TRUNCATE {table} CASCADE")
