"""The schema of what a narrowed grant delivers: projections satisfy it, and of what they leave out it says nothing."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.compiler import compile_schema
from catalog.conditions import Condition as Tied
from catalog.items import parse_items
from catalog.schema import derive_schema
from certs.masks import Mask
from hub.access.delivered import narrowed
from hub.access.scope import Condition, MaskedItem, Operator, Scope, check_scope, columns_of
from hub.exchange.projecting import lens

ITEMS: list[dict[str, Any]] = [
    {"field_name": "case_no", "name": "编号", "data_type": "C", "length": 20, "key": True},
    {"field_name": "id_number", "name": "身份证号", "data_type": "C", "length": 18, "format": "citizen-id", "required": True},
    {"field_name": "person", "name": "姓名", "data_type": "C", "length": 30, "required": True, "min_length": 2},
    {"field_name": "plate", "name": "号牌", "data_type": "C", "length": 9, "pattern": "^甘[A-Z]{1}[0-9]{5}$", "example": "甘J12345"},
    {"field_name": "state", "name": "状态", "data_type": "C", "length": 10, "enumeration": ["在保", "停保"]},
    {"field_name": "note", "name": "备注", "data_type": "M"},
    {"field_name": "days", "name": "天数", "data_type": "I"},
    {"field_name": "scan", "name": "扫描件", "data_type": "G"},
    {"field_name": "place", "name": "地点", "data_type": "G", "items": [{"field_name": "town", "name": "镇", "data_type": "C", "length": 9}]},
]  # fmt: skip
TIES = [
    Tied(when={"state": "停保"}, require=("note",), basis="示例"),
    Tied(when={"days": 0}, forbid=("plate",), basis="示例"),
]
SCHEMA = derive_schema(parse_items(ITEMS), title="示例", code="306001000001/000001", version=1, conditions=TIES)
TEXTS = ("id_number", "person", "plate", "state", "note")
RECORDS: list[dict[str, Any]] = [
    {"case_no": "A1", "id_number": "11010519491231002X", "person": "张三", "plate": "甘J12345", "state": "停保", "note": "备注"},
    {"case_no": "B1", "id_number": "11010519491231002X", "person": "欧阳小甲", "days": 0, "place": {"town": "洮阳镇"}},
]  # fmt: skip
ONLY_A = Condition("case_no", Operator.PREFIX, ("A",))


def schema(scope: Scope) -> Any:
    """What is served, once it is found to be a schema that compiles and takes its own example."""
    check_scope(scope, ITEMS)
    found = narrowed(SCHEMA, scope)
    (example,) = found["$defs"]["record"]["examples"]
    assert compile_schema(found).errors({"op": "upsert", "records": [example]}) == []
    return found


def properties(scope: Scope) -> Any:
    return schema(scope)["$defs"]["record"]["properties"]


@st.composite
def scopes(draw: st.DrawFn) -> Scope:
    """Scopes that narrow and fit `ITEMS`."""
    names = [item["field_name"] for item in ITEMS[1:]]
    items = draw(st.none() | st.sets(st.sampled_from(names)).map(lambda some: ("case_no", *sorted(some))))
    rows = draw(st.sampled_from([(), (ONLY_A,), (Condition("case_no", Operator.IN, ("C",)),)]))
    texts = [name for name in TEXTS if items is None or name in items]
    chosen = draw(st.lists(st.sampled_from(texts), unique=True)) if texts else []
    masks = tuple(MaskedItem(name, Mask(draw(st.integers(0, 4)), draw(st.integers(0, 4)))) for name in chosen)
    return Scope(items, rows, masks)


@given(scopes(), st.sampled_from(["upsert", "delete", "snapshot"]))
def test_what_is_delivered_satisfies_the_schema_whatever_the_scope(scope: Scope, op: str) -> None:
    sent: dict[str, Any] = {"op": op, "records": RECORDS}
    if op == "delete":
        sent["records"] = [{"case_no": one["case_no"]} for one in RECORDS]
    assert compile_schema(SCHEMA).errors(sent) == []
    columns = columns_of(scope)
    rows = None if columns["rows"] is None else orjson.dumps(columns["rows"]).decode()
    left = lens(scope.items, rows).narrow(sent)
    if left is not None:
        assert compile_schema(narrowed(SCHEMA, scope)).errors(orjson.loads(left)) == []


def test_a_masked_text_keeps_its_length_and_neither_format_nor_pattern_nor_code_list() -> None:
    masks = tuple(MaskedItem(name, Mask(1)) for name in TEXTS)
    found = properties(Scope(None, (), masks))
    shown = {name: {word: said for word, said in found[name].items() if not word.startswith("x-")} for name in TEXTS}
    assert shown == {
        "id_number": {"title": "身份证号", "type": "string", "maxLength": 18},
        "person": {"title": "姓名", "type": "string", "maxLength": 30},
        "plate": {"title": "号牌", "type": "string", "maxLength": 9},
        "state": {"title": "状态", "type": "string", "maxLength": 10},
        "note": {"title": "备注", "type": "string"},
    }
    assert found["id_number"]["x-sensitive"] is True
    assert properties(Scope(("case_no", "person")))["person"] == SCHEMA["$defs"]["record"]["properties"]["person"]


def test_of_items_that_are_left_out_the_schema_says_nothing() -> None:
    found = schema(Scope(("case_no", "days")))
    assert found["$defs"].keys() == {"record", "key"}
    record = found["$defs"]["record"]
    assert (list(record["properties"]), record["required"]) == (["case_no", "days"], ["case_no"])
    text = json.dumps(found, ensure_ascii=False)
    for item in ITEMS:
        if item["field_name"] not in ("case_no", "days"):
            assert item["field_name"] not in text
            assert item["name"] not in text


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        (Scope(("case_no", "state", "note")), [0]),
        (Scope(("case_no", "days", "plate")), [1]),
        (Scope(("case_no", "state", "days")), []),
        (Scope(None, (), (MaskedItem("state", Mask(1)),)), [1]),
        (Scope(None, (), (MaskedItem("note", Mask(1)),)), [1]),
        (Scope(None, (ONLY_A,)), [0, 1]),
    ],
)
def test_a_condition_is_kept_where_all_that_it_speaks_of_leaves_as_it_is(scope: Scope, left: list[int]) -> None:
    record = schema(scope)["$defs"]["record"]
    assert record.get("allOf", []) == [SCHEMA["$defs"]["record"]["allOf"][place] for place in left]


def test_a_condition_of_another_form_is_left_out() -> None:
    foreign = json.loads(json.dumps(SCHEMA))
    foreign["$defs"]["record"]["allOf"] = [{"required": ["note"]}]
    assert "allOf" not in narrowed(foreign, Scope(None, (ONLY_A,)))["$defs"]["record"]


def test_only_where_rows_are_left_out_may_there_be_none() -> None:
    assert schema(Scope(("case_no",)))["properties"]["records"] == SCHEMA["properties"]["records"]
    nothing = {"op": "snapshot", "records": list[Any]()}
    assert compile_schema(schema(Scope(None, (ONLY_A,)))).errors(nothing) == []
    assert compile_schema(schema(Scope(("case_no",)))).errors(nothing) != []


def test_the_example_is_masked_too() -> None:
    (example,) = schema(Scope(("case_no", "id_number"), (), (MaskedItem("id_number", Mask(6, 4)),)))["$defs"]["record"][
        "examples"
    ]
    assert example["id_number"][6:14] == "********"


def test_the_schema_that_is_narrowed_stays_as_it_was() -> None:
    before = json.dumps(SCHEMA)
    schema(Scope(("case_no", "note"), (ONLY_A,), (MaskedItem("note", Mask(1)),)))
    assert json.dumps(SCHEMA) == before
