"""What a workbook describes: resources, each with the row that says what it is and the rows of its items.

Two layouts come to the same: our template keeps resources and items in two sheets, the provincial form has them in one.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from catalog.blanks import trimmed
from catalog.codes import DataType
from catalog.sheets.cells import Cell
from catalog.sheets.columns import CODE, METADATA_COLUMNS, Column
from catalog.sheets.findings import Findings, Place
from catalog.sheets.table import Table, TableRow
from catalog.sheets.texts import Unreadable
from catalog.sheets.values import read

NAME: Final = METADATA_COLUMNS["name"]
_NAME: Final = NAME.key
_CODE: Final = CODE.key
_ITEM_NAME: Final = "items/name"


@dataclass(slots=True)
class Entry:
    """One resource as the workbook has it. `bad` once a fault was found in one of its cells.

    `items_said` is False where the workbook says nothing at all of its items, which then stay as they are. `contradicts` is
    True for a row that says other things of a resource than a row above: it is not read any further. `unread` are properties
    of the resource itself that are said and could not be read.
    """

    table: Table
    row: TableRow
    item_table: Table | None
    item_rows: list[TableRow] = field(default_factory=list)
    items_said: bool = True
    bad: bool = False
    contradicts: bool = False
    unread: set[str] = field(default_factory=set)
    _items: dict[tuple[tuple[str, str], ...], int] = field(default_factory=dict)

    def cell(self, key: str) -> Cell | None:
        """The resource's cell of that column."""
        return self.row.cells.get(key)

    def rows(self) -> set[tuple[str, int]]:
        """The rows that describe it, each by its sheet and number."""
        found = {(self.table.sheet.name, self.row.number)}
        if self.item_table is not None:
            found |= {(self.item_table.sheet.name, row.number) for row in self.item_rows}
        return found

    def says(self, key: str) -> bool:
        """Whether the workbook has that column for the resource."""
        return key in self.table.columns

    def says_of_items(self, key: str) -> bool:
        """Whether the workbook has that column for items."""
        return self.item_table is not None and key in self.item_table.columns

    def place(self, *keys: str) -> Place:
        """The cell of the first of these columns that the sheet has, else that of the name, else the row's first cell."""
        for key in (*keys, _NAME, _CODE):
            if (found := self.table.place(self.row.number, key)) is not None:
                return found
        return Place(self.table.sheet.name, self.row.number, 1)

    def item_place(self, index: int, *keys: str) -> Place:
        """The same of the item's row."""
        assert self.item_table is not None
        row = self.item_rows[index].number
        for key in (*keys, _ITEM_NAME):
            if (found := self.item_table.place(row, key)) is not None:
                return found
        return Place(self.item_table.sheet.name, row, 1)

    def add_item(self, row: TableRow) -> int | None:
        """Take a row of an item; returns the number of the row that says the very same, if there is one, and then takes none."""
        said = tuple(sorted(pair for pair in texts_of(row).items() if pair[0].startswith("items/")))
        earlier = self._items.setdefault(said, row.number)
        if earlier != row.number:
            return earlier
        self.item_rows.append(row)
        return None

    def read(self, column: Column, findings: Findings) -> Any:
        """The value of the resource's cell, None where it is empty; a cell that cannot be read is faulted.

        Raises Unreadable, once that is done.
        """
        try:
            return read(column, self.cell(column.key))
        except Unreadable as unreadable:
            self.bad = True
            place = self.place(column.key)
            findings.unreadable(place, unreadable.rule, unreadable.zh, unreadable.en, label=column.zh)
            raise

    def read_item(self, index: int, column: Column, findings: Findings, data_type: DataType | None = None) -> Any:
        """The same of an item's cell."""
        try:
            return read(column, self.item_rows[index].cells.get(column.key), data_type)
        except Unreadable as unreadable:
            self.bad = True
            place = self.item_place(index, column.key)
            findings.unreadable(place, unreadable.rule, unreadable.zh, unreadable.en, label=column.zh)
            raise

    def fault(self, findings: Findings, place: Place, rule: str, zh: str, en: str, *, label: str = "") -> None:
        """Note a fault of this resource."""
        self.bad = True
        findings.fault(place, rule, zh, en, label=label)


@dataclass(slots=True)
class Described:
    """All that a workbook describes: `tables` are the sheets that were read, `stray` how many rows belong to no resource."""

    tables: list[Table]
    entries: list[Entry]
    rows: int
    stray: int = 0


def texts_of(row: TableRow) -> dict[str, str]:
    """Return the texts of a row by the keys of their columns."""
    return {key: trimmed(cell.text) for key, cell in row.cells.items()}
