"""Responsible people on a real database: one holder of a role on any day, handed over with both rows kept, nothing in the log."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.db.engine import Database
from hub.identity.roles import Role
from hub.registry.errors import InvalidField, UnknownOrganisation
from hub.registry.models import Organisation
from hub.responsibility import repository, service
from hub.responsibility.errors import PersonLeft, PlaceTaken, UnknownPerson
from hub.responsibility.models import REQUIRED, ResponsiblePerson, ResponsibleRole
from hub.responsibility.service import Act, Particulars
from tests.support.registry import NOW, OFFICER, RECORDER, make_organisation
from tests.support.reorganisation import TODAY, make_caller

LEADER, SECTION, DEDICATED, LIAISON = ResponsibleRole
ACT = Act(OFFICER, RECORDER, NOW)
FIRST = Particulars("示例人员甲", "0932-0000001")
SECOND = Particulars("示例人员乙")
DAY = timedelta(days=1)


@pytest.fixture
async def body(session: AsyncSession) -> Organisation:
    return await make_organisation(session)


async def appoint(
    session: AsyncSession, body: Organisation, role: ResponsibleRole, first_day: date | None = None, who: Any = FIRST
) -> ResponsiblePerson:
    return await service.appoint(session, body.id, role, who, first_day=first_day, act=ACT)


async def hand_over(
    session: AsyncSession, row: ResponsiblePerson, first_day: date | None = None, who: Particulars = SECOND
) -> ResponsiblePerson:
    return await service.hand_over(
        session, row.organisation_id, row.id, who, first_day=first_day, note="账户与资料已移交", act=ACT
    )


async def in_office(session: AsyncSession, body: Organisation, day: date | None) -> list[str]:
    return [row.name for row in await repository.people(session, body.id, after=None, limit=9, day=day)]


async def test_a_handover_keeps_both_and_says_who_was_responsible_on_any_day(
    session: AsyncSession, body: Organisation
) -> None:
    before = await appoint(session, body, DEDICATED, TODAY - 30 * DAY)
    after = await hand_over(session, before, TODAY + DAY)
    assert (before.valid_to, before.note) == (TODAY + DAY, "账户与资料已移交")
    assert (after.follows, after.valid_from, after.valid_to, after.role) == (before.id, TODAY + DAY, None, "dedicated")
    assert await in_office(session, body, TODAY) == ["示例人员甲"]
    assert await in_office(session, body, TODAY + DAY) == ["示例人员乙"]
    assert await in_office(session, body, TODAY - 31 * DAY) == []
    assert sorted(await in_office(session, body, None)) == ["示例人员乙", "示例人员甲"]
    with pytest.raises(PersonLeft):
        await hand_over(session, before)
    with pytest.raises(PersonLeft):
        await service.end(session, body.id, before.id, note="说明", act=ACT)


async def test_a_role_has_one_holder_but_dedicated_people_may_be_several(
    session: AsyncSession, body: Organisation
) -> None:
    for role in (LEADER, SECTION, LIAISON):
        await appoint(session, body, role)
        with pytest.raises(PlaceTaken, match=role.zh):
            await appoint(session, body, role, who=SECOND)
        with pytest.raises(PlaceTaken):
            await appoint(session, body, role, TODAY - 9 * DAY, SECOND)
    await appoint(session, body, DEDICATED)
    await appoint(session, body, DEDICATED, who=SECOND)
    assert len(await in_office(session, body, TODAY)) == 5


async def test_of_two_who_name_a_leader_at_once_one_is_told_that_there_is_one(
    database: Database, session: AsyncSession, body: Organisation
) -> None:
    await session.commit()

    async def name(who: Particulars) -> str:
        async with database.session() as own, own.begin():
            try:
                await appoint(own, body, LEADER, who=who)
            except PlaceTaken:
                return "taken"
            return "named"

    assert sorted(await asyncio.gather(name(FIRST), name(SECOND))) == ["named", "taken"]


async def test_a_role_is_free_again_from_the_day_on_which_it_ended(session: AsyncSession, body: Organisation) -> None:
    row = await appoint(session, body, LEADER, TODAY - 9 * DAY)
    ended = await service.end(session, body.id, row.id, day=TODAY + 2 * DAY, note="退休", act=ACT)
    assert (ended.valid_to, ended.note) == (TODAY + 2 * DAY, "退休")
    with pytest.raises(PlaceTaken):
        await appoint(session, body, LEADER, TODAY + DAY, SECOND)
    await appoint(session, body, LEADER, TODAY + 2 * DAY, SECOND)
    assert await in_office(session, body, TODAY + 2 * DAY) == ["示例人员乙"]


@pytest.mark.parametrize(
    ("who", "first_day", "pointer"),
    [
        (Particulars(" "), None, "/name"),
        (Particulars("甲\n乙"), None, "/name"),
        (Particulars("甲", "0" * 41), None, "/phone"),
        (Particulars("甲", staff_id=UUID(int=1)), None, "/staff"),
        (FIRST, TODAY + 400 * DAY, "/from"),
        (FIRST, TODAY - 400 * DAY, "/from"),
    ],
)
async def test_a_wrong_field_is_named_and_never_quoted(
    session: AsyncSession, body: Organisation, who: Particulars, first_day: date | None, pointer: str
) -> None:
    with pytest.raises(InvalidField) as caught:
        await appoint(session, body, LEADER, first_day, who)
    assert [error.pointer for error in caught.value.errors] == [pointer]
    assert "甲" not in str(caught.value)


async def test_the_days_of_a_handover_are_possible_ones(session: AsyncSession, body: Organisation) -> None:
    row = await appoint(session, body, LEADER)
    for day, pointer in ((TODAY - DAY, "/from"), (TODAY + 400 * DAY, "/from")):
        with pytest.raises(InvalidField) as caught:
            await hand_over(session, row, day)
        assert caught.value.errors[0].pointer == pointer
    with pytest.raises(InvalidField) as caught:
        await service.end(session, body.id, row.id, day=TODAY - DAY, note="误", act=ACT)
    assert caught.value.errors[0].pointer == "/on"
    with pytest.raises(InvalidField) as caught:
        await service.end(session, body.id, row.id, note=" ", act=ACT)
    assert caught.value.errors[0].pointer == "/note"
    assert (await hand_over(session, row, TODAY)).follows == row.id


async def test_nobody_of_another_organisation_is_acted_on(session: AsyncSession, body: Organisation) -> None:
    row = await appoint(session, body, LEADER)
    other = await make_organisation(session, "乙局")
    for organisation_id, identifier in ((other.id, row.id), (body.id, UUID(int=1))):
        with pytest.raises(UnknownPerson):
            await service.end(session, organisation_id, identifier, note="说明", act=ACT)
    with pytest.raises(UnknownOrganisation):
        await service.appoint(session, UUID(int=1), LEADER, FIRST, act=ACT)


async def test_an_account_is_one_of_the_organisation_or_of_none(session: AsyncSession, body: Organisation) -> None:
    other = await make_organisation(session, "乙局")
    ours = await make_caller(session, "editor.ours", Role.EDITOR, organisation_id=body.id)
    theirs = await make_caller(session, "editor.theirs", Role.EDITOR, organisation_id=other.id)
    free = await make_caller(session, "reviewer.free", Role.REVIEWER)
    for person in (ours, free):
        row = await appoint(session, body, DEDICATED, who=Particulars("示例", staff_id=person.id))
        assert row.staff_id == person.id
    with pytest.raises(InvalidField):
        await appoint(session, body, DEDICATED, who=Particulars("示例", staff_id=theirs.id))


async def test_every_act_is_in_the_log_and_nothing_personal_with_it(session: AsyncSession, body: Organisation) -> None:
    first = await appoint(session, body, LEADER)
    second = await hand_over(session, first)
    await service.end(session, body.id, second.id, note="退休", act=ACT)
    await session.commit()
    rows = await session.scalars(
        text("SELECT leaf FROM log_entry WHERE event LIKE 'person.%' ORDER BY occurred_at, ctid")
    )
    leaves = [orjson.loads(row) for row in rows]
    assert {(leaf["event"], leaf["object"]["id"]) for leaf in leaves} == {
        ("person.appointed", str(first.id)),
        ("person.handed-over", str(first.id)),
        ("person.appointed", str(second.id)),
        ("person.ended", str(second.id)),
    }
    told = {leaf["event"]: leaf["details"] for leaf in leaves}
    assert told["person.ended"] == {"organisation": str(body.id), "role": "leader"}
    assert told["person.handed-over"] == {
        "organisation": str(body.id),
        "role": "leader",
        "successor": str(second.id),
    }
    written = orjson.dumps(leaves).decode()
    for personal in ("示例人员甲", "示例人员乙", "0932-0000001", "账户与资料已移交", "退休"):
        assert personal not in written


async def test_a_digest_in_the_log_does_not_tell_a_name_that_is_tried(
    session: AsyncSession, body: Organisation
) -> None:
    row = await appoint(session, body, LEADER)
    before = service._fingerprint(row)
    row.name, row.phone, row.note = "别的名字", "1", "别的"
    assert service._fingerprint(row) == before
    row.role = "liaison"
    assert service._fingerprint(row) != before
    session.expunge(row)


async def test_organisations_that_have_named_nobody_are_listed_with_what_they_lack(
    session: AsyncSession, body: Organisation
) -> None:
    other = await make_organisation(session, "乙局")
    for role in REQUIRED:
        await appoint(session, body, role)
    await appoint(session, other, DEDICATED, TODAY + DAY)
    await appoint(session, other, LIAISON)
    await appoint(session, other, SECTION)

    async def lacking(after: UUID | None = None, region: str | None = None, days: int = 0) -> dict[str, list[str]]:
        found = await service.gaps(session, now=NOW + days * DAY, after=after, limit=9, region=region)
        return {gap.organisation.name: list(gap.lacking) for gap in found}

    assert await lacking() == {"乙局": [LEADER, DEDICATED]}
    assert await lacking(days=1) == {"乙局": [LEADER]}
    assert await lacking(region="110000") == {}
    third = await make_organisation(session, "丙局")
    first, second = sorted([other.id, third.id])
    names = {other.id: "乙局", third.id: "丙局"}
    assert set(await lacking(after=first)) == {names[second]}
    row = (await repository.people(session, body.id, after=None, limit=1, day=TODAY))[0]
    await service.end(session, body.id, row.id, day=TODAY, note="调离", act=ACT)
    assert (await lacking())[body.name] == [ResponsibleRole(row.role)]


def test_every_role_has_the_name_that_the_policy_gives_it() -> None:
    assert [role.zh for role in ResponsibleRole] == ["分管领导", "主管股室", "专人", "联络员"]
    assert ResponsibleRole.LEADER.en == "leader in charge"
