"""What every deadline satisfies, whatever the rule and the moment."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.duties.calendar import BEIJING, announced, beijing_date, end_of, last_day_of
from hub.duties.terms import (
    EARLIEST,
    LATEST,
    MOST,
    Direction,
    Extension,
    Terms,
    Unit,
    deadline,
    extended,
)

KNOWN = announced()
COUNTED = (Unit.WORKING_DAY, Unit.DAY, Unit.HOUR)


def between(first: datetime, last: datetime) -> st.SearchStrategy[datetime]:
    return st.timedeltas(timedelta(0), last - first).map(lambda passed: first + passed)


moments = between(EARLIEST, LATEST)
near = between(datetime(2024, 1, 1, tzinfo=BEIJING), datetime(2026, 6, 1, tzinfo=BEIJING))


def terms(amount: int, unit: Unit, direction: Direction = Direction.AFTER) -> Terms:
    return Terms(amount, unit, direction, extension=Extension(7, unit) if direction is Direction.AFTER else None)


@given(moments, st.integers(1, 60), st.sampled_from(COUNTED), st.sampled_from(Direction))
def test_a_deadline_lies_on_its_side_of_the_event_and_is_due_soon_before_it(
    anchor: datetime, amount: int, unit: Unit, direction: Direction
) -> None:
    found = deadline(terms(amount, unit, direction), anchor, KNOWN)
    assert (found.due_at > anchor) is (direction is Direction.AFTER)
    assert found.soon_at <= found.due_at
    if direction is Direction.AFTER:
        assert found.soon_at >= anchor
    else:
        assert last_day_of(found.due_at) < beijing_date(anchor) or unit is Unit.HOUR


@given(near, st.integers(1, 60))
def test_the_hour_of_the_event_does_not_matter_where_days_are_counted(anchor: datetime, amount: int) -> None:
    early = datetime.combine(anchor.date(), datetime.min.time(), BEIJING)
    late = early + timedelta(days=1, microseconds=-1)
    for unit in (Unit.WORKING_DAY, Unit.DAY):
        ends = {deadline(terms(amount, unit), moment, KNOWN).due_at for moment in (early, anchor, late)}
        assert len(ends) == 1


@given(near, st.integers(1, 60))
def test_working_days_end_no_earlier_than_days_and_days_on_their_day(anchor: datetime, amount: int) -> None:
    plain = deadline(terms(amount, Unit.DAY), anchor, KNOWN)
    assert last_day_of(plain.due_at) == anchor.date() + timedelta(days=amount)
    assert deadline(terms(amount, Unit.WORKING_DAY), anchor, KNOWN).due_at >= plain.due_at
    hours = deadline(terms(amount, Unit.HOUR), anchor, KNOWN)
    assert hours.due_at - anchor == timedelta(hours=amount)


@given(near, st.integers(1, 30), st.integers(1, 30))
def test_an_extension_in_working_days_is_as_if_they_had_been_there_from_the_beginning(
    anchor: datetime, amount: int, more: int
) -> None:
    rule = terms(amount, Unit.WORKING_DAY)
    later = extended(rule, anchor, deadline(rule, anchor, KNOWN), more, KNOWN)
    assert later == deadline(terms(amount + more, Unit.WORKING_DAY), anchor, KNOWN)


@given(moments, st.integers(1, 12), st.integers(1, 31), st.integers(1, 5))
def test_a_date_is_the_nth_after_the_day_of_the_event(anchor: datetime, month: int, day: int, count: int) -> None:
    found = last_day_of(deadline(Terms(count, Unit.DATE, month=month, day=day), anchor, KNOWN).due_at)
    assert found > beijing_date(anchor)
    assert found.month == month
    assert found.day == day or (found + timedelta(days=1)).month != month
    assert count - 1 <= found.year - beijing_date(anchor).year <= count


@given(st.dates(date(2024, 1, 1), date(2026, 11, 30)))
def test_an_anniversary_is_the_same_day_of_the_next_year(day: date) -> None:
    anchor = datetime.combine(day, datetime.min.time(), BEIJING)
    found = last_day_of(deadline(Terms(1, Unit.DATE), anchor, KNOWN).due_at)
    assert found.year == day.year + 1
    assert (found.month, found.day) in {(day.month, day.day), (2, 28)}


@given(near, st.integers(1, 60))
def test_a_deadline_is_provisional_if_and_only_if_working_days_reach_into_a_year_without_notice(
    anchor: datetime, amount: int
) -> None:
    late = anchor.replace(year=max(KNOWN.years), month=12, day=1)
    found = deadline(terms(amount, Unit.WORKING_DAY), late, KNOWN)
    assert found.provisional is (last_day_of(found.due_at).year not in KNOWN.years)
    assert not deadline(terms(amount, Unit.DAY), late, KNOWN).provisional


def test_an_extension_may_be_counted_in_another_unit_than_the_deadline() -> None:
    anchor = datetime(2026, 9, 21, 10, tzinfo=BEIJING)
    rule = Terms(3, Unit.WORKING_DAY, extension=Extension(7, Unit.DAY))
    first = deadline(rule, anchor, KNOWN)
    assert last_day_of(extended(rule, anchor, first, 7, KNOWN).due_at) == date(2026, 10, 1)
    hours = Terms(3, Unit.WORKING_DAY, extension=Extension(12, Unit.HOUR))
    assert extended(hours, anchor, first, 12, KNOWN).due_at == first.due_at + timedelta(hours=12)
    working = Terms(3, Unit.DAY, extension=Extension(1, Unit.WORKING_DAY))
    end_of_year = datetime(max(KNOWN.years), 12, 28, 10, tzinfo=BEIJING)
    plain = deadline(working, end_of_year, KNOWN)
    assert not plain.provisional
    assert extended(working, end_of_year, plain, 1, KNOWN).provisional


@pytest.mark.parametrize("anchor", [EARLIEST, LATEST])
@pytest.mark.parametrize("unit", COUNTED)
@pytest.mark.parametrize("direction", Direction)
def test_the_longest_time_can_be_counted_from_the_first_and_the_last_moment(
    anchor: datetime, unit: Unit, direction: Direction
) -> None:
    rule = Terms(MOST, unit, direction, extension=Extension(MOST, unit))
    found = deadline(rule, anchor, KNOWN)
    if direction is Direction.AFTER:
        assert extended(rule, anchor, found, MOST, KNOWN).due_at > found.due_at > anchor
    else:
        assert found.due_at < anchor


def test_the_year_of_a_rule_is_that_year_alone() -> None:
    only = Terms(1, Unit.DATE, month=2, day=31, year=2015)
    found = deadline(only, datetime(2026, 1, 1, tzinfo=UTC), KNOWN)
    assert found.due_at == end_of(date(2015, 2, 28))
