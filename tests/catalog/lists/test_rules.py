"""A resource that says which list it is has what the documents prescribe for that list."""

from typing import Any

import pytest

from catalog.codes import DataType
from catalog.items import Item
from catalog.lists import list_type
from catalog.lists.list_type import ListType
from catalog.metadata import Metadata, parse_metadata
from catalog.rules import Registration, registration_violations


def type_of(key: str) -> ListType:
    found = list_type(key)
    assert found is not None
    return found


def metadata_of(described: ListType, **changed: Any) -> Metadata:
    return parse_metadata(described.described() | changed)


def broken(described: ListType, items: list[Item], **changed: Any) -> list[tuple[str, str]]:
    """The pointers of broken rules of lists, with their Chinese texts."""
    registration = Registration(described.classification, metadata_of(described, **changed), None, items)
    return [(found.field, found.zh) for found in registration_violations(registration) if found.rule == "LIST"]


def changed(described: ListType, field: str, **values: Any) -> list[Item]:
    """The type's items, one of them with these values."""
    return [item.model_copy(update=values) if item.field_name == field else item for item in described.items]


def test_a_list_of_poverty_projects_without_the_approval_number_is_refused() -> None:
    described = type_of("poverty-projects")
    kept = [item for item in described.items if item.field_name != "approval_number"]
    ((field, zh),) = broken(described, kept)
    assert field == "/items"
    assert "审批文号" in zh
    assert "《临洮县扶贫清单上网发布管理办法(试行)》第三条" in zh


def test_further_items_and_other_keys_are_the_editors_own() -> None:
    described = type_of("poverty-projects")
    more = Item(field_name="village", name="所在村", data_type=DataType.C, length=50)
    kept = [item for item in described.items if item.field_name not in ("project_code", "is_example")]
    assert broken(described, [*kept, more]) == []


def test_without_a_type_nothing_is_prescribed() -> None:
    described = type_of("poverty-projects")
    assert broken(described, list(described.items[:1]), list_type=None) == []


def test_an_unknown_type_is_named_with_those_that_there_are() -> None:
    described = type_of("poverty-projects")
    ((field, zh),) = broken(described, list(described.items), list_type="poverty")
    assert field == "/list_type"
    assert "poverty-projects 扶贫项目清单" in zh


@pytest.mark.parametrize(
    ("key", "field", "values", "attribute"),
    [
        ("poverty-projects", "investment", {"unit": "元"}, "unit"),
        ("poverty-projects", "investment", {"unit": None, "data_type": DataType.N}, "data_type"),
        ("poverty-projects", "approval_number", {"required": False}, "required"),
        ("poverty-projects", "approval_number", {"name": "文号"}, "name"),
        ("power-list-table3", "open_scope", {"enumeration": ("向社会公开",)}, "enumeration"),
        ("power-list-table3", "fee_basis", {"enumeration": ("无",)}, "enumeration"),
        ("power-list-annex7", "legal_basis", {"pattern": None}, "pattern"),
        ("post-holders", "mobile", {"sensitive": False}, "sensitive"),
        ("power-list", "power_code", {"key": False}, "key"),
        ("power-list", "limit_amount", {"unit": None}, "unit"),
    ],
)
def test_a_prescribed_item_that_is_otherwise_than_prescribed_is_refused(
    key: str, field: str, values: dict[str, Any], attribute: str
) -> None:
    described = type_of(key)
    index = [item.field_name for item in described.items].index(field)
    assert f"/items/{index}/{attribute}" in [
        found for found, _ in broken(described, changed(described, field, **values))
    ]


def test_a_power_that_cannot_say_that_it_is_suspended_is_refused_with_the_article() -> None:
    described = type_of("power-list")
    kept = [item for item in described.items if item.field_name != "suspension_document"]
    ((_, zh),) = broken(described, kept)
    assert "《临洮县权责清单管理办法(试行)》第九条" in zh


def test_the_name_that_another_document_gives_an_item_is_as_good() -> None:
    described = type_of("approval-items")
    assert broken(described, changed(described, "handling_office", name="承办处室")) == []
    assert broken(described, changed(described, "handling_office", name="承办人")) != []
