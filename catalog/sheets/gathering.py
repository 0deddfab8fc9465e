"""Gathers what a workbook describes from its sheets: whose row is whose, which rows say the same, and which contradict.

Two layouts come to the same: our template keeps resources and items in two sheets, the provincial form has them in one.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from catalog.blanks import trimmed
from catalog.sheets.columns import (
    CODE,
    ITEM_SHEET,
    METADATA_COLUMNS,
    PROVIDER_CODE,
    PROVIDER_NAME,
    RESOURCE_SHEET,
    heading,
    headings,
)
from catalog.sheets.entries import Described, Entry, texts_of
from catalog.sheets.errors import WorkbookRefused
from catalog.sheets.findings import Findings, Place
from catalog.sheets.layout import ITEMS, LISTS, NOTES, RESOURCES, VERSION, version_of
from catalog.sheets.limits import HEADER_WITHIN
from catalog.sheets.provincial import PROVINCIAL_COLUMNS
from catalog.sheets.series import find_series
from catalog.sheets.table import Table, TableRow, read_table
from catalog.sheets.texts import Unreadable, plain
from catalog.sheets.values import read
from catalog.sheets.workbook import Sheet, Workbook

_NAME: Final = METADATA_COLUMNS["name"].key
_CODE: Final = CODE.key
_ITEM_NAME: Final = "items/name"


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
    return texts_of(one) == texts_of(other)


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
        code, name, body = _plain_of(row, _CODE), _plain_of(row, _NAME), _body_of(row)
        bodys = f"={name}\n{body}" if name and body else ""
        if code:
            found = seen.get(code)
        elif bodys and (current is None or bodys != f"={_plain_of(current.row, _NAME)}\n{_body_of(current.row)}"):
            found = seen.get(bodys)  # bodies have resources of one name
        elif name and (current is None or _plain_of(current.row, _NAME) != name):
            found = seen.get(f"={name}")
        else:
            found = current
        if found is None:
            found = Entry(table, row, table)
            described.entries.append(found)
            for key in filter(None, (code, f"={name}" if name else "", bodys)):
                seen.setdefault(key, found)
        elif code or name:
            _compare(found, row, findings)
        current = found
        if any(key.startswith("items/") for key in row.cells):
            _take_item(found, row, table, findings)
    for entry in described.entries:
        entry.items_said = bool(entry.item_rows)
    return described


def _body_of(row: TableRow) -> str:
    """Whose the row says that its resource is: the code, else the name; empty where it says neither."""
    return _plain_of(row, PROVIDER_CODE.key) or _plain_of(row, PROVIDER_NAME.key)


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
