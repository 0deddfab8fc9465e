"""The information items 信息项 of one resource together: read from JSON, judged, and asked what they hold.

Knows neither schema nor database.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from catalog.codes import DataLevel, DataType, ItemFormat, LabelledNumber, LabelledText, ShareType
from catalog.errors import InvalidItem, Violation
from catalog.item import (
    ENUMERABLE_TYPES,
    KEY_TYPES,
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_NUMBER,
    NUMBER_TYPES,
    TEXT_TYPES,
    UNPRINTABLE,
    Item,
    ItemValue,
)
from catalog.item_faults import item_faults, repeated

__all__ = [
    "ENUMERABLE_TYPES",
    "KEY_TYPES",
    "MAX_DEPTH",
    "MAX_ITEMS",
    "MAX_KEY_ITEMS",
    "MAX_LENGTH",
    "MAX_NUMBER",
    "NUMBER_TYPES",
    "TEXT_TYPES",
    "UNPRINTABLE",
    "Item",
    "ItemValue",
    "check_items",
    "field_names",
    "formed_items",
    "item_violations",
    "parse_items",
    "secrecy_fields",
    "walk",
]

MAX_ITEMS: Final = 500  # of all levels; the widest sheet seen in provincial catalogues has under 200
MAX_KEY_ITEMS: Final = 8  # a row key that needs more is a description, not a key


def parse_items(raw: Sequence[Mapping[str, Any]]) -> tuple[Item, ...]:
    """Return the items that `raw` (JSON) describes; InvalidItem names every fault of form, or else of rule."""
    items = formed_items(raw)
    check_items(items)
    return items


def formed_items(raw: Sequence[Mapping[str, Any]]) -> tuple[Item, ...]:
    """Return the items that `raw` describes, held to no rule yet; InvalidItem names every fault of form."""
    items: list[Item] = []
    violations: list[Violation] = []
    for index, entry in enumerate(raw):
        try:
            items.append(Item.model_validate(entry))
        except ValidationError as error:
            violations.extend(_form_violations(index, error))
    if violations:
        raise InvalidItem(violations)
    return tuple(items)


_CODES: Final[Mapping[str, type[LabelledText] | type[LabelledNumber]]] = {
    "data_type": DataType,
    "format": ItemFormat,
    "share_type": ShareType,
    "data_level": DataLevel,
}


def _form_violations(index: int, error: ValidationError) -> Iterator[Violation]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        field, attribute = _place(index, fault["loc"])
        if fault["type"] == "missing":
            yield Violation(field, "item-form", "缺少此项，请填写", "is missing; fill it in")
        elif fault["type"] == "extra_forbidden":
            yield Violation(field, "item-form", "没有这个属性，请删除或改名", "no such property; remove or rename it")
        elif (codes := _CODES.get(attribute or "")) is not None:
            zh = "、".join(f"{code.value} {code.zh}" for code in codes)
            en = ", ".join(f"{code.value} {code.en}" for code in codes)
            yield Violation(field, "item-form", f"应为：{zh}", f"is one of: {en}")
        else:
            yield Violation(field, "item-form", "值的类型不对，请改正", f"has the wrong type: {fault['msg']}")


def _place(index: int, location: tuple[int | str, ...]) -> tuple[str, str | None]:
    """Return the pointer of the property that an editor looks for, and its name, None for an item that is none.

    A union reports each of its members behind the property; items within items are named by their own pointers, as far
    as items may lie within each other.
    """
    pointer = f"/items/{index}"
    for _ in range(MAX_DEPTH - 1):
        if len(location) > 1 and location[0] == "items" and isinstance(location[1], int):
            pointer, location = f"{pointer}/items/{location[1]}", location[2:]
    return (f"{pointer}/{location[0]}", str(location[0])) if location else (pointer, None)


def check_items(items: Sequence[Item]) -> None:
    """Raise InvalidItem with every violation in the items, or return."""
    violations = list(item_violations(items))
    if violations:
        raise InvalidItem(violations)


def item_violations(items: Sequence[Item]) -> Iterator[Violation]:
    """Yield every rule that the items break, alone and together."""
    if not items or sum(1 for _ in walk(items)) > MAX_ITEMS:
        yield Violation(
            "/items",
            "item-count",
            f"信息项应有 1 至 {MAX_ITEMS} 个，含下级信息项",
            f"a resource has 1 to {MAX_ITEMS} items, those within items counted",
        )
    for index, item in enumerate(items):
        for field, rule, zh, en in item_faults(item):
            yield Violation(f"/items/{index}{field}", rule, zh, en)
    for field, rule, zh, en in repeated(items):
        yield Violation(field, rule, zh, en)
    if sum(item.key for item in items) > MAX_KEY_ITEMS:
        yield Violation(
            "/items", "item-key", f"主键项最多 {MAX_KEY_ITEMS} 个，请减少", f"at most {MAX_KEY_ITEMS} items are key"
        )
    yield from _ambiguous_levels(items)


def _ambiguous_levels(items: Sequence[Item]) -> Iterator[Violation]:
    """A level is looked for by its field name wherever it stands, so no other item may go by that name."""
    levels = secrecy_fields(items)
    for pointer, item in walk(items):
        if item.field_name in levels and not item.states_secrecy:
            yield Violation(
                f"{pointer}/field_name",
                "item-secrecy",
                "另有说明密级的信息项使用这个字段名，请改名",
                "another item of this field name states a secrecy level; rename one of them",
            )


def walk(items: Sequence[Item], pointer: str = "") -> Iterator[tuple[str, Item]]:
    """Yield every item, those within items too, each with its JSON pointer into what was sent (`/items/2/items/0`)."""
    for index, item in enumerate(items):
        below = f"{pointer}/items/{index}"
        yield below, item
        if item.items is not None:
            yield from walk(item.items, below)


def field_names(items: Sequence[Item]) -> frozenset[str]:
    """Return the field names of all levels: what a JSON pointer into a payload may name."""
    return frozenset(item.field_name for _, item in walk(items))


def secrecy_fields(items: Sequence[Item]) -> frozenset[str]:
    """Return the field names, of all levels, whose value states a secrecy level; `secrecy.find_marking` takes them."""
    return frozenset(item.field_name for _, item in walk(items) if item.states_secrecy)
