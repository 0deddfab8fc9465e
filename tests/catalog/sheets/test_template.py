"""The template that staff download: its sheets, its drop-downs and the form of its cells."""

import io
from collections.abc import Iterator

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.datavalidation import DataValidation

from catalog.codes import FORMAT_TYPES, FormatClass, ShareType
from catalog.metadata import REQUIRED, label_of
from catalog.sheets.columns import ITEM_SHEET, RESOURCE_SHEET, Form
from catalog.sheets.errors import WorkbookRefused
from catalog.sheets.layout import version_of
from catalog.sheets.template import template
from tests.support.workbooks import examined, where

BOOK = load_workbook(io.BytesIO(template()))


def validations(heading: str) -> Iterator[DataValidation]:
    sheet, address = where(heading, 2)
    for validation in BOOK[sheet].data_validations.dataValidation:
        if address in validation.sqref:
            yield validation


def values_of(name: str) -> list[str]:
    sheet, _, reference = BOOK.defined_names[name].attr_text.rpartition("!")
    return [row[0].value for row in BOOK[sheet.strip("'")][reference.replace("$", "")]]


def test_it_has_the_four_sheets_and_every_column_under_its_label() -> None:
    assert BOOK.sheetnames == ["说明", "目录", "信息项", "字典"]
    assert [cell.value for cell in BOOK["目录"][1]] == [column.zh for column in RESOURCE_SHEET]
    assert [cell.value for cell in BOOK["信息项"][1]] == [column.zh for column in ITEM_SHEET]
    assert version_of(BOOK.defined_names) == 1
    explained = {str(row[1].value) for row in BOOK["说明"].iter_rows() if row[1].value}
    assert all(any(label_of(name)[0] in text for text in explained) for name in REQUIRED)


def test_no_cell_holds_a_formula_and_code_columns_are_text() -> None:
    assert all(cell.data_type != "f" for sheet in BOOK for row in sheet.iter_rows() for cell in row)
    for columns in (RESOURCE_SHEET, ITEM_SHEET):
        for column in columns:
            sheet, address = where(column.zh, 2)
            letters = address.rstrip("0123456789")
            is_text = BOOK[sheet].column_dimensions[letters].number_format == "@"
            assert is_text is (column.form not in (Form.INTEGER, Form.NUMBER)), column.zh


@pytest.mark.parametrize(
    "column", [column for column in (*RESOURCE_SHEET, *ITEM_SHEET) if column.choices or column.form is Form.FLAG]
)
def test_every_code_list_and_flag_has_a_drop_down(column: object) -> None:
    (validation,) = validations(column.zh)  # type: ignore[attr-defined]
    assert validation.type == "list"


def test_drop_downs_show_labels_and_those_of_the_format_follow_its_class() -> None:
    (share,) = validations("共享类型")
    assert values_of(share.formula1 or "") == [value.zh for value in ShareType]
    (kind,) = validations("信息资源格式类型")
    (mode,) = validations("共享方式类型")
    _, form = where("信息资源格式分类", 2)
    letters = form.rstrip("2")
    assert kind.formula1 == f'INDIRECT("格式类型_"&${letters}2)'
    assert mode.formula1 == f'INDIRECT("共享方式_"&${letters}2)'
    for value in FormatClass:
        assert values_of(f"格式类型_{value.zh}") == list(FORMAT_TYPES[value] or ("其他",))
    assert values_of("共享方式_电子文件") == ["文件"]
    assert values_of("共享方式_数据库") == ["数据库", "接口"]
    assert values_of("共享方式_服务接口") == ["接口"]
    assert len(values_of("共享方式_自描述格式")) == 3


def test_an_empty_template_is_a_workbook_that_describes_nothing() -> None:
    found = examined(template())
    assert found.counts()["rows"] == 0
    assert found.is_clean


def test_a_workbook_that_only_has_the_name_of_the_sheet_is_refused() -> None:
    from tests.support.workbooks import sheet_of

    with pytest.raises(WorkbookRefused):
        examined(sheet_of([["信息资源名称"]], title="目录"))
