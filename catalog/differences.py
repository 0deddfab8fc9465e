"""Differences between any two versions of a resource in words: what its metadata say and what its items are.

The order is fixed: metadata in the order of `Metadata`, then items in the order of the newer version, each with its
fields in the order of `Item`, then items that are gone, then a new order of those that stayed, then the conditions of a record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from catalog.condition_changes import condition_changes
from catalog.conditions import Condition
from catalog.item import Item
from catalog.metadata import Metadata, label_of
from catalog.words import Words, change_words, event_words, item_change_words, item_words, property_words


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: `field` is `/share_type`, or by field names `/items/materials/items/copies/length`; two texts."""

    field: str
    zh: str
    en: str


class Said(NamedTuple):
    """What one version says: of the resource, of its items, and of what a record must keep besides."""

    metadata: Metadata
    items: Sequence[Item]
    conditions: Sequence[Condition] = ()


def version_differences(old: Said, new: Said) -> tuple[Difference, ...]:
    """Return how the version `new` differs from `old`."""
    conditions = condition_changes((old.conditions, old.items), (new.conditions, new.items))
    return (
        *metadata_differences(old.metadata, new.metadata),
        *item_differences(old.items, new.items),
        *(Difference("/conditions", change.zh, change.en) for change in conditions),
    )


def metadata_differences(old: Metadata, new: Metadata) -> Iterator[Difference]:
    """Yield a difference for each field of the metadata that changed."""
    for field in Metadata.model_fields:
        was, now = getattr(old, field), getattr(new, field)
        if was != now:
            yield Difference(f"/{field}", *change_words(label_of(field), was, now))


def item_differences(old: Sequence[Item], new: Sequence[Item]) -> Iterator[Difference]:
    """Yield a difference for each item that came, changed or went; items are the same by their field name."""
    yield from _differences(old, new, (), "")


def _differences(
    old: Sequence[Item], new: Sequence[Item], within: tuple[Item, ...], above: str
) -> Iterator[Difference]:
    before = {item.field_name: item for item in old}
    after = {item.field_name: item for item in new}
    for name, item in after.items():
        path, pointer = (*within, item), f"{above}/items/{name}"
        if name not in before:
            zh, en = item_words(item)
            event = (f"新增（字段名 {name}），{zh}", f"added (field name {name}), {en}")
            yield Difference(pointer, *event_words(path, event))
        else:
            yield from _changes(before[name], path, pointer)
    for name, item in before.items():
        if name not in after:
            event = (f"删除（字段名 {name}）", f"removed (field name {name})")
            yield Difference(f"{above}/items/{name}", *event_words((*within, item), event))
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield Difference(f"{above}/items", *_reordered(within))


def _changes(old: Item, path: tuple[Item, ...], pointer: str) -> Iterator[Difference]:
    new = path[-1]
    for field in Item.model_fields:
        if field == "items" and old.items is not None and new.items is not None:
            yield from _differences(old.items, new.items, path, pointer)
        elif getattr(old, field) != getattr(new, field):
            yield Difference(f"{pointer}/{field}", *property_words(path, item_change_words(old, new, field)))


def _reordered(within: tuple[Item, ...]) -> Words:
    if within:
        return property_words(within, ("下级信息项：顺序调整", "items within: in another order"))
    return "信息项：顺序调整", "items: in another order"
