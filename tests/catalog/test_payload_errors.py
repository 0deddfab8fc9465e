"""What senders are told: where, what is expected, what to do, in two languages, and never a value of theirs."""

from typing import Any

import pytest

from catalog.codes import ItemFormat
from catalog.compiler import compile_schema
from catalog.formats import FORMATS
from catalog.items import parse_items
from catalog.payload_errors import MAX_OPTIONS, MAX_TOKEN, PayloadError
from catalog.schema import DIALECT, derive_schema

ITEMS: list[dict[str, Any]] = [
    {"field_name": "id", "name": "编号", "data_type": "C", "length": 6, "key": True},
    {
        "field_name": "phone",
        "name": "联系电话",
        "data_type": "C",
        "length": 11,
        "pattern": "^1[0-9]{10}$",
        "example": "1" * 11,
    },
    {"field_name": "amount", "name": "金额", "data_type": "Y"},
    {"field_name": "day", "name": "日期", "data_type": "D"},
    {"field_name": "at", "name": "时间", "data_type": "T"},
    {"field_name": "count", "name": "人数", "data_type": "I", "minimum": 0, "maximum": 9},
    {"field_name": "kind", "name": "类别", "data_type": "C", "length": 2, "enumeration": ["甲", "乙"]},
    {"field_name": "paper", "name": "附件", "data_type": "G"},
    {"field_name": "owner", "name": "申请人证件号", "data_type": "C", "format": "citizen-id"},
    {"field_name": "budget", "name": "预算数", "data_type": "Y", "minimum": "0.00", "maximum": "9.99"},
    {"field_name": "rate", "name": "比例", "data_type": "N", "exclusive_minimum": 0},
    {
        "field_name": "duties",
        "name": "责任事项",
        "data_type": "G",
        "many": True,
        "min_length": 2,
        "items": [
            {"field_name": "title", "name": "事项名称", "data_type": "C", "length": 5, "required": True},
            {"field_name": "org", "name": "责任单位", "data_type": "C", "format": "uscc"},
        ],
    },
]
DERIVED = compile_schema(derive_schema(parse_items(ITEMS), title="某资源", code="306001000001/000001", version=1))


def of_record(**fields: Any) -> list[PayloadError]:
    """Return the faults of one record with a valid key and these fields."""
    return DERIVED.errors({"records": [{"id": "1", **fields}]})


def of_schema(payload: Any, **keywords: Any) -> list[PayloadError]:
    """Return the faults of a payload under a schema with these keywords."""
    return compile_schema({"$schema": DIALECT, **keywords}).errors(payload)


@pytest.mark.parametrize(
    ("field", "value", "zh", "en"),
    [
        ("phone", "2380000", "“联系电话”应符合规定的格式 ^1[0-9]{10}$", "must match the pattern ^1[0-9]{10}$"),
        ("phone", "1" * 12, "“联系电话”最多 11 个字，请缩短", "has at most 11 characters; shorten it"),
        ("phone", 13800000000, "“联系电话”应为文本", "must be a string"),
        ("phone", None, "“联系电话”应为文本；没有值时请省略此项，不要填 null", "leave it out if there is no value"),
        ("amount", "1,000", "“金额”应为十进制金额文本", "must be a decimal amount"),
        ("day", "2023-02-30", "“日期”应为真实存在的日期，写作 2026-01-31", "must be a day that exists"),
        ("at", "2026-01-01T00:00:00", "“时间”应为带时区的日期时间", "with offset"),
        ("count", -1, "“人数”不能小于 0", "must be 0 or more"),
        ("count", 10, "“人数”不能大于 9", "must be 9 or less"),
        ("count", 1.5, "“人数”应为整数", "must be an integer"),
        ("kind", "丙", "“类别”应为值域中的值：甲、乙", "must be one of: 甲, 乙"),
        ("other", "private", "资源目录中没有此项", "the catalogue has no such item"),
        ("owner", "621124199001010003", "“申请人证件号”应为 18 位公民身份号码", "must be a citizen id"),
        ("budget", "-0.01", "“预算数”不能小于 0.00", "must be 0.00 or more"),
        ("budget", "10", "“预算数”不能大于 9.99", "must be 9.99 or less"),
        ("budget", "1,000", "“预算数”应为十进制金额文本", "must be a decimal amount"),
        ("rate", 0, "“比例”应大于 0", "must be more than 0"),
        ("duties", [{"title": "某"}], "“责任事项”至少 2 条", "has at least 2 entries"),
        ("duties", {"title": "某"}, "“责任事项”应为数组", "must be an array"),
    ],
)
def test_a_fault_is_told_at_its_field(field: str, value: Any, zh: str, en: str) -> None:
    faults = of_record(**{field: value})
    assert {fault.pointer for fault in faults} == {f"/records/0/{field}"}
    assert any(zh in fault.zh and en in fault.en for fault in faults)


def test_faults_within_a_group_have_the_group_s_place_and_the_item_s_name() -> None:
    duties = [{"title": "某"}, {"org": "1"}, {"title": "长" * 6, "other": 1}, 5]
    assert [(fault.pointer, fault.zh) for fault in of_record(duties=duties)] == [
        ("/records/0/duties/1/org", f"“责任单位”{FORMATS[ItemFormat.USCC].zh}"),
        ("/records/0/duties/1/title", "缺少必填项“事项名称”，请补上"),
        ("/records/0/duties/2/title", "“事项名称”最多 5 个字，请缩短"),
        ("/records/0/duties/2/other", "资源目录中没有此项，请删除，或先修订目录并发布新版本"),
        ("/records/0/duties/3", "“责任事项”应为对象"),
    ]


def test_an_amount_that_is_none_is_told_once() -> None:
    assert len(of_record(budget="1e3")) == 1


def test_a_missing_item_is_named_by_the_pointer() -> None:
    assert DERIVED.errors({"records": [{}]}) == [
        PayloadError("/records/0/id", "缺少必填项“编号”，请补上", "is required and missing; add it")
    ]


def test_an_empty_key_is_told_to_be_filled_in() -> None:
    assert DERIVED.errors({"records": [{"id": ""}]})[0].zh == "“编号”不能是空文本，请填写"


def test_a_file_is_told_part_by_part() -> None:
    paper = {"file": "1", "digest": "sha-256:0", "size": -1, "media_type": "pdf", "name": ""}
    faults = {fault.pointer.rpartition("/")[2]: fault.zh for fault in of_record(paper=paper)}
    assert set(faults) == {"file", "digest", "size", "media_type", "name"}
    assert "UUID" in faults["file"]
    assert "sha-256" in faults["digest"]
    assert "application/pdf" in faults["media_type"]


def test_the_frame_is_told_too() -> None:
    assert [(fault.pointer, fault.zh) for fault in DERIVED.errors({"op": "replace", "records": []})] == [
        ("/op", "应为值域中的值：upsert、delete、snapshot"),
        ("/records", "至少 1 条"),
    ]
    too_many = DERIVED.errors({"records": [{"id": "1"}] * 1001})
    assert [fault.zh for fault in too_many] == ["最多 1000 条，请分成多次报送"]
    assert DERIVED.errors([])[0] == PayloadError("", "应为对象", "must be an object")


def test_a_resource_without_key_says_that_only_snapshots_go() -> None:
    keyless = compile_schema(derive_schema(parse_items(ITEMS[2:3]), title="某", code="306001000001/000001", version=1))
    assert "只能是 snapshot" in keyless.errors({"op": "upsert", "records": [{"amount": "1"}]})[0].zh
    assert keyless.errors({"records": [{"amount": "1"}]})[0].pointer == "/op"


def test_no_message_quotes_a_value() -> None:
    private = "张某某13800000000"
    wrong = dict.fromkeys(("phone", "amount", "day", "at", "count", "kind", "owner", "budget"), private)
    faults = of_record(**wrong, paper={"file": private}, duties=[{"org": private, "title": private}])
    assert len(faults) >= 12
    assert not any(private in fault.zh + fault.en + fault.pointer for fault in faults)


def test_pointers_are_escaped_and_long_names_cut() -> None:
    faults = of_record(**{"a/b~c": 1, "长" * 100: 2})
    assert {fault.pointer for fault in faults} == {"/records/0/a~1b~0c", f"/records/0/{'长' * MAX_TOKEN}…"}


def test_the_number_of_faults_is_limited() -> None:
    payload = {"records": [{"id": "1", "phone": 1}] * 1000}
    assert len(DERIVED.errors(payload)) == 20
    assert len(DERIVED.errors(payload, limit=3)) == 3


def test_a_valid_payload_has_no_faults() -> None:
    assert of_record(phone="1" * 11) == []


def test_of_alternatives_the_closest_branch_speaks() -> None:
    house = {"type": "object", "properties": {"street": {"type": "string"}}, "required": ["street"]}
    for keyword in ("anyOf", "oneOf"):
        nested = of_schema({"a": {"street": 5}}, properties={"a": {keyword: [{"type": "string"}, house]}})
        assert [(fault.pointer, fault.zh) for fault in nested] == [("/a/street", "应为文本")]
        doubly = of_schema({"street": 5}, **{keyword: [{"type": "null"}, {keyword: [{"type": "array"}, house]}]})
        assert [fault.pointer for fault in doubly] == ["/street"]
        assert [fault.pointer for fault in of_schema({}, **{keyword: [{"type": "null"}, house]})] == ["/street"]


def test_one_fault_told_by_two_alternatives_is_told_once() -> None:
    assert len(of_schema(5, allOf=[{"type": "string"}, {"type": "string"}])) == 1


def test_conditions_speak_of_the_branch_that_applies() -> None:
    keywords = {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}
    assert [fault.pointer for fault in of_schema({"a": 1}, **keywords)] == ["/b"]
    assert [fault.pointer for fault in of_schema({}, **keywords)] == ["/c"]


@pytest.mark.parametrize(
    ("payload", "keywords", "zh"),
    [
        (1, {"const": 2}, "应为 2"),
        (1, {"oneOf": [True, True]}, "只能符合其中一种"),
        (1, {"not": {}}, "明确不允许"),
        (1, {"exclusiveMinimum": 1}, "应大于 1"),
        (1, {"exclusiveMaximum": 1}, "应小于 1"),
        (3, {"multipleOf": 2}, "2 的整数倍"),
        ("a", {"minLength": 2}, "至少 2 个字"),
        ([1, 1], {"uniqueItems": True}, "去重"),
        ([1, 1], {"maxItems": 1}, "最多 1 条"),
        ({}, {"minProperties": 1}, "至少 1 项"),
        ({"a": 1}, {"maxProperties": 0}, "最多 0 项"),
        ({"a": 1}, {"properties": {"a": False}}, "请删除此项"),
        ({"ab": 1}, {"propertyNames": {"maxLength": 1}}, "属性名"),
        ({"a": 1}, {"unevaluatedProperties": False}, "没有此项"),
        ([2], {"contains": {"const": 1}}, "contains"),
        ("x", {"format": "email"}, "email"),
        (None, {"type": ["string", "number"]}, "应为数值或文本"),
    ],
)
def test_every_keyword_has_words(payload: Any, keywords: dict[str, Any], zh: str) -> None:
    faults = of_schema(payload, **keywords)
    assert len(faults) == 1
    assert zh in faults[0].zh
    assert faults[0].en


def test_a_choice_with_nothing_to_choose_still_speaks() -> None:
    assert (
        "任何一种形式" in of_schema(1, anyOf=[False])[0].zh
        or of_schema(1, anyOf=[False])[0].zh == "此处不允许有值，请删除此项"
    )


def test_long_code_lists_are_cut() -> None:
    fault = of_schema("x", enum=[f"v{number}" for number in range(50)])[0]
    assert fault.zh.endswith(" 等 50 个")
    assert f"v{MAX_OPTIONS}" not in fault.en
    assert fault.en.endswith("and 30 more")
