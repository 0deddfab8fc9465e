"""The types of lists that come with the catalogue: every list of the policy documents, whole, and each of its samples valid."""

import pytest

from catalog.compiler import compile_schema
from catalog.conditions import Condition
from catalog.judge import judge
from catalog.lists import conditions_of, list_type, list_types
from catalog.lists.checks import FUNCTIONS, findings
from catalog.lists.list_type import ListType
from catalog.lists.power_state import DOCUMENT, GROUND, POWER_CODE, STATUS, SuspensionGround, power_in
from catalog.metadata import parse_metadata
from catalog.rules import Registration, registration_violations
from catalog.schema import Schema, derive_schema

ROWS = (
    *("权责清单", "权责清单 (甘南 表6)", "权力分表 (甘南 表3)", "职责梳理 (表1)", "行政审批事项", "便民服务事项"),
    *(
        "公共服务事项",
        "专项资金清单",
        "专项资金动态信息",
        "专项资金样式",
        "扶贫清单",
        "权力静态信息 (大丰)",
        "内部流程图",
    ),
    *("岗位人员", "政务公开事项标准要素", "公开五要素", "备案要素", "行政权力交叉分散登记表", "政务信息系统台账"),
)
"""Every list whose contents the documents prescribe; the format of 实施依据 is an item of annex 7."""

WANTED = {
    "power-list": "名称 编码 类型 依据 行使主体 办结时限 流程图 监督方式",
    "power-list-table3": "项目名称 实施依据 实施对象 承办机构 公开范围 办理数量 收费（征收）依据和标准",
    "power-list-annex7": "项目名称 类别 实施依据 实施主体 承办机构 责任事项 追责情形 备注",
    "duty-sorting": "“三定”规定主要职责 承担科室 具体工作内容 细化职权名称 职权类别 调整意见",
    "approval-items": "项目名称 设立依据 办理要件 办理程序 办结时限 承办股室 承办单位",
    "convenience-services": "责任单位 服务内容 服务流程 办结时限 管理要求",
    "public-services": "公共服务事项名称 主要内容 承办机构 联系电话",
    "special-funds": "项目主管部门 项目名称 预算数额",
    "special-funds-updates": "财政专项资金管理办法 分配使用 绩效评价",
    "special-funds-annex": "专项名称 金额 执行部门",
    "poverty-projects": "项目名称 审批文号 投资额度 主要建设内容 新增经济效益 扶贫效益 项目主管单位 项目实施单位",
    "power-static": (
        "权力项目名称 类别 承办科室 法定期限 承诺期限 办理地点 联系电话 服务指南 法律依据 要件材料 内外部流程图"
    ),
    "flow-nodes": "岗位办理时限 办理科室 办理人员 岗位文书 承诺期限",
    "post-holders": "登录名 中文名 手机号码 工作岗位的权限",
    "openness-items": "名称 依据 内容 主体 时限 方式",
    "openness-five": "公开内容 责任主体 规定时限 公开方式 公开程度",
    "filing": "项目名称 建设单位 投资额度 运维费用 经费渠道 数据资源 应用系统 等级保护 分级保护备案情况",
    "power-overlaps": "行政权力事项名称 实施依据 涉及部门 交叉分散情况描述 理顺权力意见建议 主要理由 备注",
    "system-ledger": "数量 名称 功能 使用范围 使用频度 审批部门 审批时间 经费来源",
}
"""The words of the documents, each of which an item answers for."""

TYPES = pytest.mark.parametrize("described", list_types(), ids=lambda one: one.key)


def schema_of(described: ListType) -> Schema:
    return derive_schema(
        described.items,
        title=described.title.zh,
        code="306001000001/000001",
        version=1,
        conditions=described.conditions,
    )


def test_every_list_of_the_documents_has_its_type() -> None:
    assert {described.row for described in list_types()} == set(ROWS)
    assert list(WANTED) == sorted(WANTED, key=[described.key for described in list_types()].index)
    assert WANTED.keys() == {described.key for described in list_types()}


@TYPES
def test_every_prescribed_word_has_its_item_and_every_item_its_basis(described: ListType) -> None:
    quoted = {entry.quoted for entry in described.list_items if entry.quoted is not None}
    assert set(WANTED[described.key].split()) <= quoted
    said = "".join(basis.quote for basis in described.basis)
    assert all(word in said for word in quoted)


@TYPES
def test_a_type_registers_and_its_samples_are_valid_and_marked(described: ListType) -> None:
    metadata = parse_metadata(described.described())
    registration = Registration(described.classification, metadata, None, described.items)
    assert list(registration_violations(registration)) == []
    schema = schema_of(described)
    assert judge(schema) is None
    assert compile_schema(schema).errors(described.payload()) == []
    assert findings(described, described.samples) == []
    for sample in described.samples:
        assert sample["is_example"] is True
        assert any(isinstance(value, str) and "示例" in value for value in sample.values())


@TYPES
def test_a_sample_without_a_required_prescribed_item_is_refused(described: ListType) -> None:
    validator = compile_schema(schema_of(described))
    required = [entry.item for entry in described.list_items if entry.is_prescribed and entry.item.is_required]
    assert required
    for item in required:
        broken = {name: value for name, value in described.samples[0].items() if name != item.field_name}
        pointers = [fault.pointer for fault in validator.errors({"op": "upsert", "records": [broken]})]
        assert f"/records/0/{item.field_name}" in pointers


@TYPES
def test_amounts_of_money_are_in_wan_yuan_and_personal_items_are_sensitive(described: ListType) -> None:
    for item in described.items:
        assert (item.data_type.value == "Y") == (item.unit == "万元")
        if item.name in ("登录名", "中文名", "手机号码", "办理人员"):
            assert item.sensitive
    personal = any(item.sensitive for item in described.items)
    assert not (personal and described.metadata["is_open"])


@TYPES
def test_every_rule_says_how_it_is_checked(described: ListType) -> None:
    for check in described.checks:
        assert (check.function is not None) == (check.by == "command")
        assert (check.zh is not None and check.en is not None) == (check.by == "hub")
        assert check.function is None or check.function in FUNCTIONS
        if check.by == "schema":
            assert described.conditions or any(item.pattern for item in described.items)


def test_every_check_is_named_by_a_type() -> None:
    named = {check.function for described in list_types() for check in described.checks if check.function is not None}
    assert named == FUNCTIONS.keys()


def test_the_lists_of_powers_and_no_others_can_suspend_a_power() -> None:
    found = [described for described in list_types() if described.registers_powers]
    assert [described.key for described in found] == ["power-list", "power-list-table3", "power-list-annex7"]
    for described in found:
        by_name = {item.field_name: item for item in described.items}
        assert by_name[POWER_CODE].key
        assert by_name[GROUND].enumeration == tuple(ground.zh for ground in SuspensionGround)
        assert by_name[STATUS].enumeration == ("行使", "暂停")
        assert {STATUS, GROUND, DOCUMENT, "suspended_on", "resumed_on", POWER_CODE} <= described.state_fields
        assert any(sample[STATUS] == "暂停" for sample in described.samples)


def test_the_words_of_the_four_grounds_are_those_of_the_article() -> None:
    described = list_type("power-list")
    assert described is not None
    article = next(basis.quote for basis in described.basis if "(一)" in basis.quote)
    assert [article.index(ground.zh) for ground in SuspensionGround] == sorted(
        article.index(ground.zh) for ground in SuspensionGround
    )


def test_what_is_no_type_has_no_conditions() -> None:
    assert list_type("nothing") is None
    assert conditions_of("nothing") == conditions_of(None) == ()
    assert all(isinstance(condition, Condition) for condition in conditions_of("power-list"))


def test_the_last_record_of_a_power_counts_and_a_deleted_one_does_not() -> None:
    one, other = {POWER_CODE: "A", STATUS: "暂停"}, {POWER_CODE: "A", STATUS: "行使"}
    assert power_in({"op": "upsert", "records": [one, other]}, "A") == other
    assert power_in({"records": [one]}, "A") == one
    assert power_in({"op": "upsert", "records": [one]}, "B") is None
    assert power_in({"op": "delete", "records": [{POWER_CODE: "A"}]}, "A") is None
