"""The helper's judgement itself, and the limits that it sets on its process."""

import io
import resource
import sys
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from catalog import judge
from catalog.codes import DataType
from catalog.items import Item
from catalog.schema import DIALECT, derive_schema


def test_a_schema_in_order_is_accepted() -> None:
    item = Item(field_name="x", name="某项", data_type=DataType.D)
    assert judge.judge(derive_schema([item], title="某资源", code="306001000001/000001", version=1)) is None
    assert judge.judge({"$schema": DIALECT}) is None


def test_each_kind_of_fault_is_told_with_its_place() -> None:
    date = Item(field_name="x", name="某项", data_type=DataType.D, example="2026-02-30")
    example = judge.judge(derive_schema([date], title="某资源", code="306001000001/000001", version=1))
    assert example is not None
    assert [violation.field for violation in example["violations"]] == ["/records/0/x"]
    for schema, field in (
        ({"minLength": "1"}, "/minLength"),
        ({"pattern": "(?=a)"}, "/pattern"),
        ({"$id": "x"}, "/$id"),
    ):
        refusal = judge.judge({"$schema": DIALECT, **schema})
        assert refusal is not None
        assert refusal["field"] == field


KEYWORDS = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "required",
        "enum",
        "minLength",
        "pattern",
        "$ref",
        "$defs",
        "allOf",
        "not",
        "if",
        "maximum",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats(allow_nan=False)
    | st.sampled_from(["string", "#/a", "["]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYWORDS, VALUES, max_size=4))
def test_the_quick_look_passes_no_schema_that_the_slow_one_refuses(schema: dict[str, Any]) -> None:
    schema["$schema"] = DIALECT
    assert judge._is_schema(schema) <= Draft202012Validator(Draft202012Validator.META_SCHEMA).is_valid(schema)


def test_limits_are_on_memory_and_on_time_from_now_on(monkeypatch: pytest.MonkeyPatch) -> None:
    set_limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", set_limits.__setitem__)
    judge.limit(1 << 28, 5)
    used = resource.getrusage(resource.RUSAGE_SELF)
    assert set_limits[resource.RLIMIT_AS] == (1 << 28, resource.RLIM_INFINITY)
    allowed, _ = set_limits[resource.RLIMIT_CPU]
    assert 4 < allowed - used.ru_utime - used.ru_stime < 7


def test_it_answers_line_by_line_until_its_input_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    set_limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", set_limits.__setitem__)
    schemas = ({"$schema": DIALECT}, {"$schema": DIALECT, "type": "text"})
    lines = [orjson.dumps({"schema": schema, "timeout_s": 5, "memory_bytes": 1 << 28}) + b"\n" for schema in schemas]
    answers = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"".join(lines))))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(answers))
    judge.main()
    ready, first, second = answers.getvalue().splitlines()
    assert (ready, first) == (b"ready", b"null")
    assert orjson.loads(second)["field"] == "/type"
    assert set_limits[resource.RLIMIT_FSIZE] == set_limits[resource.RLIMIT_CORE] == (0, 0)
