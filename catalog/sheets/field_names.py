"""Field names for items of which only the Chinese name is known."""

import re
from collections.abc import Collection
from typing import Final

_LONGEST: Final = 58  # leaves room for a number within the 63 characters of a column name
_OTHER: Final = re.compile(r"[^a-z0-9]+")


def field_name_of(name: str, taken: Collection[str]) -> str:
    """Return the name's Pinyin as a field name (`xing_ming`), with a number behind it where that is taken."""
    from pypinyin import (
        lazy_pinyin,
    )  # its dictionaries take a quarter of a second and 40 MiB, and few workbooks need them

    made = _OTHER.sub("_", "_".join(lazy_pinyin(name)).lower()).strip("_")
    if not made or not made[0].isalpha():
        made = f"f_{made}".rstrip("_")
    made = made[:_LONGEST].rstrip("_")
    number, found = 1, made
    while found in taken:
        number += 1
        found = f"{made}_{number}"
    return found
