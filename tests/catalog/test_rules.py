"""The guideline's rules on a registration; each violation has field, rule, reason and cure."""

from typing import Any

import pytest

from catalog.codes import DataType, FormatClass, ShareModeType, ShareType, UpdateCycle
from catalog.errors import InvalidResource
from catalog.items import Item
from catalog.metadata import REQUIRED, Metadata, label_of, parse_metadata
from catalog.rules import RULES, Registration, check_reason, registration_violations

PLAIN: dict[str, Any] = {
    "name": "办事指南",
    "summary": "救灾救济事项的办事指南",
    "format_class": 7,
    "format_type": "JSON",
    "share_type": ShareType.UNCONDITIONAL,
    "share_mode_class": "platform",
    "share_mode_type": "interface",
    "is_open": 1,
    "update_cycle": UpdateCycle.IRREGULAR,
}
ITEMS = (Item(field_name="id", name="编号", data_type=DataType.C, length=20, key=True),)
USCC = "11320982014392332G"


def broken(*, published: Metadata | None = None, **changed: Any) -> list[tuple[str, str]]:
    """Return field and rule of each violation of the plain metadata with these changes."""
    said = PLAIN | {"classification": "306001", "provider_code": USCC} | changed
    classification, provider_code = said.pop("classification"), said.pop("provider_code")
    metadata = Metadata.model_validate(said)
    found = list(registration_violations(Registration(classification, metadata, provider_code, ITEMS, published)))
    assert all(violation.zh and violation.en for violation in found)
    return [(violation.field, violation.rule) for violation in found]


def said(**changed: Any) -> Metadata:
    """Return the plain metadata with these changes."""
    return Metadata.model_validate(PLAIN | changed)


@pytest.mark.parametrize("condition", [None, "无条件", "无条件共享"])
def test_cat_01_an_unconditional_resource_says_so_or_nothing(condition: str | None) -> None:
    assert broken(share_condition=condition) == []


def test_cat_01_an_unconditional_resource_takes_no_condition() -> None:
    assert broken(share_condition="须经审批") == [("/share_condition", "CAT-01")]


def test_cat_02_a_conditional_resource_states_its_condition() -> None:
    assert broken(share_type=ShareType.CONDITIONAL) == [("/share_condition", "CAT-02")]
    for blank in ("", "  "):
        assert ("/share_condition", "CAT-02") in broken(share_type=ShareType.CONDITIONAL, share_condition=blank)
    assert broken(share_type=ShareType.CONDITIONAL, share_condition="业务协同") == []


def test_cat_03_a_resource_that_is_not_shared_cites_its_basis() -> None:
    for missing in (
        None,
        "领导要求",
        "系统老旧，无法共享",
        "按本局规定",
        "《临洮县某局数据管理办法》第三条",
        "《",
        "没有办法第一条",
    ):
        assert broken(share_type=ShareType.NOT_SHARED, no_share_basis=missing) == [("/no_share_basis", "CAT-03")]
    for cited in (
        "《中华人民共和国统计法》第二十五条",
        "《中华人民共和国统计法（2024年修正）》",
        "《税收征收管理法实施细则》第六条",
        "统计法第25条",
        "《政府信息公开条例》第十四条",
        "国务院《政务信息资源共享管理暂行办法》",
        "国办发〔2017〕39号",
        "党中央有关政策",
    ):
        assert broken(share_type=ShareType.NOT_SHARED, no_share_basis=cited) == []


def test_cat_06_the_providers_code_has_the_form_of_the_standard() -> None:
    assert broken(provider_code="11320982014392332A") == [("/provider_code", "CAT-06")]


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"name": " "}, [("/name", "required")]),
        ({"name": "名" * 101}, [("/name", "text")]),
        ({"name": "a\x00"}, [("/name", "text")]),
        ({"summary": ""}, [("/summary", "required")]),
        ({"summary": "摘" * 1001}, [("/summary", "text")]),
        ({"open_theme": " "}, [("/open_theme", "text")]),
        ({"source_system": "系" * 201}, [("/source_system", "text")]),
    ],
)
def test_texts_are_limited_and_say_something(changed: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert broken(**changed) == found


@pytest.mark.parametrize(
    "field", [name for name in REQUIRED if name not in ("name", "summary", "share_type", "update_cycle")]
)
def test_what_the_guideline_requires_is_asked_for_by_its_name(field: str) -> None:
    assert (f"/{field}", "required") in broken(**{field: None})


def test_only_what_is_shared_needs_a_share_mode() -> None:
    nothing: dict[str, Any] = {"share_mode_class": None, "share_mode_type": None}
    assert broken(**nothing) == [("/share_mode_class", "required"), ("/share_mode_type", "required")]
    assert broken(**nothing, share_type=ShareType.NOT_SHARED, no_share_basis="《统计法》第二十五条") == []


def test_cat_04_basic_information_is_shared_unconditionally() -> None:
    conditional: dict[str, Any] = {"share_type": ShareType.CONDITIONAL, "share_condition": "业务协同"}
    assert broken(classification="106001", **conditional) == [("/share_type", "CAT-04")]
    assert broken(classification="106001") == broken(classification="206001", **conditional) == []


@pytest.mark.parametrize(
    ("form", "kind", "allowed"),
    [
        (FormatClass.DOCUMENT, "pdf", {ShareModeType.FILE}),
        (FormatClass.SPREADSHEET, "xlsx", {ShareModeType.FILE}),
        (FormatClass.IMAGE, "jpg", {ShareModeType.FILE}),
        (FormatClass.MEDIA, "mpg", {ShareModeType.FILE}),
        (FormatClass.DATABASE, "Dm", {ShareModeType.DATABASE, ShareModeType.INTERFACE}),
        (FormatClass.SELF_DESCRIBING, "JSON", set(ShareModeType)),
        (FormatClass.SERVICE, "REST", {ShareModeType.INTERFACE}),
    ],
)
def test_cat_05_the_share_mode_fits_the_format(form: FormatClass, kind: str, allowed: set[ShareModeType]) -> None:
    for mode in ShareModeType:
        found = broken(format_class=form, format_type=kind, share_mode_type=mode)
        assert found == ([] if mode in allowed else [("/share_mode_type", "CAT-05")])


def test_cat_07_a_secret_resource_is_not_registered() -> None:
    assert broken(is_secret=True) == [("/is_secret", "CAT-07")]


def test_cat_08_sharing_less_than_before_needs_a_basis() -> None:
    less: dict[str, Any] = {"share_type": ShareType.CONDITIONAL, "share_condition": "业务协同"}
    assert broken(published=said(), **less) == [("/share_change_basis", "CAT-08")]
    assert broken(published=said(), **less, share_change_basis="《示例条例》第三条") == []
    assert broken(published=said(**less)) == broken(published=said(**less), **less) == []


def _place(**stricter: ShareType) -> tuple[Item, ...]:
    """Items with a group, those that are named shared less than their resource."""
    town = Item(field_name="town", name="镇", data_type=DataType.C, length=9, share_type=stricter.get("town"))
    group = Item(field_name="place", name="地点", data_type=DataType.G, items=(town,), share_type=stricter.get("place"))
    return (*ITEMS, group)


@pytest.mark.parametrize(
    ("before", "after", "narrowed"),
    [
        ({}, {"town": ShareType.NOT_SHARED}, "place/town"),
        ({}, {"place": ShareType.CONDITIONAL}, "place、place/town"),
        ({"town": ShareType.CONDITIONAL}, {"town": ShareType.NOT_SHARED}, "place/town"),
        ({"place": ShareType.CONDITIONAL}, {"town": ShareType.CONDITIONAL}, None),
        ({"town": ShareType.NOT_SHARED}, {}, None),
    ],
)
def test_cat_08_sharing_less_of_an_item_than_before_needs_a_basis(
    before: dict[str, ShareType], after: dict[str, ShareType], narrowed: str | None
) -> None:
    for basis in (None, "《示例条例》第三条"):
        registration = Registration(
            "306001", said(share_change_basis=basis), USCC, _place(**after), said(), _place(**before)
        )
        found = [
            (one.field, one.rule, f"信息项 {narrowed} 的" in one.zh) for one in registration_violations(registration)
        ]
        assert found == ([("/share_change_basis", "CAT-08", True)] if narrowed and basis is None else [])


def test_cat_08_an_item_that_is_new_narrows_nothing() -> None:
    registration = Registration("306001", said(), USCC, _place(town=ShareType.NOT_SHARED), said(), ITEMS)
    assert list(registration_violations(registration)) == []


def test_a_format_type_is_of_its_class_or_explained() -> None:
    assert broken(format_class=1, format_type="xlsx", share_mode_type="file") == [("/format_type", "CL-3")]
    assert broken(format_class=1, format_type="OFD", share_mode_type="file") == []
    assert broken(format_class=1, format_type="ofd", share_mode_type="file") == []
    other: dict[str, Any] = {"format_class": 1, "format_type": "其他", "share_mode_type": "file"}
    assert broken(**other) == [("/format_other_note", "required")]
    assert broken(**other, format_other_note="缩微胶片扫描件") == []


def test_references_are_well_formed_and_said_once() -> None:
    assert broken(related_resource_codes=["306001/000001"], region_scope=["621124"]) == []
    assert broken(related_resource_codes=["x"], region_scope=["999999"]) == [
        ("/related_resource_codes/0", "identifier"),
        ("/region_scope/0", "identifier"),
    ]
    assert broken(region_scope=["621124", "621124"]) == [("/region_scope", "list")]


def test_a_licence_type_code_is_a_social_credit_code_and_a_number() -> None:
    assert broken(licence_type_code="11100000000013338W032") == []
    for wrong in ("11100000000013338W03", "11100000000013338A032", "11100000000013338W03x"):
        assert [field for field, _ in broken(licence_type_code=wrong)] == ["/licence_type_code"]


def test_only_what_is_open_has_a_condition_of_opening() -> None:
    assert broken(is_open=0, open_condition="注明来源") == [("/open_condition", "CL-6")]
    assert broken(is_open=1, open_condition="注明来源") == []


@pytest.mark.parametrize("item_type", [None, *ShareType])
@pytest.mark.parametrize("share_type", ShareType)
def test_an_item_may_be_shared_less_than_its_resource_and_never_more(
    share_type: ShareType, item_type: ShareType | None
) -> None:
    items = (ITEMS[0].model_copy(update={"share_type": item_type}),)
    metadata = said(share_type=share_type, share_condition="业务协同", no_share_basis="《统计法》第二十五条")
    found = [
        (violation.field, violation.rule)
        for violation in registration_violations(Registration("306001", metadata, USCC, items))
        if violation.rule == "CL-4"
    ]
    looser = item_type is not None and item_type < share_type
    assert found == ([("/items/0/share_type", "CL-4")] if looser else [])


def test_a_classification_has_its_form() -> None:
    assert broken(classification="9") == [("/classification", "CODE")]


def test_every_rule_has_an_id_and_a_basis() -> None:
    assert [rule.id for rule in RULES][:8] == [f"CAT-0{number}" for number in range(1, 9)]
    assert all(rule.basis and rule.find.__doc__ for rule in RULES)


def test_every_field_has_labels_in_both_languages() -> None:
    labels = [label_of(field) for field in Metadata.model_fields]
    assert all(zh and en for zh, en in labels)
    assert len(set(labels)) == len(labels)


def test_faults_of_form_are_named_all_at_once_with_the_values_of_the_code_list() -> None:
    with pytest.raises(InvalidResource) as refused:
        parse_metadata({"summary": "摘要", "share_type": 9, "update_cycle": 4, "colour": "red", "open_theme": 3})
    found = {violation.field: violation for violation in refused.value.violations}
    assert set(found) == {"/name", "/share_type", "/colour", "/open_theme"}
    assert found["/share_type"].zh == "应为：1 无条件共享、2 有条件共享、3 不予共享"
    assert found["/name"].rule == "required"


def test_stored_metadata_read_back_the_same() -> None:
    metadata = said(region_scope=["621124"], is_backflow=True)
    assert parse_metadata(metadata.to_json()) == metadata
    assert "is_secret" not in metadata.to_json()


def test_full_width_blanks_and_line_ends_are_text() -> None:
    assert broken(summary="第一行\n第二行　完") == []


def test_all_violations_are_told_at_once() -> None:
    assert broken(name="", share_condition="须审批", provider_code="1") == [
        ("/name", "required"),
        ("/share_condition", "CAT-01"),
        ("/provider_code", "CAT-06"),
    ]


def test_a_reason_is_stripped_and_must_be_given() -> None:
    assert check_reason("  机构调整 ") == "机构调整"
    for wrong in ("", "  ", "理" * 1001, "理\x00由", "理\ud800由"):
        with pytest.raises(InvalidResource) as refused:
            check_reason(wrong)
        assert refused.value.field == "/reason"
