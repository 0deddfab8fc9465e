"""Information items: what the catalogue takes, and that every fault is told at once, with field, rule and cure."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from catalog.codes import DataType
from catalog.errors import InvalidItem
from catalog.item import MAX_ENTRIES
from catalog.items import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_KEY_ITEMS,
    Item,
    check_items,
    field_names,
    item_violations,
    parse_items,
    secrecy_fields,
)
from tests.catalog.item_strategies import item_lists

PLAIN: dict[str, Any] = {"field_name": "name", "name": "名称", "data_type": "C", "length": 50}


def faults(**changed: Any) -> set[tuple[str, str]]:
    """Return field and rule of every violation of the plain item with these changes."""
    found = item_violations([Item.model_validate(PLAIN | changed)])
    return {(violation.field.removeprefix("/items/0"), violation.rule) for violation in found}


@pytest.mark.usefixtures("unmeasured")
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(item_lists)
def test_items_survive_storage(items: list[Item]) -> None:
    assert parse_items([item.to_json() for item in items]) == tuple(items)


def test_stored_items_leave_out_what_is_absent_or_false() -> None:
    assert parse_items([PLAIN])[0].to_json() == PLAIN
    logical = Item(field_name="ok", name="有效", data_type=DataType.L, example=False)
    assert logical.to_json()["example"] is False


def test_all_faults_of_all_items_are_told_at_once() -> None:
    broken = [
        PLAIN | {"field_name": "Name", "length": None},
        {"field_name": "amount", "name": "金额", "data_type": "Y", "key": True, "secret": True},
        {"field_name": "amount", "name": "金额", "data_type": "D", "minimum": 1},
    ]
    with pytest.raises(InvalidItem) as refused:
        parse_items(broken)
    assert [(violation.field, violation.rule) for violation in refused.value.violations] == [
        ("/items/0/field_name", "item-field-name"),
        ("/items/0/length", "item-length"),
        ("/items/1/secret", "CAT-07"),
        ("/items/1/key", "item-key"),
        ("/items/2/minimum", "item-range"),
        ("/items/2/field_name", "item-unique"),
        ("/items/2/name", "item-unique"),
    ]
    assert all(violation.zh and violation.en for violation in refused.value.violations)


def test_faults_of_form_name_the_property_and_never_its_value() -> None:
    with pytest.raises(InvalidItem) as refused:
        parse_items([{"name": 5, "data_type": "Q-private", "colour": "red-private", "enumeration": [[1]]}, PLAIN])
    fields = {violation.field for violation in refused.value.violations}
    assert fields == {f"/items/0/{name}" for name in ("field_name", "name", "data_type", "colour", "enumeration")}
    assert "private" not in str(refused.value)


@pytest.mark.parametrize("field_name", ["", "1a", "A", "a-b", "名称", "a" * 64, "a\n", "_a"])
def test_field_names_are_column_names(field_name: str) -> None:
    assert faults(field_name=field_name) == {("/field_name", "item-field-name")}


def test_a_secret_item_is_refused_at_registration() -> None:
    assert faults(secret=True) == {("/secret", "CAT-07")}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": "  "}, "/name"),
        ({"name": "名" * 101}, "/name"),
        ({"description": "a\x00b"}, "/description"),
        ({"unit": "元" * 33}, "/unit"),
        ({"pattern": "a" * 513, "example": "a"}, "/pattern"),
    ],
)
def test_texts_have_content_and_limits(changed: dict[str, Any], field: str) -> None:
    assert faults(**changed) == {(field, "item-text")}


def test_only_characters_need_a_length() -> None:
    assert faults(length=None) == {("/length", "item-length")}
    assert faults(length=0) == {("/length", "item-length")}
    assert faults(length=None, data_type="M") == set()
    assert faults(length=None, data_type="N") == set()


@pytest.mark.parametrize("data_type", list("CNIDT"))
def test_types_that_tell_rows_apart_may_be_keys(data_type: str) -> None:
    assert faults(data_type=data_type, key=True) == set()


@pytest.mark.parametrize("data_type", list("YLMGBF"))
def test_other_types_may_not_be_keys(data_type: str) -> None:
    assert faults(data_type=data_type, key=True) == {("/key", "item-key")}


def test_a_key_item_is_required_whatever_it_says() -> None:
    assert Item.model_validate(PLAIN | {"key": True}).is_required
    assert not Item.model_validate(PLAIN).is_required


def test_patterns_are_for_texts_and_need_an_example() -> None:
    assert faults(pattern="^a") == {("/example", "item-example")}
    assert faults(pattern="^a", example="a") == set()
    assert faults(pattern="^a", enumeration=["a"]) == set()
    assert faults(pattern="^a", example=1, data_type="I") == {("/pattern", "item-pattern")}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"data_type": "I", "minimum": 1, "maximum": 1}, set()),
        ({"data_type": "N", "minimum": 0.5}, set()),
        ({"data_type": "I", "minimum": 0.5}, {("/minimum", "item-range")}),
        ({"data_type": "I", "maximum": 2**53}, {("/maximum", "item-range")}),
        ({"data_type": "F", "maximum": float("inf")}, {("/maximum", "item-range")}),
        ({"data_type": "F", "minimum": float("nan")}, {("/minimum", "item-range")}),
        ({"data_type": "I", "minimum": -(10**400)}, {("/minimum", "item-range")}),
        ({"data_type": "N", "minimum": 2, "maximum": 1}, {("/minimum", "item-range")}),
        ({"minimum": 1}, {("/minimum", "item-range")}),
        ({"data_type": "N", "exclusive_minimum": 0, "exclusive_maximum": 0.5}, set()),
        ({"data_type": "N", "exclusive_minimum": 0, "maximum": 0}, {("/minimum", "item-range")}),
        ({"data_type": "I", "exclusive_minimum": 0, "exclusive_maximum": 1}, {("/minimum", "item-range")}),
        ({"data_type": "I", "exclusive_minimum": 0, "exclusive_maximum": 2}, set()),
        ({"data_type": "N", "minimum": 0, "exclusive_minimum": 1}, {("/exclusive_minimum", "item-range")}),
        ({"data_type": "N", "maximum": 0, "exclusive_maximum": 1}, {("/exclusive_maximum", "item-range")}),
        ({"data_type": "N", "minimum": "1"}, {("/minimum", "item-range")}),
        ({"data_type": "Y", "minimum": "0.00", "maximum": "0"}, set()),
        ({"data_type": "Y", "minimum": "2", "maximum": "1.99"}, {("/minimum", "item-range")}),
        ({"data_type": "Y", "minimum": 0}, {("/minimum", "item-range")}),
        ({"data_type": "Y", "maximum": "1,000"}, {("/maximum", "item-range")}),
        ({"data_type": "Y", "exclusive_minimum": 0}, {("/exclusive_minimum", "item-range")}),
        ({"data_type": "D", "maximum": "2026-01-01"}, {("/maximum", "item-range")}),
    ],
)
def test_ranges_are_for_numbers_and_money_and_can_be_stored(
    changed: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert faults(**changed) == expected


@pytest.mark.parametrize(
    ("changed", "accepted"),
    [
        ({"enumeration": ["是", "否"]}, True),
        ({"enumeration": []}, False),
        ({"enumeration": ["a", "a"]}, False),
        ({"enumeration": ["a", 1]}, False),
        ({"enumeration": ["名" * 51]}, False),
        ({"enumeration": ["a\x00"]}, False),
        ({"enumeration": [""], "required": True}, False),
        ({"enumeration": [1, 2], "data_type": "I"}, True),
        ({"enumeration": [1.5], "data_type": "I"}, False),
        ({"enumeration": [True], "data_type": "I"}, False),
        ({"enumeration": [5], "data_type": "I", "maximum": 4}, False),
        ({"enumeration": [1.5], "data_type": "N"}, True),
        ({"enumeration": [2**53], "data_type": "N"}, False),
        ({"enumeration": [10**400], "data_type": "N"}, False),
        ({"enumeration": [True], "data_type": "L"}, False),
        ({"enumeration": ["2026-01-01"], "data_type": "D"}, False),
    ],
)
def test_enumerations_hold_distinct_values_of_the_item(changed: dict[str, Any], accepted: bool) -> None:
    assert faults(**changed) == (set() if accepted else {("/enumeration", "item-enumeration")})


@pytest.mark.parametrize(
    ("changed", "accepted"),
    [
        ({"example": "某某"}, True),
        ({"example": "名" * 51}, False),
        ({"example": "乙", "enumeration": ["甲"]}, False),
        ({"example": True, "data_type": "L"}, True),
        ({"example": "是", "data_type": "L"}, False),
        ({"example": 3, "data_type": "I", "minimum": 4}, False),
        ({"example": 10**400, "data_type": "I"}, False),
        ({"example": "12.50", "data_type": "Y"}, True),
        ({"example": "12.50", "data_type": "Y", "minimum": "13"}, False),
        ({"example": "1e3", "data_type": "Y"}, False),
        ({"example": 4, "data_type": "I", "exclusive_minimum": 4}, False),
        ({"example": "甲", "min_length": 2}, False),
        ({"example": "621124", "format": "region"}, True),
        ({"example": "999999", "format": "region"}, False),
        ({"example": 12.5, "data_type": "Y"}, False),
        ({"example": "file.pdf", "data_type": "G"}, False),
    ],
)
def test_examples_are_values_of_the_item(changed: dict[str, Any], accepted: bool) -> None:
    assert faults(**changed) == (set() if accepted else {("/example", "item-example")})


def test_a_resource_has_some_items_but_not_thousands() -> None:
    many = [Item.model_validate(PLAIN | {"field_name": f"f{n}", "name": f"项{n}"}) for n in range(MAX_ITEMS + 1)]
    check_items(many[:MAX_ITEMS])
    for wrong in ([], many):
        with pytest.raises(InvalidItem, match="信息项应有"):
            check_items(wrong)


def test_a_key_of_many_items_is_refused() -> None:
    keys = [
        Item.model_validate(PLAIN | {"field_name": f"f{n}", "name": f"项{n}", "key": True})
        for n in range(MAX_KEY_ITEMS + 1)
    ]
    check_items(keys[:MAX_KEY_ITEMS])
    with pytest.raises(InvalidItem, match="主键项最多"):
        check_items(keys)


@pytest.mark.parametrize("name", ["密级", "文件密級", "保密等级", "涉密等级"])
def test_an_item_named_after_the_secrecy_level_states_one(name: str) -> None:
    item = Item.model_validate(PLAIN | {"name": name})
    assert secrecy_fields([item]) == {"name"}
    assert item.to_json()["secrecy_marking"] is True


def test_other_items_state_a_level_only_if_they_say_so() -> None:
    plain = Item.model_validate(PLAIN)
    dated = Item.model_validate(PLAIN | {"field_name": "secrecy", "data_type": "D"})
    flagged = Item.model_validate(PLAIN | {"field_name": "level", "secrecy_marking": True})
    assert secrecy_fields([plain, dated, flagged]) == {"level"}
    assert secrecy_fields([Item.model_validate(PLAIN | {"field_name": "secrecy"})]) == {"secrecy"}
    assert faults(data_type="D", secrecy_marking=True) == {("/secrecy_marking", "item-secrecy")}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"precision": 2, "data_type": "N"}, None),
        ({"precision": 2, "data_type": "Y"}, None),
        ({"precision": 16, "data_type": "N"}, "precision"),
        ({"precision": -1, "data_type": "N"}, "precision"),
        ({"precision": 2, "data_type": "I"}, "precision"),
        ({"dictionary_code": "GB/T 2260"}, None),
        ({"dictionary_code": "GB/T 2260", "data_type": "D"}, "dictionary_code"),
        ({"is_increment": True, "data_type": "T"}, None),
        ({"is_increment": True, "data_type": "L"}, "is_increment"),
        ({"is_timestamp": True, "data_type": "T"}, None),
        ({"is_timestamp": True}, "is_timestamp"),
        ({"data_level": 3, "share_type": 2}, None),
    ],
)
def test_what_an_item_can_say_depends_on_its_type(changed: dict[str, Any], field: str | None) -> None:
    assert {pointer for pointer, _ in faults(**changed)} == (set() if field is None else {f"/{field}"})


def test_codes_of_an_item_are_those_of_their_lists() -> None:
    with pytest.raises(InvalidItem) as refused:
        parse_items([PLAIN | {"share_type": 4, "data_level": 9, "data_type": "?"}])
    found = {violation.field: violation.zh for violation in refused.value.violations}
    assert found["/items/0/share_type"] == "应为：1 无条件共享、2 有条件共享、3 不予共享"
    assert set(found) == {"/items/0/share_type", "/items/0/data_level", "/items/0/data_type"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"format": "uscc"}, set()),
        ({"format": "uscc", "length": None}, set()),
        ({"format": "uscc", "length": 17}, {("/length", "item-format")}),
        ({"format": "region", "min_length": 7}, {("/min_length", "item-format")}),
        ({"format": "yyyy", "data_type": "M", "length": None}, set()),
        ({"format": "yyyy", "data_type": "I"}, {("/format", "item-format")}),
        ({"format": "yyyy", "pattern": "^2", "example": "2026"}, {("/pattern", "item-format")}),
        ({"format": "region", "enumeration": ["621124", "62"]}, {("/enumeration", "item-enumeration")}),
        ({"format": "citizen-id", "example": "34052419800101001X"}, {("/example", "item-personal")}),
        ({"format": "citizen-id", "enumeration": ["34052419800101001X"]}, {("/enumeration", "item-personal")}),
    ],
)
def test_formats_are_for_texts_and_fit_the_rest(changed: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert faults(**changed) == expected


def test_an_unknown_format_is_told_the_known_ones() -> None:
    with pytest.raises(InvalidItem) as refused:
        parse_items([PLAIN | {"format": "colour"}])
    assert refused.value.field == "/items/0/format"
    assert "uscc 统一社会信用代码" in refused.value.zh


def test_a_citizen_id_is_sensitive_whatever_it_says() -> None:
    assert Item.model_validate(PLAIN | {"format": "citizen-id"}).is_sensitive
    assert not Item.model_validate(PLAIN | {"format": "uscc"}).is_sensitive


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"min_length": 50}, set()),
        ({"min_length": 51}, {("/min_length", "item-length")}),
        ({"min_length": 0}, {("/min_length", "item-length")}),
        ({"min_length": 1, "data_type": "N"}, {("/min_length", "item-length")}),
        ({"min_length": 1001, "data_type": "M", "length": None}, {("/min_length", "item-length")}),
    ],
)
def test_minimum_lengths_are_for_texts_and_lists(changed: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert faults(**changed) == expected


GROUP: dict[str, Any] = {"field_name": "papers", "name": "材料", "data_type": "G", "items": [PLAIN]}


def group_faults(**changed: Any) -> set[tuple[str, str]]:
    """Return field and rule of every violation of a group with these changes."""
    found = item_violations([Item.model_validate(GROUP | changed)])
    return {(violation.field.removeprefix("/items/0"), violation.rule) for violation in found}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, set()),
        ({"many": True, "length": MAX_ENTRIES, "min_length": 2}, set()),
        ({"many": True, "length": MAX_ENTRIES + 1}, {("/length", "item-length")}),
        ({"many": True, "items": None}, {("/many", "item-group")}),
        ({"items": []}, {("/items", "item-group")}),
        ({"data_type": "M"}, {("/items", "item-group")}),
        ({"min_length": 1}, {("/min_length", "item-length")}),
        ({"example": "x"}, {("/example", "item-example")}),
        ({"key": True}, {("/key", "item-key")}),
        ({"items": [PLAIN | {"key": True}]}, {("/items/0/key", "item-key")}),
        ({"items": [PLAIN | {"secret": True}]}, {("/items/0/secret", "CAT-07")}),
        ({"items": [PLAIN | {"length": None}]}, {("/items/0/length", "item-length")}),
        ({"items": [PLAIN, PLAIN]}, {("/items/1/field_name", "item-unique"), ("/items/1/name", "item-unique")}),
    ],
)
def test_groups_are_judged_with_what_lies_within(changed: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert group_faults(**changed) == expected


def test_a_name_may_return_on_another_level() -> None:
    check_items([Item.model_validate(PLAIN), Item.model_validate(GROUP)])


def nested(levels: int) -> dict[str, Any]:
    """Return a group with so many levels of items, its own counted."""
    return PLAIN if levels == 1 else GROUP | {"items": [nested(levels - 1)]}


def test_items_have_few_levels() -> None:
    check_items([Item.model_validate(nested(MAX_DEPTH))])
    with pytest.raises(InvalidItem) as refused:
        check_items([Item.model_validate(nested(MAX_DEPTH + 1))])
    assert refused.value.field == "/items/0/items/0/items/0/items"
    for levels in (100, 400):  # pydantic itself gives up on the second
        with pytest.raises(InvalidItem) as refused:
            parse_items([nested(levels)])
        assert refused.value.field == "/items/0/items/0/items/0/items"
        assert len(str(refused.value)) < 300


def test_items_of_all_levels_are_counted() -> None:
    children = [PLAIN | {"field_name": f"f{n}", "name": f"项{n}"} for n in range(MAX_ITEMS)]
    with pytest.raises(InvalidItem, match="信息项应有"):
        parse_items([GROUP | {"items": children}])
    parse_items([GROUP | {"items": children[1:]}])


def test_faults_of_form_are_told_at_the_item_within() -> None:
    within = [{"name": 5, "data_type": "Q", "colour": "red"}, 7]
    with pytest.raises(InvalidItem) as refused:
        parse_items([PLAIN, GROUP | {"items": within}])
    assert {violation.field for violation in refused.value.violations} == {
        *(f"/items/1/items/0/{name}" for name in ("field_name", "name", "data_type", "colour")),
        "/items/1/items/1",
    }
    with pytest.raises(InvalidItem) as refused:
        parse_items([GROUP | {"items": "none"}])
    assert refused.value.field == "/items/0/items"


def test_a_level_within_a_group_is_found_and_flagged() -> None:
    level = {"field_name": "level", "name": "密级", "data_type": "C", "length": 10}
    items = parse_items([PLAIN, GROUP | {"items": [nested(2), level]}])
    assert secrecy_fields(items) == {"level"}
    assert field_names(items) == {"name", "papers", "level"}
    assert items[1].to_json()["items"][1]["secrecy_marking"] is True


def test_no_other_item_goes_by_the_name_of_one_that_states_a_level() -> None:
    level = {"field_name": "name", "name": "密级", "data_type": "C", "length": 10}
    found = [
        (each.field, each.rule) for each in item_violations([Item.model_validate(GROUP), Item.model_validate(level)])
    ]
    assert found == [("/items/0/items/0/field_name", "item-secrecy")]


def test_an_item_with_a_broken_range_is_judged_on() -> None:
    assert faults(data_type="I", minimum="0", example="x") == {("/minimum", "item-range"), ("/example", "item-example")}
    assert faults(data_type="Y", minimum="x", example="1e3") == {
        ("/minimum", "item-range"),
        ("/example", "item-example"),
    }
