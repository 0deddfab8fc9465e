"""What an entry says of its resource: the cells read, and put over what the catalogue has.

A column that a sheet does not have says nothing: what the catalogue has stays. An empty cell says that there is nothing. A
cell that shows just what an export would show leaves the value as it is, character by character, so that what was exported
and comes back unchanged changes nothing.
"""

from dataclasses import dataclass
from typing import Any, Final

from catalog.blanks import trimmed
from catalog.codes import ShareType
from catalog.items import Item
from catalog.metadata import Metadata
from catalog.sheets.cells import Cell
from catalog.sheets.columns import METADATA_COLUMNS, Column
from catalog.sheets.entries import Entry
from catalog.sheets.findings import Findings
from catalog.sheets.known import Existing
from catalog.sheets.provincial import CLAUSE, PUBLISHED_ON
from catalog.sheets.texts import Unreadable
from catalog.sheets.values import write

_REQUIRED: Final = ("share_type", "update_cycle")  # without these there is no `Metadata` at all
_CLAUSES: Final = ("share_condition", "no_share_basis")


@dataclass(frozen=True, slots=True)
class Said:
    """Raw fields as JSON or enums, and those whose cells are there and could not be read."""

    raw: dict[str, Any]
    unread: set[str]


def read_metadata(entry: Entry, existing: Existing | None, findings: Findings) -> Said:
    """Return what the entry says of its resource; cells that cannot be read, or are empty and must not be, are faulted."""
    before = None if existing is None else Metadata.model_validate(existing.said)
    said = Said({} if existing is None else dict(existing.said), set())
    for name, column in METADATA_COLUMNS.items():
        if entry.says(column.key) and not shows(column, entry.cell(column.key), before):
            try:
                put(said.raw, column, entry.read(column, findings))
            except Unreadable:
                said.unread.add(name)
    _read_clause(entry, said, findings)
    _read_day(entry, findings)
    for name in _REQUIRED:
        if said.raw.get(name) is None and name not in said.unread:
            column = METADATA_COLUMNS[name]
            zh, en = f"{column.zh}必填，请填写", f"{column.en} is required; fill it in"
            entry.fault(findings, entry.place(name), "required", zh, en, label=column.zh)
            said.unread.add(name)
    return said


def shows(column: Column, cell: Cell | None, before: Metadata | Item | None) -> bool:
    """Return whether a cell shows just what an export shows of what there is; False where there is nothing."""
    if before is None:
        return False
    return trimmed(write(column, getattr(before, column.field))) == ("" if cell is None else trimmed(cell.text))


def put(raw: dict[str, Any], column: Column, value: Any) -> None:
    """Put what a cell says in its field; nothing, and no values, is no field."""
    if value is None or value == ():
        raw.pop(column.field, None)
    else:
        raw[column.field] = value


def _read_clause(entry: Entry, said: Said, findings: Findings) -> None:
    """The one column of the provincial form for what are two fields: which of them it is, the share type says."""
    if not entry.says(CLAUSE.key):
        return
    try:
        clause = entry.read(CLAUSE, findings)
    except Unreadable:
        said.unread.update(_CLAUSES)
        return
    for name in _CLAUSES:
        said.raw.pop(name, None)
    if clause is not None:
        said.raw[_CLAUSES[said.raw.get("share_type") == ShareType.NOT_SHARED]] = clause


def _read_day(entry: Entry, findings: Findings) -> None:
    if not entry.says(PUBLISHED_ON.key):
        return
    try:
        day = entry.read(PUBLISHED_ON, findings)
    except Unreadable:
        return
    if day is not None:
        findings.note(
            entry.place(PUBLISHED_ON.key),
            "sheet-publish-date",
            "发布日期由枢纽在发布时记录，表中的日期不保存",
            "the hub records when it publishes; the date of the sheet is not kept",
            label=PUBLISHED_ON.zh,
        )
