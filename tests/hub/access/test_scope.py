"""What a scope may name: items of the live version, rows by key items."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.masks import Mask
from hub.access.scope import (
    MOST_CONDITIONS,
    MOST_KEPT,
    MOST_MASKS,
    MOST_VALUES,
    WHOLE,
    Condition,
    MaskedItem,
    Operator,
    Scope,
    ScopeRefused,
    check_scope,
    columns_of,
    scope_of,
)

ITEMS: list[dict[str, Any]] = [
    {"field_name": "code", "name": "编码", "data_type": "C", "length": 31, "key": True},
    {"field_name": "number", "name": "序号", "data_type": "I", "key": True},
    {"field_name": "day", "name": "日期", "data_type": "D", "key": True},
    {"field_name": "at", "name": "时刻", "data_type": "T", "key": True},
    {"field_name": "share", "name": "比例", "data_type": "N", "key": True},
    {"field_name": "phone", "name": "电话", "data_type": "C", "length": 30},
    {"field_name": "note", "name": "备注", "data_type": "M"},
    {"field_name": "days", "name": "天数", "data_type": "I"},
    {"field_name": "scan", "name": "扫描件", "data_type": "G"},
    {
        "field_name": "place",
        "name": "地点",
        "data_type": "G",
        "items": [{"field_name": "town", "name": "镇", "data_type": "C", "length": 9}],
    },
]
KEYS = tuple(item["field_name"] for item in ITEMS if item.get("key"))


def faults(scope: Scope) -> list[str]:
    """Where the scope does not fit."""
    return [pointer for pointer, _ in told(scope)]


def told(scope: Scope) -> list[tuple[str, str]]:
    """Where the scope does not fit, and why."""
    try:
        check_scope(scope, ITEMS)
    except ScopeRefused as refused:
        return [(fault.pointer, fault.en) for fault in refused.errors if fault.zh]
    return []


def masks(*named: MaskedItem, items: tuple[str, ...] | None = None) -> Scope:
    return Scope(items, (), named)


def mask(item: str, first: int = 1, last: int = 0) -> MaskedItem:
    return MaskedItem(item, Mask(first, last))


def row(item: str, *values: Any, op: Operator = Operator.IN) -> Scope:
    return Scope(None, (Condition(item, op, values),))


def test_a_scope_that_names_nothing_is_whole_and_any_other_is_not() -> None:
    assert WHOLE.is_whole
    assert not Scope(KEYS).is_whole
    assert not row("code", "A").is_whole
    assert not masks(mask("phone")).is_whole
    assert faults(WHOLE) == []


def test_items_are_those_of_the_version_each_once_and_the_key_items_are_among_them() -> None:
    assert faults(Scope(KEYS)) == faults(Scope((*KEYS, "phone"))) == []
    assert faults(Scope((*KEYS, "address"))) == ["/scope/items/5"]
    assert faults(Scope((*KEYS, "phone", "phone"))) == ["/scope/items"]
    assert faults(Scope(("phone", "code"))) == ["/scope/items"]
    assert faults(Scope(())) == ["/scope/items", "/scope/items"]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (row("code", "XJ-", op=Operator.PREFIX), []),
        (row("code", "XJ-1", "XJ-2"), []),
        (row("number", 1, 2), []),
        (row("day", "2026-03-02"), []),
        (row("at", "2026-03-02T09:30:00+08:00"), []),
        (row("share", 0.5, 1), []),
        (row("phone", "1"), ["/scope/rows/0/item"]),
        (row("address", "1"), ["/scope/rows/0/item"]),
        (row("number", 1, op=Operator.PREFIX), ["/scope/rows/0/op"]),
        (row("code"), ["/scope/rows/0/values"]),
        (row("code", "A", "A"), ["/scope/rows/0/values"]),
        (row("code", *map(str, range(MOST_VALUES + 1))), ["/scope/rows/0/values"]),
        (row("code", ""), ["/scope/rows/0/values/0"]),
        (row("code", 7), ["/scope/rows/0/values/0"]),
        (row("number", "7"), ["/scope/rows/0/values/0"]),
        (row("number", 7.5), ["/scope/rows/0/values/0"]),
        (row("number", True), ["/scope/rows/0/values/0"]),
        (row("share", True), ["/scope/rows/0/values/0"]),
        (row("day", "2026-13-01"), ["/scope/rows/0/values/0"]),
        (row("day", "20260302"), ["/scope/rows/0/values/0"]),
        (row("day", "2026-W10-1"), ["/scope/rows/0/values/0"]),
        (row("at", "soon"), ["/scope/rows/0/values/0"]),
        (row("at", "20260302T093000+0800"), ["/scope/rows/0/values/0"]),
        (row("at", "2026-03-02T09:30:00"), ["/scope/rows/0/values/0"]),
        (row("at", "2026-03-02T09:61:00Z"), ["/scope/rows/0/values/0"]),
    ],
)
def test_a_row_rule_speaks_of_key_items_in_values_of_their_type(scope: Scope, expected: list[str]) -> None:
    assert faults(scope) == expected


def test_there_is_one_condition_for_a_key_item_and_no_more_than_key_items() -> None:
    twice = Condition("code", Operator.IN, ("A",))
    assert faults(Scope(None, (twice, twice))) == ["/scope/rows"]
    many = tuple(Condition(f"c{n}", Operator.IN, ("A",)) for n in range(MOST_CONDITIONS + 1))
    assert faults(Scope(None, many))[0] == "/scope/rows"


@pytest.mark.parametrize(
    "scope",
    [
        masks(mask("phone", 3, 4), mask("note", 0, 0)),
        masks(mask("phone", 15, 14)),
        masks(mask("note", MOST_KEPT, MOST_KEPT)),
        masks(mask("phone"), items=(*KEYS, "phone")),
    ],
)
def test_texts_that_are_delivered_and_no_keys_may_be_masked(scope: Scope) -> None:
    assert faults(scope) == []


@pytest.mark.parametrize(
    ("scope", "pointer", "why"),
    [
        (masks(mask("address")), "/scope/masks/0/item", "no such item"),
        (masks(mask("town")), "/scope/masks/0/item", "in a group"),
        (masks(mask("phone"), items=KEYS), "/scope/masks/0/item", "not among items"),
        (masks(mask("code")), "/scope/masks/0/item", "key item"),
        (masks(mask("days")), "/scope/masks/0/item", "only texts"),
        (masks(mask("scan")), "/scope/masks/0/item", "only texts"),
        (masks(mask("place")), "/scope/masks/0/item", "only texts"),
        (masks(mask("phone"), mask("note"), mask("phone", 2)), "/scope/masks/2/item", "a mask already"),
        (masks(mask("phone", 15, 15)), "/scope/masks/0", "hides none"),
        (masks(mask("phone", 30, 0)), "/scope/masks/0", "hides none"),
        (masks(mask("phone", -1, 4)), "/scope/masks/0/keep_first", "is 0 to 100"),
        (masks(mask("note", 0, MOST_KEPT + 1)), "/scope/masks/0/keep_last", "is 0 to 100"),
    ],
)
def test_a_mask_that_does_not_fit_is_named_with_the_reason(scope: Scope, pointer: str, why: str) -> None:
    ((where, en),) = told(scope)
    assert (where, why in en) == (pointer, True), en


def test_there_is_a_most_for_masks() -> None:
    many = tuple(mask(f"c{n}") for n in range(MOST_MASKS + 1))
    assert faults(Scope(None, (), many))[0] == "/scope/masks"


def test_a_scope_without_masks_lies_in_its_columns_as_it_did_before_there_were_masks() -> None:
    assert columns_of(WHOLE) == {"items": None, "rows": None}
    assert columns_of(Scope(("code",), row("code", "A").rows)) == {
        "items": ["code"],
        "rows": [{"item": "code", "op": "in", "values": ["A"]}],
    }


CONDITIONS = st.builds(
    Condition,
    st.text(min_size=1),
    st.sampled_from(Operator),
    st.lists(st.text() | st.integers() | st.floats(allow_nan=False), min_size=1).map(tuple),
)


@given(
    st.builds(
        Scope,
        st.none() | st.lists(st.text(), min_size=1).map(tuple),
        st.lists(CONDITIONS, max_size=3).map(tuple),
        st.lists(st.builds(MaskedItem, st.text(), st.builds(Mask, st.integers(0), st.integers(0))), max_size=3).map(
            tuple
        ),
    )
)
def test_what_lies_in_two_columns_is_the_same_scope_again(scope: Scope) -> None:
    columns = columns_of(scope)
    assert scope_of(columns["items"], columns["rows"]) == scope
    assert (columns["items"] is None and columns["rows"] is None) == scope.is_whole
