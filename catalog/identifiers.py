"""Identifiers of the national standards and their check characters; knows no register, so it says what is well formed.

Refusals name the rule and the cure, never the value: a citizen id is personal data.
"""

import re
from datetime import date
from typing import NamedTuple

from catalog.errors import InvalidIdentifier

# GB 32100-2015: 31 characters, without I O S V Z, which are taken for digits and other letters.
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_USCC_FORM = re.compile(rf"[{USCC_ALPHABET}]{{2}}[0-9]{{6}}[{USCC_ALPHABET}]{{10}}")

_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_FORM = re.compile(r"[0-9A-Z]{8}")

_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"
_CITIZEN_FORM = re.compile(r"[0-9]{17}[0-9X]")
_CITIZEN_BODY_FORM = re.compile(r"[0-9]{17}")

# GB/T 2260: the first digit is the greater area, 1 华北 … 6 西北, 7 台湾, 8 香港 and 澳门.
_REGION_FORM = re.compile(r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12])(?:0000|(?!00)[0-9]{2}[0-9]{2})")

# 类(1) 项(2) 目(3) 细目(any) "/" 顺序码: 《政务信息资源目录编制指南》; the lengths are ours, to keep codes printable.
RESOURCE_PREFIX_FORM = re.compile(r"(?P<cls>[123])(?P<item>[0-9]{2})(?P<cat>[0-9]{3})(?P<detail>[0-9A-Za-z]{0,32})")
RESOURCE_CODE_FORM = re.compile(RESOURCE_PREFIX_FORM.pattern + r"/(?P<seq>[0-9]{1,18})")


class ResourceCode(NamedTuple):
    """The parts of 信息资源代码: class 类, item 项, catalogue 目, detail 细目, sequence 顺序码 (all text)."""

    cls: str
    item: str
    cat: str
    detail: str
    seq: str

    @property
    def prefix(self) -> str:
        """What stands before the `/`: the classification."""
        return f"{self.cls}{self.item}{self.cat}{self.detail}"


def uscc_check_character(body: str) -> str:
    """Return the 18th character for the first 17 of a 统一社会信用代码 (GB 32100-2015).

    Finds every substitution of one character, for 31 is prime and no weight is a multiple of it.
    Raises InvalidIdentifier if `body` is not 17 characters of the alphabet.
    """
    if len(body) != 17 or any(character not in USCC_ALPHABET for character in body):
        raise InvalidIdentifier(
            "统一社会信用代码前 17 位只能是数字和不含 I、O、S、V、Z 的大写字母",
            "the first 17 characters are digits and capital letters without I, O, S, V, Z",
        )
    total = sum(USCC_ALPHABET.index(character) * weight for character, weight in zip(body, _USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[-total % 31]


def check_uscc(code: str, *, field: str | None = None) -> None:
    """Accept a 统一社会信用代码 by form and check character (GB 32100-2015), or raise InvalidIdentifier."""
    if _USCC_FORM.fullmatch(code) is None:
        raise InvalidIdentifier(
            "统一社会信用代码应为 18 位：两位类别、六位数字区划、九位主体标识、一位校验；"
            "只用数字和不含 I、O、S、V、Z 的大写字母，请按证书重新录入",
            "a unified social credit code has 18 characters: 2 class, 6 digits of region, 9 body, 1 check; "
            "digits and capitals without I, O, S, V, Z only; type it again from the certificate",
            field,
        )
    if uscc_check_character(code[:17]) != code[17]:
        raise InvalidIdentifier(
            "统一社会信用代码校验位不符，可能有一位录错；请按证书核对",
            "the check character of the unified social credit code does not match; compare it with the certificate",
            field,
        )


def organisation_code_check(body: str) -> str:
    """Return the check character for the 8 characters of a 组织机构代码 (GB 11714).

    Finds every substitution of one digit by another; two letters or a letter and a digit whose values differ by 11
    or 22 (A and L) look the same to it.
    """
    if _ORGANISATION_FORM.fullmatch(body) is None:
        raise InvalidIdentifier(
            "组织机构代码本体应为 8 位数字或大写字母",
            "the body of an organisation code is 8 digits or capital letters",
        )
    total = sum(
        _ORGANISATION_ALPHABET.index(character) * weight
        for character, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True)
    )
    return "0X987654321"[total % 11]


def check_region(code: str, *, field: str | None = None) -> None:
    """Accept a six-digit 行政区划代码 by the form of GB/T 2260, or raise InvalidIdentifier."""
    if _REGION_FORM.fullmatch(code) is None:
        raise InvalidIdentifier(
            "行政区划代码应为六位数字，前两位为省级代码，如 621124；请按 GB/T 2260 填写",
            "a region code has six digits of which the first two name a province, such as 621124 (GB/T 2260)",
            field,
        )


def parent_region(code: str) -> str | None:
    """Return the region one level up (621124 → 621100 → 620000), or None for a province."""
    check_region(code)
    if code.endswith("0000"):
        return None
    return f"{code[:2]}0000" if code.endswith("00") else f"{code[:4]}00"


def citizen_id_check(body: str) -> str:
    """Return the 18th character for the first 17 digits of a 公民身份号码 (GB 11643-1999).

    Finds every substitution of one digit, for 11 is prime, no weight is a multiple of it and digits differ by at most 9.
    """
    if _CITIZEN_BODY_FORM.fullmatch(body) is None:
        raise InvalidIdentifier("公民身份号码前 17 位应为数字", "the first 17 characters of a citizen id are digits")
    total = sum(int(digit) * weight for digit, weight in zip(body, _CITIZEN_WEIGHTS, strict=True))
    return _CITIZEN_CHECKS[total % 11]


def check_citizen_id(number: str, *, on: date, field: str | None = None) -> None:
    """Accept a 公民身份号码 by form, region form, birth date (real, not after `on`) and check character.

    The region may be one that GB/T 2260 no longer lists: numbers keep the code of the day they were issued.
    """
    if _CITIZEN_FORM.fullmatch(number) is None or _REGION_FORM.fullmatch(number[:6]) is None:
        raise InvalidIdentifier(
            "公民身份号码应为 17 位数字加一位校验（数字或大写 X），前六位为行政区划代码；请按证件核对",
            "a citizen id is 17 digits and a check (digit or capital X) and begins with a region code",
            field,
        )
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        born = date.max
    if born > on or born.year < 1800:
        raise InvalidIdentifier(
            "公民身份号码中的出生日期不存在或在将来；请按证件核对",
            "the birth date within the citizen id does not exist or lies ahead; compare it with the document",
            field,
        )
    if citizen_id_check(number[:17]) != number[17]:
        raise InvalidIdentifier(
            "公民身份号码校验位不符，可能有一位录错；请按证件核对",
            "the check character of the citizen id does not match; compare it with the document",
            field,
        )


def parse_resource_code(code: str) -> ResourceCode:
    """Return the parts of a 信息资源代码 such as `306001000001/000042`, or raise InvalidIdentifier."""
    match = RESOURCE_CODE_FORM.fullmatch(code)
    if match is None:
        raise InvalidIdentifier(
            "信息资源代码应为“类(1位)项(2位)目(3位)细目/顺序码”，如 306001000001/000042",
            "a resource code is class (1), item (2), catalogue (3), detail, '/', sequence: 306001000001/000042",
            "/code",
        )
    return ResourceCode(**match.groupdict())
