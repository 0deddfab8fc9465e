"""A duty to provide ends when the data are there, or when nobody waits for them any more."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.access import service as access
from hub.access.requests.repository import RequestRecord
from hub.db.engine import Database
from hub.db.ids import new_id
from hub.delivery.providing import end_duties
from hub.publishing import stopping
from hub.worker import providing
from tests.support.applying import Counter
from tests.support.publishing import REVIEWER
from tests.support.registry import NOW, OFFICER, RECORDER

LATER = NOW + timedelta(days=3)
WAITS = text(
    "INSERT INTO delivery (id, lane_id, exchange_id, kid, digest)"
    " SELECT :id, lane_id, :id, 'k', sha256('x') FROM access_grant WHERE id = :grant"
)
TAKEN = text("UPDATE lane SET next_sequence = 2 WHERE id = (SELECT lane_id FROM access_grant WHERE id = :grant)")


async def queue(session: AsyncSession, record: RequestRecord) -> None:
    """Something waits in the lane of the grant."""
    await session.execute(WAITS, {"id": new_id(NOW), "grant": record.request.grant_id})


async def states(counter: Counter, *records: RequestRecord) -> list[str]:
    """How the duty to provide stands for each request."""
    return [(await counter.duties(record.request.id))["provide-data"].state for record in records]


async def test_data_are_provided_when_they_wait_in_the_lane_or_were_taken_from_it_and_not_before(
    database: Database,
) -> None:
    async with database.session() as session:
        counter = await Counter.open(session)
        waiting, taken, nothing, revoked = [
            await counter.ask(1, purpose=purpose) for purpose in ("展示", "校核", "统计", "存档")
        ]
        assert await end_duties(session, recorder=RECORDER, now=LATER) == 0
        await queue(session, waiting)
        await session.execute(TAKEN, {"grant": taken.request.grant_id})
        assert revoked.request.grant_id is not None
        await access.revoke_grant(
            session, revoked.request.grant_id, reason="不用", actor=OFFICER, recorder=RECORDER, now=NOW
        )
        assert await end_duties(session, recorder=RECORDER, now=LATER) == 3
        assert await states(counter, waiting, taken, nothing, revoked) == ["done", "done", "open", "cancelled"]
        assert (await counter.duties(waiting.request.id))["provide-data"].closed_at == LATER
        assert await end_duties(session, recorder=RECORDER, now=LATER) == 0


async def test_nobody_provides_a_resource_that_is_withdrawn(database: Database) -> None:
    async with database.session() as session:
        counter = await Counter.open(session)
        record = await counter.ask(1)
        act: dict[str, Any] = {"actor": REVIEWER, "recorder": RECORDER, "now": NOW}
        await stopping.withdraw(session, record.request.resource_id, reason="停办", **act)
        assert await end_duties(session, recorder=RECORDER, now=LATER) == 1
        assert await states(counter, record) == ["cancelled"]


async def test_what_an_earlier_grant_had_in_the_lane_is_not_the_new_ones(database: Database) -> None:
    async with database.session() as session:
        counter = await Counter.open(session)
        first = await counter.ask(1)
        await session.execute(TAKEN, {"grant": first.request.grant_id})
        grant: UUID | None = first.request.grant_id
        assert grant is not None
        await access.revoke_grant(session, grant, reason="更换", actor=OFFICER, recorder=RECORDER, now=NOW)
        second = await counter.ask(1)
        assert second.request.first_sequence == 2
        await end_duties(session, recorder=RECORDER, now=LATER)
        assert await states(counter, second) == ["open"]


async def test_the_worker_looks_again_and_again_and_waits_for_a_database_that_is_away(database: Database) -> None:
    async with database.session() as session, session.begin():
        counter = await Counter.open(session)
        record = await counter.ask(1)
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    stop = asyncio.Event()
    loops = [
        asyncio.create_task(providing.run(found, RECORDER, lambda: LATER, stop, every_s=0.02))
        for found in (away, database)
    ]
    async with database.session() as session, session.begin():
        await queue(session, record)
    async with asyncio.timeout(60):
        while True:
            async with database.session() as session:
                counter.session = session
                if await states(counter, record) == ["done"]:
                    break
            await asyncio.sleep(0.02)
    assert not any(loop.done() for loop in loops)
    stop.set()
    await asyncio.gather(*loops)
    await away.dispose()
