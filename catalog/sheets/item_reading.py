"""What an entry says of its items. An item is the one that the catalogue has by field name, or else by name.

Staff know names and not columns of databases: a new item without a field name gets one from the Pinyin of its name.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from catalog.blanks import trimmed
from catalog.codes import DataType
from catalog.items import Item
from catalog.sheets.cells import text_cell
from catalog.sheets.columns import ITEM_COLUMNS
from catalog.sheets.entries import Entry
from catalog.sheets.field_names import field_name_of
from catalog.sheets.findings import Findings
from catalog.sheets.interpreting import Said, put, shows
from catalog.sheets.known import Existing
from catalog.sheets.provincial import TYPE_AND_LENGTH
from catalog.sheets.texts import Unreadable, plain
from catalog.sheets.values import read

_TYPE: Final = ITEM_COLUMNS["data_type"]
_LENGTH: Final = ITEM_COLUMNS["length"]
_FIELD_NAME: Final = ITEM_COLUMNS["field_name"]
_NAME: Final = ITEM_COLUMNS["name"]
_FIRST: Final = ("data_type", "field_name", "name")
_STROKE: Final = re.compile(r"[/／]")


def read_items(entry: Entry, existing: Existing | None, findings: Findings) -> list[Said]:
    """Return what the entry says of each item; those of the catalogue where it says nothing of any."""
    had = () if existing is None else existing.items
    if not entry.items_said:
        return [Said(dict(item), set()) for item in had]
    by_field = {item["field_name"]: item for item in had}
    by_name = {trimmed(item["name"]): item for item in had}
    found = [_read_item(entry, index, by_field, by_name, findings) for index in range(len(entry.item_rows))]
    taken = {said.raw["field_name"] for said in found if "field_name" in said.raw}
    for index, said in enumerate(found):
        if "field_name" not in said.raw and not said.unread & {"field_name", "name"}:
            said.raw["field_name"] = field_name_of(said.raw["name"], taken)
            taken.add(said.raw["field_name"])
            findings.note(
                entry.item_place(index, _FIELD_NAME.key),
                "sheet-field-name",
                "字段名为空，已按名称的拼音拟定",
                "the field name was blank and is made of the name's Pinyin",
                label=_FIELD_NAME.zh,
            )
    return found


def _read_item(
    entry: Entry,
    index: int,
    by_field: Mapping[str, Mapping[str, Any]],
    by_name: Mapping[str, Mapping[str, Any]],
    findings: Findings,
) -> Said:
    unread: set[str] = set()
    first = {name: _value(entry, index, name, None, unread, findings) for name in _FIRST}
    base = by_name.get(first["name"] or "") if first["field_name"] is None else by_field.get(first["field_name"])
    before = None if base is None else Item.model_validate(base)
    said = Said({} if base is None else dict(base), unread)
    length = _read_type_and_length(entry, index, first, unread, findings)
    if first["data_type"] is None and not entry.says_of_items(_TYPE.key):
        first["data_type"] = None if before is None else before.data_type
    for name in ("name", "data_type"):
        if first[name] is None and name not in unread:
            zh, en, label = "缺少此项，请填写", "is missing; fill it in", ITEM_COLUMNS[name].zh
            entry.fault(findings, entry.item_place(index, ITEM_COLUMNS[name].key), "item-form", zh, en, label=label)
            unread.add(name)
    said.raw.update({name: first[name] for name in ("field_name", "data_type") if first[name] is not None})
    if length is not None:
        said.raw["length"] = length
    cells = entry.item_rows[index].cells
    if not shows(_NAME, cells.get(_NAME.key), before):
        put(said.raw, _NAME, first["name"])
    for name, column in ITEM_COLUMNS.items():
        if name in _FIRST or not entry.says_of_items(column.key) or shows(column, cells.get(column.key), before):
            continue
        value = _value(entry, index, name, first["data_type"], unread, findings)
        if name not in unread:
            put(said.raw, column, value)
    return said


def _value(
    entry: Entry, index: int, name: str, data_type: DataType | None, unread: set[str], findings: Findings
) -> Any:
    try:
        return entry.read_item(index, ITEM_COLUMNS[name], findings, data_type)
    except Unreadable:
        unread.add(name)
        return None


def _read_type_and_length(
    entry: Entry, index: int, first: dict[str, Any], unread: set[str], findings: Findings
) -> int | None:
    """Put the type of a cell like 字符型/50 into `first`, and return the length."""
    try:
        text = entry.read_item(index, TYPE_AND_LENGTH, findings)
        if text is None:
            return None
        kind, _, length = _STROKE.sub("/", text).partition("/")
        first["data_type"] = read(_TYPE, text_cell(kind))
        found: int | None = read(_LENGTH, text_cell(length)) if plain(length) else None
    except Unreadable as unreadable:
        place = entry.item_place(index, TYPE_AND_LENGTH.key)
        entry.fault(findings, place, unreadable.rule, unreadable.zh, unreadable.en, label=TYPE_AND_LENGTH.zh)
        unread.update(("data_type", "length"))
        return None
    return found
