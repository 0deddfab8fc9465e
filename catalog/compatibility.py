"""What a new version of a resource means for those who live with the old one; decides nothing, a reviewer does.

Two sides are asked. The provider: is every payload that the old version takes taken by the new one? If not, the change is
breaking. The consumer: may something come that could not come before? Then consumers must be told. A consumer ignores
names that it does not know, so an optional item that is new concerns nobody; what it knew and will not get any more, or
gets in another type, unit or row identity, is breaking however the payloads are judged.

What cannot be compared (two patterns, two conditions of a record) counts as narrowed. `tests/catalog/test_compatibility.py` holds both promises.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from catalog.codes import ChangeKind, Effect
from catalog.condition_changes import condition_changes
from catalog.conditions import Condition, conditions_in, names_of
from catalog.errors import InvalidItem
from catalog.item import Item
from catalog.item_changes import Change, item_changes
from catalog.schema import Schema, derive_schema
from catalog.words import Words, event_words, item_words, property_words

_ANNOTATIONS: Final = frozenset({"title", "description", "default", "examples"})
_SCHEMA_MAPS: Final = frozenset({"properties", "$defs"})
_SCHEMAS: Final = frozenset({"items", "if", "then", "else", "not"})


_EVENTS: Final = frozenset({ChangeKind.ADDED, ChangeKind.REMOVED})
MEANINGS: Final[dict[tuple[ChangeKind, Effect], Words]] = {
    (ChangeKind.ADDED, Effect.COMPATIBLE): (
        "可选项，不影响按旧版报送；使用方忽略不认识的项",
        "It is optional: nothing changes for the provider, and consumers ignore what they do not know",
    ),
    (ChangeKind.ADDED, Effect.BREAKING): (
        "必填项，按旧版报送的数据会被拒收",
        "It is required: what is sent as before will be refused",
    ),
    (ChangeKind.REMOVED, Effect.BREAKING): (
        "带有此项的数据会被拒收，使用方不再收到此项",
        "Data that carry it will be refused, and consumers get it no more",
    ),
    (ChangeKind.RETYPED, Effect.BREAKING): (
        "按旧版报送的数据会被拒收，使用方收到另一种值",
        "What is sent as before will be refused, and consumers get values of another kind",
    ),
    (ChangeKind.REKEYED, Effect.BREAKING): (
        "记录改按另一组主键识别，双方都要调整",
        "Records are told apart by other items: both sides have to change",
    ),
    (ChangeKind.REQUIRED, Effect.BREAKING): (
        "没有此项的数据会被拒收",
        "Data without it will be refused",
    ),
    (ChangeKind.RELAXED, Effect.NOTIFY): (
        "提供方不受影响；使用方可能收不到此项，须告知",
        "Nothing changes for the provider; consumers may not get it any more and must be told",
    ),
    (ChangeKind.NARROWED, Effect.BREAKING): (
        "按旧版报送的数据可能被拒收",
        "What is sent as before may be refused",
    ),
    (ChangeKind.WIDENED, Effect.NOTIFY): (
        "提供方不受影响；使用方可能收到以前没有的值，须告知",
        "Nothing changes for the provider; consumers may get values that could not come before and must be told",
    ),
    (ChangeKind.REDEFINED, Effect.BREAKING): (
        "同样的数值含义不同，双方都要换算",
        "The same figures mean something else: both sides have to convert",
    ),
    (ChangeKind.REDEFINED, Effect.NOTIFY): (
        "以前没有写明，须告知使用方核对",
        "It was not stated before: consumers must be told to compare",
    ),
    (ChangeKind.DESCRIBED, Effect.NOTIFY): (
        "值的规则不变，须告知使用方",
        "The rules for its values stay; consumers must be told",
    ),
    (ChangeKind.DESCRIBED, Effect.COMPATIBLE): ("值的规则不变", "The rules for its values stay"),
}
"""What each kind of change means for both sides; a kind stands here with every effect that it can have."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One change and its effect: `field` by field names (`/items/materials/items/copies`), two texts."""

    field: str
    kind: ChangeKind
    effect: Effect
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Compatibility:
    """All findings, in the order of the newer version's items, then those that are gone, then those of conditions."""

    findings: tuple[Finding, ...]

    @property
    def breaking(self) -> tuple[Finding, ...]:
        """What the reviewer has to confirm."""
        return tuple(found for found in self.findings if found.effect is Effect.BREAKING)

    @property
    def to_be_told(self) -> tuple[Finding, ...]:
        """What consumers must be told before the version is published; what is breaking, too."""
        return tuple(found for found in self.findings if found.effect is not Effect.COMPATIBLE)


def compare_versions(old: tuple[Sequence[Item], Schema], new: tuple[Sequence[Item], Schema]) -> Compatibility:
    """Return what becoming `new` means for `old`, each given as its items and its stored schema.

    Items, and the conditions that the schema carries, speak for their schemas. A schema that says anything else than they
    would give today (it was derived by an older release, say) is a breaking finding of its own: then they prove nothing.
    """
    before, after = carried_conditions(old[1]), carried_conditions(new[1])
    foreign = [
        Finding("", ChangeKind.DERIVATION, Effect.BREAKING, zh, en)
        for (items, schema), conditions, zh, en in (
            (
                old,
                before,
                "旧版的 Schema 不是按现行规则由信息项推导的，无法自动比较，请人工核对",
                _FOREIGN_EN.format("old"),
            ),
            (
                new,
                after,
                "新版的 Schema 不是按现行规则由信息项推导的，无法自动比较，请人工核对",
                _FOREIGN_EN.format("new"),
            ),
        )
        if not _is_derived(items, conditions, schema)
    ]
    of_conditions = (
        _of_condition(change.narrower, change.zh, change.en)
        for change in condition_changes((before or (), old[0]), (after or (), new[0]))
    )
    return Compatibility((*foreign, *compare_items(old[0], new[0]).findings, *of_conditions))


def carried_conditions(schema: Schema) -> tuple[Condition, ...] | None:
    """Return the conditions that a stored schema puts on a record; None if it has some that are not of their form."""
    try:
        return conditions_in(schema["$defs"]["record"].get("allOf", ()))
    except ValueError:
        return None


def _of_condition(narrower: bool, zh: str, en: str) -> Finding:
    kind, effect = (ChangeKind.NARROWED, Effect.BREAKING) if narrower else (ChangeKind.WIDENED, Effect.NOTIFY)
    effect_zh, effect_en = MEANINGS[kind, effect]
    return Finding("/conditions", kind, effect, f"{zh}。{effect_zh}", f"{en}. {effect_en}")


_FOREIGN_EN: Final = (
    "the {} version's schema is not what its items give today and cannot be compared; look at it yourself"
)


def compare_items(old: Sequence[Item], new: Sequence[Item]) -> Compatibility:
    """Return what the change from items `old` to items `new` means; items are the same by their field name."""
    return Compatibility(tuple(_findings(old, new, (), "")))


def _findings(old: Sequence[Item], new: Sequence[Item], within: tuple[Item, ...], above: str) -> Iterator[Finding]:
    before = {item.field_name: item for item in old}
    after = {item.field_name: item for item in new}
    for name, item in after.items():
        path, pointer = (*within, item), f"{above}/items/{name}"
        if name not in before:
            yield _finding(path, pointer, _added(item))
            continue
        for change in item_changes(before[name], item):
            yield _finding(path, pointer, change)
        if before[name].items is not None and item.items is not None:
            yield from _findings(before[name].items or (), item.items, path, pointer)
    for name, item in before.items():
        if name not in after:
            change = Change(ChangeKind.REMOVED, Effect.BREAKING, "删除", "removed")
            yield _finding((*within, item), f"{above}/items/{name}", change)


def _added(item: Item) -> Change:
    zh, en = item_words(item)
    effect = Effect.BREAKING if item.is_required else Effect.COMPATIBLE
    return Change(ChangeKind.ADDED, effect, f"新增，{zh}", f"added, {en}")


def _finding(path: tuple[Item, ...], pointer: str, change: Change) -> Finding:
    words = event_words if change.kind in _EVENTS else property_words
    zh, en = words(path, (change.zh, change.en))
    effect_zh, effect_en = MEANINGS[change.kind, change.effect]
    return Finding(pointer, change.kind, change.effect, f"{zh}。{effect_zh}", f"{en}. {effect_en}")


def _is_derived(items: Sequence[Item], conditions: Sequence[Condition] | None, schema: Schema) -> bool:
    """True if today's rules take the items and conditions and give this schema, descriptions apart."""
    if conditions is None or not all(names_of(one) <= {item.field_name for item in items} for one in conditions):
        return False
    try:
        today = derive_schema(items, title="", code="", version=1, conditions=conditions)
    except InvalidItem:
        return False
    return bool(_assertions(schema) == _assertions(today))


def _assertions(node: Any) -> Any:
    """Return a derived schema without what only describes, so that two can be compared by what they ask for."""
    if not isinstance(node, dict):
        return node
    kept: dict[str, Any] = {}
    for keyword, value in node.items():
        if keyword in _ANNOTATIONS or keyword.startswith("x-"):
            continue
        if keyword in _SCHEMA_MAPS:
            kept[keyword] = {name: _assertions(child) for name, child in value.items()}
        elif keyword == "allOf":
            kept[keyword] = [_assertions(child) for child in value]
        else:
            kept[keyword] = _assertions(value) if keyword in _SCHEMAS else value
    return kept
