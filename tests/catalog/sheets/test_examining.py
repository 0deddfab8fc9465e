"""What a workbook would make of the catalogue: new, changed, unchanged, bad; and each fault at its cell, by the catalogue's rules."""

from typing import Any

import pytest

from catalog.sheets.examining import Fate
from tests.support.publishing import ITEMS, METADATA
from tests.support.workbooks import ITEM, OTHER, OWN, RESOURCE, examined, existing, filled, known, named

CODE = "306001000001/000042"
CHANGE: dict[str, Any] = {"信息资源代码": CODE}
PUBLISHED = existing(said=METADATA, items=ITEMS, state="published", status="published")


def changing(line: dict[str, Any], items: Any = (), what: Any = None, **options: Any) -> Any:
    return examined(filled((line,), items), known(PUBLISHED) if what is None else what, **options)


def fates(found: Any) -> list[Fate]:
    return [one.fate for one in found.judged]


@pytest.mark.parametrize(
    ("changed", "cell", "rule"),
    [
        ({"共享条件": "须审批"}, "共享条件2", "CAT-01"),
        ({"共享类型": "有条件共享"}, "共享条件2", "CAT-02"),
        ({"共享类型": "不予共享"}, "不予共享依据2", "CAT-03"),
        ({"信息资源分类": "101001000001", "共享类型": "有条件共享", "共享条件": "业务协同"}, "共享类型2", "CAT-04"),
        ({"共享方式类型": "文件"}, "共享方式类型2", "CAT-05"),
        ({"信息资源提供方代码": "11621124DEM0000575"}, "信息资源提供方代码2", "CAT-06"),
        ({"是否涉密": "是"}, "是否涉密2", "CAT-07"),
        ({"信息资源分类": "30600"}, "信息资源分类2", "CODE"),
        ({"信息资源分类": None}, "信息资源分类2", "CODE"),
        ({"信息资源名称": None, "信息资源摘要": "x"}, "信息资源名称2", "required"),
        ({"信息资源摘要": "长" * 1001}, "信息资源摘要2", "text"),
        ({"信息资源格式类型": None}, "信息资源格式类型2", "required"),
        (
            {"信息资源格式分类": "电子表格", "信息资源格式类型": "pdf", "共享方式类型": "文件"},
            "信息资源格式类型2",
            "CL-3",
        ),
        ({"共享类型": None}, "共享类型2", "required"),
        ({"更新周期": "有空时"}, "更新周期2", "code-list"),
        ({"是否向社会开放": "否", "开放条件": "登录"}, "开放条件2", "CL-6"),
        ({"关联资源代码": "306001"}, "关联资源代码2", "identifier"),
        ({"数据区域范围": "621124、000000"}, "数据区域范围2", "identifier"),
        ({"证照类型代码": "X"}, "证照类型代码2", "GB/T 36904"),
        ({"发布系统": "nobody"}, "发布系统2", "sheet-system"),
        ({"信息资源代码": "306001000001/000099"}, "信息资源代码2", "sheet-unknown-code"),
        ({"信息资源代码": "三零六"}, "信息资源代码2", "sheet-unknown-code"),
        ({"信息资源提供方": "没有的局"}, "信息资源提供方2", "sheet-provider"),
        ({"信息资源提供方": OTHER.name}, "信息资源提供方2", "sheet-provider"),
        ({"信息资源提供方代码": OTHER.code}, "信息资源提供方代码2", "sheet-provider"),
    ],
)
def test_a_broken_rule_of_a_resource_is_a_fault_of_its_cell(changed: dict[str, Any], cell: str, rule: str) -> None:
    line = RESOURCE | changed
    item = ITEM | {"信息资源代码": line.get("信息资源代码"), "信息资源名称": line["信息资源名称"]}
    items = (item,) if line["信息资源名称"] is not None else ()
    found = examined(filled((line,), items))
    assert f"{cell} {rule}" in named(found)
    assert not items or named(found) == [f"{cell} {rule}"]


@pytest.mark.parametrize(
    ("changed", "cell", "rule"),
    [
        ({"数据长度": None}, "数据长度2", "item-length"),
        ({"数据长度": 0}, "数据长度2", "item-length"),
        ({"数据长度": "很长"}, "数据长度2", "sheet-number"),
        ({"字段名": "Item-Code"}, "字段名2", "item-field-name"),
        ({"信息项名称": None}, "信息项名称2", "item-form"),
        ({"信息项名称": "名" * 101}, "信息项名称2", "item-text"),
        ({"数据类型": None}, "数据类型2", "item-form"),
        ({"数据类型": "文字"}, "数据类型2", "code-list"),
        ({"数据类型": "备注型", "是否主键": "是"}, "是否主键2", "item-key"),
        ({"是否涉密": "是"}, "是否涉密2", "CAT-07"),
        ({"格式表达式": "^[0-9]+$"}, "示例值2", "item-example"),
        ({"格式表达式": "(?=x)", "示例值": "x"}, "格式表达式2", "schema"),
        ({"格式表达式": "^[0-9]+$", "示例值": "x"}, "示例值2", "schema"),
        ({"最小值": 1}, "最小值2", "item-range"),
        ({"数据类型": "整型", "数据长度": None, "最小值": 5, "最大值": 1}, "最小值2", "item-range"),
        ({"值域": "男、男"}, "值域2", "item-enumeration"),
        ({"值域": "男、女", "示例值": "无"}, "示例值2", "item-example"),
        ({"数据类型": "货币型", "数据长度": None, "示例值": "一百"}, "示例值2", "item-example"),
        ({"数据类型": "通用型", "数据长度": None, "下级信息项": "姓名、住址"}, "下级信息项2", "sheet-group"),
        (
            {
                "数据类型": "通用型",
                "数据长度": None,
                "下级信息项": '[{"field_name": "x", "name": 1, "data_type": "C"}]',
            },
            "下级信息项2",
            "item-form",
        ),
    ],
)
def test_a_broken_rule_of_an_item_is_a_fault_of_its_cell(changed: dict[str, Any], cell: str, rule: str) -> None:
    found = examined(filled(items=(ITEM | changed,)))
    assert named(found) == [f"{cell} {rule}"]


def test_all_faults_come_at_once_and_also_those_that_only_the_compiler_finds() -> None:
    items = (
        ITEM,
        ITEM | {"字段名": "item_code"},
        ITEM | {"字段名": "day", "信息项名称": "日期", "数据类型": "日期型", "数据长度": None, "示例值": "2026-02-30"},
    )
    found = examined(
        filled((RESOURCE | {"共享类型": "有条件共享"},), (*items, ITEM | {"字段名": "x", "信息项名称": "日期"}))
    )
    assert named(found) == ["示例值4 schema", "信息项名称5 item-unique", "共享条件2 CAT-02"]
    assert "“日期”应为真实存在的日期" in str(found.faults())


def test_a_list_that_lacks_a_prescribed_item_or_has_it_otherwise_is_faulted_by_the_lists_rule() -> None:
    line = RESOURCE | {"清单类型": "扶贫项目清单"}
    found = examined(filled((line,), (ITEM | {"字段名": "project_name", "信息项名称": "项目名"},)))
    assert {one.rule for one in found.findings.faults} == {"LIST"}
    assert set(named(found)) == {"信息资源名称2 LIST", "信息项名称2 LIST", "是否必填2 LIST"}
    assert "审批文号" in str(found.faults())
    unread = examined(filled((line,), (ITEM | {"字段名": "=A1", "信息项名称": "项目名"},)))
    assert named(unread) == ["字段名2 sheet-formula"]


def test_a_class_that_the_classification_does_not_have_is_faulted_for_a_new_resource() -> None:
    told = known().model_copy(update={"no_classes": ("306001000001",)})
    assert named(examined(filled(), told)) == ["信息资源分类2 CODE"]


def test_what_a_cell_that_cannot_be_read_might_have_meant_is_not_held_against_others() -> None:
    line = RESOURCE | {
        "共享类型": "不知道",
        "共享条件": "业务协同",
        "信息资源格式分类": "?",
        "是否向社会开放": "?",
        "开放条件": "登录",
    }
    assert named(examined(filled((line,)))) == [
        "信息资源格式分类2 code-list",
        "共享类型2 code-list",
        "是否向社会开放2 code-list",
    ]
    item = ITEM | {"数据类型": "?", "值域": "1、2", "示例值": "1", "最小值": None}
    assert named(examined(filled(items=(item,)))) == ["数据类型2 code-list"]
    both = ITEM | {"数据类型": "?", "最小值": 1, "数据长度": 9_000_000}
    assert named(examined(filled(items=(both,)))) == ["数据类型2 code-list", "数据长度2 item-length"]


def test_a_resource_without_items_is_faulted_at_its_name() -> None:
    assert named(examined(filled(items=()))) == ["信息资源名称2 item-count"]


def test_a_row_with_a_code_changes_that_resource_and_its_blank_items_stay() -> None:
    line = RESOURCE | CHANGE | {"信息资源摘要": "改过的摘要", "信息资源分类": None}
    found = changing(line)
    assert (found.faults(), fates(found)) == ([], [Fate.CHANGED])
    draft = found.judged[0].draft
    assert draft.metadata.summary == "改过的摘要"
    assert [item.field_name for item in draft.items] == ["item_code", "item_name"]


def test_the_rows_of_items_are_all_items_and_keep_what_the_sheet_does_not_say() -> None:
    items = [dict(ITEMS[0]) | {"description": "说明"}, ITEMS[1]]
    what = known(existing(said=METADATA, items=items, state="published"))
    line = {
        "信息资源代码": CODE,
        "信息项名称": "事项编码",
        "数据类型": "C",
        "数据长度": 40,
        "是否必填": "是",
        "是否主键": "是",
    }
    found = changing(RESOURCE | CHANGE, (line | {"信息项说明": "说明"},), what)
    assert found.is_clean, found.faults()
    (item,) = found.judged[0].draft.items
    assert (item.field_name, item.length, item.description) == ("item_code", 40, "说明")


@pytest.mark.parametrize(
    ("what", "line", "cell", "rule"),
    [
        (
            existing(said=METADATA, items=ITEMS, state="submitted"),
            {"信息资源摘要": "改"},
            "信息资源代码2",
            "sheet-state",
        ),
        (existing(said=METADATA, items=ITEMS, status="withdrawn"), {}, "信息资源代码2", "sheet-state"),
        (existing(said=METADATA, items=ITEMS, provider=OTHER), {}, "信息资源代码2", "sheet-provider"),
        (PUBLISHED, {"信息资源分类": "306001000002"}, "信息资源分类2", "CODE"),
        (PUBLISHED, {"发布系统": "other-system"}, "发布系统2", "sheet-system"),
        (PUBLISHED, {"共享类型": "有条件共享", "共享条件": "业务协同"}, "共享类型收紧依据2", "CAT-08"),
    ],
)
def test_what_the_resource_does_not_allow_is_a_fault(what: Any, line: dict[str, Any], cell: str, rule: str) -> None:
    told = known(what)
    told = told.model_copy(update={"systems": dict(told.systems) | {"other-system": "x"}})
    found = changing(RESOURCE | CHANGE | line, what=told)
    assert named(found) == [f"{cell} {rule}"]


def test_an_item_that_is_shared_less_than_it_is_published_is_a_fault_of_the_missing_basis() -> None:
    items = (ITEM | {"信息资源代码": CODE, "信息项共享类型": "不予共享"},)
    there = {"field_name": "item_code", "name": "事项编码", "data_type": "C", "length": 31, "share_type": 2}
    told = known(existing(said=METADATA, items=[there], live=METADATA))
    assert named(examined(filled((RESOURCE | CHANGE,), items), told)) == ["共享类型收紧依据2 CAT-08"]
    basis = {"共享类型收紧依据": "《示例条例》第三条"}
    assert named(examined(filled((RESOURCE | CHANGE | basis,), items), told)) == []


def test_a_draft_never_published_takes_another_system_and_a_submitted_one_may_come_back_unchanged() -> None:
    told = known(existing(said=METADATA, items=ITEMS))
    told = told.model_copy(update={"systems": dict(told.systems) | {"other-system": "x"}})
    found = changing(RESOURCE | CHANGE | {"发布系统": "other-system"}, what=told)
    assert (found.faults(), fates(found)) == ([], [Fate.CHANGED])
    assert found.judged[0].settled.system_id == "x"
    found = changing(RESOURCE | CHANGE, what=known(existing(said=METADATA, items=ITEMS, state="submitted")))
    assert fates(found) == [Fate.UNCHANGED]


def test_a_new_resource_of_a_name_that_the_organisation_has_is_faulted_for_it_may_have_been_imported_before() -> None:
    found = examined(filled(), known(names={"办事指南": CODE}))
    assert named(found) == ["信息资源名称2 sheet-exists"]


def test_rows_of_others_are_faults_or_left_out_with_all_that_is_wrong_in_them() -> None:
    theirs = RESOURCE | {
        "信息资源名称": "扶贫项目",
        "信息资源提供方代码": OTHER.code,
        "共享类型": "?",
        "发布系统": "=A1",
    }
    twice = theirs | {"信息资源摘要": "另一个"}
    items = (ITEM, ITEM | {"信息资源名称": "扶贫项目", "数据长度": "?"})
    found = examined(filled((RESOURCE, theirs, twice), items), own_only=True)
    assert found.is_clean, found.faults()
    assert fates(found) == [Fate.NEW, Fate.SKIPPED, Fate.SKIPPED]
    found = examined(filled((RESOURCE, theirs), items))
    assert named(found) == [
        "数据长度3 sheet-number",
        "信息资源提供方代码3 sheet-provider",
        "发布系统3 sheet-formula",
        "共享类型3 code-list",
    ]
    unknown = theirs | {"信息资源提供方代码": None, "信息资源提供方": "没有的局"}
    assert not examined(filled((RESOURCE, unknown), items), own_only=True).is_clean


def test_where_no_system_is_named_it_is_the_importers_choice_or_the_only_one() -> None:
    several = known().model_copy(update={"own": OWN.model_copy(update={"systems": ("a", "b")})})
    assert named(examined(filled(), several)) == ["发布系统2 sheet-system"]
    assert examined(filled(), several, system="lintao-finance").is_clean
    assert examined(filled()).judged[0].settled.system == "lintao-finance"  # type: ignore[union-attr]


def test_an_organisation_under_anothers_code_is_known_by_its_name() -> None:
    below = OWN.model_copy(update={"code": None, "name": "县审改办"})
    told = known().model_copy(update={"own": below, "bodies": (OWN, OTHER)})
    line = RESOURCE | {"信息资源提供方": "县审改办", "信息资源提供方代码": OWN.code}
    assert examined(filled((line,)), told).is_clean
    for changed in ({"信息资源提供方": OWN.name}, {"信息资源提供方代码": OTHER.code}):
        assert named(examined(filled((line | changed,)), told)) == ["信息资源提供方代码2 sheet-provider"]


def test_messages_name_rule_and_cure_and_never_quote_the_cell() -> None:
    secret = "13800138000"
    line = RESOURCE | {
        "共享类型": secret,
        "更新周期": secret,
        "信息资源代码": secret,
        "信息资源提供方": secret,
        "发布系统": secret,
    }
    item = ITEM | {"字段名": secret, "数据类型": secret, "数据长度": secret, "是否必填": secret, "信息资源代码": secret}
    found = examined(filled((line,), (item,)))
    assert len(found.faults()) >= 8
    assert secret not in str(found.faults()) + str(found.notes())


def test_nothing_of_ones_own_is_left_out_without_a_word_for_another_body_s_resource_of_its_name() -> None:
    own, theirs = RESOURCE | {"信息资源提供方": OWN.name}, RESOURCE | {"信息资源提供方": OTHER.name}
    found = examined(filled((own, theirs)), own_only=True)
    assert [one.fate.value for one in found.judged] == ["bad", "skipped"]
    assert not found.is_clean
    assert [fault["rule"] for fault in found.faults() if fault["cell"].endswith("2")] == ["sheet-duplicate"]
