"""All SQL of the sharing log. Writers pass their own session, so that an act and its entry commit together."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import desc, select
from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Entry
from hub.audit.models import LogEntry, SealedEntry

INSERT_ENTRIES = """
INSERT INTO log_entry (id, event, outcome, actor, object_type, object_id, occurred_at, leaf, leaf_hash, openings)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
                     $8::bytea[], $9::bytea[], $10::text[]::jsonb[])
"""


def columns(entries: Sequence[Entry]) -> tuple[list[object], ...]:
    """The entries as the column arrays that `INSERT_ENTRIES` takes."""
    return (
        [e.id for e in entries],
        [e.event.type for e in entries],
        [e.event.outcome for e in entries],
        [e.event.actor.id for e in entries],
        [e.event.object_type for e in entries],
        [e.event.object_id for e in entries],
        [e.occurred_at for e in entries],
        [e.leaf for e in entries],
        [e.leaf_hash for e in entries],
        [None if (openings := openings_json(e)) is None else openings.decode() for e in entries],
    )


def openings_json(entry: Entry) -> bytes | None:
    """The openings as JSON text in UTF-8, None where the entry has none."""
    return orjson.dumps(entry.openings) if entry.openings else None


async def insert(connection: asyncpg.Connection, entries: Sequence[Entry]) -> None:
    """Write entries in the transaction that is open on a raw connection."""
    await connection.execute(INSERT_ENTRIES, *columns(entries))


def add(session: AsyncSession, entry: Entry) -> None:
    """Write one entry in the session's transaction."""
    session.add(
        LogEntry(
            id=entry.id,
            event=entry.event.type,
            outcome=entry.event.outcome,
            actor=entry.event.actor.id,
            object_type=entry.event.object_type,
            object_id=entry.event.object_id,
            occurred_at=entry.occurred_at,
            leaf=entry.leaf,
            leaf_hash=entry.leaf_hash,
            openings={name: dict(opening) for name, opening in entry.openings.items()} or None,
        )
    )


async def last_time(session: AsyncSession) -> datetime | None:
    """When the newest entry was written; the log's clock never runs backwards past it."""
    table = LogEntry.__table__  # type: ignore[attr-defined]
    newest: datetime | None = await session.scalar(select(table.c.occurred_at).order_by(desc(table.c.id)).limit(1))
    return newest


async def page(
    session: AsyncSession, *, before: UUID | None, limit: int, event: str | None = None, actor: str | None = None
) -> Sequence[tuple[LogEntry, int | None]]:
    """Newest first, `limit` rows below the id `before`, each with its leaf index once it is sealed.

    For people who look, not for proofs (those read by leaf index).
    """
    table = LogEntry.__table__  # type: ignore[attr-defined]
    sealed = SealedEntry.__table__  # type: ignore[attr-defined]
    query = (
        select(LogEntry, sealed.c.leaf_index)
        .outerjoin(sealed, sealed.c.id == table.c.id)
        .order_by(desc(table.c.id))
        .limit(limit)
    )
    if before is not None:
        query = query.where(table.c.id < before)
    if event:
        query = query.where(table.c.event == event)
    if actor:
        query = query.where(table.c.actor == actor)
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


SEALED_COLUMNS = """
SELECT s.leaf_index, l.id, l.event, l.outcome, l.actor, l.object_type, l.object_id, l.occurred_at, l.leaf_hash
FROM sealed_entry s JOIN log_entry l ON l.id = s.id
WHERE s.leaf_index >= $1 AND s.leaf_index < $2 ORDER BY s.leaf_index
"""

WHERE_ROWS_LIE = """
SELECT l.id, l.event, s.id IS NOT NULL AS sealed, p.id IS NOT NULL AS pending,
       extract(epoch FROM clock_timestamp() - l.occurred_at)::float8 AS age_s
FROM (SELECT id, event, occurred_at FROM log_entry WHERE id > $1 ORDER BY id LIMIT $2) AS l
LEFT JOIN sealed_entry s ON s.id = l.id LEFT JOIN log_pending p ON p.id = l.id
ORDER BY l.id
"""
"""In one statement: an entry goes from the queue into the tree in one transaction, so each snapshot has it in one of the two."""


async def sealed_columns(connection: asyncpg.Connection, first: int, count: int) -> Sequence[asyncpg.Record]:
    """What the columns for search say of the entries from leaf index `first` on; a row that is gone is left out."""
    rows: Sequence[asyncpg.Record] = await connection.fetch(SEALED_COLUMNS, first, first + count)
    return rows


async def where_rows_lie(connection: asyncpg.Connection, after: UUID, count: int) -> Sequence[asyncpg.Record]:
    """The next `count` rows of the log after the id `after`: whether each is in the tree or waits for it, and its age in seconds."""
    rows: Sequence[asyncpg.Record] = await connection.fetch(WHERE_ROWS_LIE, after, count)
    return rows
