"""The JSON Schema of what a grant delivers: the version's own, or of a narrowed grant what the version's becomes by the scope.

It asks no more than every projection satisfies: of a masked text its length alone, for a mask keeps neither format nor code
list; nothing of items that are left out, nor a condition that speaks of such or of masked ones; and where rows are left out, a
snapshot may have none.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.codes import DataType
from catalog.conditions import conditions_in, names_of
from catalog.item import TEXT_TYPES
from certs.masks import Mask, hide_in
from hub.access import repository
from hub.access.errors import NothingByVersion, UnknownGrantVersion
from hub.access.repository import GrantRecord
from hub.access.scope import Scope, scope_of

_KEPT = ("title", "description", "x-data-type", "x-sensitive", "type", "maxLength")
"""What the schema of a text still says when the text is masked."""

_FILE = '"#/$defs/file"'


async def schema_of_grant(session: AsyncSession, record: GrantRecord, number: int | None) -> dict[str, Any]:
    """The schema of what the grant delivers of that version, by default of the newest that it has a right to.

    Raises UnknownGrantVersion, NothingByVersion.
    """
    row = record.grant
    numbers = [pin.version for pin in await repository.pins(session, [row.id])]
    wanted = max(numbers) if number is None and numbers else number
    if wanted not in numbers:
        raise UnknownGrantVersion(row.id, wanted)
    version = await repository.version(session, row.resource_id, wanted)
    scope = scope_of(row.items, row.rows)
    if scope.is_whole:
        return version.payload_schema
    if not _can_be_kept(scope, version.items):
        raise NothingByVersion(row.id, wanted)
    return narrowed(version.payload_schema, scope)


def narrowed(schema: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The schema (`catalog.schema.derive_schema`) of payloads that are reduced to a scope that narrows."""
    record, masks = schema["$defs"]["record"], {one.item: one.mask for one in scope.masks}
    names = [name for name in record["properties"] if scope.items is None or name in scope.items]
    made = {**schema, "$defs": {**schema["$defs"], "record": _record(record, names, masks)}}
    if "key" in made["$defs"]:
        made["$defs"]["key"] = _only(made["$defs"]["key"], names)
    if _FILE not in json.dumps(made["$defs"]["record"]):
        made["$defs"].pop("file", None)
    if scope.rows:
        records = {name: value for name, value in schema["properties"]["records"].items() if name != "minItems"}
        made["properties"] = {**schema["properties"], "records": records}
    return made


def _record(record: Mapping[str, Any], names: Sequence[str], masks: Mapping[str, Mask]) -> dict[str, Any]:
    made = _only({name: value for name, value in record.items() if name not in ("allOf", "examples")}, names)
    for name in masks.keys() & set(names):
        made["properties"][name] = {word: said for word, said in made["properties"][name].items() if word in _KEPT}
    if asked := _conditions(record.get("allOf", ()), set(names) - masks.keys()):
        made["allOf"] = asked
    examples = [{name: value for name, value in one.items() if name in names} for one in record.get("examples", ())]
    return {**made, "examples": [hide_in(one, masks) for one in examples]}


def _only(described: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The schema of an object, with these properties alone."""
    made = {**described, "properties": {n: v for n, v in described["properties"].items() if n in names}}
    if "required" in made:
        made["required"] = [name for name in made["required"] if name in names]
    return made


def _conditions(schemas: Sequence[Mapping[str, Any]], plain: set[str]) -> list[Mapping[str, Any]]:
    """Those that speak of nothing but the items in `plain`; none, if they are not of the form that the catalogue gives them."""
    try:
        found = conditions_in(schemas)
    except ValueError:
        return []
    return [one for one, condition in zip(schemas, found, strict=True) if names_of(condition) <= plain]


def _can_be_kept(scope: Scope, items: Sequence[Mapping[str, Any]]) -> bool:
    """As `hub.exchange.projecting.Lens.can_judge` says of the same version."""
    keys = {item["field_name"] for item in items if item.get("key")}
    texts = {item["field_name"] for item in items if DataType(item["data_type"]) in TEXT_TYPES}
    return {one.item for one in scope.rows} <= keys and {one.item for one in scope.masks} <= texts - keys
