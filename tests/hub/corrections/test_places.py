"""JSON pointers to what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.corrections.errors import PointersRefused
from hub.corrections.places import MOST_POINTERS, check_places

FIELDS = ("item_code", "item_name")


def refused(*pointers: str, records: int = 3) -> list[str]:
    try:
        check_places(pointers, records=records, field_names=FIELDS)
    except PointersRefused as fault:
        return [error.pointer for error in fault.errors]
    return []


@given(st.integers(0, 999), st.none() | st.sampled_from(FIELDS), st.integers(1, 1000))
def test_a_place_is_a_record_that_there_is_or_an_item_of_it(number: int, field: str | None, records: int) -> None:
    pointer = f"/records/{number}" if field is None else f"/records/{number}/{field}"
    assert (refused(pointer, records=records) == []) == (number < records)


BESIDE = (
    "/ /records /records/ /records/01 /records/-1 /records/0/ /records/0/phone /op records/0 /records/0/0 "
    "/records/0/item_name/0/0 /records/0/item_name/phone /records/0/item_name/item_code/item_name/item_code"
)


@pytest.mark.parametrize("pointer", ["", *BESIDE.split(), "/records/0/item~1name", "/records/１"])
def test_anything_else_is_refused(pointer: str) -> None:
    assert refused("/records/0", pointer) == ["/pointers/1"]


@pytest.mark.parametrize("place", ["item_name/0", "item_name/item_code", "item_name/2/item_code/0/item_name"])
def test_a_place_may_lie_in_a_group_or_among_what_repeats(place: str) -> None:
    assert refused(f"/records/0/{place}") == []


def test_there_is_at_least_one_place_each_is_named_once_and_there_are_not_too_many() -> None:
    assert refused() == ["/pointers"]
    assert refused("/records/0", "/records/0") == ["/pointers"]
    many = [f"/records/{number}" for number in range(MOST_POINTERS + 1)]
    assert refused(*many, records=1000) == ["/pointers"]
    assert refused(*many[1:], records=1000) == []
