"""Which rule something is owed under: set by the authority, adopted, or brought by a profile; kept once it was used."""

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.db.engine import Database
from hub.duties import profiles, rules, service
from hub.duties.calendar import BEIJING, last_day_of
from hub.duties.errors import RuleRefused, UnknownRule
from hub.duties.models import DutyRule
from hub.duties.rule import Rule, rule_of
from hub.duties.service import Subject
from hub.duties.terms import DebtorRole
from tests.support.registry import NOW, OFFICER, RECORDER

WHO: dict[str, Any] = {"actor": OFFICER, "recorder": RECORDER, "now": NOW}


def own(duty: str, amount: int, valid_from: str, **changed: Any) -> Rule:
    found = profiles.in_force(duty, date(2026, 1, 1))
    assert found is not None
    terms = replace(found.terms, amount=amount, cap=None, extension=None)
    plain: dict[str, Any] = {"code": "GS-1", "profile": "own", "valid_from": date.fromisoformat(valid_from)}
    return replace(found, terms=terms, **(plain | changed))


async def in_force(session: AsyncSession, duty: str, on: str) -> tuple[str, int] | None:
    found = await rules.in_force(session, duty, date.fromisoformat(on))
    return None if found is None else (found.code, found.terms.amount)


async def test_a_rule_of_the_authority_comes_before_those_of_profiles_from_its_day_on(session: AsyncSession) -> None:
    await rules.set_rule(session, own("publish-catalogue", 5, "2026-04-01"), **WHO)
    await rules.set_rule(session, own("publish-catalogue", 3, "2026-02-01", code="GS-2"), **WHO)
    assert await in_force(session, "publish-catalogue", "2026-01-31") == ("D6", 2)
    assert await in_force(session, "publish-catalogue", "2026-02-01") == ("GS-2", 3)
    assert await in_force(session, "publish-catalogue", "2026-04-01") == ("GS-1", 5)
    await rules.set_rule(session, own("publish-catalogue", 4, "2026-04-01", code="GS-3"), **WHO)
    assert await in_force(session, "publish-catalogue", "2026-04-01") == ("GS-3", 4)
    await rules.adopt(session, "D6", valid_from=date(2026, 6, 1), **WHO)
    assert await in_force(session, "publish-catalogue", "2026-06-01") == ("D6", 2)
    assert await in_force(session, "publish-catalogue", "2026-05-31") == ("GS-3", 4)
    listed = [one for one in await rules.listed(session, now=NOW) if one.rule.duty == "publish-catalogue"]
    assert [(one.rule.code, one.origin, one.version, one.in_force) for one in listed] == [
        ("D6", "shipped", None, False),
        ("GS-1", "set", 1, False),
        ("GS-2", "set", 2, True),
        ("GS-3", "set", 3, False),
        ("D6", "set", 4, False),
    ]
    logged = await session.execute(text("SELECT count(*) FROM log_entry WHERE event = 'duty-rule.set'"))
    assert logged.scalar_one() == 4


async def test_a_rule_for_reference_counts_after_it_was_adopted(session: AsyncSession) -> None:
    assert await in_force(session, "check-request", "2026-03-02") is None
    await rules.adopt(session, "D9", valid_from=date(2026, 3, 1), **WHO)
    assert await in_force(session, "check-request", "2026-03-02") == ("D9", 2)
    assert [one.code for one in await rules.triggered_by(session, "request.submitted", date(2026, 3, 2))] == [
        "D2",
        "D1",
        "D9",
    ]
    await rules.adopt(session, "L12", valid_from=date(2026, 3, 1), **WHO)
    assert await in_force(session, "evaluate-sharing", "2026-03-02") == ("D14", 1)
    with pytest.raises(UnknownRule):
        await rules.adopt(session, "D99", valid_from=date(2026, 3, 1), **WHO)


async def test_a_rule_that_cannot_be_counted_with_is_refused_and_nothing_kept(session: AsyncSession) -> None:
    with pytest.raises(RuleRefused) as refused:
        await rules.set_rule(session, own("publish-catalogue", 0, "2026-04-01", trigger="x"), **WHO)
    assert [error.pointer for error in refused.value.errors] == ["/trigger", "/amount"]
    assert await session.scalar(text("SELECT count(*) FROM duty_rule")) == 0


async def test_what_is_owed_stays_under_the_rule_that_it_was_owed_under(session: AsyncSession) -> None:
    row = await service.owe(session, "publish-catalogue", Subject("resource", "1"), anchored_at=NOW, **WHO)
    await rules.set_rule(session, own("publish-catalogue", 9, "2026-03-01"), **WHO)
    other = await service.owe(session, "publish-catalogue", Subject("resource", "2"), anchored_at=NOW, **WHO)
    earlier = NOW - timedelta(days=2)
    before = await service.owe(session, "publish-catalogue", Subject("resource", "3"), anchored_at=earlier, **WHO)
    assert [last_day_of(one.due_at) for one in (row, other, before)] == [
        date(2026, 3, 4),
        date(2026, 3, 13),
        date(2026, 3, 3),
    ]
    assert before.rule_id == row.rule_id  # one copy of the profile's rule, however often it is used
    kept = await session.get(DutyRule, row.rule_id)
    assert kept is not None
    assert rule_of(kept.terms) is not None
    assert (kept.code, kept.version, kept.origin, rule_of(kept.terms)) == ("D6", 1, "shipped", profiles.named("D6"))


async def test_the_day_that_counts_is_that_of_the_event_in_beijing(session: AsyncSession) -> None:
    await rules.set_rule(session, own("publish-catalogue", 9, "2026-03-03"), **WHO)
    for hour, amount in ((23, 2), (24, 9)):
        moment = datetime(2026, 3, 2, tzinfo=BEIJING) + timedelta(hours=hour)
        row = await service.owe(session, "publish-catalogue", Subject("hour", str(hour)), anchored_at=moment, **WHO)
        kept = await session.get(DutyRule, row.rule_id)
        assert kept is not None
        assert rule_of(kept.terms).terms.amount == amount


async def test_two_who_use_a_rule_for_the_first_time_at_once_share_its_copy(database: Database) -> None:
    async def owe(number: int) -> None:
        async with database.session() as session, session.begin():
            await service.owe(session, "publish-catalogue", Subject("resource", str(number)), anchored_at=NOW, **WHO)

    await asyncio.gather(*map(owe, range(6)))
    async with database.session() as session:
        assert await session.scalar(text("SELECT count(*) FROM duty_rule")) == 1
        assert await session.scalar(text("SELECT count(*) FROM duty")) == 6


async def test_two_who_are_owed_the_same_at_once_have_one_deadline(database: Database) -> None:
    async def owe() -> str:
        async with database.session() as session, session.begin():
            row = await service.owe(session, "publish-catalogue", Subject("resource", "1"), anchored_at=NOW, **WHO)
            return str(row.id)

    assert len(set(await asyncio.gather(*(owe() for _ in range(6))))) == 1


async def test_who_owes_what_the_hub_begins_itself_is_not_changed(session: AsyncSession) -> None:
    own = next(one for one in profiles.shipped() if one.duty == "publish-catalogue")
    with pytest.raises(RuleRefused) as refused:
        await rules.set_rule(session, replace(own, role=DebtorRole.PROVIDER), actor=OFFICER, recorder=RECORDER, now=NOW)
    assert [error.pointer for error in refused.value.errors] == ["/role"]
