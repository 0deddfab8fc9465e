"""What is owed, by whom, until when, and how it ends; on a real database."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.duties import repository, service
from hub.duties.calendar import BEIJING
from hub.duties.models import Duty
from hub.duties.repository import Reader
from hub.duties.service import Debtor, Standing, Subject
from hub.registry.errors import InvalidField
from tests.support.registry import NOW, OFFICER, RECORDER, make_organisation

REQUEST = Subject("access-request", "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f")
SOMEBODY = UUID(int=7)


def in_beijing(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=BEIJING)


async def owe(session: AsyncSession, duty: str, subject: Subject = REQUEST, **more: Any) -> Duty:
    plain: dict[str, Any] = {"anchored_at": NOW, "actor": OFFICER, "recorder": RECORDER, "now": NOW}
    return await service.owe(session, duty, subject, **(plain | more))


async def leaves(session: AsyncSession, event: str) -> list[Any]:
    rows = await session.execute(
        text("SELECT leaf FROM log_entry WHERE event = :event ORDER BY occurred_at"), {"event": event}
    )
    return [orjson.loads(row.leaf) for row in rows]


async def test_what_is_owed_has_a_deadline_a_rule_and_an_entry_in_the_log_and_ends_with_the_act(
    session: AsyncSession,
) -> None:
    provider = await make_organisation(session)
    owed = await owe(session, "answer-conditional", debtor=Debtor(provider.id))
    assert owed.due_at == in_beijing(2026, 3, 17)  # Monday 2 March and ten working days: 16 March, 24:00
    reader = Reader(SOMEBODY, provider.id, frozenset({"provider"}))
    (found,) = await service.list_for(session, reader, now=NOW, limit=10)
    assert (found.duty.id, found.rule.code, found.rule.version, found.debtor) == (owed.id, "D2", 1, provider.name)
    assert await service.list_for(session, Reader(SOMEBODY, None, frozenset({"provider"})), now=NOW, limit=10) == []
    (closed,) = await service.fulfil(session, REQUEST, "answer-conditional", actor=OFFICER, recorder=RECORDER, now=NOW)
    assert (closed.state, closed.closed_by) == ("done", OFFICER.id)
    assert await service.list_for(session, reader, now=NOW, limit=10) == []
    assert len(await service.list_for(session, reader, now=NOW, closed=True, limit=10)) == 1
    (entry,) = await leaves(session, "duty.owed")
    assert entry["details"] == {
        "duty": "answer-conditional",
        "rule": "D2",
        "version": 1,
        "subject": f"access-request/{REQUEST.id}",
        "due_at": "2026-03-16T16:00:00.000000+00:00",
    }
    assert len(await leaves(session, "duty.fulfilled")) == 1
