"""What stands in one cell, whatever way it is stored: shared or inline text, number, date, logical value, formula.

Dates come as ISO 8601 text by the workbook's own day count, numbers as the shortest decimal text. A formula is never
evaluated, nor is the value believed that some program kept beside it: the cell is known to hold a formula, and no more.
"""

import re
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final, NamedTuple

_EXACT: Final = 10**15
"""A double keeps fifteen digits: a longer number has lost its end."""

_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")  # ST_Xstring: characters that XML does not carry

_LOOKS_ESCAPED: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_UNCARRIED: Final = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")

# ECMA-376, 18.8.30: built-in formats that show dates and times, those of Chinese, Japanese and Korean editions included.
_DATE_FORMATS: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_LITERALS: Final = re.compile(r'"[^"]*"|\\.|\[(?![hms]+\])[^\]]*\]|_.|\*.', re.IGNORECASE)
_DATE_LETTERS: Final = re.compile(r"[ymdhs年月日时分秒]", re.IGNORECASE)

_EPOCH_1900: Final = datetime(1899, 12, 30)  # noqa: DTZ001  a cell's date has no zone
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
_LAST_SERIAL: Final = 2_958_465  # 9999-12-31
_LEAP_DAY_THAT_NEVER_WAS: Final = 60  # 1900-02-29, which spreadsheets count


class Kind(Enum):
    """What a cell holds."""

    TEXT = auto()
    NUMBER = auto()
    IMPRECISE = auto()  # a number whose last digits are lost
    DATE = auto()
    FLAG = auto()
    ERROR = auto()
    FORMULA = auto()


class Cell(NamedTuple):
    """A cell with content: `text` is ISO 8601 for a date, 0 or 1 for a logical value, empty for formula and error."""

    kind: Kind
    text: str


def text_cell(text: str) -> Cell:
    """Return a cell with this text."""
    return Cell(Kind.TEXT, text)


def number_cell(raw: str, *, is_date: bool, from_1904: bool) -> Cell:
    """Return the cell of a stored number, a date if its format shows one and the number is a day of the calendar."""
    try:
        number = float(raw)
        if is_date and (moment := moment_of(number, from_1904=from_1904)) is not None:
            return Cell(Kind.DATE, moment)
        whole = int(number)
    except (ValueError, OverflowError):
        return Cell(Kind.ERROR, "")
    text = str(whole) if whole == number else repr(number)
    return Cell(Kind.IMPRECISE if abs(number) >= _EXACT else Kind.NUMBER, text)


def moment_of(serial: float, *, from_1904: bool) -> str | None:
    """Return the ISO 8601 date, or date and time, that a serial counts to; None outside the calendar of spreadsheets."""
    base = _EPOCH_1904 if from_1904 else _EPOCH_1900
    if not from_1904 and serial < _LEAP_DAY_THAT_NEVER_WAS:
        base += timedelta(days=1)
    if not 0 <= serial <= _LAST_SERIAL:
        return None
    moment = base + timedelta(seconds=round(serial * 86_400))
    return moment.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat()


def shows_dates(code: str) -> bool:
    """Return whether a number format of one's own shows a date or a time."""
    return _DATE_LETTERS.search(_LITERALS.sub("", code.split(";")[0])) is not None


def is_date_format(number: int) -> bool:
    """Return whether a built-in number format shows a date or a time."""
    return number in _DATE_FORMATS


def unescaped(text: str) -> str:
    """Return the text with `_x000D_` and its like turned into the characters that they stand for."""
    if "_x" not in text:
        return text
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def escaped(text: str) -> str:
    """Return the text with what XML does not carry, and what looks like an escape, written as escapes."""
    if "_x" in text:
        text = _LOOKS_ESCAPED.sub("_x005F_", text)
    return _UNCARRIED.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
