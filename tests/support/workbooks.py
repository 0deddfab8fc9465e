"""Workbooks as people and their programs make them: our template filled in, and packages written by hand for what no library writes."""

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter

from catalog.sheets.columns import ITEM_SHEET, RESOURCE_SHEET
from catalog.sheets.examining import Examined, examine
from catalog.sheets.identity import Options
from catalog.sheets.known import Body, Existing, Known, Wanted
from catalog.sheets.layout import ITEMS, RESOURCES
from catalog.sheets.styles import MARK
from catalog.sheets.template import template

Line = dict[str, Any]

RESOURCE: Line = {
    "信息资源名称": "办事指南",
    "信息资源分类": "306001000001",
    "信息资源摘要": "救助类事项的办事指南",
    "信息资源格式分类": "服务接口",
    "信息资源格式类型": "JSON",
    "共享类型": "无条件共享",
    "共享方式分类": "共享平台",
    "共享方式类型": "接口",
    "是否向社会开放": "是",
    "更新周期": "每月",
}
"""A row of the sheet 目录 that breaks no rule."""

ITEM: Line = {
    "信息资源名称": "办事指南",
    "字段名": "item_code",
    "信息项名称": "事项编码",
    "数据类型": "字符型",
    "数据长度": 31,
}
"""A row of the sheet 信息项 that breaks no rule."""

OWN = Body(
    id="00000000-0000-7000-8000-0000000000aa",
    code="11621124DEM0000574",
    name="临洮县财政局",
    coded="11621124DEM0000574",
    systems=("lintao-finance",),
)
OTHER = Body(
    id="00000000-0000-7000-8000-0000000000bb",
    code="11621124DEM000065Y",
    name="临洮县扶贫开发办公室",
    coded="11621124DEM000065Y",
)
SYSTEM_ID = "00000000-0000-7000-8000-0000000000cc"


def filled(
    resources: Iterable[Line] = (RESOURCE,),
    items: Iterable[Line] = (ITEM,),
    *,
    change: Callable[[Workbook], None] = lambda _: None,
) -> bytes:
    """Return the template with these rows, each a mapping from heading to value, and what `change` does to it."""
    book = load_workbook(io.BytesIO(template()))
    for name, lines in ((RESOURCES, resources), (ITEMS, items)):
        sheet = book[name]
        numbers = {cell.value: number for number, cell in enumerate(sheet[1], start=1)}
        for row, line in enumerate(lines, start=2):
            for heading, value in line.items():
                sheet.cell(row, numbers[heading], value)
    change(book)
    return saved(book)


def saved(book: Workbook) -> bytes:
    """Return the bytes of a workbook."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sheet_of(rows: Sequence[Sequence[Any]], *, title: str = "Sheet1", merged: Iterable[str] = ()) -> bytes:
    """Return a workbook of one sheet with these rows, as anybody makes one."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for reference in merged:
        sheet.merge_cells(reference)
    return saved(book)


def known(*existing: Existing, **told: Any) -> Known:
    """Return what the catalogue knows: two organisations, one system, and these resources."""
    return Known(
        own=OWN,
        bodies=(OWN, OTHER),
        systems={"lintao-finance": SYSTEM_ID},
        resources={one.code: one for one in existing},
        **told,
    )


def examined(data: bytes, what: Known | None = None, **options: Any) -> Examined:
    """Return the verdict on a workbook of the editor of `OWN`."""

    def ask(_: Wanted) -> Known:
        return known() if what is None else what

    return examine(data, Options(**options), ask, lambda _done, _total: None)


def existing(
    number: int = 42,
    *,
    said: Mapping[str, Any],
    items: Sequence[Mapping[str, Any]],
    state: str = "draft",
    provider: Body = OWN,
    status: str | None = None,
    live: Mapping[str, Any] | None = None,
) -> Existing:
    """Return a resource of the catalogue with one version, or with a live one below it."""
    versions: list[dict[str, Any]] = []
    if live is not None:
        versions.append(_version(1, live, items, "published"))
    versions.append(_version(len(versions) + 1, said, items, state))
    published = next((version["number"] for version in reversed(versions) if version["state"] == "published"), None)
    resource = {
        "id": f"00000000-0000-7000-8000-{number:012d}",
        "code": f"306001000001/{number:06d}",
        "name": said["name"],
        "summary": said["summary"],
        "provider_id": provider.id,
        "system_id": SYSTEM_ID,
        "share_type": said["share_type"],
        "share_condition": said.get("share_condition"),
        "no_share_basis": said.get("no_share_basis"),
        "update_cycle": said["update_cycle"],
        "status": status or ("draft" if published is None else "published"),
        "status_reason": None,
        "live_version": published,
        "is_example": said.get("is_example", False),
        "created_at": "2026-07-01T08:00:00Z",
        "updated_at": "2026-07-01T08:00:00Z",
    }
    return Existing(resource=resource, system="lintao-finance", versions=tuple(versions))


def _version(number: int, said: Mapping[str, Any], items: Sequence[Mapping[str, Any]], state: str) -> dict[str, Any]:
    return {
        "number": number,
        "description": dict(said),
        "items": [dict(item) for item in items],
        "schema_digest": f"sha-256:{number:064d}",
        "state": state,
    }


def named(found: Examined, *, notes: bool = False) -> list[str]:
    """Return each fault (or note) as `共享条件2 CAT-02`: heading and row of its cell, and its rule."""
    headings = {
        (table.sheet.name, number): column.zh
        for table in found.described.tables
        for number, column in table.columns.values()
    }
    return [
        f"{headings.get((one.place.sheet, one.place.column), one.place.address)}{one.place.row} {one.rule}"
        for one in sorted(found.findings.notes if notes else found.findings.faults, key=lambda one: one.place)
    ]


def where(heading: str, row: int) -> tuple[str, str]:
    """Return sheet and address of the cell of the template below that heading."""
    for name, columns in ((RESOURCES, RESOURCE_SHEET), (ITEMS, ITEM_SHEET)):
        for number, column in enumerate(columns, start=1):
            if column.zh == heading:
                return name, f"{get_column_letter(number)}{row}"
    raise KeyError(heading)


def cells(found: Iterable[Mapping[str, str]]) -> list[tuple[str, str, str]]:
    """Return sheet, cell and rule of findings."""
    return [(one["sheet"], one["cell"], one["rule"]) for one in found]


def marked_cells(data: bytes) -> set[tuple[str, str]]:
    """Return sheet and address of each cell that has our colour, as another library reads the workbook."""
    book = load_workbook(io.BytesIO(data))
    return {
        (sheet.title, cell.coordinate)
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.fill.fgColor.rgb == MARK
    }


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


class Xml(str):
    """A cell written as it is."""


def by_hand(
    sheets: Mapping[str, Sequence[Sequence[Any]]],
    *,
    from_1904: bool = False,
    prefix: str = "",
    references: bool = True,
    styles: str | None = None,
    merged: Iterable[str] = (),
    encoding: str = "utf-8",
    strings: str | None = None,
    parts: Mapping[str, bytes] | None = None,
    replaced: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return a package with inline texts and nothing that is not needed: no shared strings, and styles only if given.

    `prefix` is that of every element, `references` whether cells say where they stand, `strings` the shared strings, `parts` are added.
    """
    p = f"{prefix}:" if prefix else ""
    space = f"xmlns:{prefix}" if prefix else "xmlns"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType='
            '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
            for number in range(1, len(sheets) + 1)
        )
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<{p}workbook {space}="{_MAIN}" xmlns:r="{_RELATIONS}">'
        f'<{p}workbookPr date1904="{int(from_1904)}"/><{p}sheets>'
        + "".join(
            f'<{p}sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
            for number, name in enumerate(sheets, start=1)
        )
        + f"</{p}sheets></{p}workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="rId{number}" Type="{_RELATIONS}/worksheet" Target="/xl/worksheets/sheet{number}.xml"/>'
            for number in range(1, len(sheets) + 1)
        )
        + (f'<Relationship Id="rIdS" Type="{_RELATIONS}/styles" Target="styles.xml"/>' if styles is not None else "")
        + (f'<Relationship Id="rIdT" Type="{_RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>' if strings else "")
        + "</Relationships>",
    }
    if strings is not None:
        files["xl/sharedStrings.xml"] = strings
    if styles is not None:
        files["xl/styles.xml"] = styles
    for number, rows in enumerate(sheets.values(), start=1):
        merges = "".join(f'<{p}mergeCell ref="{reference}"/>' for reference in merged)
        files[f"xl/worksheets/sheet{number}.xml"] = (
            f'<{p}worksheet {space}="{_MAIN}"><{p}sheetData>'
            + "".join(_row(row, place, p, references) for row, place in zip(rows, range(1, len(rows) + 1), strict=True))
            + f"</{p}sheetData>"
            + (f"<{p}mergeCells>{merges}</{p}mergeCells>" if merges else "")
            + f"</{p}worksheet>"
        )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            data = text.encode(encoding) if name.startswith("xl/") else text.encode()
            made.writestr(name, (replaced or {}).get(name, data))
        for name, data in (parts or {}).items():
            made.writestr(name, data)
    return out.getvalue()


def _row(row: Sequence[Any], number: int, p: str, references: bool) -> str:
    made = []
    for column, value in enumerate(row, start=1):
        where = f' r="{get_column_letter(column)}{number}"' if references else ""
        if isinstance(value, Xml):
            made.append(value.replace("<c", f"<{p}c{where}", 1))
        elif value is None:
            if not references:
                made.append(f"<{p}c/>")
        elif isinstance(value, str):
            made.append(f'<{p}c{where} t="inlineStr"><{p}is><{p}t>{escape(value)}</{p}t></{p}is></{p}c>')
        else:
            made.append(f"<{p}c{where}><{p}v>{value}</{p}v></{p}c>")
    where = f' r="{number}"' if references else ""
    return f"<{p}row{where}>{''.join(made)}</{p}row>"


def table(lines: Sequence[Line]) -> list[list[Any]]:
    """Return rows below a row of headings."""
    headings = list(dict.fromkeys(heading for line in lines for heading in line))
    return [headings, *([line.get(heading) for heading in headings] for line in lines)]
