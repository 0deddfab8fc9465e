"""What is owed, by whom, until when, and how it ends; on a real database."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from hub.db.engine import Database
from hub.duties import acts, notices, rules, service
from hub.duties.calendar import BEIJING, announced, end_of, last_day_of
from hub.duties.errors import (
    DeadlinePassed,
    DutyClosed,
    NoDeclaredRule,
    NoRule,
    NotDeclared,
    NotExtensible,
    NoticeRefused,
    UnknownDuty,
)
from hub.duties.models import Duty
from hub.duties.notices import NewNotice
from hub.duties.repository import OwedRecord, Reader
from hub.duties.service import TODO, Debtor, Subject
from hub.duties.terms import Standing
from hub.registry.errors import InvalidField, OrganisationEnded, UnknownOrganisation
from tests.support.registry import NOW, OFFICER, RECORDER, make_organisation

REQUEST = Subject("access-request", "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f")
RESOURCE = Subject("resource", "306001000001/000042")
SOMEBODY = UUID(int=7)
WHO: dict[str, Any] = {"actor": OFFICER, "recorder": RECORDER}
NEXT_YEAR = max(announced().years) + 1

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=BEIJING)


async def owe(session: AsyncSession, duty: str, subject: Subject = REQUEST, **more: Any) -> Duty:
    return await service.owe(session, duty, subject, **(WHO | {"anchored_at": NOW, "now": NOW} | more))


async def declare(session: AsyncSession, event: str, subject: Subject = RESOURCE, **more: Any) -> list[Duty]:
    plain = {"at": NOW, "organisation_id": None, "now": NOW}
    return await acts.declare(session, event, subject, **(WHO | plain | more))


async def extend(session: AsyncSession, row: Duty, now: datetime = NOW, **more: Any) -> OwedRecord:
    return await acts.extend(session, row.id, **(WHO | {"basis": "主管部门批准", "now": now} | more))


async def everything(session: AsyncSession, now: datetime = NOW, **more: Any) -> list[Duty]:
    return [one.duty for one in await service.list_for(session, None, now=now, limit=100, **more)]


async def leaves(session: AsyncSession, event: str) -> list[Any]:
    query = text("SELECT leaf FROM log_entry WHERE event = :event ORDER BY occurred_at, ctid")
    return [orjson.loads(row.leaf) for row in await session.execute(query, {"event": event})]


async def test_what_is_owed_has_a_rule_and_a_deadline_and_ends_with_the_act(session: AsyncSession) -> None:
    provider = await make_organisation(session)
    owed = await owe(session, "answer-conditional", debtor=Debtor(provider.id))
    assert owed.due_at == at(2026, 3, 17)  # Monday 2 March and ten working days: 16 March, 24:00
    reader = Reader(SOMEBODY, provider.id, frozenset({"provider"}))
    (found,) = await service.list_for(session, reader, now=NOW, limit=10)
    assert (found.duty.id, found.rule.code, found.rule.version, found.debtor) == (owed.id, "D2", 1, provider.name)
    (closed,) = await service.fulfil(session, REQUEST, "answer-conditional", **WHO, now=NOW)
    assert (closed.state, closed.closed_by) == ("done", OFFICER.id)
    assert await service.list_for(session, reader, now=NOW, limit=10) == []
    assert len(await service.list_for(session, reader, now=NOW, closed=True, limit=10)) == 1
    assert await service.fulfil(session, REQUEST, "answer-conditional", **WHO, now=NOW) == []
    (entry,) = await leaves(session, "duty.owed")
    assert entry["object"] == {"type": "duty", "id": str(owed.id)}
    assert entry["details"] == {
        "duty": "answer-conditional",
        "rule": "D2",
        "version": 1,
        "subject": f"access-request/{REQUEST.id}",
        "due_at": "2026-03-16T16:00:00.000000+00:00",
    }
    (ended,) = await leaves(session, "duty.fulfilled")
    assert ended["before"] == entry["after"]


async def test_the_first_deadline_of_the_same_debtor_stands_and_another_debtor_owes_too(session: AsyncSession) -> None:
    one, other = await make_organisation(session, "甲局"), await make_organisation(session, "乙局")
    first = await owe(session, "provide-data", debtor=Debtor(one.id))
    again = await owe(session, "provide-data", debtor=Debtor(one.id), anchored_at=NOW + timedelta(days=9))
    assert (again.id, again.due_at) == (first.id, first.due_at)
    assert (await owe(session, "provide-data", debtor=Debtor(other.id))).id != first.id
    alone = await owe(session, "publish-catalogue")
    assert (await owe(session, "publish-catalogue", now=NOW + timedelta(1))).id == alone.id
    assert len(await leaves(session, "duty.owed")) == 3
    assert len(await service.fulfil(session, REQUEST, "provide-data", **WHO, now=NOW)) == 2
    assert (await owe(session, "provide-data", debtor=Debtor(one.id))).id != first.id
    assert {row.duty for row in await service.cancel(session, REQUEST, **WHO, now=NOW)} == {
        "provide-data",
        "publish-catalogue",
    }
    assert await service.cancel(session, REQUEST, "provide-data", **WHO, now=NOW) == []
    assert len(await leaves(session, "duty.cancelled")) == 2


async def test_everybody_finds_what_they_look_after_and_nothing_else(session: AsyncSession) -> None:
    ours, theirs = await make_organisation(session, "甲局"), await make_organisation(session, "乙局")
    mine = await owe(session, "answer-conditional", debtor=Debtor(ours.id, SOMEBODY))
    house = await owe(session, "answer-unconditional", debtor=Debtor(ours.id))
    other = await owe(session, "provide-data", debtor=Debtor(theirs.id))
    authority = await owe(session, "publish-catalogue")

    async def sees(staff: UUID, organisation: UUID | None, *roles: str) -> set[UUID]:
        reader = Reader(staff, organisation, frozenset(roles))
        return {one.duty.id for one in await service.list_for(session, reader, now=NOW, limit=10)}

    assert await sees(SOMEBODY, ours.id, "provider") == {mine.id, house.id}
    assert await sees(UUID(int=8), ours.id, "provider") == {house.id}
    assert await sees(UUID(int=8), ours.id, "operator") == set()
    assert await sees(UUID(int=8), theirs.id, "provider", "authority") == {other.id, authority.id}
    assert await sees(UUID(int=8), None, "authority") == {authority.id}
    assert await sees(UUID(int=8), None, "provider") == set()
    assert await sees(UUID(int=8), None) == set()
    assert {row.id for row in await everything(session)} == {mine.id, house.id, other.id, authority.id}
    assert len(await everything(session, subject=RESOURCE)) == 0
    assert len(await everything(session, subject=REQUEST)) == 4


async def test_whether_it_is_overdue_is_judged_when_it_is_read(session: AsyncSession) -> None:
    row = await owe(session, "publish-catalogue", anchored_at=at(2026, 9, 23, 9))  # by 28 September, after 中秋
    assert last_day_of(row.due_at) == date(2026, 9, 28)
    expected = {
        at(2026, 9, 23, 23): Standing.UPCOMING,
        at(2026, 9, 24): Standing.DUE_SOON,
        at(2026, 9, 27, 23): Standing.DUE_SOON,
        at(2026, 9, 28): Standing.DUE,
        at(2026, 9, 29): Standing.DUE,  # 24:00 of the day
        at(2026, 9, 29) + timedelta(microseconds=1): Standing.OVERDUE,
    }
    for moment, standing in expected.items():
        assert service.standing(row, moment) is standing, moment
        for one in Standing:
            found = await everything(session, moment, standings=[one])
            assert len(found) == (one is standing), (moment, one)
        assert len(await everything(session, moment, standings=TODO)) == (standing in TODO)


async def test_pages_follow_the_deadlines_and_equal_ones_by_id(session: AsyncSession) -> None:
    for number in range(5):
        await owe(session, "publish-catalogue", Subject("resource", f"r{number}"))
    await owe(session, "publish-catalogue", Subject("resource", "first"), anchored_at=NOW - timedelta(days=9))
    listed = await everything(session)
    assert [row.due_at for row in listed] == sorted(row.due_at for row in listed)
    paged: list[UUID] = []
    after = None
    while found := await service.list_for(session, None, now=NOW, limit=2, after=after):
        paged += [one.duty.id for one in found]
        after = (found[-1].duty.due_at, found[-1].duty.id)
    assert paged == [row.id for row in listed]


async def test_a_deadline_is_put_off_once_within_the_rule_and_before_it_has_passed(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    (row,) = await declare(
        session, "catalogue.outdated", organisation_id=owner.id, at=at(2026, 4, 29), now=at(2026, 4, 29)
    )
    now = at(2026, 5, 14)
    for amount in (0, 6):
        with pytest.raises(InvalidField, match="D5"):
            await extend(session, row, now, amount=amount)
    with pytest.raises(InvalidField):
        await extend(session, row, now, basis=" ")
    with pytest.raises(NotExtensible, match="overdue"):
        await extend(session, row, row.due_at + timedelta(seconds=1))
    found = (await extend(session, row, now, amount=2)).duty
    assert last_day_of(found.due_at) == date(2026, 5, 19)
    assert last_day_of(found.first_due_at) == date(2026, 5, 15)
    assert (found.extended_at, found.extended_amount, found.extension_basis) == (now, 2, "主管部门批准")
    with pytest.raises(NotExtensible, match="once"):
        await extend(session, row, now)
    (entry,) = await leaves(session, "duty.extended")
    assert entry["details"]["due_at"] == "2026-05-19T16:00:00.000000+00:00"
    assert entry["details"]["was_due_at"] == "2026-05-15T16:00:00.000000+00:00"
    assert "主管部门批准" not in orjson.dumps(entry).decode()
    with pytest.raises(NotExtensible, match="D6"):
        await extend(session, await owe(session, "publish-catalogue"))
    await acts.finish(session, row.id, **WHO, now=now)
    with pytest.raises(DutyClosed):
        await extend(session, row, now)
    with pytest.raises(UnknownDuty):
        await acts.extend(session, SOMEBODY, basis="无", **WHO, now=now)


async def test_a_declared_event_begins_what_its_rules_lay_on_people_and_people_end_it(session: AsyncSession) -> None:
    finance = await make_organisation(session)
    year = Subject("year", "2025")
    asked: dict[str, Any] = {"at": at(2025, 12, 31, 12), "now": at(2026, 1, 4)}
    with pytest.raises(InvalidField) as refused:
        await declare(session, "year.ended", year, **asked)
    assert refused.value.errors[0].pointer == "/organisation"
    owed = await declare(session, "year.ended", year, **asked, organisation_id=finance.id)
    assert {row.duty: last_day_of(row.due_at) for row in owed} == {
        "evaluate-sharing": date(2026, 12, 31),
        "report-sharing": date(2026, 2, 28),
        "renew-relief-list": date(2026, 1, 31),
    }
    assert {row.duty for row in owed if row.debtor_organisation_id == finance.id} == {"renew-relief-list"}
    (report,) = await declare(session, "year.ended", year, **asked, duty="report-sharing")
    assert report.id in {row.id for row in owed}
    await acts.finish(session, report.id, **WHO, now=at(2026, 3, 9))  # late, and owed again all the same
    (again,) = [row for row in await everything(session) if row.duty == "report-sharing"]
    assert (again.id != report.id, last_day_of(again.due_at), again.declared) == (True, date(2027, 2, 28), True)
    with pytest.raises(DutyClosed):
        await acts.finish(session, report.id, **WHO, now=NOW)
    withdrawn = await acts.withdraw(session, again.id, reason="报送渠道已变更", **WHO, now=NOW)
    assert (withdrawn.duty.state, withdrawn.duty.closed_reason) == ("cancelled", "报送渠道已变更")
    assert not [row for row in await everything(session) if row.duty == "report-sharing"]
    by_hub = await owe(session, "publish-catalogue")
    for act in (
        acts.finish(session, by_hub.id, **WHO, now=NOW),
        acts.withdraw(session, by_hub.id, reason="误", **WHO, now=NOW),
    ):
        with pytest.raises(NotDeclared):
            await act


async def test_nothing_is_owed_by_an_event_that_no_rule_waits_for_or_that_has_not_happened(
    session: AsyncSession,
) -> None:
    for event in ("disaster.stabilised", "request.submitted", "nothing.happened"):
        with pytest.raises(NoDeclaredRule):
            await declare(session, event)  # 新津's guides are for reference; requests the hub sees by itself
    with pytest.raises(UnknownOrganisation):
        await declare(session, "catalogue.outdated", organisation_id=SOMEBODY)
    ended = await make_organisation(session)
    await session.execute(text("UPDATE organisation SET state = 'ended', ended_at = now()"))
    with pytest.raises(OrganisationEnded):
        await declare(session, "catalogue.outdated", organisation_id=ended.id)
    with pytest.raises(InvalidField, match="D5"):
        await declare(session, "catalogue.outdated", at=NOW + timedelta(seconds=1), organisation_id=SOMEBODY)
    for subject in (Subject("Resource", "1"), Subject("resource", ""), Subject("resource", "张三 1")):
        with pytest.raises(InvalidField):
            await declare(session, "catalogue.outdated", subject)
    with pytest.raises(InvalidField):
        await declare(session, "catalogue.outdated", at=datetime(1969, 12, 31, tzinfo=UTC))
    with pytest.raises(InvalidField):
        await owe(session, "publish-catalogue", anchored_at=datetime(2026, 3, 2))  # noqa: DTZ001
    with pytest.raises(NoRule):
        await owe(session, "check-request")
    with pytest.raises(DeadlinePassed, match="2015"):
        await declare(session, "gannan-plan.issued", at=NOW, organisation_id=(await make_organisation(session)).id)
    assert await everything(session) == []
    assert await leaves(session, "duty.owed") == []


async def test_what_is_counted_back_is_declared_ahead_after_its_rule_is_adopted(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    await rules.adopt(session, "L4", valid_from=date(2025, 1, 1), **WHO, now=NOW)
    (row,) = await declare(session, "power.takes-effect", at=at(2026, 10, 9), organisation_id=owner.id)
    assert last_day_of(row.due_at) == date(2026, 9, 30)
    await acts.finish(session, row.id, **WHO, now=NOW)
    assert await everything(session) == []


def notice(
    year: int, *off: date, worked: tuple[date, ...] = (), basis: str = "国务院办公厅通知", always: bool = True
) -> NewNotice:
    fixed = [date(year, month, day) for month, day in notices.ALWAYS_OFF if always]
    return NewNotice(year, [*fixed, *off], list(worked), basis)


async def add(session: AsyncSession, new: NewNotice) -> int:
    return (await notices.add_notice(session, new, **WHO, now=NOW)).moved


async def test_a_notice_settles_what_was_provisional_and_moves_what_it_touches(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    december = at(NEXT_YEAR - 1, 12, 30, 9)
    row = await owe(session, "answer-conditional", debtor=Debtor(owner.id), anchored_at=december)
    (extended,) = await declare(session, "catalogue.outdated", organisation_id=owner.id, at=december, now=december)
    await extend(session, extended, december)
    elsewhere = await owe(session, "publish-catalogue")
    assert (row.provisional, elsewhere.provisional) == (True, False)
    before = row.due_at
    january = [day for number in range(4, 11) if (day := date(NEXT_YEAR, 1, number)).weekday() < 5][:3]
    saturday = next(day for number in range(9, 16) if (day := date(NEXT_YEAR, 1, number)).weekday() == 5)
    assert await add(session, notice(NEXT_YEAR, *january, worked=(saturday,))) == 2
    by_id = {one.id: one for one in await everything(session)}
    moved = by_id[row.id]
    calendar = await notices.work_calendar(session)
    assert moved.due_at == end_of(calendar.shifted(december.date(), 10))
    assert (moved.provisional, moved.due_at > before) == (False, True)
    late = by_id[extended.id]
    assert (late.first_due_at, late.due_at) == (moved.due_at, end_of(calendar.shifted(december.date(), 15)))
    assert by_id[elsewhere.id].due_at == elsewhere.due_at
    entries = await leaves(session, "duty.rescheduled")
    assert {one["object"]["id"] for one in entries} == {str(row.id), str(extended.id)}
    assert all(one["details"]["was_due_at"] < one["details"]["due_at"] for one in entries)
    (added,) = await leaves(session, "holiday-notice.added")
    assert added["details"] == {"year": NEXT_YEAR, "off": 3 + len(january), "worked": 1, "moved": 2}
    settled = moved.due_at
    assert await add(session, notice(NEXT_YEAR)) == 2  # a corrected notice: earlier again
    by_id = {one.id: one for one in await everything(session)}
    assert by_id[row.id].due_at < settled


async def test_a_notice_waits_for_what_is_being_begun_and_counts_it_too(database: Database) -> None:
    off = at(2026, 2, 24).date()
    async with database.session() as beginning:
        row = await owe(beginning, "publish-catalogue", anchored_at=at(2026, 2, 13, 9))
        assert last_day_of(row.due_at) == off

        async def adding() -> int:
            async with database.session() as session, session.begin():
                return await add(
                    session, notice(2026, *(day for day in announced().off if day.year == 2026), off, always=False)
                )

        task = asyncio.create_task(adding())
        async with database.connection() as watching:
            while not await watching.fetchval(WAITING):  # noqa: ASYNC110  what is waited for has no event
                await asyncio.sleep(0.01)
        await beginning.commit()
        assert await task == 1


async def test_a_notice_replaces_what_the_library_says_of_its_year_and_all_are_listed(session: AsyncSession) -> None:
    row = await owe(session, "publish-catalogue", anchored_at=at(2026, 2, 13, 9))  # 14 February is worked, then 24
    assert last_day_of(row.due_at) == date(2026, 2, 24)
    assert await add(session, notice(2026, date(2026, 2, 17))) == 1
    (moved,) = await everything(session)
    assert last_day_of(moved.due_at) == date(2026, 2, 18)
    known = await notices.known_years(session)
    assert [(one.source, one.in_force) for one in known if one.year == 2026] == [("notice", True), ("library", False)]
    assert [one.year for one in known] == sorted((one.year for one in known), reverse=True)
    (library,) = [one for one in known if (one.year, one.source) == (2025, "library")]
    assert (library.in_force, date(2025, 1, 26) in library.days_worked, len(library.days_worked)) == (True, True, 5)


@pytest.mark.parametrize(
    ("new", "pointers"),
    [
        (NewNotice(1999, [], [], "通知"), ["/year"]),
        (NewNotice(2027, [date(2027, 1, 1), date(2027, 5, 1)], [], "通知"), ["/days_off"]),
        (notice(2027, date(2027, 1, 1)), ["/days_off"]),
        (notice(2027, date(2028, 1, 1)), ["/days_off/3"]),
        (notice(2027, date(2026, 11, 30)), ["/days_off/3"]),
        (notice(2027, date(2026, 12, 31)), []),
        (notice(2027, worked=(date(2027, 1, 4),)), ["/days_worked/0"]),
        (notice(2027, date(2027, 1, 3), worked=(date(2027, 1, 3),)), ["/days_worked/0"]),
    ],
)
def test_a_notice_that_contradicts_itself_or_the_calendar_is_named_field_by_field(
    new: NewNotice, pointers: list[str]
) -> None:
    assert [fault.pointer for fault in notices.faults(new)] == pointers


async def test_a_notice_that_is_refused_changes_nothing(session: AsyncSession) -> None:
    with pytest.raises(NoticeRefused):
        await add(session, NewNotice(2027, [], [], "通知"))
    with pytest.raises(InvalidField):
        await add(session, notice(2027, basis=""))
    assert len(await notices.known_years(session)) == len(announced().years)


async def test_rules_and_notices_that_are_in_the_database_never_change(
    database: Database, session: AsyncSession
) -> None:
    await owe(session, "publish-catalogue")
    await add(session, notice(2026))
    await session.commit()
    for statement in (
        "UPDATE duty_rule SET valid_from = '2020-01-01'",
        "DELETE FROM duty_rule",
        "UPDATE holiday_notice SET year = 2027",
        "DELETE FROM holiday_notice",
    ):
        with pytest.raises(DBAPIError, match="never change"):
            await session.execute(text(statement))
        await session.rollback()
