"""Differences in words: every field has a label, nothing that changed is left out, the order does not wander."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from catalog.codes import FormatClass, ItemFormat, Openness, ShareType, UpdateCycle
from catalog.differences import Difference, Said, item_differences, metadata_differences, version_differences
from catalog.items import Item, parse_items
from catalog.labels import label_of, labelled
from catalog.metadata import Metadata
from catalog.words import MAX_LISTED, MAX_TEXT, change_words, item_words, value_words
from tests.catalog.item_strategies import item_lists

METADATA = Metadata(
    name="办事指南",
    summary="全县办事指南",
    share_type=ShareType.CONDITIONAL,
    share_condition="工作参考",
    update_cycle=UpdateCycle.DAILY,
)
NAME: dict[str, Any] = {"field_name": "name", "name": "姓名", "data_type": "C", "length": 20}
PAPERS: dict[str, Any] = {"field_name": "papers", "name": "材料", "data_type": "G", "items": [NAME]}


def between(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return field and Chinese text of every difference between these items."""
    return [(found.field, found.zh) for found in item_differences(parse_items(old), parse_items(new))]


@pytest.mark.parametrize("model", [Item, Metadata])
def test_every_field_has_a_label_of_its_own_in_both_languages(model: type[BaseModel]) -> None:
    labels = [label_of(model, field) for field in model.model_fields]
    for language in zip(*labels, strict=True):
        assert all(language)
        assert len(set(language)) == len(labels)


def test_a_field_without_a_label_is_an_error() -> None:
    class Half(BaseModel):
        told: str = labelled("有", "told")
        untold: str

    assert label_of(Half, "told") == ("有", "told")
    with pytest.raises(TypeError, match=r"Half\.untold"):
        label_of(Half, "untold")


@pytest.mark.parametrize(
    ("changed", "zh", "en"),
    [
        (
            {"share_type": ShareType.UNCONDITIONAL},
            "共享类型：有条件共享 → 无条件共享",
            "share type: shared on conditions → shared unconditionally",
        ),
        ({"share_condition": None}, "共享条件：“工作参考” → 无", 'condition of sharing: "工作参考" → none'),
        ({"is_open": Openness.OPEN}, "是否向社会开放：无 → 是", "open to the public: none → yes"),
        ({"is_backflow": True}, "是否回流地市：否 → 是", "flows back to the city: no → yes"),
        ({"format_class": FormatClass.DATABASE}, "信息资源格式分类：无 → 数据库", "format class: none → database"),
        (
            {"region_scope": ("621124", "621100")},
            "数据区域范围：增加 “621124”、“621100”",
            'regions covered: added "621124", "621100"',
        ),
    ],
)
def test_metadata_are_told_by_label_and_value(changed: dict[str, Any], zh: str, en: str) -> None:
    (found,) = metadata_differences(METADATA, METADATA.model_copy(update=changed))
    assert found == Difference(f"/{next(iter(changed))}", zh, en)


@given(st.sets(st.sampled_from(sorted(Metadata.model_fields)), min_size=1))
def test_every_field_of_the_metadata_that_changed_is_told_in_the_order_of_the_model(fields: set[str]) -> None:
    changed = METADATA.model_copy(update=dict.fromkeys(fields, "别的"))
    found = [difference.field for difference in metadata_differences(METADATA, changed)]
    assert found == [f"/{field}" for field in Metadata.model_fields if field in fields]


@given(st.sets(st.sampled_from(sorted(set(Item.model_fields) - {"field_name"})), min_size=1))
def test_every_field_of_an_item_that_changed_is_told_in_the_order_of_the_model(fields: set[str]) -> None:
    old = Item.model_validate(NAME)
    found = [each.field for each in item_differences([old], [old.model_copy(update=dict.fromkeys(fields, "别的"))])]
    assert found == [f"/items/name/{field}" for field in Item.model_fields if field in fields]


def test_items_that_come_change_and_go_are_told_by_name() -> None:
    sex = {
        "field_name": "sex",
        "name": "性别",
        "data_type": "C",
        "length": 1,
        "enumeration": ["1", "2"],
        "required": True,
    }
    born = {"field_name": "born", "name": "出生日期", "data_type": "D"}
    renamed = NAME | {"name": "名称", "length": 50, "required": True, "unit": "字"}
    assert between([born, NAME], [sex, renamed]) == [
        ("/items/sex", "信息项“性别”：新增（字段名 sex），字符型，长度 1，必填，值域 “1”、“2”"),
        ("/items/name/name", "信息项“名称”的信息项名称：“姓名” → “名称”"),
        ("/items/name/length", "信息项“名称”的长度：20 → 50"),
        ("/items/name/required", "信息项“名称”的必填：否 → 是"),
        ("/items/name/unit", "信息项“名称”的计量单位：无 → “字”"),
        ("/items/born", "信息项“出生日期”：删除（字段名 born）"),
    ]
    english = [found.en for found in item_differences(parse_items([born, NAME]), parse_items([sex, renamed]))]
    assert english[0] == 'item "性别": added (field name sex), characters, length 1, required, enumeration "1", "2"'
    assert english[2] == 'item "名称", length: 20 → 50'
    assert english[-1] == 'item "出生日期": removed (field name born)'


def test_formats_and_enumerations_are_told_in_words() -> None:
    old = NAME | {"enumeration": ["甲", "乙"]}
    assert between([old], [NAME | {"enumeration": ["乙", "丙"], "format": None}]) == [
        ("/items/name/enumeration", "信息项“姓名”的值域：增加 “丙”；删去 “甲”")
    ]
    assert between([old], [NAME | {"enumeration": ["乙", "甲"]}]) == [
        ("/items/name/enumeration", "信息项“姓名”的值域：顺序调整")
    ]
    assert between([NAME], [NAME | {"format": "uscc"}]) == [
        ("/items/name/format", f"信息项“姓名”的格式：无 → {ItemFormat.USCC.zh}")
    ]


def test_items_within_items_are_told_with_the_way_to_them() -> None:
    copies = {"field_name": "copies", "name": "份数", "data_type": "I", "minimum": 1}
    told = PAPERS | {"many": True, "items": [copies | {"minimum": 0}, NAME | {"length": 30}]}
    assert between([PAPERS | {"items": [NAME, copies]}], [told]) == [
        ("/items/papers/many", "信息项“材料”的可重复：否 → 是"),
        ("/items/papers/items/copies/minimum", "信息项“材料/份数”的最小值：1 → 0"),
        ("/items/papers/items/name/length", "信息项“材料/姓名”的长度：20 → 30"),
        ("/items/papers/items", "信息项“材料”的下级信息项：顺序调整"),
    ]
    assert between([PAPERS], [{**PAPERS, "items": None}]) == [
        ("/items/papers/items", "信息项“材料”的下级信息项：删去 “姓名”")
    ]
    assert item_words(parse_items([PAPERS])[0]) == (
        "通用型，下级信息项 “姓名”",
        'general (file, or group of items), items within "姓名"',
    )


def test_a_new_order_is_told_and_nothing_else_is() -> None:
    other = NAME | {"field_name": "alias", "name": "别名"}
    assert between([NAME, other], [other, NAME]) == [("/items", "信息项：顺序调整")]
    assert between([NAME, other], [NAME, other]) == []


@pytest.mark.usefixtures("unmeasured")
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(item_lists, item_lists)
def test_versions_differ_exactly_if_something_is_told(old: list[Item], new: list[Item]) -> None:
    found = version_differences(Said(METADATA, old), Said(METADATA, new))
    assert bool(found) is (old != new)
    assert version_differences(Said(METADATA, old), Said(METADATA, old)) == ()
    assert all(each.zh and each.en for each in found)
    assert len({each.field for each in found}) == len(found)


def test_long_values_are_cut() -> None:
    assert value_words("长" * 300)[0] == f"“{'长' * MAX_TEXT}…”"
    many = tuple(range(50))
    zh, en = change_words(("值域", "enumeration"), (), many)
    assert zh.endswith("、19 等 50 个")
    assert en.endswith("19 and 30 more")
    assert MAX_LISTED == 20


def test_numbers_keep_their_digits_and_flags_are_words() -> None:
    assert value_words(0.5) == ("0.5", "0.5")
    assert value_words(True) == ("是", "yes")
    assert value_words(()) == ("无", "none")
