"""Amounts of money 货币型: decimal texts, and ranges of them as patterns, for JSON Schema compares no texts.

The patterns hold no look-around and no back-reference, so any engine judges them, a linear one in linear time. They are
meant for texts that are amounts; what they say of others is of no account.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

# 18 digits before the point hold any budget; six after it hold the fen when the unit is 万元.
MONEY_PATTERN: Final = r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,6})?$"
_FORM: Final = re.compile(MONEY_PATTERN[1:-1])
_ANY: Final = r"[0-9]+(?:\.[0-9]+)?"


def is_amount(text: str) -> bool:
    """Return True if the text is an amount as a payload writes it: no separators, no exponent, at most six decimals."""
    return _FORM.fullmatch(text) is not None


def below_pattern(bound: str) -> str:
    """Return a pattern that matches the amounts less than `bound`, which is an amount itself."""
    value = Decimal(bound)
    if value > 0:
        return f"^(?:-{_ANY}|{_lesser(abs(value))})$"
    return f"^-(?:{_greater(abs(value))})$"


def above_pattern(bound: str) -> str:
    """Return a pattern that matches the amounts greater than `bound`, which is an amount itself."""
    value = Decimal(bound)
    if value < 0:
        return f"^(?:{_ANY}|-(?:{_lesser(abs(value))}))$"
    return f"^(?:{_greater(abs(value))})$"


def _greater(value: Decimal) -> str:
    """Match the magnitudes greater than `value`: a greater whole part, or the same and a greater fraction."""
    whole, fraction = _parts(value)
    longer = [rf"[1-9][0-9]{{{len(whole)},}}(?:\.[0-9]+)?"]
    same_length = [
        rf"{whole[:place]}[{_next(digit)}-9][0-9]{{{len(whole) - place - 1}}}(?:\.[0-9]+)?"
        for place, digit in enumerate(whole)
        if digit != "9"
    ]
    return "|".join(longer + same_length + [rf"{whole}\.{rest}" for rest in _greater_fractions(fraction)])


def _lesser(value: Decimal) -> str:
    """Match the magnitudes less than `value`, which is not 0: a lesser whole part, or the same and a lesser fraction."""
    whole, fraction = _parts(value)
    matches = [rf"[0-9]{{1,{len(whole) - 1}}}(?:\.[0-9]+)?"] if len(whole) > 1 else []
    matches += [
        rf"{whole[:place]}[0-{_before(digit)}][0-9]{{{len(whole) - place - 1}}}(?:\.[0-9]+)?"
        for place, digit in enumerate(whole)
        if digit != "0"
    ]
    if fraction:
        matches += [whole, *(rf"{whole}\.{rest}" for rest in _lesser_fractions(fraction))]
    return "|".join(matches)


def _greater_fractions(fraction: str) -> Iterator[str]:
    for place, digit in enumerate(fraction):
        if digit != "9":
            yield f"{fraction[:place]}[{_next(digit)}-9][0-9]*"
    yield f"{fraction}0*[1-9][0-9]*"


def _lesser_fractions(fraction: str) -> Iterator[str]:
    for place, digit in enumerate(fraction):
        if digit != "0":
            yield f"{fraction[:place]}[0-{_before(digit)}][0-9]*"
        if place:
            yield f"{fraction[:place]}0*"


def _parts(value: Decimal) -> tuple[str, str]:
    """Return the digits before the point and those after it, without zeros at the end."""
    whole, _, fraction = f"{value:f}".partition(".")
    return whole, fraction.rstrip("0")


def _next(digit: str) -> str:
    return str(int(digit) + 1)


def _before(digit: str) -> str:
    return str(int(digit) - 1)
