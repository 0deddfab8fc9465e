"""The notices of a year's days off 放假安排 that operators add, and the calendar that results.

The latest notice of a year is in force, also where the calendar's library knows the year. Adding one counts every open duty
anew whose time touches that year; what moves is logged with its deadline before and after.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.duties import repository
from hub.duties.calendar import WorkCalendar, YearNotice, announced, end_of, start_of
from hub.duties.errors import NoticeRefused
from hub.duties.models import HolidayNotice
from hub.duties.recording import record_duty
from hub.duties.repository import OwedRecord
from hub.duties.rule import rule_of
from hub.duties.terms import Deadline, deadline, extended
from hub.errors import FieldError
from hub.registry.fields import LONGEST_REASON, required_text
from hub.registry.recording import fingerprint, record_change

FIRST_YEAR, LAST_YEAR = 2000, 2200
MOST_DAYS = 60
"""A year's notice has about thirty days off and ten days worked."""

ALWAYS_OFF = ((1, 1), (5, 1), (10, 1))
"""元旦、劳动节、国庆节: days that every notice has (全国年节及纪念日放假办法); without them it is of another year, or cut off."""

NEXT_YEAR_FROM = (11, 1)
"""When the next year's notice is expected: the State Council's office has published it in October or November of each year."""

LIBRARY, NOTICE = "library", "notice"

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A year's notice: days on which nobody works, weekend days on which everybody does, and the document that says so."""

    year: int
    days_off: Sequence[date]
    days_worked: Sequence[date]
    basis: str


@dataclass(frozen=True, slots=True)
class Added:
    """A notice that was added, and how many deadlines moved with it."""

    notice: HolidayNotice
    moved: int


@dataclass(frozen=True, slots=True)
class KnownYear:
    """The days of a year as the library has them, or one notice that was added; `in_force` is one of each year.

    Versions count a year's notices; the library's days have version 0.
    """

    year: int
    source: str
    version: int
    in_force: bool
    days_off: Sequence[date]
    days_worked: Sequence[date]
    basis: str | None = None
    added_at: datetime | None = None


async def known_years(session: AsyncSession) -> list[KnownYear]:
    """What is known of each year, the latest year first; of one year the latest notice first, the library last."""
    rows = await repository.notices(session)
    latest = {row.year: row for row in rows}
    library = announced()
    found = [known(row, in_force=latest[row.year] is row) for row in rows]
    found += [
        KnownYear(
            year,
            LIBRARY,
            0,
            year not in latest,
            sorted(day for day in library.off if day.year == year),
            sorted(day for day in library.worked if day.year == year),
        )
        for year in library.years
    ]
    return sorted(found, key=lambda one: (one.year, one.version), reverse=True)


def known(row: HolidayNotice, *, in_force: bool) -> KnownYear:
    """A notice as lists show it."""
    return KnownYear(row.year, NOTICE, row.version, in_force, row.days_off, row.days_worked, row.basis, row.added_at)


async def work_calendar(session: AsyncSession) -> WorkCalendar:
    """The working days as they are known now."""
    latest = {row.year: row for row in await repository.notices(session)}
    return announced().with_notices(
        YearNotice(row.year, frozenset(row.days_off), frozenset(row.days_worked)) for row in latest.values()
    )


def missing_years(calendar: WorkCalendar, today: date) -> list[int]:
    """The years whose days nobody has announced here though they are needed: this one, and from November on the next."""
    wanted = [today.year]
    if (today.month, today.day) >= NEXT_YEAR_FROM:
        wanted.append(today.year + 1)
    return [year for year in wanted if year not in calendar.years]


def missing_words(year: int) -> tuple[str, str]:
    """What is said of a year whose notice is missing, in Chinese and in English."""
    zh = (
        f"还没有 {year} 年的放假和调休安排，涉及 {year} 年的工作日期限暂按周一至周五计算；"
        "通知公布后请系统管理员录入：shuniu holiday add"
    )
    en = (
        f"the days off of {year} are not known: deadlines that reach into it count Monday to Friday for now; "
        "once they are announced the operator enters them: shuniu holiday add"
    )
    return zh, en


async def add_notice(
    session: AsyncSession, new: NewNotice, *, actor: Actor, recorder: Recorder, now: datetime
) -> Added:
    """Put a year's notice in force and count open duties anew. Raises NoticeRefused, InvalidField (`/basis`)."""
    basis = required_text("/basis", new.basis, longest=LONGEST_REASON)
    if found := list(faults(new)):
        raise NoticeRefused(found)
    await repository.hold_days(session)
    row = HolidayNotice(
        id=new_id(now),
        year=new.year,
        version=1 + sum(one.year == new.year for one in await repository.notices(session)),
        days_off=sorted(new.days_off),
        days_worked=sorted(new.days_worked),
        basis=basis,
        added_by=actor.id,
        added_at=now,
    )
    session.add(row)
    await session.flush()
    touched = await repository.duties_touching(
        session, start_of(date(new.year - 1, 12, 1)), end_of(date(new.year, 12, 31))
    )
    calendar = await work_calendar(session)
    moved = 0
    for one in touched:
        moved += _recount(session, one, calendar, actor=actor, recorder=recorder, now=now)
    record_change(
        session,
        "holiday-notice.added",
        str(row.id),
        row,
        actor=actor,
        recorder=recorder,
        now=now,
        details={"year": row.year, "off": len(row.days_off), "worked": len(row.days_worked), "moved": moved},
    )
    return Added(row, moved)


def _recount(
    session: AsyncSession,
    found: OwedRecord,
    calendar: WorkCalendar,
    *,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> bool:
    """Count a duty anew; whether its deadline moved. That it is provisional no longer is logged as well."""
    row, terms = found.duty, rule_of(found.rule.terms).terms
    first = deadline(terms, row.anchored_at, calendar)
    due = (
        first if row.extended_amount is None else extended(terms, row.anchored_at, first, row.extended_amount, calendar)
    )
    if due == Deadline(row.due_at, row.soon_at, row.provisional):
        return False
    before, was_due_at = fingerprint(row), row.due_at
    row.first_due_at, row.due_at, row.soon_at, row.provisional = first.due_at, due.due_at, due.soon_at, due.provisional
    record_duty(
        session,
        "duty.rescheduled",
        row,
        found.rule,
        actor=actor,
        recorder=recorder,
        now=now,
        before=before,
        was_due_at=was_due_at,
    )
    return was_due_at != row.due_at


def faults(new: NewNotice) -> Iterator[FieldError]:
    """What is wrong with a notice, by JSON pointer; nothing, if it can be counted with."""
    if not FIRST_YEAR <= new.year <= LAST_YEAR:
        yield FieldError("/year", f"年份为 {FIRST_YEAR} 至 {LAST_YEAR}", f"a year is {FIRST_YEAR} to {LAST_YEAR}")
        return
    for name, days in (("days_off", new.days_off), ("days_worked", new.days_worked)):
        if len(days) > MOST_DAYS or len(set(days)) != len(days):
            yield FieldError(f"/{name}", f"最多 {MOST_DAYS} 天，且不重复", f"takes at most {MOST_DAYS} days, each once")
        for index, day in enumerate(days):
            if day.year != new.year and (day.year, day.month) != (new.year - 1, 12):
                yield FieldError(
                    f"/{name}/{index}",
                    f"{day} 不在 {new.year} 年或上年 12 月；请更正",
                    f"{day} is neither in {new.year} nor in the December before; correct it",
                )
    for index, day in enumerate(new.days_worked):
        if day.weekday() < _SATURDAY:
            yield FieldError(
                f"/days_worked/{index}",
                f"{day} 不是周末，不会是调休上班日",
                f"{day} is no weekend day, so it is worked anyway",
            )
        elif day in new.days_off:
            yield FieldError(
                f"/days_worked/{index}", f"{day} 又列为放假日；请更正", f"{day} is also a day off; correct it"
            )
    for month, day_ in ALWAYS_OFF:
        if date(new.year, month, day_) not in new.days_off:
            yield FieldError(
                "/days_off",
                f"缺少 {new.year}-{month:02}-{day_:02}；请按通知全文填写放假日",
                f"{new.year}-{month:02}-{day_:02} is missing; give every day off of the notice",
            )
