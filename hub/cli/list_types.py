"""`shuniu list-type`: the lists of the policy documents, their sample rows, and the rules that whole lists keep."""

from collections.abc import Sequence
from typing import Any, BinaryIO

import click

from catalog.compiler import compile_schema
from catalog.lists import list_type as find_type
from catalog.lists import list_types
from catalog.lists.checks import findings
from catalog.lists.list_type import ListType
from catalog.schema import derive_schema
from hub.cli.failures import Refused
from hub.cli.files import name_of, strict_object
from hub.cli.output import show_json
from hub.cli.verbs import Kind, add_list, add_show

TYPES = Kind("/v1/list-types", ("key", "title", "basis", "classification", "items"), "KEY")
SHOWN = 20
"""Faults of a schema that are told at once, as the hub tells them."""


@click.group("list-type", help="清单类型：规定的信息项、样例行、整份核对 / types of lists: items, samples, checks")
def list_type() -> None:
    """Types of lists."""


add_list(list_type, TYPES)
add_show(list_type, TYPES)


@list_type.command(help="打印样例行（标明示例），可直接用于 shuniu send / print sample rows, ready for shuniu send")
@click.argument("key")
def samples(key: str) -> None:
    """Print the payload of the type's samples; needs no hub."""
    show_json(known(key).payload())


@list_type.command(help="发送前核对整份清单 FILE（JSON 数组或载荷） / check a whole list before it is sent")
@click.argument("key")
@click.argument("file", type=click.File("rb"))
def check(key: str, *, file: BinaryIO) -> None:
    """Say what breaks the type's schema or its rules about whole lists; needs no hub. Raises `Refused` if anything does."""
    described = known(key)
    records = _records(file)
    lines = _schema_faults(described, records)
    if not lines:
        for found in findings(described, records):
            where = "" if found.record is None else f"/records/{found.record}: "
            lines.append(f"{where}{found.zh} / {found.en}（{found.basis}）")
    if lines:
        raise Refused("\n".join(lines))
    left = [rule.rule.zh for rule in described.checks if rule.by == "people"]
    click.echo(f"{len(records)} 条符合 / {len(records)} records pass")
    for text in left:
        click.echo(f"仍须人工核对 / still for people to check: {text}")


def known(key: str) -> ListType:
    """The type of that key. Raises click.UsageError."""
    found = find_type(key)
    if found is None:
        keys = ", ".join(one.key for one in list_types())
        raise click.UsageError(f"没有清单类型 {key}；有 / there is no such type; there are: {keys}")
    return found


def _records(file: BinaryIO) -> list[dict[str, Any]]:
    data = file.read().strip()
    given = strict_object(file, b'{"records":%b}' % data if data.startswith(b"[") else data)
    records = given.get("records")
    if not isinstance(records, list) or not records or not all(isinstance(one, dict) for one in records):
        raise click.UsageError(f"{name_of(file)} 须为记录的 JSON 数组或载荷 / is a JSON array of records, or a payload")
    return records


def _schema_faults(described: ListType, records: Sequence[dict[str, Any]]) -> list[str]:
    """The type's own schema judges each record; a resource may have further items, which it does not know."""
    schema = derive_schema(
        described.items,
        title=described.title.zh,
        code=f"{described.classification}/1",
        version=1,
        conditions=described.conditions,
    )
    schema["properties"]["records"] = {"type": "array"}  # a whole list may take several envelopes
    schema["$defs"]["record"]["additionalProperties"] = True
    validator = compile_schema(schema)
    faults = validator.errors({"op": "upsert", "records": list(records)}, SHOWN)
    return [f"{fault.pointer}: {fault.zh} / {fault.en}" for fault in faults]
