"""Identifiers of the national standards and their check characters; knows no register, so it says what is well formed.

Refusals name the rule and the cure, never the value: a citizen id is personal data.
"""

import re
from datetime import date
from operator import mul
from typing import Final, NamedTuple

from catalog.errors import InvalidIdentifier

# GB 32100-2015: 31 characters, without I O S V Z, which are taken for digits and other letters.
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_USCC_VALUES = bytes.maketrans(USCC_ALPHABET.encode(), bytes(range(31)))
USCC_PATTERN: Final = f"[{USCC_ALPHABET}]{{2}}[0-9]{{6}}[{USCC_ALPHABET}]{{10}}"
_USCC_FORM = re.compile(USCC_PATTERN)
_USCC_BODY_FORM = re.compile(f"[{USCC_ALPHABET}]{{17}}")

_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_FORM = re.compile(r"[0-9A-Z]{8}")

_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"
_CITIZEN_FORM = re.compile(r"[0-9]{17}[0-9X]")
_CITIZEN_BODY_FORM = re.compile(r"[0-9]{17}")
_CITIZEN_OFFSET = ord("0") * sum(_CITIZEN_WEIGHTS)  # of the digits' bytes over the digits' values

# GB/T 2260: the first digit is the greater area, 1 华北 … 6 西北, 7 台湾, 8 香港 and 澳门.
REGION_PATTERN: Final = "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12])(?:0000|(?:0[1-9]|[1-9][0-9])[0-9]{2})"
_REGION_FORM = re.compile(REGION_PATTERN)

# GB/T 36904: root, type (USCC of the defining body and 3 digits), issuer, serial, version, check. Issuers have been seen
# with a region code of 6; the longest serial seen is a UUID's 32 characters, and the bound of 64 is ours.
_LICENCE_ROOT: Final = "1.2.156.3005.2."
LICENCE_PATTERN: Final = (
    r"1\.2\.156\.3005\.2\.[0-9A-HJ-NP-RTUWXY]{18}[0-9]{3}\.[0-9A-Z]{6,18}\.[0-9A-Z]{1,64}\.[0-9]{3}\.[0-9A-Z]"
)
_LICENCE_FORM = re.compile(LICENCE_PATTERN)

# ISO/IEC 7064 MOD 37,36 (GB/T 17710). The state after a character of value v in state p, by p and v.
MOD_37_36_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MOD_37_36_VALUES = bytes.maketrans(MOD_37_36_ALPHABET.encode(), bytes(range(36)))
_MOD_37_36_FORM = re.compile("[0-9A-Z]+")
_MOD_37_36_NEXT = tuple(tuple(((p + v) % 36 or 36) * 2 % 37 for v in range(36)) for p in range(37))

# 机关代字, year, sequence: 党政机关公文格式 GB/T 9704 writes the year in 〔〕; [] and none at all is what keyboards make of it.
DOCUMENT_NUMBER_PATTERN: Final = (
    r"[一-鿿]{2,12}(?:〔(?:19|20)[0-9]{2}〕|\[(?:19|20)[0-9]{2}\]|(?:19|20)[0-9]{2} ?)[1-9][0-9]{0,4}号"
)
_DOCUMENT_NUMBER_FORM = re.compile(DOCUMENT_NUMBER_PATTERN)
_DOCUMENT_NUMBER_PARTS = re.compile(r"([一-鿿]+)[〔\[]?([0-9]{4})[〕\] ]?([0-9]+)号")

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
    if _USCC_BODY_FORM.fullmatch(body) is None:
        raise InvalidIdentifier(
            "统一社会信用代码前 17 位只能是数字和不含 I、O、S、V、Z 的大写字母",
            "the first 17 characters are digits and capital letters without I, O, S, V, Z",
        )
    return USCC_ALPHABET[-sum(map(mul, body.encode().translate(_USCC_VALUES), _USCC_WEIGHTS)) % 31]


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
    return _CITIZEN_CHECKS[(sum(map(mul, body.encode(), _CITIZEN_WEIGHTS)) - _CITIZEN_OFFSET) % 11]


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


def mod_37_36_check(body: str) -> str:
    """Return the check character that ISO/IEC 7064 MOD 37,36 puts behind `body`, digits and capital letters.

    Finds every substitution of one character. Raises InvalidIdentifier if `body` holds anything else, or nothing.
    """
    if _MOD_37_36_FORM.fullmatch(body) is None:
        raise InvalidIdentifier(
            "按 ISO/IEC 7064 MOD 37,36 计算校验位的内容只能是数字和大写字母",
            "a check character of ISO/IEC 7064 MOD 37,36 is computed over digits and capital letters",
        )
    state = 36
    for value in body.encode().translate(_MOD_37_36_VALUES):
        state = _MOD_37_36_NEXT[state][value]
    return MOD_37_36_ALPHABET[(1 - state) % 36]


def check_licence_id(identifier: str, *, field: str | None = None) -> None:
    """Accept a 电子证照标识 by form and check character (GB/T 36904), or raise InvalidIdentifier.

    The check is computed over type, issuer, serial and version, without the root and the dots.
    """
    if _LICENCE_FORM.fullmatch(identifier) is None:
        raise InvalidIdentifier(
            "电子证照标识应为 1.2.156.3005.2.证照类型代码(21位).颁发机构代码(6 至 18 位).流水号(最多 64 位).版本号(3位).校验位，"
            "只用数字、大写字母和点；请从证照文件中复制",
            "a licence identifier is 1.2.156.3005.2.type (21).issuer (6 to 18).serial (at most 64).version (3).check, of digits,"
            " capitals and dots; copy it from the licence",
            field,
        )
    if mod_37_36_check(identifier[len(_LICENCE_ROOT) : -1].replace(".", "")) != identifier[-1]:
        raise InvalidIdentifier(
            "电子证照标识校验位不符，可能有一位录错；请与证照文件核对",
            "the check character of the licence identifier does not match; compare it with the licence",
            field,
        )


def check_document_number(number: str, *, field: str | None = None) -> None:
    """Accept a 发文字号 (GB/T 9704): `临政办发〔2017〕55号`, with `[2017]`, or with the bare year and at most one space.

    Raises InvalidIdentifier for other brackets, a 第, a padded sequence, a missing 号, and for the 令号 of an order.
    """
    if _DOCUMENT_NUMBER_FORM.fullmatch(number) is None:
        raise InvalidIdentifier(
            "发文字号应为机关代字、四位年份、顺序号和“号”，如 临政办发〔2017〕55号；年份用六角括号〔〕（也接受 [2017] 或不加括号），"
            "不用圆括号，不加“第”，顺序号不编虚位",
            "a document number is the organ's characters, a year of four digits, the sequence and 号: 临政办发〔2017〕55号; the year"
            " stands in 〔〕 (also taken: [2017], or bare), not in round brackets; no 第, no leading zero",
            field,
        )


def normal_document_number(number: str, *, field: str | None = None) -> str:
    """Return the 发文字号 as GB/T 9704 writes it, with the year in 〔〕; raises InvalidIdentifier as the check does."""
    check_document_number(number, field=field)
    return _DOCUMENT_NUMBER_PARTS.sub(r"\1〔\2〕\3号", number)
