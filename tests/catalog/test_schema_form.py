"""Schemas that must never reach the compiler: outward references, cycles, towers, unknown keywords, sheer size."""

from typing import Any

import pytest

from catalog.errors import SchemaRefused
from catalog.schema import DIALECT
from catalog.schema_form import MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH, check_form


def refusal(**schema: Any) -> SchemaRefused:
    """Return the refusal of this schema."""
    with pytest.raises(SchemaRefused) as refused:
        check_form({"$schema": DIALECT, **schema})
    return refused.value


def accepted(**schema: Any) -> None:
    """Fail unless the schema is taken."""
    check_form({"$schema": DIALECT, **schema})


@pytest.mark.parametrize(
    "reference",
    ["http://example.org/s", "https://example.org/s#/a", "file:///etc/passwd", "other.json", "#", "#name", "", 5, None],
)
def test_references_outwards_are_refused(reference: Any) -> None:
    assert refusal(properties={"a": {"$ref": reference}}).field == "/properties/a/$ref"


@pytest.mark.parametrize(
    "keyword", ["$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$vocabulary", "id"]
)
def test_keywords_that_move_the_base_are_refused(keyword: str) -> None:
    assert refusal(items={keyword: "x"}).field == f"/items/{keyword}"


def test_a_misspelt_keyword_is_refused_instead_of_ignored() -> None:
    assert refusal(properties={"a/b": {"maxLenght": 5}}).field == "/properties/a~1b/maxLenght"


def test_annotations_of_our_own_are_data() -> None:
    accepted(**{"x-anything": {"$ref": "http://example.org"}}, const={"$ref": "http://example.org"})


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    accepted(properties={"$ref": {"type": "string"}, "$id": True})


def test_references_reach_subschemas_only() -> None:
    accepted(**{"$defs": {"a b": {"type": "string"}}, "$ref": "#/$defs/a%20b"})
    refusal(**{"$ref": "#/$defs/missing"})
    refusal(**{"enum": [{"$ref": "http://example.org"}], "$ref": "#/enum/0"})
    refusal(**{"x-a": {"$ref": "http://example.org"}, "$ref": "#/x-a"})


def test_cycles_are_refused() -> None:
    refusal(**{"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"})
    refusal(**{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}})
    refusal(**{"$defs": {"tree": {"properties": {"left": {"$ref": "#/$defs/tree"}}}}, "$ref": "#/$defs/tree"})


def test_a_tower_that_doubles_at_each_floor_is_refused() -> None:
    floors = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(20)}
    assert "子模式" in refusal(**{"$defs": floors | {"a20": False}}).zh


def test_depth_is_bounded_through_references_too() -> None:
    chain = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(MAX_SCHEMA_DEPTH + 1)}
    assert "成环或嵌套" in refusal(**{"$defs": chain | {f"a{MAX_SCHEMA_DEPTH + 1}": True}, "$ref": "#/$defs/a0"}).zh
    deep: dict[str, Any] = {}
    for _ in range(MAX_SCHEMA_DEPTH + 1):
        deep = {"items": deep}
    refusal(**deep)


def test_only_this_dialect_is_taken_and_only_at_the_top() -> None:
    with pytest.raises(SchemaRefused) as refused:
        check_form({"$schema": "http://json-schema.org/draft-07/schema#"})
    assert refused.value.field == "/$schema"
    assert refusal(items={"$schema": DIALECT}).field == "/items/$schema"


@pytest.mark.parametrize(
    "schema", [{"items": 5}, {"properties": []}, {"anyOf": {}}, {"$defs": {"a": "x"}}, {"not": None}]
)
def test_what_is_no_schema_is_refused(schema: dict[str, Any]) -> None:
    refusal(**schema)


def test_size_and_json_form_are_checked_first() -> None:
    assert str(MAX_SCHEMA_BYTES) in refusal(description="长" * MAX_SCHEMA_BYTES).zh
    assert "JSON" in refusal(const=2**70).zh
    assert "JSON" in refusal(const=object()).zh


def test_combinations_and_boolean_schemas_are_taken() -> None:
    accepted(
        allOf=[{"if": {"required": ["a"]}, "then": True, "else": False}],
        patternProperties={"^a": {"items": {"prefixItems": [True], "contains": {}}}},
        propertyNames={"maxLength": 5},
    )
