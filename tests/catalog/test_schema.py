"""The derived schema is the contract's: every payload of its form passes, every kind of fault is found at its place."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from catalog.codes import DataType, ItemFormat
from catalog.compiler import compile_schema
from catalog.errors import InvalidItem
from catalog.formats import FORMATS
from catalog.item import MAX_ENTRIES
from catalog.items import MAX_NUMBER, NUMBER_TYPES, TEXT_TYPES, Item
from catalog.schema import Schema, canonical_schema, derive_schema, digest_of, example_payload
from catalog.secrecy import find_marking
from tests.catalog.item_strategies import PATTERNS, item_lists, keys_of, payloads_of, records_of

KEY = Item(field_name="id", name="编号", data_type=DataType.C, length=20, key=True)

examples = settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)


def derived(*items: Item) -> Schema:
    """Return the schema of these items."""
    return derive_schema(items, title="办事指南", code="306001000001/000042", version=1)


def item(data_type: str, **fields: Any) -> Item:
    """Return an item `x` of the type."""
    return Item.model_validate({"field_name": "x", "name": "某项", "data_type": data_type, **fields})


def takes(data_type: str, value: Any, **fields: Any) -> bool:
    """True if a record with this value in an item of the type is valid."""
    schema = derived(KEY, item(data_type, **fields))
    return compile_schema(schema).is_valid({"records": [{"id": "1", "x": value}]})


@pytest.mark.usefixtures("unmeasured")
@examples
@given(item_lists)
def test_every_derived_schema_is_one_and_its_example_satisfies_it(items: list[Item]) -> None:
    schema = derived(*items)
    Draft202012Validator.check_schema(schema)
    assert compile_schema(schema).errors(example_payload(schema)) == []


@pytest.mark.usefixtures("unmeasured")
@examples
@given(item_lists, st.data())
def test_payloads_of_the_items_pass(items: list[Item], data: st.DataObject) -> None:
    validator = compile_schema(derived(*items))
    payload = data.draw(payloads_of(items))
    assert validator.errors(payload) == []
    assert validator.is_valid(payload)


@pytest.mark.usefixtures("unmeasured")
@examples
@given(item_lists, st.data())
def test_a_fault_in_one_item_is_found_at_that_item(items: list[Item], data: st.DataObject) -> None:
    validator = compile_schema(derived(*items))
    records = data.draw(st.lists(records_of(items), min_size=1, max_size=3))
    place = data.draw(st.integers(0, len(records) - 1))
    broken = data.draw(st.sampled_from(items))
    records[place] = copy.deepcopy(records[place])
    field, wrong = data.draw(mutations(broken))
    if wrong is ABSENT:
        records[place].pop(field, None)
    else:
        records[place][field] = wrong
    payload = {"op": "snapshot", "records": records}
    assert not validator.is_valid(payload)
    pointers = [error.pointer for error in validator.errors(payload)]
    assert pointers
    assert all(pointer.startswith(f"/records/{place}/{field}") for pointer in pointers)


ABSENT = object()


def mutations(broken: Item) -> st.SearchStrategy[tuple[str, Any]]:
    """Faults of one record: the property that is wrong and a wrong value for it, of every kind that the item knows."""
    wrong: list[Any] = [None, "x"] if broken.is_group else [None, [], {}]
    if broken.is_required:
        wrong.append(ABSENT)
    if broken.items is not None:
        entry = {broken.items[0].field_name: None}
        wrong += [{}, [entry], [1]] if broken.many else [[], entry]
        wrong += [[entry] * (broken.length + 1)] if broken.many and broken.length else []
    if broken.many and broken.is_required:
        wrong.append([])
    if broken.data_type in NUMBER_TYPES:
        wrong += ["1", True]
    elif broken.data_type is not DataType.L:
        wrong += [1, False]
    if broken.data_type in TEXT_TYPES and broken.length is not None:
        wrong.append("长" * (broken.length + 1))
    if broken.data_type in TEXT_TYPES and broken.least_length:
        wrong.append("长" * (broken.least_length - 1))
    if broken.pattern is not None:
        wrong.append(PATTERNS[broken.pattern][1])
    if broken.format is not None:
        wrong.append(FORMATS[broken.format].example[:-1] + "？")
    wrong += [bound for bound in (broken.exclusive_minimum, broken.exclusive_maximum) if bound is not None]
    for bound, sign in ((broken.minimum, -1), (broken.maximum, 1)):
        if isinstance(bound, str):
            wrong.append(f"{Decimal(bound) + sign * Decimal('0.000001'):f}")
        elif bound is not None:
            wrong.append(bound + sign * (1 + abs(bound)))
    if broken.data_type is DataType.I:
        wrong += [1.5, MAX_NUMBER + 1, -MAX_NUMBER - 1]
    wrong += WRONG_TEXTS.get(broken.data_type, [])
    unknown = st.just((broken.field_name + "_x", "value"))
    return st.sampled_from(wrong).map(lambda value: (broken.field_name, value)) | unknown


WRONG_TEXTS: dict[DataType, list[Any]] = {
    DataType.D: ["2023-02-30", "2026-1-1", "20260101", "", "2026-01-01T00:00:00Z"],
    DataType.T: ["2026-01-01T00:00:00", "2026-01-01", "2026-02-29T00:00:00Z", ""],
    DataType.Y: ["", "1,000", "1e3", ".5", "01", "5.", "￥1", "1234567890123456789"],
    DataType.L: ["true", 0, 1],
    DataType.G: ["sha-256:00", {"file": "1"}],
}


@pytest.mark.usefixtures("unmeasured")
@examples
@given(item_lists.filter(lambda items: any(item.key for item in items)), st.data())
def test_a_delete_record_carries_key_items_only(items: list[Item], data: st.DataObject) -> None:
    validator = compile_schema(derived(*items))
    key = data.draw(keys_of(items))
    assert validator.is_valid({"op": "delete", "records": [key]})
    other = next((drawn for drawn in items if not drawn.key), None)
    if other is not None:
        errors = validator.errors({"op": "delete", "records": [key | {other.field_name: 1}]})
        assert [error.pointer for error in errors] == [f"/records/0/{other.field_name}"]
        assert "主键项" in errors[0].zh
    short = dict(list(key.items())[1:])
    missing = next(iter(key))
    assert [e.pointer for e in validator.errors({"op": "delete", "records": [short]})] == [f"/records/0/{missing}"]


def test_the_frame_is_the_contracts() -> None:
    schema = derived(KEY, item("G"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) == {"op", "records"}
    assert schema["properties"]["op"]["enum"] == ["upsert", "delete", "snapshot"]
    assert schema["properties"]["op"]["default"] == "upsert"
    assert schema["additionalProperties"] is False
    assert set(schema["$defs"]) == {"record", "key", "file"}
    assert schema["$defs"]["record"]["examples"]
    assert schema["$defs"]["key"]["required"] == ["id"]


def test_the_operation_defaults_to_upsert() -> None:
    validator = compile_schema(derived(KEY, item("C", length=5, required=True)))
    assert validator.is_valid({"records": [{"id": "1", "x": "a"}]})
    assert not validator.is_valid({"records": [{"id": "1"}]})


def test_a_resource_without_key_items_takes_only_snapshots() -> None:
    schema = derived(item("C", length=5))
    assert "key" not in schema["$defs"]
    validator = compile_schema(schema)
    assert validator.is_valid({"op": "snapshot", "records": [{"x": "a"}]})
    for payload in (
        {"records": [{"x": "a"}]},
        {"op": "upsert", "records": [{"x": "a"}]},
        {"op": "delete", "records": [{}]},
    ):
        assert [error.pointer for error in validator.errors(payload)] == ["/op"]


@pytest.mark.parametrize(("count", "accepted"), [(0, False), (1, True), (1000, True), (1001, False)])
def test_a_payload_holds_one_to_a_thousand_records(count: int, accepted: bool) -> None:
    payload = {"records": [{"id": str(number)} for number in range(count)]}
    errors = compile_schema(derived(KEY)).errors(payload)
    assert [error.pointer for error in errors] == ([] if accepted else ["/records"])


@pytest.mark.parametrize(
    "payload", [[], "x", None, {}, {"records": {}}, {"records": [1]}, {"op": None, "records": [{"id": "1"}]}]
)
def test_anything_but_the_frame_is_refused(payload: Any) -> None:
    assert not compile_schema(derived(KEY)).is_valid(payload)


@pytest.mark.parametrize(
    ("date", "real"),
    [
        ("2024-02-29", True),
        ("2023-02-29", False),
        ("2023-02-30", False),
        ("2100-02-29", False),
        ("2026-13-01", False),
        ("2026-00-01", False),
        ("2026-04-31", False),
        ("2026-01-01\n", False),
        ("２０２６-01-01", False),
    ],
)
def test_dates_are_days_of_the_calendar(date: str, real: bool) -> None:
    assert takes("D", date) is real


@pytest.mark.parametrize(
    ("moment", "accepted"),
    [
        ("2026-01-01T09:00:00+08:00", True),
        ("2026-01-01T01:00:00Z", True),
        ("2026-01-01T01:00:00.123456Z", True),
        ("2026-01-01t01:00:00z", True),
        ("2026-01-01T09:00:00", False),
        ("2026-01-01 09:00:00+08:00", False),
        ("2026-01-01T09:00:00+0800", False),
        ("2026-01-01T24:00:00Z", False),
        ("2026-01-01T09:60:00Z", False),
        ("2026-01-01T09:00:00+24:00", False),
        ("2023-02-30T00:00:00Z", False),
        ("2016-12-31T23:59:60Z", True),
        ("2017-01-01T07:59:60+08:00", True),
        ("2016-12-31T12:59:60Z", False),
        ("2016-12-31T23:59:60+08:00", False),
        ("2016-12-31T23:59:61Z", False),
    ],
)
def test_date_times_have_an_offset_and_leap_seconds_only_where_they_can_be(moment: str, accepted: bool) -> None:
    assert takes("T", moment) is accepted


def test_lengths_count_code_points_not_bytes() -> None:
    assert takes("C", "𠮷" * 3, length=3)
    assert not takes("C", "𠮷" * 4, length=3)


def test_a_required_text_is_filled_in() -> None:
    assert takes("C", "", length=5)
    assert not takes("C", "", length=5, required=True)
    assert not takes("M", "", required=True)
    assert not compile_schema(derived(KEY)).is_valid({"op": "delete", "records": [{"id": ""}]})


def test_integers_stay_within_what_every_reader_keeps() -> None:
    assert takes("I", MAX_NUMBER)
    assert takes("I", -MAX_NUMBER)
    assert not takes("I", MAX_NUMBER + 1)
    assert not takes("I", -MAX_NUMBER - 1)


@pytest.mark.parametrize("amount", ["0", "-0.01", "1234.50", "999999999999999999.999999", "12"])
def test_money_is_a_decimal_string(amount: str) -> None:
    assert takes("Y", amount)
    assert not takes("Y", amount + "\n")
    assert not takes("Y", float(amount))


def test_an_open_range_leaves_its_ends_out() -> None:
    assert not takes("N", 0, exclusive_minimum=0)
    assert takes("N", 0.001, exclusive_minimum=0)
    assert not takes("I", 5, exclusive_maximum=5)
    assert takes("I", 4, exclusive_maximum=5)
    assert not takes("I", -MAX_NUMBER - 1, exclusive_maximum=5)


@pytest.mark.parametrize(
    ("amount", "accepted"),
    [
        ("0", True),
        ("-0.00", True),
        ("-0.01", False),
        ("99.99", True),
        ("99.990", True),
        ("99.991", False),
        ("100", False),
    ],
)
def test_amounts_of_money_have_a_range(amount: str, accepted: bool) -> None:
    assert takes("Y", amount, minimum="0.00", maximum="99.99") is accepted


def test_a_text_has_a_minimum_length() -> None:
    assert not takes("C", "一", length=5, min_length=2)
    assert takes("C", "一二", length=5, min_length=2)


def test_a_format_stands_beside_a_pattern_that_any_implementation_judges() -> None:
    described = derived(item("C", format="uscc"))["$defs"]["record"]["properties"]["x"]
    assert described == {
        "title": "某项",
        "x-data-type": "C",
        "type": "string",
        "format": "uscc",
        "pattern": FORMATS[ItemFormat.USCC].anchored,
    }
    assert derived(item("C", format="citizen-id"))["$defs"]["record"]["properties"]["x"]["x-sensitive"] is True


NAMED = {"field_name": "name", "name": "名称", "data_type": "C", "length": 5, "required": True}
COPIES = {"field_name": "copies", "name": "份数", "data_type": "I"}


def test_a_group_is_an_object_with_its_own_items() -> None:
    schema = derived(item("G", items=[NAMED, COPIES]))
    described = schema["$defs"]["record"]["properties"]["x"]
    assert (described["type"], described["required"], described["additionalProperties"]) == ("object", ["name"], False)
    assert set(described["properties"]) == {"name", "copies"}
    assert "file" not in schema["$defs"]
    assert schema["$defs"]["record"]["examples"] == [{"x": {"name": "示例", "copies": 1}}]
    assert takes("G", {"name": "某"}, items=[NAMED, COPIES])
    for wrong in ({}, {"copies": 1}, {"name": "某", "other": 1}, {"name": ""}, [{"name": "某"}], "某"):
        assert not takes("G", wrong, items=[NAMED, COPIES])


def test_a_group_of_which_there_are_many_is_a_list_with_bounds() -> None:
    listed: dict[str, Any] = {"items": [NAMED], "many": True, "length": 2}
    described = derived(item("G", **listed, required=True))["$defs"]["record"]["properties"]["x"]
    assert (described["type"], described["minItems"], described["maxItems"]) == ("array", 1, 2)
    assert takes("G", [], **listed)
    assert takes("G", [{"name": "某"}] * 2, **listed)
    assert not takes("G", [{"name": "某"}] * 3, **listed)
    assert not takes("G", [], **listed, required=True)
    assert not takes("G", [{"name": "某"}], **listed, min_length=2)
    assert not takes("G", {"name": "某"}, **listed)
    unbounded = derived(item("G", items=[NAMED], many=True))["$defs"]["record"]["properties"]["x"]
    assert (unbounded["maxItems"], "minItems" in unbounded) == (MAX_ENTRIES, False)


def test_a_file_within_a_group_is_a_file() -> None:
    file = {"field_name": "scan", "name": "扫描件", "data_type": "G"}
    schema = derived(item("G", items=[file], many=True))
    assert "file" in schema["$defs"]
    assert compile_schema(schema).errors(example_payload(schema)) == []


def test_descriptions_travel_with_the_schema() -> None:
    told = item("Y", unit="万元", sensitive=True, description="年初预算数")
    assert derived(told)["$defs"]["record"]["properties"]["x"] | {"pattern": ""} == {
        "title": "某项",
        "x-data-type": "Y",
        "x-unit": "万元",
        "x-sensitive": True,
        "description": "年初预算数",
        "type": "string",
        "pattern": "",
    }


def test_broken_items_give_no_schema() -> None:
    with pytest.raises(InvalidItem):
        derived(item("C"))


def test_the_example_of_a_secrecy_item_is_not_marked() -> None:
    level = Item(field_name="secrecy", name="密级", data_type=DataType.C, length=10)
    assert derived(level)["$defs"]["record"]["examples"] == [{"secrecy": "无"}]
    longer = level.model_copy(update={"min_length": 2})
    assert find_marking(derived(longer)["$defs"]["record"]["examples"], secrecy_fields=frozenset({"secrecy"})) is None


def test_the_digest_is_that_of_the_canonical_form_and_ignores_order() -> None:
    schema = derived(KEY, item("C", length=5))
    shuffled = dict(reversed(schema.items()))
    assert canonical_schema(schema) == canonical_schema(shuffled)
    assert digest_of(schema) == digest_of(shuffled)
    assert digest_of(schema) != digest_of(derived(KEY, item("C", length=6)))
    # FIPS 180-4 of the two bytes that RFC 8785 writes for an empty object.
    assert digest_of({}) == "sha-256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_code_and_version_are_part_of_what_is_digested() -> None:
    first = derive_schema([KEY], title="甲", code="306001/000001", version=1)
    second = derive_schema([KEY], title="甲", code="306001/000001", version=2)
    assert digest_of(first) != digest_of(second)
