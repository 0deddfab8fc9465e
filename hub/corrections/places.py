"""Where in an exchange something is wrong: JSON pointers to a record, to an item of it, or into a group of items. Pure."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from hub.corrections.errors import PointersRefused
from hub.errors import FieldError

MOST_POINTERS: Final = 200
"""Places in one report; who has more to say points to whole records."""

_INDEX, _NAME = r"(?:0|[1-9][0-9]{0,5})", r"[a-z][a-z0-9_]{0,62}"
_PLACE = re.compile(rf"/records/({_INDEX})((?:/{_NAME}(?:/{_INDEX})?){{0,3}})", re.ASCII)
"""An item that repeats is an array and a group an object; items have three levels at most."""


def check_places(pointers: Sequence[str], *, records: int, field_names: Collection[str]) -> None:
    """Nothing, if each points to one of so many records, or to something in it by names of items, those in groups too.

    Raises PointersRefused with every fault.
    """
    if found := list(_faults(pointers, records, field_names)):
        raise PointersRefused(found)


def moved_to(pointer: str, places: Sequence[int]) -> str:
    """A pointer that `check_places` let through, with its record where `places` says that it stands in another payload."""
    _, records, index, *rest = pointer.split("/")
    return "/".join(("", records, str(places[int(index)]), *rest))


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
                "写法为 /records/序号 或 /records/序号/字段名，序号从 0 起；组内的再接着写",
                "is written /records/N or /records/N/field_name, counted from 0, and so on within a group",
            )
        elif int(place[1]) >= records:
            yield FieldError(
                f"/pointers/{index}", f"这次交换只有 {records} 条记录", f"this exchange has {records} records"
            )
        elif any(name not in field_names for name in re.findall(_NAME, place[2])):
            yield FieldError(
                f"/pointers/{index}",
                "资源没有这个信息项；请核对字段名",
                "the resource has no such item; check its name",
            )
