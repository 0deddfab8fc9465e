"""实施依据: how a basis in law is written in lists of powers, and the rank of each (甘南州权责清单方案附件7说明2、3).

`发文机关（简称）+《关于××的××》+（发文字号）`; laws, regulations and what a people's congress issues carry no number, rules of
ministries and governments and other documents carry theirs. Several stand on lines of their own, by rank, numbered 1, 2, ….
What a pattern can see is in `LEGAL_BASIS_PATTERN`; order and numbering are judged by `basis_faults`.
"""

import re
from collections.abc import Iterator
from enum import IntEnum
from itertools import pairwise
from typing import Final

_ISSUER: Final = r"[^《》\n]*"
_LAW: Final = rf"{_ISSUER}《[^《》\n]*(?:[^办《》\n]法|法典|条例)》(?:[^（(\n][^\n]*)?"
_CONGRESS: Final = rf"{_ISSUER}人(?:大|民代表大会){_ISSUER}《[^《》\n]+》(?:[^（(\n][^\n]*)?"
_NUMBERED: Final = rf"{_ISSUER}《[^《》\n]*(?:[^法例典《》\n]|办法)》[（(][^（）()\n]+号[）)][^\n]*"
_ONE: Final = rf"(?:{_LAW}|{_CONGRESS}|{_NUMBERED})"
_ORDINAL: Final = "[1-9][0-9]?[.．、]"

LEGAL_BASIS_PATTERN: Final = rf"^(?:{_ORDINAL})?{_ONE}(?:\n{_ORDINAL}{_ONE})*$"
"""One basis, or several on lines of their own; without look-ahead and bounded repeats, for the linear engine."""

_BEGINS_WITH_ORDINAL: Final = re.compile(rf"({_ORDINAL})")
_PARTS: Final = re.compile(r"(?P<issuer>[^《》]*)《(?P<title>[^《》]*)》(?:[（(](?P<number>[^（）()]*号)[）)])?")


class Rank(IntEnum):
    """效力层级, the highest first; national and local regulations cannot be told apart by their form."""

    LAW = 1
    REGULATION = 2
    MINISTRY_RULE = 3
    GOVERNMENT_RULE = 4
    DOCUMENT = 5


def rank_of(basis: str) -> Rank | None:
    """Return the rank that one basis has by its form; None for what names no title in 《》."""
    found = _PARTS.search(basis)
    if found is None:
        return None
    title, number = found["title"], found["number"] or ""
    if number == "":
        law = (title.endswith("法") and not title.endswith("办法")) or title.endswith("法典")
        return Rank.LAW if law else Rank.REGULATION
    if "令" in number:
        # 国务院令 promulgates administrative regulations and decisions of that rank.
        if "国务院" in number:
            return Rank.REGULATION
        return Rank.GOVERNMENT_RULE if "政府令" in number else Rank.MINISTRY_RULE
    return Rank.DOCUMENT


def basis_faults(text: str) -> Iterator[tuple[str, str]]:
    """Yield, in Chinese and English, what is wrong with numbering and order of the bases in `text`, one to a line."""
    lines = text.split("\n")
    if len(lines) > 1:
        ordinals = [found[1] if (found := _BEGINS_WITH_ORDINAL.match(line)) else "" for line in lines]
        if [ordinal[:-1] for ordinal in ordinals] != [str(number) for number in range(1, len(lines) + 1)]:
            yield (
                "多个依据应逐行用阿拉伯数字从 1 起连续编号",
                "several bases are numbered from 1 on, one to a line, without a gap",
            )
    ranks = [rank for line in lines if (rank := rank_of(line)) is not None]
    if any(one > other for one, other in pairwise(ranks)):
        yield (
            "多个依据应按效力层级从高到低排列：法律，法规，部委规章，政府规章，规范性文件",
            "several bases go from the highest rank down: law, regulation, ministry's rule, government's rule, document",
        )
