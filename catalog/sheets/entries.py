"""What a workbook describes: resources, each with the row that says what it is and the rows of its items.

Two layouts come to the same: our template keeps resources and items in two sheets, the provincial form has them in one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from catalog.codes import DataType
from catalog.sheets.cells import Cell
from catalog.sheets.columns import CODE, ITEM_SHEET, METADATA_COLUMNS, RESOURCE_SHEET, Column, heading, headings
from catalog.sheets.errors import WorkbookRefused
from catalog.sheets.findings import Findings, Place
from catalog.sheets.layout import ITEMS, LISTS, NOTES, RESOURCES, VERSION, version_of
from catalog.sheets.limits import HEADER_WITHIN
from catalog.sheets.provincial import PROVINCIAL_COLUMNS
from catalog.sheets.series import find_series
from catalog.sheets.table import Table, TableRow, read_table
from catalog.sheets.values import Unreadable, plain, read, trimmed
from catalog.sheets.workbook import Sheet, Workbook

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
        said = tuple(sorted(pair for pair in _texts(row).items() if pair[0].startswith("items/")))
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


def read_entries(workbook: Workbook, findings: Findings) -> Described:
    """Return what a workbook of either layout describes. Raises WorkbookRefused if it has neither."""
    named = {heading(sheet.name): sheet for sheet in workbook.sheets}
    if RESOURCES in named:
        _check_version(workbook)
        _tell_of_others(workbook, [named[RESOURCES]] + ([named[ITEMS]] if ITEMS in named else []), findings)
        return _from_template(workbook, named, findings)
    known = headings(PROVINCIAL_COLUMNS)
    for sheet in workbook.sheets:
        found = {
            known[text].key
            for row in workbook.head(sheet, HEADER_WITHIN)
            for cell in row.cells.values()
            if (text := heading(cell.text)) in known
        }
        if {_NAME, _ITEM_NAME} <= found:
            _tell_of_others(workbook, [sheet], findings)
            return _from_province(read_table(workbook, sheet, PROVINCIAL_COLUMNS, findings), findings)
    raise WorkbookRefused(
        "sheet-layout",
        f"没有找到可读取的工作表：应有“{RESOURCES}”（本枢纽模板），或同时含“信息资源名称”“信息项名称”两栏的一张表（省级目录表）",
        "no sheet that we know: either 目录 of our template, or one with both 信息资源名称 and 信息项名称 (the provincial form)",
    )


def _check_version(workbook: Workbook) -> None:
    version = version_of(workbook.names)
    if version is not None and version > VERSION:
        raise WorkbookRefused(
            "sheet-version",
            f"模板版本 {version} 比本枢纽的（{VERSION}）新；请重新下载模板，把内容粘贴过去",
            f"the template's version {version} is newer than this hub's ({VERSION}); download the template and paste into it",
        )


def _tell_of_others(workbook: Workbook, read: Sequence[Sheet], findings: Findings) -> None:
    for sheet in workbook.sheets:
        if sheet not in read and heading(sheet.name) not in (NOTES, LISTS):
            findings.note(
                Place(sheet.name, 1, 1),
                "sheet-extra",
                "多余的工作表，未读取",
                "a sheet of no meaning here, which is not read",
            )


def _from_template(workbook: Workbook, named: dict[str, Sheet], findings: Findings) -> Described:
    resources = read_table(workbook, named[RESOURCES], RESOURCE_SHEET, findings)
    items = read_table(workbook, named[ITEMS], ITEM_SHEET, findings) if ITEMS in named else None
    tables = [resources] if items is None else [resources, items]
    for table in tables:
        find_series(table, findings)
    entries = list(_distinct(resources, items, findings))
    described = Described(tables, entries, sum(len(table.rows) for table in tables))
    if items is not None:
        described.stray = _share_out(items, entries, findings)
    for entry in entries:
        entry.items_said = bool(entry.item_rows)
    return described


def _distinct(table: Table, items: Table | None, findings: Findings) -> Iterator[Entry]:
    """The resources of the sheet 目录, rows that repeat another left out."""
    seen: dict[str, Entry] = {}
    for row in table.rows:
        entry = Entry(table, row, items)
        key = _key_of(row)
        first = seen.setdefault(key, entry) if key else entry
        if first is entry:
            yield entry
        elif _same(first.row, row):
            findings.note(
                entry.place(_CODE),
                "sheet-duplicate",
                f"与第 {first.row.number} 行完全相同，只算一行",
                f"the same as row {first.row.number}; the two count as one",
            )
        else:
            entry.fault(
                findings,
                entry.place(_CODE if _CODE in row.cells else _NAME),
                "sheet-duplicate",
                f"与第 {first.row.number} 行是同一资源而内容不同；请只留一行，不同的资源请改名",
                f"names the resource of row {first.row.number} and says other things; keep one row, or rename",
            )
            first.bad = entry.contradicts = True
            yield entry


def _key_of(row: TableRow) -> str:
    """What a resource is known by within the workbook: its code, else its name."""
    code = _plain_of(row, _CODE)
    name = _plain_of(row, _NAME)
    return code or (f"={name}" if name else "")


def _plain_of(row: TableRow, key: str) -> str:
    cell = row.cells.get(key)
    return "" if cell is None else plain(cell.text)


def _same(one: TableRow, other: TableRow) -> bool:
    return _texts(one) == _texts(other)


def _texts(row: TableRow) -> dict[str, str]:
    return {key: trimmed(cell.text) for key, cell in row.cells.items()}


def _share_out(items: Table, entries: Sequence[Entry], findings: Findings) -> int:
    """Give each row of the sheet 信息项 to its resource; returns how many belong to none."""
    by_code: dict[str, Entry] = {}
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.contradicts:
            continue
        if (code := entry.cell(_CODE)) is not None:
            by_code.setdefault(plain(code.text), entry)
        if (name := entry.cell(_NAME)) is not None:
            by_name.setdefault(trimmed(name.text), []).append(entry)
    stray = 0
    current: Entry | None = None
    for row in items.rows:
        code, name = row.cells.get(_CODE), row.cells.get(_NAME)
        if code is None and name is None:
            found = [] if current is None else [current]  # left blank below the first row of a resource
        elif code is not None and plain(code.text) in by_code:
            found = [by_code[plain(code.text)]]
        else:
            found = [] if code is not None or name is None else by_name.get(trimmed(name.text), [])
        current = found[0] if len(found) == 1 else None
        if current is None:
            stray += 1
            _fault_stray(items, row, found, findings)
        else:
            _take_item(current, row, items, findings)
    return stray


def _fault_stray(items: Table, row: TableRow, found: Sequence[Entry], findings: Findings) -> None:
    key = _CODE if _CODE in row.cells else _NAME
    place = items.place(row.number, key) or Place(items.sheet.name, row.number, 1)
    try:
        read(items.columns[key][1], row.cells.get(key))
    except Unreadable as unreadable:
        findings.fault(place, unreadable.rule, unreadable.zh, unreadable.en, label=items.label(key))
        return
    if found:
        zh = f"目录中有 {len(found)} 个资源叫这个名称；请改填信息资源代码，或给资源改名"
        en = f"{len(found)} resources of the sheet 目录 have this name; give the code, or rename them"
    else:
        zh = "“目录”工作表中没有这个资源；请核对代码或名称，或在“目录”中补上"
        en = "the sheet 目录 has no such resource; check code or name, or add it there"
    for entry in found:
        entry.bad = True
    findings.fault(place, "sheet-stray-item", zh, en, label=items.label(key))


def _take_item(entry: Entry, row: TableRow, items: Table, findings: Findings) -> None:
    earlier = entry.add_item(row)
    if earlier is not None:
        findings.note(
            items.place(row.number, _ITEM_NAME) or Place(items.sheet.name, row.number, 1),
            "sheet-duplicate",
            f"与第 {earlier} 行完全相同，只算一行",
            f"the same as row {earlier}; the two count as one",
        )


def _from_province(table: Table, findings: Findings) -> Described:
    """Resources of the provincial form: a row belongs to the resource that it names, or else to that of the row above."""
    find_series(table, findings)
    described = Described([table], [], len(table.rows))
    seen: dict[str, Entry] = {}
    current: Entry | None = None
    for row in table.rows:
        code, name = _plain_of(row, _CODE), _plain_of(row, _NAME)
        if code:
            found = seen.get(code)
        elif name and (current is None or _plain_of(current.row, _NAME) != name):
            found = seen.get(f"={name}")
        else:
            found = current
        if found is None:
            found = Entry(table, row, table)
            described.entries.append(found)
            for key in filter(None, (code, f"={name}" if name else "")):
                seen.setdefault(key, found)
        elif code or name:
            _compare(found, row, findings)
        current = found
        if any(key.startswith("items/") for key in row.cells):
            _take_item(found, row, table, findings)
    for entry in described.entries:
        entry.items_said = bool(entry.item_rows)
    return described


def _compare(entry: Entry, row: TableRow, findings: Findings) -> None:
    """Fault what a further row of a resource says otherwise than its first."""
    for key, cell in row.cells.items():
        first = entry.row.cells.get(key)
        column = entry.table.columns[key][1]
        if column.is_of_item or column.key == "serial":
            continue
        if first is None or trimmed(first.text) != trimmed(cell.text) or first.kind is not cell.kind:
            place = entry.table.place(row.number, key)
            assert place is not None
            entry.fault(
                findings,
                place,
                "sheet-duplicate",
                f"与同一资源的第 {entry.row.number} 行不同；请改成一致，或空着",
                f"differs from row {entry.row.number} of the same resource; make them equal or leave it blank",
                label=column.zh,
            )
