"""The formats 格式 that a text item may name: which texts each takes, an example, and what its senders are told.

In a derived schema a format stands beside a `pattern`, which any implementation can judge and which catches most faults;
what no pattern sees, check characters and days of the calendar, is judged here. A name that another implementation does
not know is an annotation to it. No verdict depends on the day it is given: a payload is judged again years later.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from catalog.codes import ItemFormat
from catalog.errors import InvalidIdentifier
from catalog.identifiers import (
    DOCUMENT_NUMBER_PATTERN,
    LICENCE_PATTERN,
    REGION_PATTERN,
    USCC_PATTERN,
    check_citizen_id,
    check_document_number,
    check_licence_id,
    check_region,
    check_uscc,
)

LAST_BIRTH: Final = date(2099, 12, 31)
"""No citizen id in a payload names a later birth; whether one lies ahead of today is for whoever knows the day."""

PERSONAL: Final = frozenset({ItemFormat.CITIZEN_ID})
"""Formats whose values are personal data whatever the item is called: sensitive, with no examples but ours."""

_MONTH: Final = "(?:0[1-9]|1[0-2])"
_DAY: Final = rf"{_MONTH}(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK: Final = "(?:[01][0-9]|2[0-3]){0}[0-5][0-9]{0}[0-5][0-9]"


@dataclass(frozen=True, slots=True)
class Format:
    """`pattern`: without anchors, for any linear engine; `shortest` and `longest`: code points; `zh`, `en`: for senders."""

    pattern: str
    takes: Callable[[str], bool]
    shortest: int
    longest: int
    example: str
    zh: str
    en: str

    @property
    def anchored(self) -> str:
        """The pattern as it stands in a schema."""
        return f"^(?:{self.pattern})$"


def _passes(check: Callable[[str], None]) -> Callable[[str], bool]:
    """Return the check as a predicate, which is what a validator calls and which never raises."""

    def takes(text: str) -> bool:
        try:
            check(text)
        except InvalidIdentifier:
            return False
        return True

    return takes


def _matches(pattern: str, holds: Callable[[str], bool] = lambda _: True) -> Callable[[str], bool]:
    form = re.compile(pattern)
    return lambda text: form.fullmatch(text) is not None and holds(text)


def _begins_with_day(digits: str) -> bool:
    """True if the first eight digits are a day of the calendar."""
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return True


def _begins_with_year(digits: str) -> bool:
    return not digits.startswith("0000")  # no calendar has a year 0


def _calendar(pattern: str, holds: Callable[[str], bool], example: str, name_zh: str, name_en: str) -> Format:
    """Return a format of a fixed shape, apart from the T that may be left out, whose message shows an example."""
    zh = f"应为真实存在的{name_zh}，写作 {example}"
    en = f"must be a {name_en} that exists, written {example}"
    shortest = len(example) - example.count("T")
    return Format(pattern, _matches(pattern, holds), shortest, len(example), example, zh, en)


FORMATS: Final[Mapping[ItemFormat, Format]] = {
    ItemFormat.USCC: Format(
        USCC_PATTERN,
        _passes(check_uscc),
        18,
        18,
        "11621124000000000N",
        "应为 18 位统一社会信用代码（数字和大写字母，末位为校验位），请按证书核对",
        "must be a unified social credit code, 18 characters with a check character; compare it with the certificate",
    ),
    ItemFormat.CITIZEN_ID: Format(
        f"{REGION_PATTERN}(?:18|19|20)[0-9]{{2}}{_DAY}[0-9]{{3}}[0-9X]",
        _passes(partial(check_citizen_id, on=LAST_BIRTH)),
        18,
        18,
        "621124199001010002",
        "应为 18 位公民身份号码（末位为校验位，X 须大写），请按证件核对",
        "must be a citizen id, 18 characters with a check character (capital X); compare it with the document",
    ),
    ItemFormat.REGION: Format(
        REGION_PATTERN,
        _passes(check_region),
        6,
        6,
        "621124",
        "应为六位行政区划代码（GB/T 2260），如 621124",
        "must be a region code of six digits (GB/T 2260), such as 621124",
    ),
    ItemFormat.LICENCE_ID: Format(
        LICENCE_PATTERN,
        _passes(check_licence_id),
        51,
        126,
        "1.2.156.3005.2.11100000000013338W032.11621124013912345D.2026000001.001.4",
        "应为电子证照标识（1.2.156.3005.2. 起头，末位为校验位），请从证照文件中复制",
        "must be a licence identifier, from 1.2.156.3005.2. to its check character; copy it from the licence",
    ),
    ItemFormat.DOCUMENT_NUMBER: Format(
        DOCUMENT_NUMBER_PATTERN,
        _passes(check_document_number),
        8,
        24,
        "临政办发〔2017〕55号",
        "应为发文字号，如 临政办发〔2017〕55号；年份用六角括号〔〕（也接受 [2017] 或不加括号），不加“第”，顺序号不编虚位",
        "must be a document number such as 临政办发〔2017〕55号; the year in 〔〕 (also [2017] or bare), no 第, no leading zero",
    ),
    ItemFormat.TIME: _calendar(
        f"[0-9]{{4}}{_DAY}T?{_CLOCK.format('')}",
        _begins_with_day,
        "20260131T090000",
        "时间（T 可省略，不带时区）",
        "time (with or without the T, without offset)",
    ),
    ItemFormat.COLON_TIME: _calendar(
        f"[0-9]{{4}}{_DAY}{_CLOCK.format(':')}", _begins_with_day, "2026013109:00:00", "时间", "time"
    ),
    ItemFormat.DAY: _calendar(f"[0-9]{{4}}{_DAY}", _begins_with_day, "20260131", "日期", "day"),
    ItemFormat.MONTH: _calendar(f"[0-9]{{4}}-{_MONTH}", _begins_with_year, "2026-01", "月份", "month"),
    ItemFormat.YEAR: _calendar("[0-9]{4}", _begins_with_year, "2026", "年份", "year"),
}

PREDICATES: Final[Mapping[str, Callable[[str], bool]]] = {name.value: form.takes for name, form in FORMATS.items()}
"""For the compiler of schemas: by the name in the schema."""
