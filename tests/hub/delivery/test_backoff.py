"""Rests after failures."""

from hypothesis import given
from hypothesis import strategies as st

from hub.delivery.backoff import LONGEST_S, SHORTEST_S, rest


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_rest_is_never_shorter_than_the_shortest_nor_longer_than_the_longest(failures: int, share: float) -> None:
    assert SHORTEST_S <= rest(failures, share).total_seconds() <= LONGEST_S


@given(st.integers(1, 100), st.floats(0, 1, exclude_max=True))
def test_the_bound_of_a_rest_grows_with_each_failure(failures: int, share: float) -> None:
    assert rest(failures, share) <= rest(failures + 1, share)


def test_the_first_rest_is_seconds_and_the_last_ones_are_six_hours() -> None:
    assert rest(1, 0.0).total_seconds() == 5
    assert rest(1, 0.999).total_seconds() < 10
    assert 5.9 * 3600 < rest(40, 0.9999).total_seconds() <= 6 * 3600


def test_lanes_that_failed_together_come_back_at_different_times() -> None:
    assert len({rest(6, share / 10) for share in range(10)}) == 10
