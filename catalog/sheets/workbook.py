"""A workbook opened for reading: its sheets by name, what stands in each, and what its numbers mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from catalog.sheets.cells import is_date_format, shows_dates
from catalog.sheets.container import Container
from catalog.sheets.errors import WorkbookRefused
from catalog.sheets.limits import MAX_CELLS, MAX_ROWS, MAX_SHEETS
from catalog.sheets.markup import attribute, elements
from catalog.sheets.parsing import Range, Row, SheetParser, shared_strings

_ON: Final = frozenset({"1", "true", "on"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name, its part within the workbook, and whether users see it."""

    name: str
    part: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Content:
    """What stands in one sheet: the rows with content, and the ranges whose cells are merged."""

    rows: Sequence[Row]
    merges: Sequence[Range]


@dataclass(slots=True)
class Workbook:
    """A workbook as it was uploaded; `names` are its defined names."""

    container: Container
    part: str
    sheets: tuple[Sheet, ...]
    names: frozenset[str]
    from_1904: bool
    styles_part: str | None
    _strings_part: str | None
    _date_styles: frozenset[int]
    _strings: list[str] | None = None
    _cells: int = 0

    @classmethod
    def open(cls, data: bytes) -> "Workbook":
        """Raise WorkbookRefused for what is no workbook or exceeds a limit."""
        container = Container(data)
        main = next((part for kind, part in container.related("").values() if kind == "officeDocument"), None)
        if main is None or main not in container:
            raise WorkbookRefused(
                "sheet-form",
                "文件不是 .xlsx 工作簿；请用模板或另存为 .xlsx",
                "the file is no .xlsx workbook; save it as one",
            )
        related = container.related(main)
        parts = {kind: part for kind, part in related.values() if part in container}
        sheets: list[Sheet] = []
        names: set[str] = set()
        from_1904 = False
        for tag, attributes in elements(container.chunks(main)):
            if tag == "workbookPr":
                from_1904 = attributes.get("date1904", "") in _ON
            elif tag == "sheet":
                kind, part = related.get(attribute(attributes, "id"), ("", ""))
                if kind == "worksheet" and part in container:
                    hidden = attributes.get("state", "visible") != "visible"
                    sheets.append(Sheet(attribute(attributes, "name"), part, hidden))
            elif tag == "definedName":
                names.add(attribute(attributes, "name"))
        if len(sheets) > MAX_SHEETS:
            raise WorkbookRefused(
                "sheet-size",
                f"工作表超过 {MAX_SHEETS} 个；请删去多余的",
                f"the workbook has more than {MAX_SHEETS} sheets; remove what is not needed",
            )
        styles = parts.get("styles")
        return cls(
            container,
            main,
            tuple(sheets),
            frozenset(names),
            from_1904,
            styles,
            parts.get("sharedStrings"),
            _date_styles(container, styles),
        )

    def read(self, sheet: Sheet) -> Content:
        """Return the rows with content of a sheet and its merged ranges. Raises WorkbookRefused at a limit."""
        parser = self._parser()
        rows: list[Row] = []
        for row in parser.rows(self.container.chunks(sheet.part)):
            rows.append(row)
            self._cells += len(row.cells)
            if len(rows) > MAX_ROWS or self._cells > MAX_CELLS:
                raise WorkbookRefused(
                    "sheet-size",
                    f"一张工作表最多 {MAX_ROWS} 行，全部工作表最多 {MAX_CELLS} 个有内容的单元格；请拆成几个工作簿",
                    f"a sheet has at most {MAX_ROWS} rows and all sheets {MAX_CELLS} cells with content; split the workbook",
                )
        return Content(rows, parser.merges)

    def head(self, sheet: Sheet, count: int) -> list[Row]:
        """Return the first `count` rows with content of a sheet."""
        return list(islice(self._parser().rows(self.container.chunks(sheet.part)), count))

    def _parser(self) -> SheetParser:
        if self._strings is None:
            part = self._strings_part
            self._strings = [] if part is None else shared_strings(self.container.chunks(part))
        return SheetParser(self._strings, self._date_styles, self.from_1904)


def _date_styles(container: Container, part: str | None) -> frozenset[int]:
    """The style numbers whose cells show dates."""
    if part is None:
        return frozenset()
    own: dict[str, bool] = {}
    found: set[int] = set()
    style, in_cell_styles = 0, False
    for tag, attributes in elements(container.chunks(part)):
        if tag == "numFmt":
            own[attribute(attributes, "numFmtId")] = shows_dates(attribute(attributes, "formatCode"))
        elif tag in ("cellXfs", "cellStyles", "dxfs"):
            in_cell_styles = tag == "cellXfs"
        elif tag == "xf" and in_cell_styles:
            number = attributes.get("numFmtId", "0")
            if own.get(number, number.isdigit() and is_date_format(int(number))):
                found.add(style)
            style += 1
    return frozenset(found)
