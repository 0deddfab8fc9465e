"""What is wrong with an entry by the rules of the catalogue, each broken rule at the cell that it came from.

The rules are those of `catalog.rules` and `catalog.items` and of nobody else. Where a cell could not be read, only that
counts as wrong which would be wrong whatever the cell was meant to say.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from catalog.codes import DataType
from catalog.errors import InvalidItem, Violation
from catalog.items import Item, item_violations, parse_items
from catalog.metadata import Metadata
from catalog.rules import Registration, registration_violations
from catalog.sheets.columns import ITEM_COLUMNS, METADATA_COLUMNS
from catalog.sheets.entries import Entry
from catalog.sheets.findings import Findings
from catalog.sheets.identity import Settled
from catalog.sheets.interpreting import Said
from catalog.sheets.known import Known
from catalog.sheets.provincial import CLAUSE, PARTS, TYPE_AND_LENGTH

_MOST_VARIANTS: Final = 200
_LENIENT: Final = DataType.M
"""Stands for a data type that could not be read; what it breaks by itself is looked at type by type."""

_NO_CLASS: Final = Violation(
    "/classification",
    "CODE",
    "分类中没有这个代码，或已停用；请从分类列表中选择，或请主管部门增设",
    "the classification has no such code, or not any more; choose one of its list or ask the authority to add it",
)
_CELLS: Final = {
    "share_condition": CLAUSE.key,
    "no_share_basis": CLAUSE.key,
    "classification": PARTS[0].key,
    "items/data_type": TYPE_AND_LENGTH.key,
    "items/length": TYPE_AND_LENGTH.key,
}
"""Columns of the provincial form that stand for a field of another name."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an entry makes of its resource; of worth only where nothing is wrong with the entry.

    `sound` are the indexes of items in which no rule is broken.
    """

    metadata: Metadata
    items: tuple[Item, ...]
    sound: tuple[int, ...]


def judge(entry: Entry, said: Said, items: Sequence[Said], settled: Settled, known: Known, findings: Findings) -> Draft:
    """Return what the entry makes of its resource, with every broken rule noted at its cell."""
    existing = settled.existing
    published = None if existing is None or existing.live is None else Metadata.model_validate(existing.live)
    published_items = () if existing is None else tuple(Item.model_validate(item) for item in existing.live_items)
    provider_code = known.own.coded if existing is None else None
    made = _items(entry, items, findings)
    variants = list(_variants(said))
    registrations = (
        Registration(settled.classification, one, provider_code, made, published, published_items) for one in variants
    )
    nameless = any("field_name" in one.unread for one in items)  # it may be the very item that is missed
    for violation in _in_all([list(registration_violations(one)) for one in registrations]):
        if _split(violation.field)[0] >= 0:
            _fault_item(entry, violation, items, findings)
        elif not (nameless and violation.field == "/items"):
            _fault(entry, violation, said.unread, findings)
    if existing is None and settled.classification in known.no_classes:
        _fault(entry, _NO_CLASS, said.unread, findings)
    unsound = {index for index, one in enumerate(items) if one.unread}
    for violation in _of_items(made, items):
        _fault_item(entry, violation, items, findings)
        unsound.add(_split(violation.field)[0])
    sound = tuple(index for index in range(len(made)) if index not in unsound)
    return Draft(variants[0], tuple(made), sound)


def _variants(said: Said) -> Iterator[Metadata]:
    """The metadata, once for each thing that its unread choices may have been meant to be."""
    raw = {"name": "", "summary": ""} | said.raw
    unread = [name for name in METADATA_COLUMNS if name in said.unread and METADATA_COLUMNS[name].choices]
    meant = [list(METADATA_COLUMNS[name].choices or ()) for name in unread]
    for values in itertools.islice(itertools.product(*meant), _MOST_VARIANTS):
        yield Metadata.model_validate(raw | dict(zip(unread, values, strict=True)))


def _in_all(judged: Sequence[Sequence[Violation]]) -> list[Violation]:
    """The violations of the first variant whose field and rule are broken in all of them."""
    common = set.intersection(*({(violation.field, violation.rule) for violation in found} for found in judged))
    return [violation for violation in judged[0] if (violation.field, violation.rule) in common]


def _items(entry: Entry, said: Sequence[Said], findings: Findings) -> list[Item]:
    made = []
    for index, one in enumerate(said):
        stands_for = {"field_name": f"unread_{index}", "name": f"?{index}", "data_type": _LENIENT}
        raw = {name: value for name, value in stands_for.items() if name not in one.raw} | one.raw
        try:
            made.append(Item.model_validate(raw))
        except ValueError:
            for violation in _form_violations(raw):
                field = violation.field.removeprefix("/items/0")
                moved = Violation(f"/items/{index}{field}", violation.rule, violation.zh, violation.en)
                _fault_item(entry, moved, said, findings)
            made.append(Item.model_validate(stands_for))
            one.unread.update(ITEM_COLUMNS)
    return made


def _form_violations(raw: dict[str, Any]) -> Sequence[Violation]:
    try:
        parse_items([raw])
    except InvalidItem as refused:
        return refused.violations
    raise AssertionError("what pydantic refuses, parse_items refuses")


def _of_items(made: Sequence[Item], said: Sequence[Said]) -> Iterator[Violation]:
    """The violations of the items, of one whose type is not known only those that it would have with every type."""
    in_every_type: dict[int, set[tuple[str, str]]] = {}
    for index, one in enumerate(said):
        if "data_type" in one.unread:
            kinds = (made[index].model_copy(update={"data_type": kind}) for kind in DataType)
            found = ({(v.field.removeprefix("/items/0"), v.rule) for v in item_violations([item])} for item in kinds)
            in_every_type[index] = set.intersection(*found)
    for violation in item_violations(made):
        index, field = _split(violation.field)
        kept = in_every_type.get(index)
        if kept is None or violation.rule == "item-unique" or (field, violation.rule) in kept:
            yield violation


def _split(pointer: str) -> tuple[int, str]:
    """The index of `/items/3/length` and what follows it; -1 for a pointer to all items."""
    _, first, *rest = pointer.split("/") if pointer else ("", "")
    return (int(rest[0]), "".join(f"/{token}" for token in rest[1:])) if first == "items" and rest else (-1, "")


def _fault(entry: Entry, violation: Violation, unread: set[str], findings: Findings) -> None:
    """Fault the cell of a field of the resource, unless it could not be read anyhow."""
    name = violation.field.split("/")[1] if violation.field else ""
    if name not in unread:
        column = METADATA_COLUMNS.get(name)
        entry.fault(
            findings,
            entry.place(name, *([_CELLS[name]] if name in _CELLS else [])),
            violation.rule,
            violation.zh,
            violation.en,
            label="" if column is None else column.zh,
        )


def _fault_item(entry: Entry, violation: Violation, said: Sequence[Said], findings: Findings) -> None:
    """Fault the cell of an item's property; what is wrong with all items together is the resource's own."""
    index, field = _split(violation.field)
    if index < 0 or not entry.items_said:
        _fault(entry, violation, set(), findings)
        return
    name = field.split("/")[1] if field else "name"
    key = f"items/{name}"
    if name not in said[index].unread:
        label = ITEM_COLUMNS[name].zh if name in ITEM_COLUMNS else ""
        place = entry.item_place(index, key, *([_CELLS[key]] if key in _CELLS else []))
        entry.fault(findings, place, violation.rule, violation.zh, violation.en, label=label)


def is_unchanged(draft: Draft, settled: Settled) -> bool:
    """Return whether a draft says what the newest version of its resource says, and by the same system."""
    existing = settled.existing
    if existing is None or existing.system != settled.system:
        return False
    return draft.metadata == Metadata.model_validate(existing.said) and has_same_items(draft, settled)


def has_same_items(draft: Draft, settled: Settled) -> bool:
    """Return whether a draft carries the items of the newest version of its resource."""
    existing = settled.existing
    return existing is not None and draft.items == tuple(Item.model_validate(item) for item in existing.items)
