"""A workbook with thirty planted faults comes back with exactly those cells marked; corrected, it passes."""

import io
from collections.abc import Collection
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from tests.support.workbooks import ITEM, RESOURCE, examined, filled, marked_cells, saved, where

# Row, heading, what is planted there, what it should have been.
FAULTS: list[tuple[int, str, Any, Any]] = [
    (2, "共享条件", "须经审批", None),  # CAT-01
    (3, "不予共享依据", "领导要求", "《保守国家秘密法》"),  # CAT-03; row 3 is not shared
    (4, "共享方式类型", "文件", "接口"),  # CAT-05
    (5, "信息资源提供方代码", "11621124DEM0000575", None),  # CAT-06
    (6, "是否涉密", "是", None),  # CAT-07
    (7, "共享类型", "有条件", "无条件共享"),
    (8, "更新周期", "经常", "每月"),
    (9, "信息资源名称", "名" * 101, "资源九"),
    (10, "信息资源摘要", "　", "摘要"),
    (11, "信息资源分类", "9060", "306001000001"),
    (12, "信息资源格式类型", None, "JSON"),
    (13, "关联资源代码", "306001000001-000001", "306001000001/000001"),
    (14, "数据区域范围", "临洮县", "621124"),
    (15, "证照类型代码", "11621124DEM0000574ABC", None),
    (16, "开放条件", "登录后下载", None),  # row 16 is not open
    (17, "是否回流地市", "也许", None),
    (18, "下设机构", "=A1", None),
    (19, "信息资源代码", "306001000001/000099", None),
    (20, "发布系统", "no-such-system", None),
    (21, "信息资源提供方", "没有登记的局", None),
    (22, "数据分级", "五级", "四级"),
    (30, "数据长度", None, 31),
    (31, "字段名", "事项编码", "item_code"),
    (32, "数据类型", "文字型", "字符型"),
    (33, "是否主键", "是", None),  # row 33 is a memo
    (34, "示例值", "2026-02-30", "2026-02-28"),  # row 34 is a date
    (35, "值域", "男、男", "男、女"),
    (36, "最小值", "很小", 1),  # row 36 is a whole number
    (37, "信息项名称", None, "事项编码"),
    (38, "格式表达式", "(?<=x)y", "y"),  # row 38 has an example
]
"""Rows from 30 on are those of the items of the resources in rows 2 to 10, whose items stand in rows 2 to 10 of 信息项."""

_ITEM_ROWS = 28


def lines(planted: Collection[int]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of both sheets with the faults of these indexes planted, and good values for the others."""
    resources = [dict(RESOURCE) | {"信息资源名称": f"资源{number}号"} for number in range(2, 23)]
    items = [dict(ITEM) | {"信息资源名称": f"资源{number}号"} for number in range(2, 23)]
    resources[3 - 2] |= {"共享类型": "不予共享"}
    resources[16 - 2] |= {"是否向社会开放": "否"}
    items[5 - 2] |= {"数据类型": "备注型"}
    items[6 - 2] |= {"数据类型": "日期型", "数据长度": None}
    items[8 - 2] |= {"数据类型": "整型", "数据长度": None}
    items[10 - 2] |= {"示例值": "y"}
    for index, (row, heading, bad, good) in enumerate(FAULTS):
        of_item = row >= _ITEM_ROWS
        line = items[row - _ITEM_ROWS - 2] if of_item else resources[row - 2]
        line[heading] = bad if index in planted else good
        if heading == "信息资源名称":  # its item names it so
            items[row - 2][heading] = line[heading]
    return resources, items


def corrected(answer: bytes, planted: Collection[int]) -> bytes:
    """The workbook that came back, with good values in exactly its marked cells."""
    book = load_workbook(io.BytesIO(answer))
    for index in planted:
        row, heading, _, good = FAULTS[index]
        sheet, address = where_of(row, heading)
        book[sheet][address] = good
        if heading == "信息资源名称":
            book["信息项"][where(heading, row)[1]] = good
    return saved(book)


def where_of(row: int, heading: str) -> tuple[str, str]:
    of_item = row >= _ITEM_ROWS
    sheet, address = where(heading, row - _ITEM_ROWS if of_item else row)
    return ("信息项" if of_item else sheet, address)


def check(planted: Collection[int]) -> None:
    found = examined(filled(*lines(planted)))
    cells = {where_of(*FAULTS[index][:2]) for index in planted}
    answer = found.marked()
    assert marked_cells(answer) == cells
    assert {(fault["sheet"], fault["cell"]) for fault in found.faults()} == cells
    again = examined(corrected(answer, planted))
    assert again.is_clean, again.faults()
    assert again.counts()["new"] == 21
    assert marked_cells(again.marked()) == set()


def test_exactly_the_thirty_planted_cells_are_marked_and_corrected_they_pass() -> None:
    assert len(FAULTS) == 30
    check(range(30))


@settings(max_examples=6)
@given(st.sets(st.integers(0, 29)))
def test_so_are_any_of_them(planted: set[int]) -> None:
    check(planted)
