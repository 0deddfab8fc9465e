"""What our template is called by: its sheets, and the mark of its version."""

import re
from collections.abc import Iterable
from typing import Final

RESOURCES: Final = "目录"
ITEMS: Final = "信息项"
NOTES: Final = "说明"
LISTS: Final = "字典"

VERSION: Final = 1
"""Of the template that this hub gives out; raised when a sheet or a column that was read before changes its meaning."""

_MARK: Final = re.compile(r"shuniu_template_([0-9]{1,4})")


def version_mark(version: int = VERSION) -> str:
    """Return the defined name by which a workbook says that it follows our template, and which."""
    return f"shuniu_template_{version}"


def version_of(names: Iterable[str]) -> int | None:
    """Return the template's version by a workbook's defined names, None for a workbook that does not follow it."""
    found = (_MARK.fullmatch(name) for name in names)
    return max((int(match[1]) for match in found if match is not None), default=None)
