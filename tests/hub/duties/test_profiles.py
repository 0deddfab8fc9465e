"""The rules that come with the hub: well formed, complete, and honest about what nobody has compared."""

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from hub.access import deadlines
from hub.corrections import service as corrections
from hub.duties import profiles
from hub.duties.rule import Rule, faults, rule_of
from hub.duties.terms import Direction, Extension, Terms, Unit
from hub.publishing import owing

UNREAD = {"regulation-809", "guofa-51", "gaoping", "shanghai"}
"""Documents whose own words have not been compared."""

REFERENCE = {"lanzhou", "dafeng", "ningxia", "xinjin", "luobei", "gaoping", "shanghai"}


BEGUN = {deadlines.REVIEW, deadlines.PROVIDE, *deadlines.ANSWERS.values(), corrections.DUTY, owing.PUBLISH}
"""What acts of the hub make somebody owe."""


def test_what_nobody_declares_an_act_of_the_hub_begins() -> None:
    assert {rule.duty for rule in profiles.shipped() if not rule.declared} == BEGUN


@pytest.mark.parametrize("rule", profiles.shipped(), ids=lambda rule: rule.code)
def test_every_rule_is_well_formed_and_read_back_as_it_was_written(rule: Rule) -> None:
    assert faults(rule) == []
    assert rule_of(rule.as_data()) == rule


def test_there_is_a_profile_for_each_issuer_the_default_first_and_those_for_reference_last() -> None:
    found = profiles.profiles()
    assert found[0].name == "regulation-809"
    assert {one.zh for one in found} == {
        "条例809",
        "国发51",
        "临洮",
        "甘南",
        "国办发39",
        "兰州",
        "大丰",
        "宁夏",
        "新津",
        "萝北",
        "高平",
        "上海",
    }
    assert {one.name for one in found if one.reference} == REFERENCE
    assert [one.reference for one in found] == sorted(one.reference for one in found)


def test_codes_and_other_names_are_never_given_twice() -> None:
    names = Counter(name for rule in profiles.shipped() for name in (rule.code, *rule.also))
    assert names.most_common(1)[0][1] == 1


def test_what_nobody_compared_says_so() -> None:
    for rule in profiles.shipped():
        assert rule.verified is (rule.profile not in UNREAD), rule.code


def test_no_text_holds_a_telephone_number() -> None:
    for rule in profiles.shipped():
        assert not re.search(r"\d{7,}", rule.basis.text), rule.code


def code_in_force(duty: str, on: str) -> str | None:
    found = profiles.in_force(duty, date.fromisoformat(on))
    return None if found is None else found.code


def test_the_youngest_rule_that_is_not_for_reference_is_in_force() -> None:
    assert code_in_force("answer-conditional", "2025-08-01") == "D2"
    assert code_in_force("answer-conditional", "2025-07-31") == "D7"
    assert code_in_force("answer-conditional", "2016-01-01") is None
    assert code_in_force("update-catalogue", "2024-01-01") == "D8"
    assert code_in_force("restore-power-item", "2026-01-01") == "L5"  # not 兰州's
    assert code_in_force("check-request", "2026-01-01") is None
    assert profiles.named("L11") is profiles.named("D13")
    assert profiles.named("D99") is None


D5 = profiles.named("D5")
D13 = profiles.named("D13")
assert D5 is not None
assert D13 is not None


@pytest.mark.parametrize(
    ("rule", "pointers"),
    [
        (replace(D5, code="D 5"), ["/code"]),
        (replace(D5, duty="Update"), ["/duty"]),
        (replace(D5, trigger="outdated"), ["/trigger"]),
        (replace(D5, title_zh=" ", title_en="x" * 201), ["/title/zh", "/title/en"]),
        (replace(D5, issuer="\ud800"), ["/issuer"]),
        (replace(D5, basis=replace(D5.basis, text="", document="a\nb", article="x" * 201)),
         ["/basis/document", "/basis/text", "/basis/article"]),
        (replace(D5, note_zh="\u200b"), ["/note/zh"]),
    ],
)  # fmt: skip
def test_a_name_or_text_that_is_not_well_formed_is_named(rule: Rule, pointers: list[str]) -> None:
    assert [fault.pointer for fault in faults(rule)] == pointers


@pytest.mark.parametrize(
    ("changed", "pointers"),
    [
        ({"amount": 0}, ["/amount"]),
        ({"amount": 10_001, "cap": None}, ["/amount"]),
        ({"month": 2, "day": 1}, ["/month", "/day"]),
        ({"year": 2026}, ["/year"]),
        ({"moves": True}, ["/moves"]),
        ({"cap": 14}, ["/cap"]),
        ({"cap": 10**30}, ["/cap"]),
        ({"extension": None}, ["/cap"]),
        ({"extension": Extension(5, Unit.DAY)}, ["/cap"]),
        ({"extension": Extension(0, Unit.WORKING_DAY)}, ["/extension"]),
        ({"extension": Extension(5, Unit.DATE), "cap": None}, ["/extension"]),
        ({"direction": Direction.BEFORE}, ["/extension"]),
    ],
)
def test_terms_in_working_days_that_cannot_be_counted_are_named(changed: dict[str, Any], pointers: list[str]) -> None:
    assert D5 is not None
    assert [fault.pointer for fault in faults(replace(D5, terms=replace(D5.terms, **changed)))] == pointers


@pytest.mark.parametrize(
    ("changed", "pointers"),
    [
        ({"month": None}, ["/day"]),
        ({"day": None}, ["/day"]),
        ({"month": 13}, ["/month"]),
        ({"day": 0}, ["/day"]),
        ({"day": 32}, ["/day"]),
        ({"year": 1969}, ["/year"]),
        ({"year": 2026, "amount": 2}, ["/year"]),
        ({"year": 2026, "month": None, "day": None}, ["/day"]),
        ({"amount": 51}, ["/amount"]),
        ({"direction": Direction.BEFORE}, ["/direction"]),
        ({"moves": True}, []),
    ],
)
def test_dates_that_cannot_be_counted_are_named(changed: dict[str, Any], pointers: list[str]) -> None:
    assert D13 is not None
    assert [fault.pointer for fault in faults(replace(D13, terms=replace(D13.terms, **changed)))] == pointers


def test_days_that_give_way_are_counted_forward() -> None:
    assert D5 is not None
    back = Terms(2, Unit.DAY, Direction.BEFORE, moves=True)
    assert [fault.pointer for fault in faults(replace(D5, terms=back))] == ["/moves"]
