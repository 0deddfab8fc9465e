"""The answer to a workbook: the same, its bad cells coloured, and the reasons in a column 错误原因 at the end of each row.

Sheets, formats and everything else stay as they were, byte for byte. Marks of an earlier answer are taken away first, so that
who corrects and sends it again never sees an old one. Only texts are written, never a formula.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from catalog.sheets.columns import REASON
from catalog.sheets.findings import Finding, Place, column_letters
from catalog.sheets.limits import MAX_CELL_CHARACTERS
from catalog.sheets.markup import local
from catalog.sheets.parsing import parse_reference
from catalog.sheets.splicing import Span, Splices, inline_text, prefix_of, tag_end, utf8, walk, with_attribute
from catalog.sheets.styles import Styles
from catalog.sheets.table import Table
from catalog.sheets.workbook import Workbook

_LONGEST: Final = MAX_CELL_CHARACTERS // 8
"""Characters of reasons in one cell: nobody reads more, and some faults come by the hundred."""


@dataclass(slots=True)
class _Edit:
    """What is to be done with one cell: our colour behind it, a text in it."""

    coloured: bool = False
    text: str | None = None


@dataclass(slots=True)
class _Edits:
    """What is to be done in one sheet, by row and column; `reasons` is its column of reasons, of which nothing old stays.

    Only a column that had our heading before is emptied: any other is the office's own.
    """

    header: int
    reasons: int
    had_reasons: bool
    cells: dict[int, dict[int, _Edit]] = field(default_factory=dict)

    def at(self, row: int, column: int) -> _Edit:
        return self.cells.setdefault(row, {}).setdefault(column, _Edit())


def mark(workbook: Workbook, tables: Iterable[Table], faults: Iterable[Finding], texts: Mapping[Place, str]) -> bytes:
    """Return the workbook with the cells of `faults` marked, their reasons said, and `texts` written into their cells."""
    by_name = {table.sheet.name: table for table in tables}
    edits = {
        name: _Edits(table.header, table.reason or table.last_column + 1, table.reason is not None)
        for name, table in by_name.items()
    }
    reasons: dict[tuple[str, int], list[str]] = {}
    for fault in sorted(faults, key=lambda found: found.place):
        edits[fault.place.sheet].at(fault.place.row, fault.place.column).coloured = True
        reasons.setdefault((fault.place.sheet, fault.place.row), []).append(_reason(fault))
    for (sheet, row), said in reasons.items():
        edits[sheet].at(row, edits[sheet].reasons).text = "\n".join(said)[:_LONGEST]
        edits[sheet].at(edits[sheet].header, edits[sheet].reasons).text = REASON.zh
    for place, text in texts.items():
        edits[place.sheet].at(place.row, place.column).text = text
    styles = Styles(workbook.container, workbook.part, workbook.styles_part)
    changed = {}
    for name, edit in edits.items():
        part = by_name[name].sheet.part
        changed[part] = _spliced(workbook.container.read(part), edit, styles)
    return workbook.container.rewritten(changed | styles.parts())


def _reason(fault: Finding) -> str:
    label = f" {fault.label}" if fault.label else ""
    return f"{fault.place.address}{label}：{fault.zh}（{fault.rule}） / {fault.en}"


@dataclass(slots=True)
class _Cell:
    """A cell of the row in hand: its column, its style, and where its tag, its content and its end stand."""

    column: int
    style: int
    start: int
    end: int = -1


@dataclass(slots=True)
class _RowInHand:
    number: int = 0
    start: int = -1
    column: int = 0
    cells: list[_Cell] = field(default_factory=list)


def _spliced(part: bytes, edits: _Edits, styles: Styles) -> bytes:
    data = utf8(part)
    splices = Splices(data)
    row = _RowInHand()

    def start(name: str, attributes: Mapping[str, str], at: int) -> None:
        tag = local(name)
        if tag == "c":
            given = attributes.get("r")
            row.column = row.column + 1 if given is None else parse_reference(given)[1]
            style = attributes.get("s", "0")
            row.cells.append(_Cell(row.column, int(style) if style.isdigit() else 0, at))
        elif tag == "row":
            given = attributes.get("r")
            row.number = int(given) if given is not None and given.isdigit() else row.number + 1
            row.start, row.column = at, 0
            row.cells.clear()
        elif tag == "dimension":  # it may be too small now, and nobody needs it
            splices.replace(at, tag_end(data, at), b"")

    def end(name: str, span: Span) -> None:
        tag = local(name)
        if tag == "c":
            row.cells[-1].end = span.behind
        elif tag == "row" and span.close is not None:
            _edit_row(splices, row, span.close, prefix_of(name), edits, styles)

    walk(data, start, end)
    return splices.done()


def _edit_row(splices: Splices, row: _RowInHand, end: int, prefix: str, edits: _Edits, styles: Styles) -> None:
    """Put in what is to be done in one row; `end` is where its end tag stands."""
    wanted = dict(edits.cells.get(row.number, {}))
    for cell in row.cells:
        edit = wanted.pop(cell.column, None)
        is_marked = styles.is_marked(cell.style)
        is_old = edits.had_reasons and cell.column == edits.reasons and row.number > edits.header
        if edit is None and is_old:
            splices.replace(cell.start, cell.end, b"")
        elif edit is not None or is_marked:
            _edit_cell(splices, row.number, cell, prefix, edit or _Edit(), styles)
    if not wanted:
        return
    behind = tag_end(splices.data, row.start)
    splices.replace(row.start, behind, with_attribute(splices.data[row.start : behind], "spans", None))
    for column in sorted(wanted):
        at = next((cell.start for cell in row.cells if cell.column > column), end)
        text, reference = wanted[column].text, f"{column_letters(column)}{row.number}"
        if text is not None:
            splices.insert(at, inline_text(prefix, reference, styles.text(), text))
        else:
            splices.insert(at, f'<{prefix}c r="{reference}" s="{styles.marked(0)}"/>'.encode())


def _edit_cell(splices: Splices, row: int, cell: _Cell, prefix: str, edit: _Edit, styles: Styles) -> None:
    is_marked = styles.is_marked(cell.style)
    style = cell.style
    if edit.coloured and not is_marked:
        style = styles.marked(style)
    elif is_marked and not edit.coloured:
        style = styles.unmarked(style)
    if edit.text is not None:
        made = inline_text(prefix, f"{column_letters(cell.column)}{row}", style, edit.text)
        splices.replace(cell.start, cell.end, made)
    else:
        behind = tag_end(splices.data, cell.start)
        tag = splices.data[cell.start : behind]
        splices.replace(cell.start, behind, with_attribute(tag, "s", str(style)))
