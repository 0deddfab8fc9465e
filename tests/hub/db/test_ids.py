"""UUIDv7: the time inside, the bounds of partitions, and nothing that repeats."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hub.db.ids import id_at, lowest_id, new_id, new_ids, time_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(1, 10**13).map(lambda milliseconds: EPOCH + timedelta(milliseconds=milliseconds))


@given(MOMENTS)
def test_an_id_is_a_version_7_of_its_moment(moment: datetime) -> None:
    made = new_id(moment)
    assert (made.version, made.variant) == (7, UUID(int=0xA << 60).variant)
    assert abs(time_of(made) - moment) <= timedelta(milliseconds=1)


@given(MOMENTS)
def test_the_bound_of_a_month_is_below_its_ids_and_above_all_earlier_ones(moment: datetime) -> None:
    milliseconds = lowest_id(moment).int >> 80
    assert id_at(milliseconds - 1) < lowest_id(moment) < id_at(milliseconds)


def test_the_example_of_rfc_9562_appendix_a_6_carries_its_time() -> None:
    assert time_of(UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_ids_of_one_millisecond_differ() -> None:
    assert len({id_at(0) for _ in range(1000)}) == 1000


@given(MOMENTS, st.integers(0, 50))
def test_many_at_once_are_as_good_as_one_by_one(moment: datetime, count: int) -> None:
    made = new_ids(moment, count)
    assert len(set(made)) == count
    assert {(each.version, each.variant, each.int >> 80) for each in made} <= {
        (7, UUID(int=0xA << 60).variant, lowest_id(moment).int >> 80)
    }
