"""Conditions of a record from one version to another: told in words, judged by what they let through, never called foreign."""

import itertools
import json
from typing import Any

import pytest

from catalog.codes import ChangeKind, DataType, Effect
from catalog.compatibility import Compatibility, carried_conditions, compare_versions
from catalog.compiler import compile_schema
from catalog.conditions import Condition, condition_schemas
from catalog.differences import Said, version_differences
from catalog.items import Item
from catalog.lists import list_types
from catalog.lists.list_type import ListType
from catalog.metadata import Metadata, parse_metadata
from catalog.schema import Schema, derive_schema

ITEMS = [
    Item(field_name="id", name="编号", data_type=DataType.C, length=20, key=True),
    Item(field_name="state", name="状态", data_type=DataType.C, length=2, required=True, enumeration=("停", "行")),
    Item(field_name="why", name="原因", data_type=DataType.C, length=20),
    Item(field_name="cases", name="件数", data_type=DataType.I),
]
ASKS = Condition(when={"state": "停"}, require=("why",), basis="示例一")
FORBIDS = Condition(when={"state": "停"}, forbid=("why",), basis="示例二")
FIXES = Condition(present=("why",), values={"cases": 0}, basis="示例三")
LEFT_OUT = object()
RECORDS = [
    {"id": "1", "state": state}
    | {name: value for name, value in (("why", why), ("cases", cases)) if value is not LEFT_OUT}
    for state, why, cases in itertools.product(("停", "行"), (LEFT_OUT, "x"), (LEFT_OUT, 0, 1))
]


def schema_of(items: list[Item], *conditions: Condition) -> Schema:
    """The schema as it comes back from the database, which keeps no order of names."""
    derived = derive_schema(items, title="示例", code="306001000001/000001", version=1, conditions=conditions)
    stored: Schema = json.loads(json.dumps(derived, sort_keys=True))
    return stored


def compared(old: tuple[Condition, ...], new: tuple[Condition, ...]) -> Compatibility:
    return compare_versions((ITEMS, schema_of(ITEMS, *old)), (ITEMS, schema_of(ITEMS, *new)))


def test_a_condition_that_came_is_breaking_and_one_that_went_is_told_both_by_names() -> None:
    (came,) = compared((), (ASKS,)).findings
    assert (came.field, came.kind, came.effect) == ("/conditions", ChangeKind.NARROWED, Effect.BREAKING)
    assert came.zh == "条件新增：“状态”为“停”时，须填写“原因”。按旧版报送的数据可能被拒收"
    assert came.en.startswith('condition added: when state is 停, "原因" is required. ')
    (went,) = compared((ASKS, FIXES), (ASKS,)).findings
    assert (went.field, went.kind, went.effect) == ("/conditions", ChangeKind.WIDENED, Effect.NOTIFY)
    assert went.zh.startswith("条件取消：填写了“原因”时，“件数”应为0。提供方不受影响")


def test_a_condition_that_asks_something_else_is_one_rule_gone_and_one_come() -> None:
    found = [(finding.effect, finding.zh.split("。")[0]) for finding in compared((ASKS,), (FORBIDS,)).findings]
    assert found == [
        (Effect.BREAKING, "条件新增：“状态”为“停”时，不得填写“原因”"),
        (Effect.NOTIFY, "条件取消：“状态”为“停”时，须填写“原因”"),
    ]


def test_another_basis_or_another_order_changes_no_condition() -> None:
    again = ASKS.model_copy(update={"basis": "另一依据"})
    assert compared((ASKS, FIXES), (FIXES, again)).findings == ()


SETS = [chosen for size in range(3) for chosen in itertools.combinations((ASKS, FORBIDS, FIXES), size)]


@pytest.mark.parametrize(("old", "new"), list(itertools.product(SETS, SETS)))
def test_without_a_breaking_finding_old_records_stay_valid_and_without_any_new_ones_were(
    old: tuple[Condition, ...], new: tuple[Condition, ...]
) -> None:
    found = compared(old, new)
    before, after = (
        {
            at
            for at, record in enumerate(RECORDS)
            if not compile_schema(schema_of(ITEMS, *side)).errors({"records": [record]})
        }
        for side in (old, new)
    )
    assert found.breaking or before <= after
    assert found.findings or after == before


@pytest.mark.parametrize("described", list_types(), ids=lambda one: one.key)
def test_the_next_version_of_a_list_is_compared_and_not_called_foreign(described: ListType) -> None:
    items = list(described.items)
    schema = schema_of(items, *described.conditions)
    assert compare_versions((items, schema), (items, schema)).findings == ()
    added = [*items, Item(field_name="remark_of_ours", name="另加的备注", data_type=DataType.C, length=20)]
    (found,) = compare_versions((items, schema), (added, schema_of(added, *described.conditions))).findings
    assert (found.kind, found.effect) == (ChangeKind.ADDED, Effect.COMPATIBLE)


@pytest.mark.parametrize("described", list_types(), ids=lambda one: one.key)
def test_the_conditions_of_a_stored_schema_are_read_back(described: ListType) -> None:
    found = carried_conditions(schema_of(list(described.items), *described.conditions))
    assert found is not None
    assert condition_schemas(found, described.items) == condition_schemas(described.conditions, described.items)


def altered(**changes: Any) -> Schema:
    schema = schema_of(ITEMS, ASKS)
    schema["$defs"]["record"]["allOf"][0].update(changes)
    return schema


@pytest.mark.parametrize(
    "foreign",
    [
        altered(**{"if": True}),
        altered(then={"minProperties": 3}),
        altered(then={"properties": {"why": {"minLength": 3}}}),
        altered(then={"properties": {"nobody": {}}, "required": ["nobody"]}),
    ],
)
def test_a_schema_with_conditions_of_another_form_is_not_judged_by_them(foreign: Schema) -> None:
    found = compare_versions((ITEMS, foreign), (ITEMS, schema_of(ITEMS, ASKS))).findings
    assert found[0].kind is ChangeKind.DERIVATION


def test_differences_between_versions_name_the_conditions() -> None:
    metadata: Metadata = parse_metadata({"name": "示例", "summary": "示例", "share_type": 1, "update_cycle": 2})
    old, new = Said(metadata, ITEMS, [ASKS]), Said(metadata, ITEMS, [FIXES])
    assert [(found.field, found.zh) for found in version_differences(old, new)] == [
        ("/conditions", "条件新增：填写了“原因”时，“件数”应为0"),
        ("/conditions", "条件取消：“状态”为“停”时，须填写“原因”"),
    ]
