"""The JSON Schema (2020-12) of a resource's payload, derived from its items as the contract's "Envelope" section says.

Frame and record are ours; whoever compiles or serves the schema is no concern of this module.

Dates follow RFC 3339 and are asserted, not annotated: `date` is a real day of the calendar, `date-time` carries an
offset, and a leap second is taken only where one can be, at 23:59:60 UTC.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import rfc8785

from catalog.codes import DataType
from catalog.conditions import Condition, condition_schemas, example_under
from catalog.formats import FORMATS
from catalog.item import MAX_ENTRIES, MAX_NUMBER, Item
from catalog.item_values import example_value
from catalog.items import check_items, walk
from catalog.money import MONEY_PATTERN, above_pattern, below_pattern

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MAX_RECORDS: Final = 1_000  # contract, "Envelope"
DIGEST_PATTERN: Final = "^sha-256:[0-9a-f]{64}$"
MEDIA_TYPE_PATTERN: Final = r"^[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}$"  # RFC 6838, 4.2
MAX_FILE_NAME: Final = 255  # the limit of the usual file systems

Schema = dict[str, Any]


def derive_schema(
    items: Sequence[Item], *, title: str, code: str, version: int, conditions: Sequence[Condition] = ()
) -> Schema:
    """Return the schema of frame and record for one version of a resource.

    `$defs.record` describes upsert and snapshot records and carries a valid one in `examples`; `$defs.key` describes
    delete records and is there only if there are key items, without which the one operation is `snapshot`. Conditions
    bind the record alone and speak of items that are there. Raises InvalidItem with every violation of the items.
    """
    check_items(items)
    keyed = any(item.key for item in items)
    schema: Schema = {
        "$schema": DIALECT,
        "title": title,
        "x-resource": {"code": code, "version": version},
        "type": "object",
        "properties": {"op": _operation(keyed), "records": _records(keyed)},
        "required": ["records"] if keyed else ["op", "records"],
        "additionalProperties": False,
        "$defs": {"record": _record(items)},
    }
    if keyed:
        schema["if"] = {"properties": {"op": {"const": "delete"}}, "required": ["op"]}
        schema["then"] = {"properties": {"records": {"items": {"$ref": "#/$defs/key"}}}}
        schema["else"] = {"properties": {"records": {"items": {"$ref": "#/$defs/record"}}}}
        schema["$defs"]["key"] = _key(items)
    if any(item.data_type is DataType.G and not item.is_group for _, item in walk(items)):
        schema["$defs"]["file"] = _file()
    if conditions:
        _add_conditions(schema["$defs"]["record"], items, conditions)
    return schema


def canonical_schema(schema: Schema) -> bytes:
    """Return the RFC 8785 form, over which the digest is taken whatever order or spacing the schema is served in."""
    return rfc8785.dumps(schema)


def digest_of(value: Any) -> str:
    """Return `sha-256:<lower-case hex>` over the RFC 8785 form of a JSON value; of a schema, its `schema_digest`."""
    return f"sha-256:{hashlib.sha256(rfc8785.dumps(value)).hexdigest()}"


def example_payload(schema: Schema) -> Schema:
    """Return the smallest payload that a derived schema says is valid: one snapshot of its example record."""
    return {"op": "snapshot", "records": list(schema["$defs"]["record"]["examples"])}


def _operation(keyed: bool) -> Schema:
    if keyed:
        return {
            "description": "upsert 新增或更新，delete 按主键删除，snapshot 整体替换",
            "enum": ["upsert", "delete", "snapshot"],
            "default": "upsert",
        }
    return {"description": "本资源没有主键项，只能用 snapshot 整体替换", "enum": ["snapshot"]}


def _records(keyed: bool) -> Schema:
    records: Schema = {"type": "array", "minItems": 1, "maxItems": MAX_RECORDS}
    return records if keyed else records | {"items": {"$ref": "#/$defs/record"}}


def _record(items: Sequence[Item]) -> Schema:
    return _object(items) | {"examples": [{item.field_name: example_value(item) for item in items}]}


def _object(items: Sequence[Item]) -> Schema:
    described: Schema = {
        "type": "object",
        "properties": {item.field_name: _property(item) for item in items},
        "additionalProperties": False,
    }
    required = [item.field_name for item in items if item.is_required]
    return described | {"required": required} if required else described


def _add_conditions(record: Schema, items: Sequence[Item], conditions: Sequence[Condition]) -> None:
    record["allOf"] = condition_schemas(conditions, items)
    record["examples"] = [example_under(conditions, example) for example in record["examples"]]


def _key(items: Sequence[Item]) -> Schema:
    names = [item.field_name for item in items if item.key]
    return {
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/record/properties/{name}"} for name in names},
        "required": names,
        "additionalProperties": False,
    }


def _property(item: Item) -> Schema:
    described: Schema = {"title": item.name, "x-data-type": item.data_type.value}
    if item.description is not None:
        described["description"] = item.description
    if item.unit is not None:
        described["x-unit"] = item.unit
    if item.is_sensitive:
        described["x-sensitive"] = True
    described |= _FORMS[item.data_type](item)
    if item.enumeration is not None:
        described["enum"] = list(item.enumeration)
    return described


def _text(item: Item) -> Schema:
    form: Schema = {"type": "string"}
    if item.least_length:
        form["minLength"] = item.least_length
    if item.length is not None:
        form["maxLength"] = item.length
    if item.pattern is not None:
        form["pattern"] = item.pattern
    if item.format is not None:
        form |= {"pattern": FORMATS[item.format].anchored, "format": item.format.value}
    return form


def _number(item: Item) -> Schema:
    form: Schema = {"type": "number"}
    if item.minimum is not None:
        form["minimum"] = item.minimum
    if item.maximum is not None:
        form["maximum"] = item.maximum
    if item.exclusive_minimum is not None:
        form["exclusiveMinimum"] = item.exclusive_minimum
    if item.exclusive_maximum is not None:
        form["exclusiveMaximum"] = item.exclusive_maximum
    return form


def _integer(item: Item) -> Schema:
    return {"minimum": -MAX_NUMBER, "maximum": MAX_NUMBER} | _number(item) | {"type": "integer"}


def _money(item: Item) -> Schema:
    """What lies beyond a bound is told apart by its digits; an amount that is none breaks the first pattern alone."""
    form: Schema = {"type": "string", "pattern": MONEY_PATTERN}
    beyond: list[Schema] = []
    if isinstance(item.minimum, str):
        beyond.append(_ruled_out(item, "x-minimum", item.minimum, below_pattern(item.minimum)))
    if isinstance(item.maximum, str):
        beyond.append(_ruled_out(item, "x-maximum", item.maximum, above_pattern(item.maximum)))
    return form | {"allOf": beyond} if beyond else form


def _ruled_out(item: Item, name: str, bound: str, pattern: str) -> Schema:
    return {"title": item.name, "x-data-type": item.data_type.value, name: bound, "not": {"pattern": pattern}}


def _date(_: Item) -> Schema:
    return {"type": "string", "format": "date"}


def _date_time(_: Item) -> Schema:
    return {"type": "string", "format": "date-time"}


def _logical(_: Item) -> Schema:
    return {"type": "boolean"}


def _file_or_group(item: Item) -> Schema:
    if item.items is None:
        return {"$ref": "#/$defs/file"}
    group = _object(item.items)
    if not item.many:
        return group
    entry = {"title": item.name, "x-data-type": item.data_type.value} | group
    form: Schema = {"type": "array", "maxItems": item.length or MAX_ENTRIES, "items": entry}
    return form | {"minItems": item.least_length} if item.least_length else form


_FORMS: Final[dict[DataType, Callable[[Item], Schema]]] = {
    DataType.C: _text,
    DataType.M: _text,
    DataType.N: _number,
    DataType.B: _number,
    DataType.F: _number,
    DataType.I: _integer,
    DataType.Y: _money,
    DataType.D: _date,
    DataType.T: _date_time,
    DataType.L: _logical,
    DataType.G: _file_or_group,
}


def _file() -> Schema:
    properties: Schema = {
        "file": {"type": "string", "format": "uuid"},
        "digest": {"type": "string", "pattern": DIGEST_PATTERN},
        "size": {"type": "integer", "minimum": 0, "maximum": MAX_NUMBER},
        "name": {"type": "string", "minLength": 1, "maxLength": MAX_FILE_NAME},
        "media_type": {"type": "string", "pattern": MEDIA_TYPE_PATTERN},
    }
    return {
        "type": "object",
        "description": "先上传文件，再填写上传完成后得到的标识和摘要",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
