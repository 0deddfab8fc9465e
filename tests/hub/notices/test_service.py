from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from hub.audit.models import LogEntry
from hub.notices import service
from hub.notices.errors import UnknownNotice
from tests.support.publishing import EDITOR
from tests.support.registry import NOW, RECORDER, make_organisation

RES = "306001000001/000001"


async def test_an_organisation_reads_what_it_was_told_newest_first_and_nobody_elses(session: AsyncSession) -> None:
    one, other = [await make_organisation(session, name) for name in ("甲示例局", "乙示例局")]
    first = await service.tell(session, one.id, "version-published", RES, {"version": 1}, NOW)
    second = await service.tell(session, one.id, "version-published", RES, {"version": 2}, NOW + timedelta(minutes=1))
    await service.tell(session, other.id, "version-published", RES, {"version": 2}, NOW)

    told = await service.list_notices(session, one.id, before=None, limit=10)
    assert [notice.id for notice in told] == [second.id, first.id]
    assert told[0].details == {"version": 2}
    assert [n.id for n in await service.list_notices(session, one.id, before=second.id, limit=10)] == [first.id]


async def test_each_organisation_is_told_once_however_often_it_is_named(session: AsyncSession) -> None:
    one, other = [await make_organisation(session, name) for name in ("甲示例局", "乙示例局")]
    rows = await service.tell_all(session, [other.id, one.id, one.id], "source-claimed", RES, {}, NOW)
    assert sorted(row.organisation_id for row in rows) == sorted({one.id, other.id})


async def test_a_notice_is_read_once_and_the_log_says_so_once(session: AsyncSession) -> None:
    one, other = [await make_organisation(session, name) for name in ("甲示例局", "乙示例局")]
    told = await service.tell(session, one.id, "version-published", RES, {"version": 1}, NOW)
    later = NOW + timedelta(hours=1)

    with pytest.raises(UnknownNotice):
        await service.mark_read(session, other.id, told.id, actor=EDITOR, recorder=RECORDER, now=later)
    for moment in (later, later + timedelta(hours=1)):
        row = await service.mark_read(session, one.id, told.id, actor=EDITOR, recorder=RECORDER, now=moment)
        assert row.read_at == later
    assert not await service.list_notices(session, one.id, before=None, limit=10, unread=True)
    entries = (await session.scalars(select(LogEntry).where(col(LogEntry.event) == "notice.read"))).all()
    assert [entry.object_id for entry in entries] == [str(told.id)]
