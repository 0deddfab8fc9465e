"""What is owed and who is told around a resource's life: publication within its days, and notices when the exchange stops."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.access import service as access
from hub.access.service import NewGrant
from hub.db.engine import Database
from hub.publishing import deciding, service, stopping
from hub.publishing.repository import ResourceRecord
from tests.support.locks import until_waiting
from tests.support.publishing import EDITOR, REVIEWER, SECRECY, approve, clear, draft, published
from tests.support.registry import NOW, OFFICER, RECORDER, make_organisation, make_system


async def new_draft(session: AsyncSession) -> ResourceRecord:
    owner = await make_organisation(session)
    return await draft(session, owner, await make_system(session, "provider", owner))


async def new_published(session: AsyncSession) -> ResourceRecord:
    owner = await make_organisation(session)
    return await published(session, owner, await make_system(session, "provider", owner))


async def owed(session: AsyncSession) -> list[tuple[str, str, str, str]]:
    """Duty, subject, debtor and state of all that is or was owed."""
    rows = await session.execute(text("SELECT duty, subject_id, debtor_role, state FROM duty ORDER BY state"))
    return [(row.duty, row.subject_id, row.debtor_role, row.state) for row in rows]


async def test_the_authority_owes_publication_from_submission_until_it_publishes(session: AsyncSession) -> None:
    record = await new_draft(session)
    code, identifier = record.resource.code, record.resource.id
    assert await owed(session) == []
    await service.submit(session, identifier, actor=EDITOR, recorder=RECORDER, now=NOW)
    assert await owed(session) == [("publish-catalogue", code, "authority", "open")]
    days = await session.execute(text("SELECT terms ->> 'code', terms ->> 'amount', terms ->> 'unit' FROM duty_rule"))
    assert [tuple(row) for row in days] == [("D6", "2", "working-day")]
    await clear(session, record)
    await deciding.publish(session, identifier, actor=REVIEWER, recorder=RECORDER, now=NOW)
    assert await owed(session) == [("publish-catalogue", code, "authority", "done")]


@pytest.mark.parametrize("way", ["returned", "withdrawn"])
async def test_nobody_owes_the_publication_of_what_went_back(session: AsyncSession, way: str) -> None:
    record = await new_draft(session)
    await service.submit(session, record.resource.id, actor=EDITOR, recorder=RECORDER, now=NOW)
    act: dict[str, Any] = {"reason": "改", "recorder": RECORDER, "now": NOW}
    if way == "returned":
        await deciding.return_to_draft(session, record.resource.id, actor=SECRECY, **act)
    else:
        await stopping.withdraw(session, record.resource.id, actor=REVIEWER, **act)
    assert [state for *_, state in await owed(session)] == ["cancelled"]
    if way == "returned":
        await service.submit(session, record.resource.id, actor=EDITOR, recorder=RECORDER, now=NOW)
        assert [state for *_, state in await owed(session)] == ["cancelled", "open"]


async def test_withdrawal_waits_for_a_submission_and_ends_what_that_owes(database: Database) -> None:
    async with database.session() as session:
        identifier = (await new_draft(session)).resource.id
        await session.commit()
    async with database.session() as first, database.session() as second:
        await service.submit(first, identifier, actor=EDITOR, recorder=RECORDER, now=NOW)
        withdrawal = asyncio.create_task(
            stopping.withdraw(second, identifier, reason="停办", actor=REVIEWER, recorder=RECORDER, now=NOW)
        )
        await until_waiting(database)
        await first.commit()
        await withdrawal
        await second.commit()
    async with database.session() as session:
        assert [state for *_, state in await owed(session)] == ["cancelled"]


async def test_what_stops_or_goes_on_is_told_to_provider_and_consumers_once_each(session: AsyncSession) -> None:
    record = await new_published(session)
    consumers = set()
    for code in ("first", "second", "revoked"):
        system = await make_system(session, code)
        new = NewGrant(code, record.resource.code, "展示", "办法", NOW, NOW + timedelta(days=1))
        made = await access.create_grant(session, new, actor=OFFICER, recorder=RECORDER, now=NOW)
        if code == "revoked":
            await access.revoke_grant(session, made.grant.id, reason="核查", actor=OFFICER, recorder=RECORDER, now=NOW)
        else:
            consumers.add(system.organisation_id)
    await service.new_version(session, record.resource.id, actor=EDITOR, recorder=RECORDER, now=NOW)
    await approve(session, record)
    await session.execute(text("DELETE FROM notice"))
    act: dict[str, Any] = {"actor": REVIEWER, "recorder": RECORDER, "now": NOW}
    concerned = consumers | {record.provider.id}
    for kind, step in (
        ("version-ended", stopping.end_version(session, record.resource.id, 1, **act)),
        ("resource-suspended", stopping.suspend(session, record.resource.id, reason="核查", **act)),
        ("resource-resumed", stopping.resume(session, record.resource.id, **act)),
        ("resource-withdrawn", stopping.withdraw(session, record.resource.id, reason="停办", **act)),
    ):
        taken = await step
        told = (await session.execute(text("SELECT * FROM notice WHERE kind = :kind"), {"kind": kind})).all()
        assert sorted(row.organisation_id for row in told) == sorted(concerned), kind
        assert {(row.subject, row.details["version"]) for row in told} == {(record.resource.code, taken.version)}
        assert not any(word in str(row.details) for row in told for word in ("核查", "停办"))


async def test_a_draft_that_is_withdrawn_is_told_to_its_provider_alone(session: AsyncSession) -> None:
    record = await new_draft(session)
    await stopping.withdraw(session, record.resource.id, reason="登记有误", actor=REVIEWER, recorder=RECORDER, now=NOW)
    told = (await session.execute(text("SELECT organisation_id, kind FROM notice"))).all()
    assert [tuple(row) for row in told] == [(record.provider.id, "resource-withdrawn")]
