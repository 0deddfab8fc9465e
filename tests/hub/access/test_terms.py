"""By which way, from when until when, how often."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.access.terms import (
    LATEST,
    LATEST_BEGINNING,
    LONGEST_PERIOD,
    MOST_OFTEN,
    Frequency,
    check_asked_period,
    check_frequency,
    check_period,
)
from hub.registry.errors import InvalidField

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("begins", "ends", "pointer"),
    [
        (NOW, NOW + LONGEST_PERIOD, None),
        (NOW, NOW + LONGEST_PERIOD + DAY, "/valid_to"),
        (NOW + LATEST_BEGINNING, NOW + LATEST_BEGINNING + LONGEST_PERIOD, None),
        (NOW + LATEST_BEGINNING + DAY, NOW + LATEST_BEGINNING + 2 * DAY, "/valid_from"),
        (NOW - 9 * LONGEST_PERIOD, NOW + LONGEST_PERIOD, None),
        (NOW - 2 * DAY, NOW - DAY, "/valid_to"),
        (NOW, NOW, "/valid_to"),
        (NOW.replace(tzinfo=None), NOW + DAY, "/valid_from"),
        (NOW, LATEST + DAY, "/valid_to"),
    ],
)
def test_a_period_that_is_asked_for_is_to_come_and_bounded(
    begins: datetime, ends: datetime, pointer: str | None
) -> None:
    if pointer is None:
        check_asked_period(begins, ends, NOW)
        return
    with pytest.raises(InvalidField) as caught:
        check_asked_period(begins, ends, NOW)
    assert [fault.pointer for fault in caught.value.errors] == [pointer]


def test_a_grant_that_is_decided_without_a_request_may_last_longer() -> None:
    check_period(NOW, NOW + 2 * LONGEST_PERIOD, NOW)


@pytest.mark.parametrize("frequency", [None, Frequency(0, 0), Frequency(1, 1), Frequency(1, MOST_OFTEN)])
def test_a_frequency_has_an_average_that_is_not_above_its_peak(frequency: Frequency | None) -> None:
    check_frequency(frequency)


@pytest.mark.parametrize("frequency", [Frequency(2, 1), Frequency(-1, 1), Frequency(1, MOST_OFTEN + 1)])
def test_any_other_frequency_is_refused(frequency: Frequency) -> None:
    with pytest.raises(InvalidField, match="频次"):
        check_frequency(frequency)
