"""By when data are expected, and that the exchanges alone tell when they last came."""

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.codes import UpdateCycle
from hub.db.engine import Database
from hub.db.ids import new_id
from hub.publishing import freshness, service, stopping
from hub.worker.chores import Chores
from tests.support.publishing import REVIEWER, draft, published
from tests.support.registry import NOW, RECORDER, make_organisation, make_system

EXCHANGE = """
INSERT INTO exchange (id, sender_id, jti, resource_id, version, digest, schema_digest, kid, envelope, data_key_id, deliveries,
                      epoch, accepted_at)
VALUES ($1, $2, 'x', $2, 1, '', '', '', '', 0, '{}', 1, $3)
"""
BEIJING = timezone(timedelta(hours=8))


async def accept(connection: asyncpg.Connection, resource: UUID, at: datetime) -> None:
    """An exchange of the resource, accepted at that moment."""
    await connection.execute(EXCHANGE, new_id(at), resource, at)


async def test_each_cycle_has_its_day_and_what_is_irregular_or_not_published_has_none(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    system = await make_system(session, "provider", owner)
    last = datetime(2026, 1, 31, 15, 59, tzinfo=UTC)  # 23:59 of that day in Beijing
    expected = {
        UpdateCycle.REAL_TIME: (2026, 2, 2),
        UpdateCycle.DAILY: (2026, 2, 2),
        UpdateCycle.WEEKLY: (2026, 2, 8),
        UpdateCycle.MONTHLY: (2026, 3, 1),  # a month after January 31 is February 28
        UpdateCycle.QUARTERLY: (2026, 5, 1),
        UpdateCycle.HALF_YEARLY: (2026, 8, 1),
        UpdateCycle.YEARLY: (2027, 2, 1),
        UpdateCycle.IRREGULAR: None,
    }
    assert set(expected) == set(UpdateCycle)
    records = {cycle: await published(session, owner, system, update_cycle=cycle) for cycle in UpdateCycle}
    for record in records.values():
        await session.execute(
            text("INSERT INTO resource_freshness VALUES (:id, :last)"), {"id": record.resource.id, "last": last}
        )
    for cycle, day in expected.items():
        found = await service.find_resource(session, records[cycle].resource.code)
        due = None if day is None else datetime(*day, tzinfo=BEIJING)
        assert (found.last_data_at, found.expected_at) == (last, due), cycle
    suspended = records[UpdateCycle.DAILY].resource.id
    await stopping.suspend(session, suspended, reason="核查", actor=REVIEWER, recorder=RECORDER, now=NOW)
    assert (await service.find_resource(session, str(suspended))).expected_at is None
    waiting = await draft(session, owner, system)
    assert (waiting.last_data_at, waiting.expected_at) == (None, None)


async def test_the_count_begins_with_the_first_publication_where_nothing_came(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    record = await published(session, owner, await make_system(session, "provider", owner), update_cycle=2)
    assert NOW.astimezone(BEIJING).date() == date(2026, 3, 2)
    assert (record.last_data_at, record.expected_at) == (None, datetime(2026, 3, 4, tzinfo=BEIJING))


async def test_the_chore_reads_off_the_exchanges_when_data_last_came(database: Database, session: AsyncSession) -> None:
    owner = await make_organisation(session)
    system = await make_system(session, "provider", owner)
    one, other = [(await published(session, owner, system)).resource.id for _ in range(2)]
    await session.commit()

    async def noted(connection: asyncpg.Connection) -> dict[UUID, datetime]:
        rows = await connection.fetch("SELECT resource_id, last_data_at FROM resource_freshness")
        return {row["resource_id"]: row["last_data_at"] for row in rows}

    async with database.connection() as connection:
        for minutes in (3, 1, 2):
            await accept(connection, one, NOW + timedelta(minutes=minutes))
        await accept(connection, uuid4(), NOW + timedelta(minutes=9))  # of nothing that is known
        await Chores(connection, NOW).do()
        assert await noted(connection) == {one: NOW + timedelta(minutes=3)}
        assert await freshness.note_data(connection, asyncio.Event()) == 0

        # What becomes visible late, with an id below one that was seen, is not passed over.
        late = NOW + timedelta(minutes=3) - freshness.OVERLAP + timedelta(seconds=1)
        await accept(connection, other, late)
        await accept(connection, one, NOW + timedelta(minutes=2, seconds=30))
        assert await freshness.note_data(connection, asyncio.Event()) == 1
        assert await noted(connection) == {one: NOW + timedelta(minutes=3), other: late}


async def test_more_exchanges_than_one_piece_are_looked_through_until_told_to_stop(
    database: Database, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "PIECE", 2)
    owner = await make_organisation(session)
    resource = (await published(session, owner, await make_system(session, "provider", owner))).resource.id
    await session.commit()
    stopped = asyncio.Event()
    stopped.set()
    async with database.connection() as connection:
        for minute in range(5):
            await accept(connection, resource, NOW + timedelta(minutes=minute))
        await freshness.note_data(connection, stopped)
        assert await connection.fetchval("SELECT count(*) FROM resource_freshness") == 0
        await freshness.note_data(connection, asyncio.Event())
        last = await connection.fetchval("SELECT last_data_at FROM resource_freshness")
    assert last == NOW + timedelta(minutes=4)


async def test_what_is_overdue_is_listed_by_code_page_by_page(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    system = await make_system(session, "provider", owner)
    daily = [await published(session, owner, system, update_cycle=2) for _ in range(3)]
    await published(session, owner, system, update_cycle=6)
    await published(session, owner, system, update_cycle=8)
    await draft(session, owner, system, update_cycle=2)
    due = daily[0].expected_at
    assert due is not None

    async def overdue(at: datetime, **page: Any) -> tuple[list[str], str | None]:
        records, following = await service.list_overdue(session, at=at, **{"cursor": None, "limit": 9} | page)
        return [record.resource.code for record in records], following

    codes = [record.resource.code for record in daily]
    assert await overdue(due - timedelta(microseconds=1)) == ([], None)
    assert await overdue(due) == (codes, None)
    first, following = await overdue(due, limit=2)
    assert first == codes[:2]
    assert await overdue(due, cursor=following) == (codes[2:], None)
