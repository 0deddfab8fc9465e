"""The provincial sheet of 25 columns: a row for each item, the resource's columns merged, repeated or left blank below."""

from collections.abc import Sequence
from typing import Any

import pytest

from catalog.codes import DataType, ShareType
from catalog.sheets.examining import Fate
from catalog.sheets.provincial import PROVINCIAL_SHEET
from tests.support.publishing import ITEMS, METADATA
from tests.support.workbooks import OTHER, OWN, examined, existing, known, marked_cells, named, sheet_of

HEADINGS = [column.zh for column in PROVINCIAL_SHEET]
FIRST: dict[str, Any] = {
    "类": "部门信息资源类",
    "项": "06 民政",
    "目": 1,
    "细目": "000001",
    "信息资源名称": "低保对象",
    "下设机构": "社会救助股",
    "信息资源摘要": "全县低保对象",
    "信息资源格式分类": "数据库",
    "信息资源格式类型": "mysql",
    "信息项名称": "姓名",
    "数据类型": "字符型",
    "数据长度": 30,
    "共享类型": "有条件共享",
    "共享条件/不予共享依据": "业务协同",
    "共享方式分类": "共享平台方式",
    "共享方式类型": "库表",
    "是否向社会开放": "否",
    "更新周期": "每月",
    "发布日期": "2018-03-01",
}
OF_RESOURCE = [heading for heading in FIRST if heading not in ("信息项名称", "数据类型", "数据长度")]


def sheet(*lines: dict[str, Any], merged: Sequence[str] = (), headings: Sequence[str] = HEADINGS) -> bytes:
    rows = [[line.get(heading) for heading in headings] for line in lines]
    return sheet_of([["某省政务信息资源目录"], headings, *rows], title="2018年目录", merged=merged)


def item(name: str, **more: Any) -> dict[str, Any]:
    return {"信息项名称": name, "数据类型": "C", "数据长度": 18, **more}


def test_the_rows_of_a_resource_may_leave_its_columns_blank_repeat_them_or_merge_them() -> None:
    repeated = {heading: FIRST[heading] for heading in OF_RESOURCE}
    for second in (item("身份证号"), item("身份证号") | repeated, item("身份证号", 信息资源名称="低保对象")):
        found = examined(sheet(FIRST, second))
        assert found.is_clean, found.faults()
        (one,) = found.judged
        assert one.draft is not None
        assert [i.field_name for i in one.draft.items] == ["xing_ming", "shen_fen_zheng_hao"]
    merged = [
        f"{'ABCDEFGHIJKLMNOPQRSTUVWXY'[HEADINGS.index(heading)]}3:{'ABCDEFGHIJKLMNOPQRSTUVWXY'[HEADINGS.index(heading)]}4"
        for heading in OF_RESOURCE
    ]
    found = examined(sheet(FIRST, item("身份证号"), merged=merged))
    assert found.is_clean, found.faults()
    assert found.counts()["new"] == 1


def test_everything_the_sheet_says_reaches_its_field() -> None:
    (one,) = examined(sheet(FIRST)).judged
    assert one.settled is not None
    assert one.draft is not None
    assert one.settled.classification == "306001000001"
    said = one.draft.metadata
    assert said is not None
    assert (said.name, said.provider_sub_unit, said.share_condition) == ("低保对象", "社会救助股", "业务协同")
    assert (said.share_type, said.no_share_basis) == (ShareType.CONDITIONAL, None)
    assert (one.draft.items[0].data_type, one.draft.items[0].length) == (DataType.C, 30)
    refused = FIRST | {"共享类型": "不予共享", "共享条件/不予共享依据": "《保守国家秘密法》"}
    (one,) = examined(sheet(refused)).judged
    assert one.draft is not None
    assert (one.draft.metadata.no_share_basis, one.draft.metadata.share_condition) == ("《保守国家秘密法》", None)


def test_a_heading_of_two_rows_is_one_heading() -> None:
    above = [
        "信息资源分类",
        None,
        None,
        None,
        None,
        *HEADINGS[5:9],
        "信息资源格式",
        None,
        None,
        "信息项信息",
        None,
        None,
        *HEADINGS[15:],
    ]
    below = [*HEADINGS[:5], None, None, None, None, *HEADINGS[9:15], *[None] * 10]
    above[9:12] = ["信息资源格式", None, None]
    row = [FIRST.get(heading) for heading in HEADINGS]
    found = examined(sheet_of([above, below, row], merged=("A1:E1",)))
    assert found.is_clean, found.faults()
    assert found.judged[0].draft is not None


@pytest.mark.parametrize("joined", ["字符型/30", "C／30", "字符型 / 30"])
def test_type_and_length_may_stand_in_one_column(joined: str) -> None:
    headings = ["数据类型/长度" if heading == "数据类型" else heading for heading in HEADINGS if heading != "数据长度"]
    line = {**FIRST, "数据类型/长度": joined}
    (one,) = examined(sheet(line, headings=headings)).judged
    assert one.draft is not None
    assert (one.draft.items[0].data_type, one.draft.items[0].length) == (DataType.C, 30)
    bad = examined(sheet({**FIRST, "数据类型/长度": "文字/三十"}, headings=headings))
    assert named(bad) == ["数据类型/长度3 code-list"]
    short = examined(sheet({**FIRST, "数据类型/长度": "字符型"}, headings=headings))
    assert named(short) == ["数据类型/长度3 item-length"]


@pytest.mark.parametrize(
    ("line", "faults"),
    [
        ({"类": "别的类"}, ["类3 CODE"]),
        ({"项": "民政"}, ["项3 CODE"]),
        ({"共享条件/不予共享依据": None}, ["共享条件/不予共享依据3 CAT-02"]),
        ({"发布日期": "三月一日"}, ["发布日期3 sheet-date"]),
        ({"发布日期": 43160}, []),
        ({"发布日期": "2018年3月1日"}, []),
        ({"共享条件/不予共享依据": "=A1"}, ["共享条件/不予共享依据3 sheet-formula"]),
        ({"数据长度": "三十"}, ["数据长度3 sheet-number"]),
    ],
)
def test_faults_stand_at_the_provincial_columns(line: dict[str, Any], faults: list[str]) -> None:
    found = examined(sheet(FIRST | line))
    assert named(found) == faults
    assert len(marked_cells(found.marked())) == len(faults)


def test_what_a_further_row_says_otherwise_of_its_resource_is_faulted_there() -> None:
    found = examined(sheet(FIRST, item("身份证号") | {"信息资源名称": "低保对象", "更新周期": "每日", "序号": 2}))
    assert named(found) == ["更新周期4 sheet-duplicate"]


def test_resources_follow_one_another_and_may_be_taken_up_again() -> None:
    second = FIRST | {"信息资源名称": "临时救助对象", "信息项名称": "姓名"}
    found = examined(sheet(FIRST, second, item("身份证号"), item("住址", 信息资源名称="低保对象")))
    assert found.is_clean, found.faults()
    assert [[i.name for i in one.draft.items] for one in found.judged if one.draft] == [
        ["姓名", "住址"],
        ["姓名", "身份证号"],
    ]


def test_a_code_changes_the_resource_and_what_the_sheet_cannot_say_stays() -> None:
    there = existing(said={**METADATA, "network_zone": "extranet"}, items=ITEMS, state="published")
    line = FIRST | {"信息资源代码": "306001000001/000042", "信息项名称": "事项编码", "共享类型": "无条件共享"}
    line |= {"共享条件/不予共享依据": "无条件", "信息资源格式分类": "服务接口", "共享方式类型": "接口"}
    found = examined(sheet(line), known(there))
    assert found.is_clean, found.faults()
    (one,) = found.judged
    assert one.draft is not None
    assert one.draft.metadata.network_zone == "extranet"
    assert (one.draft.items[0].field_name, one.draft.items[0].key) == ("item_code", True)
    wrong = examined(sheet(line | {"目": "002"}), known(there))
    assert named(wrong) == ["类3 CODE"]


def test_bodies_have_resources_of_one_name_and_each_imports_its_own() -> None:
    headings = [*HEADINGS, "信息资源提供方"]
    theirs = FIRST | {"信息资源提供方": OTHER.name}
    own = FIRST | {"信息资源提供方": OWN.name, "信息项名称": "事项编码"}
    for lines in ((theirs, own), (own, theirs)):
        found = examined(sheet(*lines, headings=headings), own_only=True)
        assert found.is_clean, found.faults()
        assert {one.fate: len(one.entry.rows()) for one in found.judged} == {Fate.NEW: 1, Fate.SKIPPED: 1}
        (new,) = [one for one in found.judged if one.draft is not None]
        assert [one.name for one in new.draft.items] == ["事项编码"]  # type: ignore[union-attr]


def test_one_body_that_is_stated_in_two_ways_has_no_two_new_resources_of_one_name() -> None:
    headings = [*HEADINGS, "信息资源提供方", "信息资源提供方代码"]
    by_name = FIRST | {"信息资源提供方": OWN.name}
    by_code = FIRST | {"信息资源提供方代码": OWN.code}
    found = examined(sheet(by_name, by_code, headings=headings), own_only=True)
    assert {fault["rule"] for fault in found.faults()} == {"sheet-duplicate"}
    assert not found.is_clean
