"""Amounts of money: the patterns of a range say of every amount what arithmetic says."""

import re
import time
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.compiler import compile_schema
from catalog.money import above_pattern, below_pattern, is_amount
from catalog.schema import DIALECT

signs = st.sampled_from(["", "-"])
wholes = st.integers(0, 10**18 - 1).map(str) | st.sampled_from(["0", "9", "10", "99", "100", "999999999999999999"])
fractions = (
    st.just("") | st.text("0123456789", min_size=1, max_size=6).map(".{}".format) | st.sampled_from([".0", ".000000"])
)
amounts = st.builds("{}{}{}".format, signs, wholes, fractions)


@st.composite
def near(draw: st.DrawFn) -> tuple[str, str]:
    """Two amounts, the second often a digit away from the first."""
    one = draw(amounts)
    place = draw(st.integers(0, len(one) - 1))
    other = one[:place] + draw(st.sampled_from("0123456789")) + one[place + 1 :]
    cut = one[: draw(st.integers(1, len(one)))]
    return one, draw(
        st.sampled_from([text for text in (other, cut, one + "0", draw(amounts)) if is_amount(text)] or [one])
    )


@given(near())
@example(("0", "-0.00"))
@example(("0.05", "0.0"))
@example(("-0.1", "0"))
def test_the_patterns_compare_as_decimals_do(pair: tuple[str, str]) -> None:
    bound, amount = pair
    assert (re.search(below_pattern(bound), amount) is not None) is (Decimal(amount) < Decimal(bound))
    assert (re.search(above_pattern(bound), amount) is not None) is (Decimal(amount) > Decimal(bound))


@given(amounts)
def test_the_linear_engine_takes_the_patterns(bound: str) -> None:
    for pattern in (below_pattern(bound), above_pattern(bound)):
        assert compile_schema({"$schema": DIALECT, "pattern": pattern}).is_valid(bound) is False
        assert not re.search(r"\(\?[=!<]|\\[1-9]", pattern)


def test_a_long_text_takes_linear_time() -> None:
    validator = compile_schema({"$schema": DIALECT, "not": {"pattern": above_pattern("123456789.123456")}})
    began = time.thread_time()
    validator.is_valid("9" * 1_000_000 + "x")
    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize(
    "text", ["", "1,000", "1e3", ".5", "01", "5.", "1.1234567", "1234567890123456789", "１", "1\n"]
)
def test_other_texts_are_no_amounts(text: str) -> None:
    assert not is_amount(text)
