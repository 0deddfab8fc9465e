"""The working days of China: which days are off and which weekend days are worked (调休). Pure: no table, no clock.

The State Council announces each year's days late in the year before. `chinesecalendar` carries the announced years; the
notice of a year that an operator adds replaces them. Beyond what was announced a working day is Monday to Friday, and
what is counted with it is provisional. All days are those of Beijing (UTC+8, no summer time).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache

from chinese_calendar import constants

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

_DAY = timedelta(days=1)
_SATURDAY = 5
_DECEMBER = 12


@dataclass(frozen=True, slots=True)
class YearNotice:
    """The days of one year's notice: `off` on which nobody works, `worked` weekend days on which everybody does.

    A notice also speaks of December of the year before, where the New Year's holiday moves days of it.
    """

    year: int
    off: frozenset[date]
    worked: frozenset[date]


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Which days are worked; `years` are those that a notice covers."""

    off: frozenset[date]
    worked: frozenset[date]
    years: frozenset[int]

    def is_working_day(self, day: date) -> bool:
        """Whether the day is worked: as announced, else Monday to Friday."""
        if day in self.worked:
            return True
        return day.weekday() < _SATURDAY and day not in self.off

    def covers(self, first: date, last: date) -> bool:
        """Whether the days of every year from `first` to `last` were announced."""
        return all(year in self.years for year in range(first.year, last.year + 1))

    def shifted(self, day: date, working_days: int) -> date:
        """The working day that lies `working_days` after `day` (before it, if negative); `day` itself does not count.

        Looks at each day between once. Raises OverflowError beyond the calendar's last year.
        """
        step = _DAY if working_days >= 0 else -_DAY
        left = abs(working_days)
        while left:
            day += step
            left -= self.is_working_day(day)
        return day

    def next_working_day(self, day: date) -> date:
        """`day` if it is worked, else the first working day after it."""
        while not self.is_working_day(day):
            day += _DAY
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days lie after `first`, up to and including `last`; 0 if `last` is not after `first`."""
        return sum(self.is_working_day(first + _DAY * number) for number in range(1, (last - first).days + 1))

    def with_notices(self, notices: Iterable[YearNotice]) -> "WorkCalendar":
        """This calendar with each notice in the place of what it says about the notice's year.

        What is known of its December stays where the next year was announced, whose notice may have set these days, unless the
        notice names days of that December itself.
        """
        off, worked, years = set(self.off), set(self.worked), set(self.years)
        for notice in sorted(notices, key=lambda one: one.year):
            kept = notice.year + 1 in self.years and not any(
                (day.year, day.month) == (notice.year, _DECEMBER) for day in notice.off | notice.worked
            )
            replaced = {
                day for day in off | worked if day.year == notice.year and not (kept and day.month == _DECEMBER)
            }
            off = off - replaced - notice.worked | notice.off
            worked = worked - replaced - notice.off | notice.worked
            years.add(notice.year)
        return WorkCalendar(frozenset(off), frozenset(worked), frozenset(years))


@cache
def announced() -> WorkCalendar:
    """The years that `chinesecalendar` carries; it knows a year if it knows a holiday in it."""
    return WorkCalendar(
        frozenset(constants.holidays), frozenset(constants.workdays), frozenset(day.year for day in constants.holidays)
    )


def beijing_date(moment: datetime) -> date:
    """The day that it is in Beijing at `moment` (aware)."""
    return moment.astimezone(BEIJING).date()


def start_of(day: date) -> datetime:
    """The moment at which the day begins in Beijing."""
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)


def end_of(day: date) -> datetime:
    """The moment at which the day ends in Beijing: 24:00, which is the next day's beginning."""
    return start_of(day + _DAY)


def last_day_of(deadline: datetime) -> date:
    """The day in Beijing on which something due at `deadline` may still be done: 24:00 belongs to the day that ends."""
    return beijing_date(deadline - timedelta(microseconds=1))
