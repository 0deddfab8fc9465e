"""The working days of China against published notices, and what counting them must always satisfy."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.duties.calendar import WorkCalendar, YearNotice, announced, beijing_date, end_of, last_day_of
from hub.duties.notices import missing_years

KNOWN = announced()
FIRST, LAST = date(2024, 1, 1), date(2026, 12, 31)

WORKED = {
    *("2024-02-04", "2024-02-18", "2024-04-07", "2024-04-28", "2024-05-11", "2024-09-14", "2024-09-29", "2024-10-12"),
    *("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"),
    *("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
}
"""国务院办公厅关于2024年、2025年、2026年部分节假日安排的通知: the weekend days that are worked."""

OFF = (
    *(("2024-01-01", "2024-01-01"), ("2024-02-10", "2024-02-17"), ("2024-04-04", "2024-04-06")),
    *(("2024-05-01", "2024-05-05"), ("2024-06-08", "2024-06-10"), ("2024-09-15", "2024-09-17")),
    *(("2024-10-01", "2024-10-07"), ("2025-01-01", "2025-01-01"), ("2025-01-28", "2025-02-04")),
    *(("2025-04-04", "2025-04-06"), ("2025-05-01", "2025-05-05"), ("2025-05-31", "2025-06-02")),
    *(("2025-10-01", "2025-10-08"), ("2026-01-01", "2026-01-03"), ("2026-02-15", "2026-02-23")),
    *(("2026-04-04", "2026-04-06"), ("2026-05-01", "2026-05-05"), ("2026-06-19", "2026-06-21")),
    *(("2026-09-25", "2026-09-27"), ("2026-10-01", "2026-10-07")),
)
"""The same notices: from and to, of every holiday."""

days = st.dates(FIRST, LAST)
counts = st.integers(0, 400)


def day(text: str) -> date:
    return date.fromisoformat(text)


def every_day(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def test_every_day_of_2024_to_2026_is_worked_or_off_as_the_notices_say() -> None:
    off = {one for first, last in OFF for one in every_day(day(first), day(last))}
    worked = {day(text) for text in WORKED}
    for one in every_day(FIRST, LAST):
        expected = one in worked or (one.weekday() < 5 and one not in off)
        assert KNOWN.is_working_day(one) is expected, one


def test_every_day_of_the_library_is_what_the_library_says() -> None:
    assert KNOWN.years == frozenset(range(2004, max(KNOWN.years) + 1))
    for one in every_day(date(2004, 1, 1), date(max(KNOWN.years), 12, 31)):
        assert KNOWN.is_working_day(one) is chinese_calendar.is_workday(one), one


def test_a_year_that_was_not_announced_is_not_covered_and_has_plain_weeks() -> None:
    beyond = max(KNOWN.years) + 1
    with pytest.raises(NotImplementedError):
        chinese_calendar.is_workday(date(beyond, 1, 1))
    assert KNOWN.covers(FIRST, LAST)
    assert not KNOWN.covers(LAST, date(beyond, 1, 1))
    assert not KNOWN.covers(date(2003, 12, 31), FIRST)
    assert all(
        KNOWN.is_working_day(one) is (one.weekday() < 5) for one in every_day(date(beyond, 1, 1), date(beyond, 12, 31))
    )


@given(days, counts)
def test_the_day_counted_to_is_worked_and_as_many_working_days_away(start: date, count: int) -> None:
    there = KNOWN.shifted(start, count)
    assert KNOWN.working_days_between(start, there) == count
    assert count == 0 or KNOWN.is_working_day(there)


@given(days, counts, counts)
def test_counting_in_two_steps_is_counting_at_once(start: date, first: int, second: int) -> None:
    assert KNOWN.shifted(KNOWN.shifted(start, first), second) == KNOWN.shifted(start, first + second)


@given(days, counts)
def test_counting_back_undoes_counting_from_a_working_day(start: date, count: int) -> None:
    begin = KNOWN.next_working_day(start)
    assert KNOWN.shifted(KNOWN.shifted(begin, count), -count) == begin


@given(st.lists(days, min_size=2), counts)
def test_who_begins_later_does_not_end_earlier(starts: list[date], count: int) -> None:
    ends = [KNOWN.shifted(start, count) for start in sorted(starts)]
    assert all(one <= other for one, other in pairwise(ends))


@given(days)
def test_the_next_working_day_is_the_first_one_from_that_day_on(start: date) -> None:
    found = KNOWN.next_working_day(start)
    assert KNOWN.is_working_day(found)
    assert not any(KNOWN.is_working_day(one) for one in every_day(start, found)[:-1])


class Asked(frozenset[date]):
    """Days that count how often they are looked through."""

    times = 0

    def __contains__(self, what: object) -> bool:
        Asked.times += 1
        return super().__contains__(what)


def test_ten_thousand_working_days_look_at_each_day_between_once() -> None:
    calendar = WorkCalendar(KNOWN.off, Asked(KNOWN.worked), KNOWN.years)
    there = calendar.shifted(FIRST, 10_000)
    assert Asked.times == (there - FIRST).days
    assert calendar.working_days_between(FIRST, there) == 10_000


def test_a_notice_takes_the_place_of_what_was_known_of_its_year_and_of_no_other() -> None:
    notice = YearNotice(2026, frozenset({day("2026-01-01"), day("2025-12-31")}), frozenset({day("2025-12-27")}))
    changed = KNOWN.with_notices([notice])
    assert not changed.is_working_day(day("2025-12-31"))
    assert changed.is_working_day(day("2025-12-27"))
    assert changed.is_working_day(day("2026-10-02"))
    assert not changed.is_working_day(day("2026-02-14"))
    assert not changed.is_working_day(day("2025-10-02"))
    assert changed.years == KNOWN.years


def test_a_notice_leaves_the_december_that_the_next_years_notice_set() -> None:
    def of_2018(known: frozenset[date]) -> frozenset[date]:
        return frozenset(one for one in known if one.year == 2018 and one.month < 12)

    notice = YearNotice(2018, of_2018(KNOWN.off), of_2018(KNOWN.worked))
    changed = KNOWN.with_notices([notice])
    assert changed.is_working_day(day("2018-12-29"))  # by the notice of 2019
    assert not changed.is_working_day(day("2018-12-31"))
    named = KNOWN.with_notices([YearNotice(2018, notice.off | {day("2018-12-28")}, notice.worked)])
    assert not named.is_working_day(day("2018-12-28"))
    assert not named.is_working_day(day("2018-12-29"))
    assert named.is_working_day(day("2018-12-31"))
    last = max(KNOWN.years)
    known = WorkCalendar(KNOWN.off | {date(last, 12, 30)}, KNOWN.worked, KNOWN.years)
    assert date(last, 12, 30) not in known.with_notices([YearNotice(last, frozenset(), frozenset())]).off


def test_notices_of_two_years_stand_beside_each_other_in_whatever_order_they_come() -> None:
    first = YearNotice(2031, frozenset({day("2031-01-01")}), frozenset())
    second = YearNotice(2032, frozenset({day("2032-01-01"), day("2031-12-31")}), frozenset({day("2031-12-27")}))
    for order in ([first, second], [second, first]):
        changed = KNOWN.with_notices(order)
        assert not changed.is_working_day(day("2031-01-01"))
        assert not changed.is_working_day(day("2031-12-31"))
        assert changed.is_working_day(day("2031-12-27"))
        assert changed.covers(day("2031-01-01"), day("2032-12-31"))


def test_a_day_ends_at_midnight_in_beijing() -> None:
    assert end_of(day("2026-02-28")) == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert last_day_of(end_of(day("2026-02-28"))) == day("2026-02-28")
    assert beijing_date(datetime(2026, 2, 28, 16, tzinfo=UTC)) == day("2026-03-01")
    assert beijing_date(datetime(2026, 2, 28, 15, 59, 59, tzinfo=UTC)) == day("2026-02-28")


@pytest.mark.parametrize(
    ("today", "missing"),
    [
        (date(2026, 10, 31), []),
        (date(2026, 11, 1), [2027]),
        (date(2026, 12, 31), [2027]),
        (date(2027, 1, 1), [2027]),
        (date(2027, 11, 1), [2027, 2028]),
    ],
)
def test_the_next_years_notice_is_missed_from_november_on(today: date, missing: list[int]) -> None:
    calendar = WorkCalendar(frozenset(), frozenset(), frozenset(range(2004, 2027)))
    assert missing_years(calendar, today) == missing
    noticed = calendar.with_notices([YearNotice(year, frozenset(), frozenset()) for year in missing])
    assert missing_years(noticed, today) == []
