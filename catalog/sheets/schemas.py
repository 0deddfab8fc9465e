"""Whether the items of a whole workbook make schemas that compile, asked of the helper process as seldom as possible.

What an item is called changes nothing in how its schema compiles, and items without patterns do not touch each other: so
each form of an item is judged once, and only items with patterns, whose cost adds up, together. Ten thousand resources of a
county have some hundred forms.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from catalog.compiler import check_schema_in_child
from catalog.errors import SchemaRefused
from catalog.items import Item
from catalog.schema import derive_schema
from catalog.schema_form import MAX_SCHEMA_BYTES, check_form

_SURELY_SMALL: Final = MAX_SCHEMA_BYTES // 16
"""Bytes of items whose schema is far from its limit: a schema is some four times as long as its items."""


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """A refusal in words: `index` is that of the item it is about, None for all together, `field` the property to look at."""

    index: int | None
    field: str
    zh: str
    en: str


class SchemaChecks:
    """Judges items and remembers; one for each workbook."""

    def __init__(self) -> None:
        self._known: dict[bytes, SchemaRefused | None] = {}

    def refusals(self, items: Sequence[Item]) -> Iterator[SchemaFault]:
        """Yield each refusal of the schema of these items, which break no rule."""
        if not items:
            return
        raw = [item.to_json() for item in items]
        if len(orjson.dumps(raw)) > _SURELY_SMALL:
            try:
                check_form(derive_schema(items, title="", code="", version=1))
            except SchemaRefused as refused:
                yield SchemaFault(None, "", refused.zh, refused.en)
                return
        together = any(_has_pattern(item) for item in raw)
        for group in [list(range(len(items)))] if together else [[index] for index in range(len(items))]:
            found = self._refusal([items[index] for index in group])
            if found is not None:
                words = _in_words(found, [items[index].name for index in group])
                yield SchemaFault(_culprit(found, group), _property_of(found), *words)

    def _refusal(self, items: Sequence[Item]) -> SchemaRefused | None:
        forms = [_form(item, index) for index, item in enumerate(items)]
        key = orjson.dumps([form.to_json() for form in forms])
        if key not in self._known:
            try:
                check_schema_in_child(derive_schema(forms, title="", code="", version=1))
            except SchemaRefused as refused:
                self._known[key] = refused
            else:
                self._known[key] = None
        return self._known[key]


def _has_pattern(node: Any) -> bool:
    if isinstance(node, dict):
        return "pattern" in node or any(_has_pattern(value) for value in node.values())
    return isinstance(node, list) and any(_has_pattern(value) for value in node)


def _form(item: Item, index: int) -> Item:
    """The item without what only names and explains it."""
    plain = {
        "field_name": f"f{index}",
        "name": f"f{index}",
        "unit": None,
        "description": None,
        "sensitive": False,
        "secrecy_marking": item.states_secrecy,
    }
    return item.model_copy(update=plain)


def _culprit(refused: SchemaRefused, group: Sequence[int]) -> int | None:
    """The index of the item that a refusal's pointer names (`/records/0/f3`, `/$defs/record/properties/f3/pattern`)."""
    for token in (refused.field or "").split("/"):
        if token[:1] == "f" and token[1:].isdigit() and int(token[1:]) < len(group):
            return group[int(token[1:])]
    return group[0] if len(group) == 1 else None


def _property_of(refused: SchemaRefused) -> str:
    """The property that a refusal is about: a pattern that does not compile, or else the example that does not fit."""
    return "pattern" if (refused.field or "").endswith("/pattern") else "example"


def _in_words(refused: SchemaRefused, names: Sequence[str]) -> tuple[str, str]:
    """What a refusal says, with the names of the items instead of those that they were judged under."""

    def named(found: re.Match[str]) -> str:
        index = int(found[1])
        return names[index] if index < len(names) else found[0]

    if not refused.violations:
        return refused.zh, refused.en
    zh = "；".join(violation.zh for violation in refused.violations)
    en = "; ".join(violation.en for violation in refused.violations)
    return _PLACEHOLDER.sub(named, zh), _PLACEHOLDER.sub(named, en)


_PLACEHOLDER: Final = re.compile(r"(?<![0-9A-Za-z])f([0-9]{1,3})(?![0-9A-Za-z])")
