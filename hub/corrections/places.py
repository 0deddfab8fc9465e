"""Where in an exchange something is wrong: JSON pointers to a record, or to one item of it. Pure."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from hub.corrections.errors import PointersRefused
from hub.errors import FieldError

MOST_POINTERS: Final = 200
"""Places in one report; who has more to say points to whole records."""

_PLACE = re.compile(r"/records/(0|[1-9][0-9]{0,3})(?:/([a-z][a-z0-9_]{0,62}))?")


def check_places(pointers: Sequence[str], *, records: int, field_names: Collection[str]) -> None:
    """Nothing, if each points to one of so many records, or to an item of it. Raises PointersRefused with every fault."""
    if found := list(_faults(pointers, records, field_names)):
        raise PointersRefused(found)


def _faults(pointers: Sequence[str], records: int, field_names: Collection[str]) -> Iterator[FieldError]:
    if not 1 <= len(pointers) <= MOST_POINTERS or len(set(pointers)) != len(pointers):
        yield FieldError(
            "/pointers",
            f"须指明 1 至 {MOST_POINTERS} 处，且不重复",
            f"names 1 to {MOST_POINTERS} places, each once",
        )
    for index, pointer in enumerate(pointers[:MOST_POINTERS]):
        place = _PLACE.fullmatch(pointer)
        if place is None:
            yield FieldError(
                f"/pointers/{index}",
                "写法为 /records/序号 或 /records/序号/字段名，序号从 0 起",
                "is written /records/N or /records/N/field_name, counted from 0",
            )
        elif int(place[1]) >= records:
            yield FieldError(
                f"/pointers/{index}", f"这次交换只有 {records} 条记录", f"this exchange has {records} records"
            )
        elif place[2] is not None and place[2] not in field_names:
            yield FieldError(
                f"/pointers/{index}",
                "资源没有这个信息项；请核对字段名",
                "the resource has no such item; check its name",
            )
