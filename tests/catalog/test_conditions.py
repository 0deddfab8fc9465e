"""Conditions of a record in its schema, and what is said to whoever breaks one."""

from typing import Any

import pytest

from catalog.codes import DataType
from catalog.compiler import compile_schema
from catalog.conditions import Condition
from catalog.items import Item
from catalog.judge import judge
from catalog.lists import list_type
from catalog.payload_errors import PayloadError
from catalog.schema import Schema, derive_schema

ITEMS = [
    Item(field_name="id", name="编号", data_type=DataType.C, length=20, key=True),
    Item(field_name="state", name="状态", data_type=DataType.C, length=2, required=True, enumeration=("停", "行")),
    Item(field_name="why", name="原因", data_type=DataType.C, length=20),
    Item(field_name="back_on", name="恢复日期", data_type=DataType.D),
    Item(field_name="cases", name="件数", data_type=DataType.I),
]
STOPPED = Condition(when={"state": "停"}, require=("why",), forbid=("back_on",), values={"cases": 0}, basis="示例")
RETURNED = Condition(present=("back_on",), require=("why",), basis="示例")


def schema() -> Schema:
    return derive_schema(ITEMS, title="示例", code="306001000001/000001", version=1, conditions=[STOPPED, RETURNED])


def errors(**record: Any) -> list[PayloadError]:
    return compile_schema(schema()).errors({"records": [{"id": "1", **record}]})


def test_a_record_that_is_not_of_the_case_is_free() -> None:
    assert errors(state="行") == []
    assert errors(state="行", cases=3, why="x", back_on="2026-01-01") == []


def test_what_a_condition_requires_is_asked_for_with_the_case() -> None:
    (fault,) = errors(state="停")
    assert fault == PayloadError(
        "/records/0/why",
        "“状态”为“停”时，缺少必填项“原因”，请补上",
        "is required and missing; add it (when state is 停)",
    )


def test_what_a_condition_forbids_or_fixes_is_told_with_the_case() -> None:
    assert errors(state="停", why="x", cases=0) == []
    forbidden, fixed = sorted(errors(state="停", why="x", back_on="2026-01-01", cases=2), key=lambda one: one.pointer)
    assert forbidden.zh == "“状态”为“停”时，“恢复日期”不应填写，请删除此项"
    assert forbidden.en == "may not be given; remove it (when state is 停)"
    assert (fixed.pointer, fixed.zh) == ("/records/0/cases", "“状态”为“停”时，“件数”应为 0")


def test_a_condition_may_hang_on_whether_an_item_is_there() -> None:
    (fault,) = errors(state="行", back_on="2026-01-01")
    assert fault.zh == "填写了“恢复日期”时，缺少必填项“原因”，请补上"


def test_the_example_record_keeps_the_conditions() -> None:
    derived = schema()
    assert judge(derived) is None
    assert derived["$defs"]["record"]["examples"][0] == {"id": "示例", "state": "停", "why": "示例", "cases": 0}


def test_delete_records_are_free_of_conditions() -> None:
    assert compile_schema(schema()).errors({"op": "delete", "records": [{"id": "1"}]}) == []


def test_without_conditions_the_schema_is_as_it_was() -> None:
    plain = derive_schema(ITEMS, title="示例", code="306001000001/000001", version=1)
    assert "allOf" not in plain["$defs"]["record"]


SUSPENDED = {
    "power_status": "暂停",
    "suspension_ground": "从未行使过",
    "suspended_on": "2026-03-02",
    "suspension_document": "示例审改办〔2026〕1号",
}


@pytest.mark.parametrize("missing", ["suspension_ground", "suspended_on", "suspension_document"])
def test_a_suspended_power_names_ground_date_and_document(missing: str) -> None:
    described = list_type("power-list")
    assert described is not None
    validator = compile_schema(
        derive_schema(
            described.items, title="x", code="306002000001/000001", version=1, conditions=described.conditions
        )
    )
    exercised = dict(described.samples[0])
    whole = exercised | SUSPENDED
    assert validator.errors({"records": [whole]}) == []
    broken = {name: value for name, value in whole.items() if name != missing}
    (fault,) = validator.errors({"records": [broken]})
    assert fault.pointer == f"/records/0/{missing}"
    assert "“状态”为“暂停”时" in fault.zh
    static = {name: value for name, value in whole.items() if name != "legal_basis"}
    assert [fault.pointer for fault in validator.errors({"records": [static]})] == ["/records/0/legal_basis"]
    other = whole | {"suspension_ground": "其他原因"}
    assert [fault.pointer for fault in validator.errors({"records": [other]})] == ["/records/0/suspension_reason"]
    resumed = whole | {"resumed_on": "2026-04-01"}
    assert [fault.pointer for fault in validator.errors({"records": [resumed]})] == ["/records/0/resumed_on"]
    back = whole | {"power_status": "行使", "resumed_on": "2026-04-01"}
    assert validator.errors({"records": [back]}) == []


def test_who_was_suspended_for_want_of_cases_counts_none() -> None:
    described = list_type("power-list-table3")
    assert described is not None
    validator = compile_schema(
        derive_schema(
            described.items, title="x", code="306002000002/000001", version=1, conditions=described.conditions
        )
    )
    record = dict(described.samples[-1]) | {"cases_year_before": 3}
    (fault,) = validator.errors({"records": [record]})
    assert (fault.pointer, "应为 0" in fault.zh) == ("/records/0/cases_year_before", True)
