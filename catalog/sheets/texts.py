"""Texts of cells as they are compared and kept, and the exception of one that is no value of its column."""

import re
import unicodedata
from typing import Final

from catalog.blanks import INVISIBLE

_INNER: Final = re.compile(rf"[\s{INVISIBLE}]+")
NOTHING: Final = frozenset({"", "/", "-", "—", "——", "无", "n/a"})
"""What people put where there is nothing to say; counts in code lists and numbers, for in a text it may be the text."""


class Unreadable(Exception):
    """The cell cannot be a value of its column: by which rule, and in words."""

    def __init__(self, rule: str, zh: str, en: str) -> None:
        super().__init__(zh)
        self.rule = rule
        self.zh = zh
        self.en = en


def plain(text: str) -> str:
    """Return a code as it is compared and kept: half-width and without blanks."""
    return _INNER.sub("", unicodedata.normalize("NFKC", text))
