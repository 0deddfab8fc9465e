"""Statements are checked in their order, and the first that fails is the last."""

from __future__ import annotations

from typing import Any

from certs.errors import CertsError
from certs.statements import Sheet, Statement


class Fault(CertsError):
    """What a statement of these tests is refused with."""


def refuse(_: list[str]) -> bool:
    raise Fault(reason="no", zh="不", en="no")


def said(name: str, outcome: bool) -> Statement[list[str]]:
    def check(asked: list[str]) -> bool:
        asked.append(name)
        return outcome

    return Statement(name, "甲", "a", check)


def test_what_holds_and_what_is_absent_is_told_and_nothing_follows_what_fails() -> None:
    sheet, asked = Sheet(), list[str]()
    sheet.take_all([said("first", True), said("second", False)], asked)
    assert sheet.verdict().failed is None
    sheet.take_all([Statement("third", "丙", "c", refuse), said("fourth", True)], asked)
    assert [(one.name, one.outcome) for one in sheet.checked] == [
        ("first", "holds"), ("second", "absent"), ("third", "failed"),
    ]  # fmt: skip
    failed = sheet.verdict().failed
    assert failed is not None
    assert (failed.name, failed.fault and failed.fault.reason) == ("third", "no")
    assert asked == ["first", "second"]


def test_one_statement_gives_what_its_check_found() -> None:
    sheet = Sheet()
    assert sheet.take("size", "大小", "the size", lambda: 7) == 7
    assert sheet.take("none", "无", "none", lambda: refuse([])) is None
    assert [one.outcome for one in sheet.checked] == ["holds", "failed"]


def test_a_check_that_forgets_to_answer_does_not_end_the_verdict_early() -> None:
    sheet, asked = Sheet(), list[str]()
    silent: Any = lambda _: None  # noqa: E731
    sheet.take_all([Statement("first", "甲", "a", silent), Statement("second", "乙", "b", refuse)], asked)
    assert [one.outcome for one in sheet.checked] == ["holds", "failed"]
