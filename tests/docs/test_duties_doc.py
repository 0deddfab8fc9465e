"""`docs/duties.md` has every rule that comes with the hub."""

import pytest

from hub.duties.calendar import announced
from hub.duties.profiles import shipped
from hub.duties.table import BEGIN, END, renewed, rules_table
from tests.docs.pages import page

PAGE = page("docs/duties.md")


def test_the_page_is_up_to_date() -> None:
    assert renewed(PAGE) == PAGE


def test_every_rule_is_in_the_table_with_its_words_and_what_nobody_compared_says_so() -> None:
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in rules_table().splitlines() if line[:1] == "|"}
    for rule in shipped():
        row = rows["、".join((rule.code, *rule.also))]
        assert rule.basis.text in row
        assert ("请以正式文件为准" in row) is not rule.verified


def test_the_years_of_the_library_are_those_that_the_page_names() -> None:
    first, last = min(announced().years), max(announced().years)
    assert f"{first} 至 {last} 年" in PAGE
    assert f"for {first} to {last}" in PAGE


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="substring"):
        renewed(PAGE.replace(BEGIN, "").replace(END, ""))


@pytest.mark.parametrize(
    ("code", "time"),
    [
        ("D2", "10 个工作日 / working days"),
        ("D5", "10 个工作日，可延 5 个工作日 / working days, 5 working days more if approved"),
        ("D13、L11", "2 月底 / last of 02；重复 / repeats"),
        ("L10", "3 月 31 日 / 03-31；重复 / repeats"),
        ("L1", "24 小时 / hours"),
        ("L4", "之前 2 个工作日 / working days before"),
        ("L9-1", "满 1 年 / anniversary"),
        ("L18-2", "2015 年 6 月 30 日 / 2015-06-30"),
    ],
)
def test_the_table_says_how_long(code: str, time: str) -> None:
    (row,) = [line for line in rules_table().splitlines() if line.startswith(f"| {code} |")]
    assert f"| {time} |" in row
