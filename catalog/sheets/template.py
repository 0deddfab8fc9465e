"""The template that staff fill in: 说明, 目录, 信息项 and 字典, with drop-downs that follow one another and codes kept as text.

No cell holds a formula; drop-downs name their lists by formula, as the format wants it.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from catalog.codes import FORMAT_TYPES, OTHER_FORMAT, FormatClass, Openness, ShareModeType, ShareType, UpdateCycle
from catalog.lists import list_types
from catalog.metadata import REQUIRED, Metadata
from catalog.rules import Registration, cat_05_share_mode_fits_format
from catalog.sheets.columns import CLASSIFICATION, ITEM_SHEET, RESOURCE_SHEET, Choices, Column, Form
from catalog.sheets.guidance import INTRODUCTION, guidance_of
from catalog.sheets.layout import ITEMS, LISTS, NOTES, RESOURCES, version_mark
from catalog.sheets.limits import MAX_ROWS

_NEEDED: Final = frozenset({*REQUIRED, CLASSIFICATION.key, "items/name", "items/data_type"})
_NEEDED_FILL: Final = PatternFill("solid", fgColor="FFFCE4D6")
_OTHER_FILL: Final = PatternFill("solid", fgColor="FFDDEBF7")
_TEXT: Final = "@"
_FLAGS: Final = '"是,否"'
_NUMBERS: Final = (Form.INTEGER, Form.NUMBER)


@cache
def template() -> bytes:
    """Return the template as an .xlsx workbook."""
    book = Workbook()
    notes = book.active
    assert isinstance(notes, Worksheet)
    notes.title = NOTES
    resources = book.create_sheet(RESOURCES)
    items = book.create_sheet(ITEMS)
    lists = _Lists(book, book.create_sheet(LISTS))
    _write_notes(notes)
    for sheet, columns in ((resources, RESOURCE_SHEET), (items, ITEM_SHEET)):
        _write_header(sheet, columns)
        for number, column in enumerate(columns, start=1):
            _add_list(sheet, columns, number, column, lists)
    book.defined_names[version_mark()] = DefinedName(version_mark(), attr_text=f"{quote_sheetname(NOTES)}!$A$1")
    book.properties.creator = "Shuniu 枢纽"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


class _Lists:
    """The sheet 字典: one column for each list, each with a defined name of its own."""

    def __init__(self, book: Workbook, sheet: Worksheet) -> None:
        self._book = book
        self._sheet = sheet
        self._names: dict[Any, str] = {}

    def of(self, choices: Choices) -> str:
        """The name of the list of a code list's labels."""
        if choices not in self._names:
            self._names[choices] = self.add(choices.__name__, [value.zh for value in choices])  # type: ignore[attr-defined]
        return self._names[choices]

    def dependent(self, front: str, lists: Mapping[FormatClass, Sequence[str]]) -> str:
        """The front of the names of lists of which each belongs to a format class."""
        if front not in self._names:
            for form, values in lists.items():
                self.add(f"{front}{form.zh}", values)
            self._names[front] = front
        return front

    def add(self, name: str, values: Sequence[str]) -> str:
        """Write a list under its name."""
        column = 1 if self._sheet.max_row == 1 and self._sheet.cell(1, 1).value is None else self._sheet.max_column + 1
        self._sheet.cell(1, column, name).font = Font(bold=True)
        for row, value in enumerate(values, start=2):
            self._sheet.cell(row, column, value)
        letter = get_column_letter(column)
        self._sheet.column_dimensions[letter].width = 18
        where = f"{quote_sheetname(LISTS)}!${letter}$2:${letter}${len(values) + 1}"
        self._book.defined_names[name] = DefinedName(name, attr_text=where)
        return name


def _write_header(sheet: Worksheet, columns: Sequence[Column]) -> None:
    for number, column in enumerate(columns, start=1):
        cell = sheet.cell(1, number, column.zh)
        cell.font = Font(bold=True)
        cell.fill = _NEEDED_FILL if column.key in _NEEDED else _OTHER_FILL
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        dimension = sheet.column_dimensions[get_column_letter(number)]
        dimension.width = column.width
        if column.form not in _NUMBERS:
            dimension.number_format = _TEXT
    sheet.freeze_panes = "C2"


def _add_list(sheet: Worksheet, columns: Sequence[Column], number: int, column: Column, lists: _Lists) -> None:
    """The drop-down of a column, if it has one; what depends on the format class follows its cell in the same row."""
    form = get_column_letter([c.key for c in columns].index("format_class") + 1) if sheet.title == RESOURCES else ""
    strict = True
    if column.key == "format_type":
        known = {kind: FORMAT_TYPES[kind] or (OTHER_FORMAT,) for kind in FormatClass}
        formula = f'INDIRECT("{lists.dependent("格式类型_", known)}"&${form}2)'
        strict = False
    elif column.key == "share_mode_type":
        formula = f'INDIRECT("{lists.dependent("共享方式_", _modes())}"&${form}2)'
    elif column.choices is not None:
        formula = lists.of(column.choices)
    elif column.form is Form.LIST_TYPE:
        formula = lists.add("ListType", [one.title.zh for one in list_types()])
    elif column.form is Form.FLAG:
        formula = _FLAGS
    else:
        return
    validation = DataValidation("list", formula1=formula, allow_blank=True, showErrorMessage=strict)
    validation.errorTitle = column.zh
    validation.error = "请从下拉列表中选择 / choose from the list"
    letter = get_column_letter(number)
    validation.add(f"{letter}2:{letter}{MAX_ROWS + 1}")
    sheet.add_data_validation(validation)


def _modes() -> dict[FormatClass, Sequence[str]]:
    """The share modes of each format class that rule CAT-05 takes."""
    return {form: [mode.zh for mode in ShareModeType if _fits(form, mode)] for form in FormatClass}


def _fits(form: FormatClass, mode: ShareModeType) -> bool:
    said = Metadata(
        name="",
        summary="",
        share_type=ShareType.UNCONDITIONAL,
        update_cycle=UpdateCycle.YEARLY,
        is_open=Openness.CLOSED,
        format_class=form,
        share_mode_type=mode,
    )
    return not any(cat_05_share_mode_fits_format(Registration("", said, None, ())))


def _write_notes(sheet: Worksheet) -> None:
    sheet.column_dimensions["A"].width = 12
    sheet.column_dimensions["B"].width = 26
    sheet.column_dimensions["C"].width = 10
    sheet.column_dimensions["D"].width = 100
    for number, text in enumerate(INTRODUCTION, start=1):
        sheet.cell(number, 1, text)
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    row = len(INTRODUCTION) + 2
    for number, text in enumerate(("工作表", "栏目", "必填", "怎样填写 / how to fill it in"), start=1):
        sheet.cell(row, number, text).font = Font(bold=True)
    for line in _lines():
        row += 1
        for number, text in enumerate(line, start=1):
            sheet.cell(row, number, text).alignment = Alignment(wrap_text=True, vertical="top")


def _lines() -> Iterator[tuple[str, str, str, str]]:
    for sheet, columns in ((RESOURCES, RESOURCE_SHEET), (ITEMS, ITEM_SHEET)):
        for column in columns:
            needed = "是" if column.key in _NEEDED else ""
            yield sheet, f"{column.zh} / {column.en}", needed, guidance_of(sheet, column)
