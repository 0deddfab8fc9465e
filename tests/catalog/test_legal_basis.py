"""How a basis in law is written."""

import re

import pytest

from catalog.legal_basis import LEGAL_BASIS_PATTERN, Rank, basis_faults, rank_of
from catalog.lists import list_type

FORM = re.compile(LEGAL_BASIS_PATTERN)


@pytest.mark.parametrize(
    "text",
    [
        "《中华人民共和国行政许可法》",
        "《宪法》",
        "《中华人民共和国民法典》第一条：内容",
        "全国人大《中华人民共和国水法》第七条",
        "《自然灾害救助条例》",
        "甘肃省人大常委会《甘肃省示例规定》",
        "国务院《关于示例的决定》（国发〔2014〕1号）",
        "住建部《示例管理办法》（住建部令第1号）第三条",
        "省政府《示例规定》(甘肃省人民政府令第100号)",
        "1.《中华人民共和国行政许可法》\n2.《自然灾害救助条例》",
    ],
)
def test_a_basis_in_the_prescribed_format_is_taken(text: str) -> None:
    assert FORM.fullmatch(text)


@pytest.mark.parametrize(
    "text",
    [
        "行政许可法",
        "《示例管理办法》",
        "《关于示例的决定》",
        "《中华人民共和国行政许可法》（主席令第7号）",
        "《自然灾害救助条例》（国务院令第577号）",
        "省政府《示例规定》（甘肃省人民政府令）",
        "《中华人民共和国行政许可法》\n《自然灾害救助条例》",
        "1.《中华人民共和国行政许可法》\n",
        "",
    ],
)
def test_a_basis_in_another_format_is_refused(text: str) -> None:
    assert FORM.fullmatch(text) is None


def test_the_list_that_prescribes_the_format_has_this_pattern() -> None:
    described = list_type("power-list-annex7")
    assert described is not None
    assert [item.pattern for item in described.items if item.field_name == "legal_basis"] == [LEGAL_BASIS_PATTERN]


@pytest.mark.parametrize(
    ("text", "rank"),
    [
        ("《中华人民共和国行政许可法》", Rank.LAW),
        ("《民法典》", Rank.LAW),
        ("《自然灾害救助条例》", Rank.REGULATION),
        ("国务院《示例决定》（国务院令第412号）", Rank.REGULATION),
        ("《示例管理办法》（住建部令第1号）", Rank.MINISTRY_RULE),
        ("省政府《示例规定》（甘肃省人民政府令第100号）", Rank.GOVERNMENT_RULE),
        ("《关于示例的通知》（甘政发〔2015〕1号）", Rank.DOCUMENT),
        ("没有书名号", None),
    ],
)
def test_the_rank_of_a_basis_is_seen_from_its_form(text: str, rank: Rank | None) -> None:
    assert rank_of(text) == rank


def test_several_bases_are_numbered_without_a_gap_and_ordered_by_rank() -> None:
    law, notice = "《中华人民共和国行政许可法》", "《关于示例的通知》（甘政发〔2015〕1号）"
    assert list(basis_faults(f"1.{law}\n2.{notice}")) == []
    assert list(basis_faults(notice)) == []
    assert len(list(basis_faults(f"{law}\n{notice}"))) == 1
    assert len(list(basis_faults(f"1.{law}\n3.{notice}"))) == 1
    assert len(list(basis_faults(f"1.{notice}\n2.{law}"))) == 1
