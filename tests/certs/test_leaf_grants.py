"""Grants in a leaf: a list while it is short, packed when it is long, and the same grants either way."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.leaf_grants import MOST_LISTED, read_grants, write_grants


def grants(count: int) -> list[str]:
    return [str(UUID(int=number * 2**64 + 7)) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, MOST_LISTED, MOST_LISTED + 1, 3_000])
def test_what_was_written_is_read_in_its_order(count: int) -> None:
    written = write_grants(grants(count))
    assert list(written) == ["grants" if count <= MOST_LISTED else "grants_packed"]
    assert read_grants(written) == grants(count)


@given(st.lists(st.uuids(), max_size=5).map(lambda found: list(map(str, found)) * (MOST_LISTED // 2)))
def test_any_grants_come_back(found: list[str]) -> None:
    assert read_grants(write_grants(found)) == found


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"grants": "x"},
        {"grants": None},
        {"grants_packed": 7},
        {"grants_packed": "!"},
        {"grants_packed": "AAAA"},
        {"grants": [], "grants_packed": ""},
    ],
    ids=str,
)
def test_what_is_in_neither_way_names_none(details: dict[str, Any]) -> None:
    assert read_grants(details) is None
