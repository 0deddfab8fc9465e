"""The JSON Schemas that we are willing to compile: 2020-12 keywords, references within the document, bounded work.

Looks at the schema as data before any library does. A reference outwards would make the compiler fetch it; a reference
cycle or a tower of references would make one small payload cost unbounded time. Knows no compiler.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

import orjson

from catalog.errors import SchemaRefused
from catalog.schema import DIALECT, Schema

MAX_SCHEMA_BYTES: Final = 1 << 20  # 500 items with code lists of a few hundred values stay below it
MAX_SCHEMA_DEPTH: Final = 64  # the contract's depth of a payload; deeper schemas judge nothing
MAX_EXPANSION: Final = 20_000  # subschemas once every reference is followed: an upper bound of the work per value

_SCHEMA_MAPS: Final = frozenset({"$defs", "properties", "patternProperties", "dependentSchemas"})
_SCHEMA_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS: Final = frozenset(
    {"items", "contains", "additionalProperties", "propertyNames", "if", "then", "else", "not"}
    | {"unevaluatedItems", "unevaluatedProperties"}
)
_ASSERTIONS: Final = frozenset(
    {"type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"}
    | {"maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains"}
    | {"maxProperties", "minProperties", "required", "dependentRequired", "format"}
)
_ANNOTATIONS: Final = frozenset(
    {"$comment", "title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples"}
)
_KNOWN: Final = _SCHEMA_MAPS | _SCHEMA_LISTS | _SCHEMAS | _ASSERTIONS | _ANNOTATIONS | {"$ref", "$schema"}


def check_form(schema: Schema) -> None:
    """Raise SchemaRefused unless the schema is an object, small, closed in itself and free of reference cycles."""
    if not isinstance(schema, dict):
        raise SchemaRefused("最外层应为 Schema 对象", "at the top a schema is an object", "")
    try:
        size = len(orjson.dumps(schema))
    except (TypeError, RecursionError) as error:
        raise SchemaRefused(
            "Schema 不是合法的 JSON（键须为文本，整数须在 64 位以内，嵌套不能过深）",
            "the schema is not plain JSON: text keys, integers within 64 bits, no deep nesting",
        ) from error
    if size > MAX_SCHEMA_BYTES:
        raise SchemaRefused(
            f"Schema 超过 {MAX_SCHEMA_BYTES} 字节；请缩短值域和说明",
            f"the schema exceeds {MAX_SCHEMA_BYTES} bytes; shorten code lists and descriptions",
        )
    if schema.get("$schema") != DIALECT:
        raise SchemaRefused(f"$schema 应为 {DIALECT}", f"$schema must be {DIALECT}", "/$schema")
    _check_work(_edges(schema))


def _edges(schema: Schema) -> dict[str, list[str]]:
    """Return, for each subschema's pointer, the pointers of the subschemas that it uses."""
    edges: dict[str, list[str]] = {}
    waiting: list[tuple[str, Any]] = [("", schema)]
    while waiting:
        pointer, node = waiting.pop()
        edges[pointer] = uses = []
        if isinstance(node, bool):
            continue
        if not isinstance(node, dict):
            raise SchemaRefused("此处应为 Schema 对象", "a schema object is expected here", pointer)
        _check_keywords(pointer, node)
        for below, child in _subschemas(pointer, node):
            uses.append(below)
            waiting.append((below, child))
        if "$ref" in node:
            uses.append(_target(pointer, node["$ref"]))
    return edges


def _check_keywords(pointer: str, node: dict[str, Any]) -> None:
    for keyword in node:
        if keyword == "$schema" and pointer:
            raise SchemaRefused("$schema 只能写在最外层", "$schema belongs at the top only", f"{pointer}/$schema")
        if keyword not in _KNOWN and not keyword.startswith("x-"):
            raise SchemaRefused(
                "不支持这个关键字；请用 JSON Schema 2020-12 的断言和注释关键字，自定义的以 x- 开头，"
                "不支持 $id、$anchor、$dynamicRef",
                "unsupported keyword: use 2020-12 assertions and annotations, your own with x- in front; "
                "$id, $anchor and $dynamicRef are not supported",
                f"{pointer}/{_escaped(keyword)}",
            )


def _subschemas(pointer: str, node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for keyword, value in node.items():
        if keyword in _SCHEMAS:
            yield f"{pointer}/{keyword}", value
        elif keyword in _SCHEMA_MAPS and isinstance(value, dict):
            for name, child in value.items():
                yield f"{pointer}/{keyword}/{_escaped(name)}", child
        elif keyword in _SCHEMA_LISTS and isinstance(value, list):
            for index, child in enumerate(value):
                yield f"{pointer}/{keyword}/{index}", child
        elif keyword in _SCHEMA_MAPS | _SCHEMA_LISTS:
            raise SchemaRefused("此处的结构不对", "has the wrong structure", f"{pointer}/{keyword}")


def _target(pointer: str, reference: Any) -> str:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        raise SchemaRefused(
            "$ref 只能以 #/ 引用本 Schema 内部的定义",
            "$ref may only point into this schema, with #/",
            f"{pointer}/$ref",
        )
    return unquote(reference[1:])


def _check_work(edges: dict[str, list[str]]) -> None:
    costs: dict[str, int] = {}

    def cost(pointer: str, depth: int) -> int:
        if pointer in costs:
            return costs[pointer]
        if pointer not in edges:
            raise SchemaRefused("$ref 指向的定义不存在", "$ref points at no subschema of this document", pointer)
        if depth > MAX_SCHEMA_DEPTH:  # a cycle never ends otherwise
            raise SchemaRefused(
                f"Schema 引用成环或嵌套超过 {MAX_SCHEMA_DEPTH} 层；请展开或简化",
                f"the schema refers to itself or nests deeper than {MAX_SCHEMA_DEPTH}; flatten it",
                pointer,
            )
        total = 1 + sum(cost(used, depth + 1) for used in edges[pointer])
        if total > MAX_EXPANSION:
            raise SchemaRefused(
                f"Schema 展开后超过 {MAX_EXPANSION} 个子模式；请减少引用和组合",
                f"the schema expands to more than {MAX_EXPANSION} subschemas; use fewer references and combinations",
                pointer,
            )
        costs[pointer] = total
        return total

    cost("", 0)


def _escaped(token: str) -> str:
    """Return `token` as one reference token of a JSON pointer (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")
