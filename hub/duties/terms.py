"""What a rule asks: how much of what, from which moment, and so by when. Pure: calendar and anchor are arguments.

How time is counted:

* The day of the event does not count. What is due in working days or days may be done until the last day ends (24:00 in
  Beijing); hours count from the moment of the event.
* `before` counts back from the anchor: the day of the event does not count there either, and the duty ends with the last
  day counted: 生效前2个工作日 for what takes effect on a Monday is the end of Thursday.
* A date is the first of its kind after the day of the event (`amount` 1; 2: the one after that), and that day is included. A day
  that the month lacks is the month's last: 31 February is 2月底. Without month and day it is the anniversary. With a year it
  is that one day.
* What is counted in days, or is a date, and ends on a day off is not moved, unless the rule says so.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from hub.duties.calendar import WorkCalendar, beijing_date, end_of, last_day_of, start_of

MOST = 10_000
"""Of any unit: forty years of working days; what is more is a mistake."""

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9900, 1, 1, tzinfo=UTC)
"""Anchors from which every deadline can be counted: the last one leaves room for `MOST` days."""

SOON_SHARE = 0.9
"""A duty is due soon when so much of its time is gone, or one working day is left, whichever comes first."""


class Unit(StrEnum):
    """What time is counted in."""

    WORKING_DAY = "working-day"
    DAY = "day"
    HOUR = "hour"
    DATE = "date"


class Direction(StrEnum):
    """Whether the duty ends after its anchor or before it."""

    AFTER = "after"
    BEFORE = "before"


class DebtorRole(StrEnum):
    """Who owes (policy: 主管部门, 提供部门, 使用部门, 平台运行单位, 监察审计机关, 保密审查); `responsible` is whoever is named."""

    AUTHORITY = "authority"
    PROVIDER = "provider"
    CONSUMER = "consumer"
    OPERATOR = "operator"
    SECURITY = "security"
    SECRECY = "secrecy"
    AUDITOR = "auditor"
    SUPERVISOR = "supervisor"
    RESPONSIBLE = "responsible"


class Standing(StrEnum):
    """How an open duty stands: its time has passed, ends today (Beijing), is nearly gone, or lasts."""

    OVERDUE = "overdue"
    DUE = "due"
    DUE_SOON = "due-soon"
    UPCOMING = "upcoming"


@dataclass(frozen=True, slots=True)
class Extension:
    """By how much a deadline may be put off, once; counted from the deadline."""

    amount: int
    unit: Unit
    needs_approval: bool = True


@dataclass(frozen=True, slots=True)
class Terms:
    """The part of a rule that a deadline is counted from.

    `month`, `day` and `year` belong to the unit `date` alone. `cap` bounds amount and extension together. `moves`: a last day
    that is off gives way to the next working day.
    """

    amount: int
    unit: Unit
    direction: Direction = Direction.AFTER
    month: int | None = None
    day: int | None = None
    year: int | None = None
    cap: int | None = None
    extension: Extension | None = None
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Deadline:
    """`due_at`: the moment after which the duty is overdue; `soon_at`: from which it is due soon.

    `provisional`: a year that it was counted through has not been announced yet, so it may move.
    """

    due_at: datetime
    soon_at: datetime
    provisional: bool


def deadline(terms: Terms, anchor: datetime, calendar: WorkCalendar) -> Deadline:
    """By when a duty under these terms ends whose event happens at `anchor` (aware, between `EARLIEST` and `LATEST`)."""
    back = terms.direction is Direction.BEFORE
    if terms.unit is Unit.HOUR:
        due = anchor + timedelta(hours=-terms.amount if back else terms.amount)
        return _closed(due, anchor, terms, calendar, provisional=False)
    first = beijing_date(anchor)
    last = _last_day(terms, first, calendar, back=back)
    counted = terms.unit is Unit.WORKING_DAY
    if terms.moves and terms.unit is not Unit.WORKING_DAY:
        counted = True
        last = calendar.next_working_day(last)
    return _closed(end_of(last), anchor, terms, calendar, provisional=counted and not _covers(calendar, first, last))


def extended(terms: Terms, anchor: datetime, before: Deadline, amount: int, calendar: WorkCalendar) -> Deadline:
    """The deadline put off by `amount` of the extension's unit. The terms must allow an extension."""
    assert terms.extension is not None
    unit, last = terms.extension.unit, last_day_of(before.due_at)
    if unit is Unit.HOUR:
        return _closed(before.due_at + timedelta(hours=amount), anchor, terms, calendar, provisional=before.provisional)
    if unit is Unit.DAY:
        return _closed(end_of(last + timedelta(days=amount)), anchor, terms, calendar, provisional=before.provisional)
    later = calendar.shifted(last, amount)
    provisional = before.provisional or not calendar.covers(last, later)
    return _closed(end_of(later), anchor, terms, calendar, provisional=provisional)


def _last_day(terms: Terms, first: date, calendar: WorkCalendar, *, back: bool) -> date:
    count = -terms.amount if back else terms.amount
    if terms.unit is Unit.WORKING_DAY:
        return calendar.shifted(first, count)
    if terms.unit is Unit.DAY:
        return first + timedelta(days=count)
    return _date_after(terms, first)


def _date_after(terms: Terms, first: date) -> date:
    """The `amount`-th such date after `first`."""
    month, day = terms.month or first.month, terms.day or first.day
    if terms.year is not None:
        return _clamped(terms.year, month, day)
    year = first.year if _clamped(first.year, month, day) > first else first.year + 1
    return _clamped(year + terms.amount - 1, month, day)


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))


def _covers(calendar: WorkCalendar, one: date, other: date) -> bool:
    return calendar.covers(min(one, other), max(one, other))


def _closed(due: datetime, anchor: datetime, terms: Terms, calendar: WorkCalendar, *, provisional: bool) -> Deadline:
    """The deadline with the moment from which it is due soon; a duty that is counted back is always within its time."""
    soon = due if due <= anchor else anchor + (due - anchor) * SOON_SHARE
    if terms.unit is not Unit.HOUR:
        soon = min(soon, start_of(calendar.shifted(last_day_of(due), -1)))
    if terms.direction is Direction.AFTER:
        soon = max(soon, anchor)
    return Deadline(due.astimezone(UTC), soon.astimezone(UTC), provisional)
