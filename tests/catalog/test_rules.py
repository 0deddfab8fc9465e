"""The guideline's rules on a description; each violation has field, rule, reason and cure."""

from typing import Any
from uuid import UUID

import pytest

from catalog.codes import ShareType, UpdateCycle
from catalog.errors import InvalidResource
from catalog.rules import Description, check_reason, description_violations

PLAIN: dict[str, Any] = {
    "name": "办事指南",
    "summary": "救灾救济事项的办事指南",
    "provider_id": UUID(int=1),
    "provider_code": "11320982014392332G",
    "system_id": UUID(int=2),
    "share_type": ShareType.UNCONDITIONAL,
    "update_cycle": UpdateCycle.IRREGULAR,
}


def broken(**changed: Any) -> list[tuple[str, str]]:
    """Return field and rule of each violation of the plain description with these changes."""
    found = list(description_violations(Description(**PLAIN | changed)))
    assert all(violation.zh and violation.en for violation in found)
    return [(violation.field, violation.rule) for violation in found]


@pytest.mark.parametrize("condition", [None, "", " ", "无条件", "无条件共享"])
def test_cat_01_an_unconditional_resource_says_so_or_nothing(condition: str | None) -> None:
    assert broken(share_condition=condition) == []


def test_cat_01_an_unconditional_resource_takes_no_condition() -> None:
    assert broken(share_condition="须经审批") == [("/share_condition", "CAT-01")]


def test_cat_02_a_conditional_resource_states_its_condition() -> None:
    for missing in (None, "", "  "):
        assert broken(share_type=ShareType.CONDITIONAL, share_condition=missing) == [("/share_condition", "CAT-02")]
    assert broken(share_type=ShareType.CONDITIONAL, share_condition="业务协同") == []


def test_cat_03_a_resource_that_is_not_shared_cites_its_basis() -> None:
    for missing in (None, "", "领导要求"):
        assert broken(share_type=ShareType.NOT_SHARED, no_share_basis=missing) == [("/no_share_basis", "CAT-03")]
    assert broken(share_type=ShareType.NOT_SHARED, no_share_basis="《中华人民共和国统计法》第二十五条") == []


def test_cat_06_the_providers_code_has_the_form_of_the_standard() -> None:
    assert broken(provider_code="11320982014392332A") == [("/provider_code", "CAT-06")]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": " "}, "/name"),
        ({"name": "名" * 101}, "/name"),
        ({"name": "a\x00"}, "/name"),
        ({"summary": ""}, "/summary"),
        ({"summary": "摘" * 1001}, "/summary"),
    ],
)
def test_name_and_summary_are_required_and_limited(changed: dict[str, str], field: str) -> None:
    assert broken(**changed) == [(field, "text")]


def test_full_width_blanks_and_line_ends_are_text() -> None:
    assert broken(summary="第一行\n第二行　完") == []


def test_all_violations_are_told_at_once() -> None:
    assert broken(name="", share_condition="须审批", provider_code="1") == [
        ("/name", "text"),
        ("/share_condition", "CAT-01"),
        ("/provider_code", "CAT-06"),
    ]


def test_a_reason_is_stripped_and_must_be_given() -> None:
    assert check_reason("  机构调整 ") == "机构调整"
    for wrong in ("", "  ", "理" * 1001, "理\x00由", "理\ud800由"):
        with pytest.raises(InvalidResource) as refused:
            check_reason(wrong)
        assert refused.value.field == "/reason"
