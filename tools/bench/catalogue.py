"""Puts the made-up catalogue straight into the hub's tables, and has the product write its index.

PostgreSQL's own indexes of tokens are taken away for the time of writing and made again: kept up row by row they take
two thirds of it.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

import asyncpg

from catalog import indexing
from catalog.items import parse_items
from catalog.schema import derive_schema, digest_of
from hub.db.engine import Database
from hub.db.ids import new_ids
from tools.bench.entries import Entry, entries, providers
from tools.bench.records import ITEMS
from tools.bench.stand import say

SYSTEM = "bench-catalogue"
CODE_OF_FIRST = "11320982014392332G"
REGION = "621124"
AT_ONCE = 20_000

_ORGANISATION = ("id", "code", "name", "name_en", "region", "parent_id", "is_example", "created_at")
_RESOURCE = (
    *("id", "code", "name", "summary", "provider_id", "system_id", "share_type", "update_cycle", "status"),
    *("live_version", "is_example", "created_at", "updated_at"),
)
_VERSION = (
    *("resource_id", "number", "metadata", "items", "schema", "schema_digest", "state"),
    *("created_at", "published_at", "ended_at"),
)


_TOKENS = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
WHERE indrelid IN ('resource_search'::regclass, 'resource_search_body'::regclass)
  AND pg_get_indexdef(indexrelid) LIKE '% USING gin %'
"""


async def fill(database: Database, count: int) -> float:
    """Have the hub hold so many entries more, indexed; returns how many seconds the index took."""
    async with database.connection() as connection:
        await connection.execute("SET statement_timeout = 0")
        async with connection.transaction():
            await _insert(connection, count, datetime.now(UTC))
        began = time.perf_counter()
        indexes = await connection.fetch(_TOKENS)
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        await _index(database)
        for index in indexes:
            await connection.execute(index["definition"])
        elapsed = time.perf_counter() - began
        for table in ("resource", "resource_version", "resource_search", "resource_search_body"):
            await connection.execute(f"VACUUM ANALYZE {table}")
    return elapsed


async def _index(database: Database) -> None:
    after: str | None = None
    done = 0
    while True:
        async with database.session() as session, session.begin():
            batch = await indexing.rebuild(session, after=after, limit=indexing.MAX_BATCH)
        if batch.last is None:
            return
        after, done = batch.last, done + batch.checked
        if done % AT_ONCE == 0:
            say(f"检索索引 / index of search: {done:,}")


async def _insert(connection: asyncpg.Connection, count: int, now: datetime) -> None:
    owners = new_ids(now, len(providers()))
    bodies = [
        (owner, None if place else CODE_OF_FIRST, name, "", REGION, owners[0] if place else None, True, now)
        for place, (owner, name) in enumerate(zip(owners, providers(), strict=True))
    ]
    await connection.copy_records_to_table("organisation", columns=_ORGANISATION, records=bodies)
    (system,) = new_ids(now, 1)
    await connection.execute(
        "INSERT INTO system (id, code, organisation_id, name, name_en, state, created_at, updated_at)"
        " VALUES ($1, $2, $3, '示例目录', '', 'active', $4, $4)",
        system, SYSTEM, owners[0], now,
    )  # fmt: skip
    numbers: Counter[str] = Counter()
    made = entries(count)
    while some := list(islice(made, AT_ONCE)):
        identifiers = new_ids(now, len(some))
        resources = list(_resources(some, identifiers, owners, system, numbers, now))
        await connection.copy_records_to_table("resource", columns=_RESOURCE, records=resources)
        versions = list(_versions(some, identifiers, now))
        await connection.copy_records_to_table("resource_version", columns=_VERSION, records=versions)


def _resources(
    some: Sequence[Entry],
    identifiers: Sequence[UUID],
    owners: Sequence[UUID],
    system: UUID,
    numbers: Counter[str],
    now: datetime,
) -> Iterator[tuple[Any, ...]]:
    for entry, identifier in zip(some, identifiers, strict=True):
        numbers[entry.classification] += 1
        code = f"{entry.classification}/{numbers[entry.classification]:06d}"
        yield (
            *(identifier, code, entry.name, entry.summary, owners[entry.provider], system),
            *(entry.share_type, entry.update_cycle, entry.status, 1, True, now, now),
        )


def _versions(some: Sequence[Entry], identifiers: Sequence[UUID], now: datetime) -> Iterator[tuple[Any, ...]]:
    # One schema for all: payloads are not searched.
    schema = derive_schema(parse_items(ITEMS), title="示例", code="306001000001/000001", version=1)
    digest = digest_of(schema)
    for entry, identifier in zip(some, identifiers, strict=True):
        ended = now if entry.status == "withdrawn" else None
        state = "ended" if ended else "published"
        items = [
            {"field_name": f"item_{place}", "name": name, "data_type": "C", "length": 100}
            for place, name in enumerate(entry.items)
        ]
        yield identifier, 1, entry.metadata(), items, schema, digest, state, now, now, ended
