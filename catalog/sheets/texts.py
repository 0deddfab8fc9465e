"""Texts of cells as they are compared and kept, and the exception of one that is no value of its column."""

import re
import unicodedata
from typing import Final

_BLANK: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad"  # invisible, and no blanks to Python
_INNER: Final = re.compile(rf"[\s{_BLANK}]+")
NOTHING: Final = frozenset({"", "/", "-", "—", "——", "无", "n/a"})
"""What people put where there is nothing to say; counts in code lists and numbers, for in a text it may be the text."""


class Unreadable(Exception):
    """The cell cannot be a value of its column: by which rule, and in words."""

    def __init__(self, rule: str, zh: str, en: str) -> None:
        super().__init__(zh)
        self.rule = rule
        self.zh = zh
        self.en = en


def trimmed(text: str) -> str:
    """Return the text without blanks and invisible characters around it, its lines ended by a newline."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip().strip(_BLANK).strip()


def plain(text: str) -> str:
    """Return a code as it is compared and kept: half-width and without blanks."""
    return _INNER.sub("", unicodedata.normalize("NFKC", text))
