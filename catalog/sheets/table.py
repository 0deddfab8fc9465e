"""A sheet as a table: where its heading is, which column says what, and its rows with what people do to them undone.

Merged cells say their value in each of their rows, blank rows and rows of headings in between are left out, columns may
stand in any order. What was undone is noted, for whoever sent the sheet may have meant something else.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from catalog.blanks import trimmed
from catalog.sheets.cells import Cell, Kind, moment_of
from catalog.sheets.columns import REASON, Column, Form, find_column, heading, headings
from catalog.sheets.errors import WorkbookRefused
from catalog.sheets.findings import Findings, Place, column_letters
from catalog.sheets.limits import HEADER_WITHIN, MAX_CELLS
from catalog.sheets.parsing import Row
from catalog.sheets.workbook import Content, Sheet, Workbook

_MOST_MERGES: Final = 100_000
_LEAST_HEADINGS: Final = 2
_SERIALS: Final = range(20_000, 80_000)  # days between 1954 and 2119


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table: its number in the sheet, and its cells with content by the key of their column."""

    number: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet's columns by key with their numbers, and its rows. `reason` is the column of faults, if there is one.

    `last_column` is the last with content in any row, whether we know its heading or not.
    """

    sheet: Sheet
    header: int
    columns: Mapping[str, tuple[int, Column]]
    rows: Sequence[TableRow]
    reason: int | None
    last_column: int

    def place(self, row: int, key: str) -> Place | None:
        """The cell of a column in a row, None if the sheet does not have the column."""
        found = self.columns.get(key)
        return None if found is None else Place(self.sheet.name, row, found[0])

    def label(self, key: str) -> str:
        """The column's heading in the template."""
        return self.columns[key][1].zh if key in self.columns else ""


def read_table(workbook: Workbook, sheet: Sheet, known: Sequence[Column], findings: Findings) -> Table:
    """Return the table of a sheet whose headings are among `known`. Raises WorkbookRefused if it has no heading."""
    content = workbook.read(sheet)
    rows = _unmerged(content)
    names = headings((*known, REASON))
    place = _header(rows, names)
    if place is None:
        raise WorkbookRefused(
            "sheet-header",
            f"工作表“{sheet.name}”前 {HEADER_WITHIN} 行中没有表头；请保留模板的表头行",
            f"there is no heading in the first {HEADER_WITHIN} rows of one of the sheets; keep the template's heading",
        )
    heading_rows = _heading_rows(rows, place, names)
    header, below = heading_rows[-1], place + 1 + (heading_rows[-1] is not rows[place])
    columns = _columns(sheet, heading_rows, names, findings)
    by_key = {column.key: (number, column) for number, column in columns.items()}
    reason = by_key.pop(REASON.key, (None, REASON))[0]
    by_number = {number: column for number, column in columns.items() if column.form is not Form.IGNORED}
    last = max(number for row in rows for number in row.cells)  # the office's own columns included
    table = Table(sheet, header.number, by_key, _body(rows[below:], by_number, workbook), reason, last)
    _tell(table, content, header.number, findings)
    return table


def _unmerged(content: Content) -> list[Row]:
    """The rows with the value of each range that is merged downwards in all rows of it that have other content."""
    rows = [Row(row.number, dict(row.cells), row.hidden) for row in content.rows]
    numbers = [row.number for row in rows]
    if len(content.merges) > _MOST_MERGES:
        raise _too_merged()
    filled = 0
    for merge in content.merges:
        first, last = bisect_left(numbers, merge.top), bisect_right(numbers, merge.bottom)
        if first >= last or numbers[first] != merge.top:
            continue
        value = rows[first].cells.get(merge.left)
        filled += last - first
        if filled > MAX_CELLS:
            raise _too_merged()
        if value is not None:
            for row in rows[first + 1 : last]:
                row.cells.setdefault(merge.left, value)
    return rows


def _too_merged() -> WorkbookRefused:
    return WorkbookRefused(
        "sheet-size",
        "合并单元格过多；请取消合并后重新保存",
        "too many merged cells; unmerge them and save the workbook again",
    )


def _header(rows: Sequence[Row], names: Mapping[str, Column]) -> int | None:
    """The index of the row with most headings among the first rows."""
    best, most = None, _LEAST_HEADINGS - 1
    for index, row in enumerate(rows[:HEADER_WITHIN]):
        found = _headings_in(row, names)
        if found > most:
            best, most = index, found
    return best


def _heading_rows(rows: Sequence[Row], place: int, names: Mapping[str, Column]) -> list[Row]:
    """The row with most headings, with the one above that names groups of columns and the one below that divides them."""
    found = [rows[place]]
    if place and _headings_in(rows[place - 1], names) >= _LEAST_HEADINGS:
        found.insert(0, rows[place - 1])
    if place + 1 < len(rows):
        below = rows[place + 1]
        if below.cells and all(find_column(names, cell.text) is not None for cell in below.cells.values()):
            found.append(below)
    return found


def _headings_in(row: Row, names: Mapping[str, Column]) -> int:
    found = {column.key for cell in row.cells.values() if (column := find_column(names, cell.text)) is not None}
    return len(found)


def _columns(sheet: Sheet, rows: Sequence[Row], names: Mapping[str, Column], findings: Findings) -> dict[int, Column]:
    """The columns by number; a heading of several rows is read as one. Raises WorkbookRefused where one stands twice."""
    header = rows[-1]
    texts = {number: cell.text for row in rows for number, cell in row.cells.items()}
    found: dict[int, Column] = {}
    first: dict[str, int] = {}
    for number, text in sorted(texts.items()):
        at = Place(sheet.name, header.number, number)
        column = find_column(names, text)
        if column is None:
            findings.note(
                at,
                "sheet-unknown-column",
                "没有这个栏目，整列未读取；如确有内容，请用模板中的栏目名",
                "no such column, so it is not read; use a heading of the template if it says something",
            )
        elif column.key in first:
            raise WorkbookRefused(
                "sheet-header",
                f"工作表“{sheet.name}”的 {column_letters(first[column.key])} 列与 {column_letters(number)} 列都是“{column.zh}”；请删去一列",
                f"columns {column_letters(first[column.key])} and {column_letters(number)} have the same heading; remove one",
            )
        else:
            first[column.key], found[number] = number, column
    return found


def _body(rows: Sequence[Row], columns: Mapping[int, Column], workbook: Workbook) -> list[TableRow]:
    """The rows that say something, without headings that were pasted in between."""
    found = []
    for row in rows:
        cells = {
            columns[number].key: _dated(cell, columns[number], workbook)
            for number, cell in row.cells.items()
            if number in columns and (cell.kind is not Kind.TEXT or trimmed(cell.text))
        }
        if cells and not _repeats_header(row, columns):
            found.append(TableRow(row.number, cells))
    return found


def _dated(cell: Cell, column: Column, workbook: Workbook) -> Cell:
    """The cell, a bare day count in a column of dates as the date that it counts to."""
    if column.form is Form.DATE and cell.kind is Kind.NUMBER and cell.text.isdigit() and int(cell.text) in _SERIALS:
        moment = moment_of(float(cell.text), from_1904=workbook.from_1904)
        assert moment is not None
        return Cell(Kind.DATE, moment)
    return cell


def _repeats_header(row: Row, columns: Mapping[int, Column]) -> bool:
    known = [(columns[number], cell) for number, cell in row.cells.items() if number in columns]
    return len(known) > _LEAST_HEADINGS and all(heading(cell.text) == heading(column.zh) for column, cell in known)


def _tell(table: Table, content: Content, header: int, findings: Findings) -> None:
    """Note merged cells whose value counts in several rows, and rows that a filter hides."""
    numbers = {number for number, _ in table.columns.values()}
    for merge in content.merges:
        if merge.bottom > merge.top > header and merge.left in numbers:
            findings.note(
                Place(table.sheet.name, merge.top, merge.left),
                "sheet-merged",
                f"合并单元格：其值算作第 {merge.top} 至 {merge.bottom} 行每一行的值",
                f"merged cells: their value counts in each of the rows {merge.top} to {merge.bottom}",
            )
    hidden = [row.number for row in content.rows if row.hidden and row.number > header]
    if hidden:
        findings.note(
            Place(table.sheet.name, hidden[0], 1),
            "sheet-hidden",
            f"有 {len(hidden)} 行被隐藏或筛选，同样读取；不要导入的行请删除",
            f"{len(hidden)} rows are hidden or filtered and are read all the same; delete what is not to be imported",
        )
