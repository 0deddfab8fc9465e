"""The answer is the same workbook: bad cells coloured, reasons beside them, and not a byte else changed."""

import io
import zipfile
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from catalog.sheets.findings import Finding, Place
from catalog.sheets.marking import mark
from tests.support.workbooks import ITEM, RESOURCE, Xml, by_hand, examined, filled, marked_cells, table, where

(_, CONDITION), (_, CYCLE) = where("共享条件", 2), where("更新周期", 2)
BAD = RESOURCE | {"共享类型": "有条件共享", "更新周期": "有空"}


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_bad_cells_are_coloured_and_no_others_and_reasons_stand_at_the_end_of_the_row() -> None:
    found = examined(filled((BAD,)))
    answer = found.marked()
    assert marked_cells(answer) == {where("共享条件", 2), where("更新周期", 2)}
    sheet = load_workbook(io.BytesIO(answer))["目录"]
    assert sheet["AK1"].value == "错误原因"
    assert sheet["AK2"].value.startswith(f"{CONDITION} 共享条件：有条件共享必须写明共享条件")
    assert f"{CYCLE} 更新周期：应为：1 实时" in sheet["AK2"].value
    assert sheet["AK2"].data_type == "s"


def test_everything_else_stays_byte_for_byte() -> None:
    def furnish(book: Workbook) -> None:
        sheet = book["目录"]
        sheet["B2"].font = Font(name="宋体", bold=True, color="FF00FF00")
        sheet[CYCLE].font = Font(italic=True)
        sheet[CYCLE].fill = PatternFill("solid", fgColor="FFFFFF00")
        sheet["B2"].comment = Comment("请核对", "张")
        extra = book.create_sheet("联系人")
        extra["A1"] = "=SUM(B1:B9)"
        book.defined_names.pop("ShareType")

    before = filled((BAD,), change=furnish)
    after = examined(before).marked()
    old, new = parts(before), parts(after)
    changed = {name for name in old if old[name] != new[name]}
    assert old.keys() == new.keys()
    assert changed <= {"xl/worksheets/sheet2.xml", "xl/worksheets/sheet3.xml", "xl/styles.xml"}
    sheet = load_workbook(io.BytesIO(after))["目录"]
    assert (sheet["B2"].font.name, sheet["B2"].comment.text, sheet[CYCLE].font.italic) == ("宋体", "请核对", True)
    assert sheet.column_dimensions["B"].width == load_workbook(io.BytesIO(before))["目录"].column_dimensions["B"].width
    assert len(sheet.data_validations.dataValidation) > 10


def test_an_answer_that_is_corrected_and_sent_again_has_no_old_marks_left() -> None:
    book = load_workbook(io.BytesIO(examined(filled((BAD,))).marked()))
    book["目录"][CONDITION] = "业务协同"
    out = io.BytesIO()
    book.save(out)
    again = examined(out.getvalue())
    assert [fault["cell"] for fault in again.faults()] == [CYCLE]
    answer = again.marked()
    assert marked_cells(answer) == {("目录", CYCLE)}
    sheet = load_workbook(io.BytesIO(answer))["目录"]
    assert CONDITION not in sheet["AK2"].value
    book = load_workbook(io.BytesIO(answer))
    book["目录"][CYCLE] = "每月"
    out = io.BytesIO()
    book.save(out)
    last = examined(out.getvalue())
    assert last.is_clean
    assert not any("reason" in str(note) or "错误原因" in str(note) for note in last.notes())
    assert marked_cells(last.marked()) == set()
    assert load_workbook(io.BytesIO(last.marked()))["目录"]["AK2"].value is None


@pytest.mark.parametrize("options", [{}, {"references": False}, {"prefix": "x"}, {"encoding": "utf-16"}])
def test_workbooks_without_styles_or_with_habits_of_their_own_are_marked_too(options: dict[str, Any]) -> None:
    data = by_hand({"目录": table([BAD | {"共享条件": None}]), "信息项": table([ITEM])}, **options)
    answer = examined(data).marked()
    headings = table([BAD | {"共享条件": None}])[0]
    number = headings.index("共享条件") + 1
    sheet = load_workbook(io.BytesIO(answer))["目录"]
    assert len(marked_cells(answer)) == 2
    assert sheet.cell(2, number).fill.fgColor.rgb == "FFFFADAD"
    assert sheet.cell(1, len(headings) + 1).value == "错误原因"
    assert [cell.value for cell in sheet[1]][: len(headings)] == headings


def test_a_styles_part_with_empty_lists_is_written_anew() -> None:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    for styles in (f'<styleSheet xmlns="{space}"/>', f'<styleSheet xmlns="{space}"><fills/><cellXfs/></styleSheet>'):
        data = by_hand({"目录": table([BAD]), "信息项": table([ITEM])}, styles=styles)
        assert len(marked_cells(examined(data).marked())) == 2


def test_relations_without_content_take_one() -> None:
    data = by_hand(
        {"目录": table([BAD]), "信息项": table([ITEM])},
    )
    found = examined(data)
    assert b"rIdShuniuStyles" in parts(found.marked())["xl/_rels/workbook.xml.rels"]


def test_a_row_with_hints_of_its_width_and_self_closed_cells_is_marked_where_it_should_be() -> None:
    rows = table([BAD | {"共享条件": Xml('<c s="0"/>'), "下设机构": Xml("<c></c>")}])
    data = by_hand({"目录": rows, "信息项": table([ITEM])})
    text = parts(data)["xl/worksheets/sheet1.xml"].replace(b'<row r="2">', b"<row r='2' spans='1:9'>")
    data = by_hand({"目录": rows, "信息项": table([ITEM])}, replaced={"xl/worksheets/sheet1.xml": text})
    answer = examined(data).marked()
    assert len(marked_cells(answer)) == 2
    assert b"spans" not in parts(answer)["xl/worksheets/sheet1.xml"]


def test_texts_that_begin_like_formulas_are_texts() -> None:
    found = examined(filled((BAD,)))
    texts = {Place("目录", 2, column): text for column, text in ((1, "=1+1"), (5, "+1"), (6, "@x"), (7, '<&"\x01>'))}
    fault = Finding(Place("目录", 2, 2), "x", '=HYPERLINK("http://127.0.0.1")', "-1")
    answer = mark(found.workbook, found.described.tables, [fault], texts)
    sheet = load_workbook(io.BytesIO(answer))["目录"]
    assert [sheet.cell(2, column).value for column in (1, 5, 6)] == ["=1+1", "+1", "@x"]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    assert b"<f>" not in parts(answer)["xl/worksheets/sheet2.xml"]


def test_an_answer_without_faults_is_the_workbook_with_the_codes_that_were_given() -> None:
    found = examined(filled())
    answer = found.marked([(found.judged[0].entry, "306001000001/000007")])
    book = load_workbook(io.BytesIO(answer))
    assert (book["目录"]["A2"].value, book["目录"]["AK1"].value) == ("306001000001/000007", None)


@pytest.mark.parametrize("line", [RESOURCE, BAD])
@pytest.mark.parametrize("top", ["经办人备注", None])
def test_the_office_s_own_columns_stay_with_or_without_a_heading(line: dict[str, Any], top: str | None) -> None:
    def furnish(book: Workbook) -> None:
        sheet = book["目录"]
        sheet["AK1"], sheet["AK2"], sheet["AK3"] = top, "张三，待核", "李四"

    sheet = load_workbook(io.BytesIO(examined(filled((line,), change=furnish)).marked()))["目录"]
    assert [sheet[cell].value for cell in ("AK1", "AK2", "AK3")] == [top, "张三，待核", "李四"]
    assert sheet["AL1"].value == ("错误原因" if line is BAD else None)
