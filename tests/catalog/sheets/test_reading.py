"""What WPS and people do to workbooks, trait by trait: it is read as it was meant, and said."""

from datetime import date, datetime
from typing import Any

import pytest
from openpyxl import Workbook

from catalog.codes import DataType, ShareType
from catalog.sheets.cells import escaped, unescaped
from catalog.sheets.errors import WorkbookRefused
from catalog.sheets.examining import Examined, Fate
from catalog.sheets.layout import version_mark
from tests.support.workbooks import (
    ITEM,
    OWN,
    RESOURCE,
    Xml,
    by_hand,
    cells,
    examined,
    filled,
    saved,
    table,
)

OTHER = RESOURCE | {"信息资源名称": "办件信息"}
ITEMS_OF_TWO = (ITEM, ITEM | {"信息资源名称": "办件信息"})


def drafts(found: Examined) -> list[Any]:
    assert found.is_clean, found.faults()
    return [one.draft for one in found.judged]


def rules(found: Examined) -> set[str]:
    return {note["rule"] for note in found.notes()}


def one_sheet_each(**options: Any) -> bytes:
    return by_hand({"目录": table([RESOURCE]), "信息项": table([ITEM])}, **options)


def test_a_workbook_without_shared_strings_styles_and_references_of_cells_is_read() -> None:
    for options in ({}, {"references": False}, {"prefix": "x"}, {"encoding": "utf-16"}):
        (draft,) = drafts(examined(one_sheet_each(**options)))
        assert draft.metadata.name == "办事指南"
        assert draft.items[0].length == 31


def test_text_in_runs_with_readings_of_its_characters_is_one_text() -> None:
    name = Xml(
        '<c t="inlineStr"><is><r><t>办事</t></r><r><t>指南</t></r><rPh sb="0" eb="2"><t>banshi</t></rPh></is></c>'
    )
    book = by_hand({"目录": table([RESOURCE | {"信息资源名称": name}]), "信息项": table([ITEM])})
    assert drafts(examined(book))[0].metadata.name == "办事指南"


def test_shared_strings_are_read_with_runs_readings_and_escapes() -> None:
    strings = (
        '<sst count="9"><si><t>办事指南</t></si><si><r><rPr/><t>救助</t></r><r><t xml:space="preserve"> 类</t></r>'
        '<rPh sb="0" eb="1"><t>jiuzhu</t></rPh></si><si/><si><t>甲_x000A_乙</t></si></sst>'
    )
    shared = {
        heading: Xml(f'<c t="s"><v>{place}</v></c>')
        for place, heading in enumerate(("信息资源名称", "信息资源摘要", "下设机构", "关联业务事项"))
    }
    book = by_hand({"目录": table([RESOURCE | shared]), "信息项": table([ITEM])}, strings=strings)
    said = drafts(examined(book))[0].metadata
    assert (said.name, said.summary, said.provider_sub_unit, said.related_affairs) == (
        "办事指南",
        "救助 类",
        None,
        "甲\n乙",
    )


def test_dates_as_iso_texts_of_their_own_type_are_read() -> None:
    item = ITEM | {"数据类型": "日期型", "数据长度": None, "示例值": Xml('<c t="d"><v>2026-01-31T00:00:00Z</v></c>')}
    book = by_hand({"目录": table([RESOURCE | {"是否涉密": Xml('<c t="b"><v>0</v></c>')}]), "信息项": table([item])})
    assert drafts(examined(book))[0].items[0].example == "2026-01-31"


def test_merged_cells_say_their_value_in_each_row_and_that_is_noted() -> None:
    def merge(book: Workbook) -> None:
        book["目录"].merge_cells("I2:I3")  # 信息资源格式分类 of both resources
        book["信息项"].merge_cells("B2:B3")

    second = {heading: value for heading, value in OTHER.items() if heading != "信息资源格式分类"}
    items = (ITEM, ITEM | {"信息资源名称": None, "字段名": "day", "信息项名称": "日期"}, ITEMS_OF_TWO[1])
    found = examined(filled((RESOURCE, second), items, change=merge))
    first, last = drafts(found)
    assert first.metadata.format_class == last.metadata.format_class
    assert [item.field_name for item in first.items] == ["item_code", "day"]
    assert ("目录", "I2", "sheet-merged") in cells(found.notes())


def test_items_below_the_first_of_a_resource_may_leave_its_name_out() -> None:
    items = (ITEM, {"字段名": "day", "信息项名称": "日期", "数据类型": "日期型"})
    (draft,) = drafts(examined(filled(items=items)))
    assert len(draft.items) == 2


def test_full_width_characters_and_blanks_are_read_in_codes_and_choices_and_kept_in_texts() -> None:
    line = RESOURCE | {
        "信息资源名称": "　办事指南（２０２６） ",
        "信息资源分类": "３０６００１ ０００００１",
        "信息资源提供方代码": "１１６２１１２４ｄｅｍ００００５７４",
        "共享类型": "２　有条件共享",
        "共享条件": "\u3000业务协同\xa0",
        "关联资源代码": "306001000001／000001，306001000001/000002",
    }
    item = ITEM | {
        "信息资源名称": "办事指南（２０２６）",
        "字段名": "ｉｔｅｍ＿ｃｏｄｅ ",
        "数据长度": "３１",
        "数据类型": "C 字符型",
    }
    (draft,) = drafts(examined(filled((line,), (item,))))
    said = draft.metadata
    assert (said.name, said.share_type, said.share_condition) == (
        "办事指南（２０２６）",
        ShareType.CONDITIONAL,
        "业务协同",
    )
    assert said.related_resource_codes == ("306001000001/000001", "306001000001/000002")
    assert (draft.items[0].field_name, draft.items[0].length) == ("item_code", 31)


def test_blank_rows_and_columns_at_the_end_and_between_are_nothing() -> None:
    def blank(book: Workbook) -> None:
        sheet = book["目录"]
        for row in (5, 1000):
            for column in range(1, 60):
                sheet.cell(row, column).number_format = "@"
        sheet.cell(7, 3, " \u3000\u200b ")
        sheet.cell(9, 55, "　")

    found = examined(filled((RESOURCE,), change=blank))
    assert len(drafts(found)) == 1
    assert found.counts()["rows"] == 2


def test_a_row_that_repeats_another_counts_once_and_that_is_noted() -> None:
    found = examined(filled((RESOURCE, RESOURCE), (ITEM, ITEM)))
    assert len(drafts(found)) == 1
    assert [note[1:] for note in cells(found.notes())] == [("A3", "sheet-duplicate"), ("D3", "sheet-duplicate")]


def test_one_resource_with_two_contents_is_a_fault_of_the_later_row() -> None:
    found = examined(filled((RESOURCE, RESOURCE | {"更新周期": "每日"})))
    assert cells(found.faults()) == [("目录", "B3", "sheet-duplicate")]
    assert found.counts()["bad"] == 2  # neither can be taken: nobody knows which is meant


@pytest.mark.parametrize(
    ("values", "is_series"),
    [
        (("县财政局1", "县财政局2", "县财政局3"), True),
        (("县财政局1", "县财政局2"), False),
        (("县财政局1", "县财政局1", "县财政局1"), False),
        (("股室9", "股室10", "股室11"), True),
        (("1股", "2股", "3股"), True),
        (("股室1", "股室3", "股室5"), False),
    ],
)
def test_values_that_count_up_as_dragging_makes_them_are_noted(values: tuple[str, ...], is_series: bool) -> None:
    lines = [RESOURCE | {"信息资源名称": name, "下设机构": unit} for name, unit in zip("甲乙丙", values, strict=False)]
    items = [ITEM | {"信息资源名称": line["信息资源名称"]} for line in lines]
    found = examined(filled(lines, items))
    assert found.is_clean
    assert ("sheet-series" in rules(found)) is is_series


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-31",
        "2026/1/31",
        "2026年1月31日",
        "２０２６．１．３１",
        "20260131",
        date(2026, 1, 31),
        datetime(2026, 1, 31),  # noqa: DTZ001  a cell's date has no zone
    ],
)
def test_dates_are_read_as_texts_and_as_serials(written: Any) -> None:
    items = (ITEM | {"数据类型": "日期型", "数据长度": None, "示例值": written},)
    (draft,) = drafts(examined(filled(items=items)))
    assert draft.items[0].example == "2026-01-31"


MOMENT = datetime(2026, 1, 31, 9, 30)  # noqa: DTZ001


def test_a_moment_of_a_cell_is_of_beijing() -> None:
    items = (ITEM | {"数据类型": "日期时间型", "数据长度": None, "示例值": MOMENT},)
    (draft,) = drafts(examined(filled(items=items)))
    assert draft.items[0].example == "2026-01-31T09:30:00+08:00"


STYLES = (
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1">'
    '<numFmt numFmtId="176" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;;@"/></numFmts>'
    '<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>'
    '<cellXfs count="2"><xf/><xf numFmtId="176"/></cellXfs></styleSheet>'
)


@pytest.mark.parametrize(("from_1904", "serial"), [(False, 46053), (True, 46053 - 1462)])
def test_serials_count_from_1900_or_1904_as_the_workbook_says(from_1904: bool, serial: int) -> None:
    item = ITEM | {"数据类型": "日期型", "数据长度": None, "示例值": Xml(f'<c s="1"><v>{serial}</v></c>')}
    sheets = {"目录": table([RESOURCE]), "信息项": table([item])}
    (draft,) = drafts(examined(by_hand(sheets, from_1904=from_1904, styles=STYLES)))
    assert draft.items[0].example == "2026-01-31"


def test_sheets_and_columns_of_no_meaning_are_left_alone_and_noted() -> None:
    def add(book: Workbook) -> None:
        book.create_sheet("联系人")["A1"] = "=1+1"
        book["目录"].cell(1, 40, "备注")
        book["目录"].cell(2, 40, "=1+1")

    found = examined(filled(change=add))
    assert len(drafts(found)) == 1
    assert {("联系人", "A1", "sheet-extra"), ("目录", "AN1", "sheet-unknown-column")} <= set(cells(found.notes()))


def test_the_heading_is_found_below_titles_in_any_order_and_spelling() -> None:
    rows = table([dict(reversed(RESOURCE.items()))])
    rows[0] = [f" {heading} *" if heading != "共享类型" else "＊共享 类型（必填）：" for heading in rows[0]]
    sheets: dict[str, Any] = {
        "目录": [["临洮县信息资源目录"], ["填表单位：某局", None, "2026年"], *rows],
        "信息项": table([ITEM]),
    }
    (draft,) = drafts(examined(by_hand(sheets)))
    assert draft.metadata.share_type is ShareType.UNCONDITIONAL


def test_a_heading_that_was_pasted_in_between_is_no_resource() -> None:
    rows = table([RESOURCE, OTHER])
    sheets = {"目录": [*rows[:2], rows[0], rows[2]], "信息项": table(ITEMS_OF_TWO)}
    assert len(drafts(examined(by_hand(sheets)))) == 2


def test_hidden_rows_are_read_and_that_is_noted() -> None:
    def hide(book: Workbook) -> None:
        book["目录"].row_dimensions[3].hidden = True

    found = examined(filled((RESOURCE, OTHER), ITEMS_OF_TWO, change=hide))
    assert len(drafts(found)) == 2
    assert ("目录", "A3", "sheet-hidden") in cells(found.notes())


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ('<c t="str"><f>A1</f><v>业务协同</v></c>', "sheet-formula"),
        ('<c><f t="shared" si="0"/><v>1</v></c>', "sheet-formula"),
        ('<c t="e"><v>#N/A</v></c>', "sheet-error"),
        ("<c><v>1.1620000123456799E17</v></c>", "sheet-digits"),
        ("<c><v>1e999</v></c>", "sheet-error"),
    ],
)
def test_formulas_errors_and_numbers_that_lost_digits_are_faulted_and_never_believed(cell: str, rule: str) -> None:
    sheets = {"目录": table([RESOURCE | {"下设机构": Xml(cell)}]), "信息项": table([ITEM])}
    found = examined(by_hand(sheets))
    assert cells(found.faults()) == [("目录", "K2", rule)]


def test_numbers_and_logical_values_become_the_texts_that_people_see() -> None:
    line = RESOURCE | {"信息资源分类": 306001000001, "信息资源摘要": 2026, "下设机构": 0.1, "是否涉密": False}
    item = ITEM | {"数据长度": 31.0, "示例值": 7, "是否必填": True}
    (draft,) = drafts(examined(filled((line,), (item,))))
    assert (draft.metadata.summary, draft.metadata.provider_sub_unit) == ("2026", "0.1")
    assert (draft.items[0].length, draft.items[0].example, draft.items[0].required) == (31, "7", True)


def test_an_item_without_a_field_name_gets_one_of_its_pinyin_and_that_is_noted() -> None:
    items = [
        {"信息资源名称": "办事指南", "信息项名称": name, "数据类型": "日期型"} for name in ("受理日期", "受理 日期")
    ]
    found = examined(filled(items=items))
    (draft,) = drafts(found)
    assert [item.field_name for item in draft.items] == ["shou_li_ri_qi", "shou_li_ri_qi_2"]
    assert "sheet-field-name" in rules(found)


def test_an_item_of_no_resource_or_of_two_is_faulted_at_what_it_names() -> None:
    lost = ITEM | {"信息资源名称": "没有的资源"}
    coded = ITEM | {"信息资源代码": "306001000001/000001", "信息资源名称": None}
    found = examined(filled(items=(ITEM, lost, coded)))
    assert cells(found.faults()) == [("信息项", "B3", "sheet-stray-item"), ("信息项", "A4", "sheet-stray-item")]
    assert found.counts()["stray"] == 2
    assert found.judged[0].fate is Fate.NEW


def test_a_template_of_a_newer_release_is_refused_and_one_without_its_mark_is_read() -> None:
    def newer(book: Workbook) -> None:
        defined = book.defined_names.pop(version_mark())
        defined.name = version_mark(2)
        book.defined_names[version_mark(2)] = defined

    with pytest.raises(WorkbookRefused, match="模板版本 2"):
        examined(filled(change=newer))
    assert len(drafts(examined(one_sheet_each()))) == 1


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ([["随便", "什么"]], "sheet-layout"),
        ([["信息资源名称", "共享类型", "信息资源名称"]], "sheet-header"),
        ([], "sheet-header"),
    ],
)
def test_a_workbook_without_our_headings_is_refused_as_a_whole(rows: list[list[Any]], rule: str) -> None:
    name = "Sheet1" if rule == "sheet-layout" else "目录"
    with pytest.raises(WorkbookRefused) as refused:
        examined(by_hand({name: rows}))
    assert refused.value.rule == rule


def test_what_xml_does_not_carry_is_escaped_and_read_back() -> None:
    for text in ("_x000D_", "a_x0041_b_x", "\ufffe\x01", "临洮\n县", "_x005F_x0041_"):
        assert unescaped(escaped(text)) == text
    book = by_hand({"目录": table([RESOURCE | {"信息资源摘要": "甲_x000A_乙"}]), "信息项": table([ITEM])})
    assert drafts(examined(book))[0].metadata.summary == "甲\n乙"


def test_the_own_organisation_is_meant_where_no_provider_is_named() -> None:
    found = examined(filled((RESOURCE | {"信息资源提供方代码": OWN.code, "信息资源提供方": "县财政局"},)))
    assert len(drafts(found)) == 1
    assert "sheet-provider-name" in rules(found)


def test_every_data_type_is_read_by_its_letter_and_by_its_label() -> None:
    for kind in DataType:
        for written in (
            kind.value,
            kind.zh,
            kind.zh.removesuffix("型"),
            f"{kind.value} {kind.zh}",
            f"{kind.zh}({kind.value})",
        ):
            found = examined(filled(items=(ITEM | {"数据类型": written},)))
            assert found.judged[0].draft is not None, (written, found.faults())
            assert found.judged[0].draft.items[0].data_type is kind


def test_saved_workbooks_of_the_support_are_workbooks() -> None:
    assert saved(Workbook()).startswith(b"PK")
