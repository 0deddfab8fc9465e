"""I8: what is marked is found wherever it stands and told without a trace of it; what merely speaks of secrets passes."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.secrecy import find_marking, may_hold_marking

MARKED = [
    "绝密", "机密", "秘密", "国家秘密", "工作秘密", "绝密级", "机密★", "机密★10年", "秘密★长期", "绝密★启用前",
    "机密 10年", "秘密（5年）", "机 密", "机　密　★　10　年", "机\u200b密★10年", "机\n密", "【机密】", "（秘密）", "《机密★十年》",
    "密级：机密", "密级:秘密★5年", "密级 机密", "【密级】机密", "密级为绝密", "密级和保密期限：秘密★1年", "保密等级：机密",
    "機密", "絕密★30年", "祕密", "秘密★長期", "密級：機密", "國家秘密", "国家秘密·机密", "机密级国家秘密", "工作秘密★1年",
    "机密＊10年", "机密★ 年", "秘密★1年6个月", "机密★2030年12月31日", "机密文件", "秘密。", "⁠机密",
    "000012\n机密★1年\n特急\n关于某事的通知", "秘密\n关于某事的通知", "关于某事的通知  秘密★5年  各县", "文号：某发〔2017〕1号；密级：秘密；份数：3",
    "数学试题 绝密★考试结束前 共六页", "关于某事的通知 秘密 ★ 5 年 各县",
    "正文。\n附：机密★\n完", "（机密）方案.docx", "方案【秘密】.pdf", "2024-机密-名单.xlsx", "机密★10年 通知.pdf", "机 密.docx", "机密文件.zip",
]  # fmt: skip

SPEAKING = [
    "商业秘密", "密级", "密级：", "密级：无", "密级：非密", "秘密等级：公开", "密级：绝密、机密、秘密", "密级：机密或秘密",
    "非涉密", "保密审查", "密码", "国家秘密的范围",
    "国家秘密标志形式为“密级★保密期限”", "政府数据不包括属于国家秘密、工作秘密的数据", "一、不得泄露国家秘密\n★二、重点工作",
    "属于国家秘密*的事项除外", "县机关密钥管理", "涉密人员管理办法.docx", "保守国家秘密法释义.pdf", "机密计算白皮书.pdf",
    # sentences of the policy documents
    "指定专人负责共享信息保密审查和风险防范工作,确保信息安全。出现安全及泄密问题应及时向信息安全主管部门报告,并配合相关职能部门做好处置工作。",
    "甘肃政务服务网临洮子站是非涉密网,只能发布非涉密信息,所有用户要严格执行信息网络安全和保密等方面的法律法规和政策规定",
    "除保密事项外，权责清单统一在甘肃省政务服务网兰州站公开发布，接受社会监督。",
    "接入行政权力网上公开透明运行系统的计算机及相关信息应及时报市电子政务中心备案,禁止处理涉密信息。",
    "除涉及国家秘密及其他依法不予公开外，权责清单应规范、完整、清晰、准确地向社会公开",
    "除涉密项目外，在公开政府预算和部门预算的同时，公开财政专项资金管理清单。",
    "圍繞與群眾關系密切的行政行為和服務事項,充分聽取群眾意見,按照“應公開、盡公開”要求全面梳理公開事項",
    "抄送：州委办公室，州人大常委会办公室，州政协办公室，州编委办，州保密办。",
]  # fmt: skip

NAMES = frozenset({"title", "text", "note"})


def pointer_of(payload: Any, secrecy_fields: frozenset[str] = frozenset()) -> str | None:
    """Return what is found, knowing the item names of these tests; the raw bytes must not have hidden it."""
    found = find_marking(payload, secrecy_fields=secrecy_fields, field_names=NAMES)
    for ascii_only in (True, False):
        raw = json.dumps(payload, ensure_ascii=ascii_only).encode()
        assert found is None or may_hold_marking(raw, secrecy_fields)
    return found


@pytest.mark.parametrize("text", MARKED)
def test_a_marking_is_found(text: str) -> None:
    assert pointer_of({"records": [{"title": "通知"}, {"text": text}]}) == "/records/1/text"


@pytest.mark.parametrize("text", SPEAKING)
def test_a_text_that_speaks_of_secrets_passes(text: str) -> None:
    assert pointer_of({"records": [{"text": text, "name": text}]}) is None


@pytest.mark.parametrize("name", ["机密", "（秘密）名单", "通知_绝密★10年", "機密-方案"])
def test_a_files_name_needs_no_extension(name: str) -> None:
    assert pointer_of({"records": [{"text": {"file": "1", "digest": "2", "name": name}}]}) == "/records/0/text/name"


@pytest.mark.parametrize("value", ["秘密", "1", "内部", "10年", "x", 1, True, ["无"], {"a": 1}])
def test_whatever_an_item_of_secrecy_states_is_a_marking(value: Any) -> None:
    assert pointer_of({"records": [{"mj": value}]}, frozenset({"mj"})) == "/records/0/mj"


@pytest.mark.parametrize(
    "value", ["", " ", "无", "無", "非密", "非涉密", "公开", "公開", "None", "none ", "不涉密", None, False, [], {}]
)
def test_an_item_of_secrecy_may_say_that_there_is_none(value: Any) -> None:
    assert pointer_of({"records": [{"mj": value}]}, frozenset({"mj"})) is None


def test_a_resource_with_items_of_secrecy_is_always_looked_at() -> None:
    assert may_hold_marking(b'{"records":[{"mj":"1"}]}', frozenset({"mj"}))
    assert not may_hold_marking(b'{"records":[{"mj":"1"}]}')


def test_the_first_place_in_document_order_is_told() -> None:
    assert pointer_of({"records": [{"title": "a", "text": "机密"}, {"title": "绝密"}]}) == "/records/0/text"


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        ({"records": [{"某人的秘密方案": "机密"}]}, "/records/0"),
        ({"records": [{"机密★10年": 1}]}, "/records/0"),
        ({"卷宗": {"text": "机密"}}, ""),
        ({"records": [{"text": {"某处": {"title": "机密"}}}]}, "/records/0/text"),
        (["机密"], "/0"),
        ("机密", ""),
    ],
)
def test_the_pointer_ends_before_a_name_that_the_schema_does_not_have(payload: Any, pointer: str) -> None:
    assert pointer_of(payload) == pointer


def test_without_item_names_the_pointer_ends_at_the_record() -> None:
    assert find_marking({"records": [{"text": "机密"}]}) == "/records/0"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(MARKED + SPEAKING),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(sorted(NAMES)), inner)))  # fmt: skip
def test_the_look_at_the_raw_bytes_never_hides_a_marking(payload: Any) -> None:
    pointer_of(payload)


@pytest.mark.parametrize("raw", [b"\xe5\xaf\x86", b"\\u5bc6", b"\\u5BC6", b"\\u5Bc6", b"\\u5bC6"])
def test_all_spellings_of_the_character_are_seen_in_raw_bytes(raw: bytes) -> None:
    assert may_hold_marking(b'{"text":"' + raw + b'"}')


@pytest.mark.parametrize("raw", [b"{}", b'{"a":"\\u5bc7"}', '{"a":"办事指南"}'.encode(), b'{"a":"\\n"}'])
def test_ordinary_bytes_need_no_second_look(raw: bytes) -> None:
    assert not may_hold_marking(raw)


@pytest.mark.parametrize("unit", ["(", "机密", "密级(", " ", "机密*", "密级"])
@pytest.mark.timeout(20)
def test_no_text_takes_more_than_linear_time(unit: str) -> None:
    find_marking({"file": "1", "digest": "2", "name": "机密x" + unit * (1_000_000 // len(unit))})


def test_the_time_grows_with_the_length_and_not_with_its_square() -> None:
    def seconds(count: int) -> float:
        began = time.thread_time()
        assert find_marking({"records": [{"note": "密" + "㊙" * count}]}, secrecy_fields=frozenset()) is None
        return time.thread_time() - began

    short = max(min(seconds(20_000) for _ in range(3)), 0.001)
    assert min(seconds(200_000) for _ in range(3)) < 60 * short


def test_a_level_within_a_list_of_groups_is_found() -> None:
    payload = {"records": [{"text": "一", "papers": [{"mj": "无"}, {"title": "二", "mj": "3"}]}]}
    found = find_marking(payload, secrecy_fields=frozenset({"mj"}), field_names=NAMES | {"papers"})
    assert found == "/records/0/papers/1/mj"
