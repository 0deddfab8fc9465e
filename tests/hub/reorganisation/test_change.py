"""Of what form a change of organisations must be, whatever is there."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from hub.errors import InvalidInput
from hub.reorganisation.change import Change, checked, from_json, pointer_to
from hub.reorganisation.models import Kind
from tests.support.registry import example_code

A, B, C = (UUID(int=number) for number in (1, 2, 3))
DAY = date(2026, 9, 1)
MERGER = Change(Kind.MERGER, "临机编发〔2026〕12号", DAY, (A, B), (C,))
SPLIT = Change(Kind.SPLIT, "依据", DAY, (A,), (B, C))
TRANSFER = Change(Kind.TRANSFER, "依据", DAY, (A,), (B,), resources={"306001000001/000001": B})
RENAMING = Change(Kind.RENAMING, "依据", DAY, (A,), name="新局")
ABOLITION = Change(Kind.ABOLITION, "依据", DAY, (A,))


@pytest.mark.parametrize("change", [MERGER, SPLIT, TRANSFER, RENAMING, ABOLITION], ids=lambda change: change.kind.value)
def test_what_is_kept_of_a_change_says_all_of_it(change: Change) -> None:
    whole = replace(change, basis="依据", staff={A: B} if change.kind is Kind.SPLIT else {})
    assert from_json(whole.to_json()) == whole
    assert checked(change) == change


def test_everything_that_may_be_assigned_is_kept() -> None:
    full = replace(
        SPLIT,
        resources={"306001000001/000001": B},
        systems={"one": C},
        children={UUID(int=9): B},
        staff={UUID(int=8): C},
        people={UUID(int=7): C},
        publishers={"306001000001/000001": "one"},
    )
    assert from_json(full.to_json()) == checked(full) == full


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        (MERGER, {A, B}),
        (replace(MERGER, targets=(B,)), {A}),
        (SPLIT, {A}),
        (replace(SPLIT, targets=(A, B)), set()),
        (TRANSFER, set()),
        (RENAMING, set()),
        (ABOLITION, {A}),
    ],
)
def test_who_gives_all_away_ends(change: Change, ends: set[UUID]) -> None:
    assert change.ends == ends


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (replace(MERGER, basis="  "), "/basis"),
        (replace(MERGER, sources=(A, A)), "/from"),
        (replace(MERGER, sources=()), "/from"),
        (replace(MERGER, sources=(C,)), "/from"),
        (replace(MERGER, targets=()), "/to"),
        (replace(MERGER, targets=(B, C)), "/to"),
        (replace(MERGER, resources={"x": C}), "/resources"),
        (replace(MERGER, staff={UUID(int=8): A}), f"/staff/{UUID(int=8)}"),
        (replace(MERGER, name="新局"), "/name"),
        (replace(SPLIT, sources=(A, B)), "/from"),
        (replace(SPLIT, targets=(B,)), "/to"),
        (replace(SPLIT, targets=(B, B)), "/to"),
        (replace(SPLIT, resources={"306/1": UUID(int=9)}), "/resources/306~11"),
        (replace(TRANSFER, targets=()), "/to"),
        (replace(TRANSFER, targets=(A,), resources={"x": A}), "/to"),
        (replace(TRANSFER, resources={}), "/resources"),
        (replace(RENAMING, name=None), "/name"),
        (replace(RENAMING, name=" "), "/name"),
        (replace(RENAMING, name_en="a\nb"), "/name_en"),
        (replace(RENAMING, code="11621124MB00000001"), "/code"),
        (replace(RENAMING, targets=(B,)), "/to"),
        (replace(RENAMING, publishers={"x": "y"}), "/publishers"),
        (replace(ABOLITION, targets=(B,)), "/to"),
        (replace(ABOLITION, staff={UUID(int=8): B}), "/staff"),
    ],
)
def test_what_nothing_could_make_right_is_refused_by_its_field(change: Change, pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(change)
    assert [error.pointer for error in caught.value.errors] == [pointer]


def test_texts_are_trimmed_and_a_code_is_one() -> None:
    code = example_code(7)
    found = checked(replace(RENAMING, basis=" 依据 ", name=" 新局 ", name_en=" New ", code=code))
    assert (found.basis, found.name, found.name_en, found.code) == ("依据", "新局", "New", code)


def test_a_pointer_escapes_what_a_code_holds() -> None:
    assert pointer_to("resources", "306~/1") == "/resources/306~0~11"
