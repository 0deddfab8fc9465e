"""What of a resource somebody may have 使用范围: which items, which rows by a rule over key items, what of a text. Pure: no table.

The rule speaks of key items alone, because records that delete carry nothing else: whether a row is in the scope can be
judged of every record. A scope names what may leave and nothing is added to it later: an item of a version that comes after
is not in a scope that lists items.

An item may be shared less than its resource (§1.2). One that is not shared leaves by no grant, and one that is shared on
conditions is decided on as a conditional resource is.

A mask is of a text that is no key: by its key a consumer updates, deletes and corrects, and two masked keys may be one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from catalog.codes import DataType, ShareType
from catalog.compiler import PayloadValidator, compile_schema
from catalog.item import TEXT_TYPES
from catalog.schema import DIALECT
from certs.masks import Mask
from hub.errors import FieldError, InvalidInput

MOST_ITEMS = 500
"""As many as a resource has at most."""

MOST_CONDITIONS = 8
"""As many as a row has key items at most."""

MOST_VALUES = 500
"""Values of one condition: every town and village office of a county several times over."""

MOST_MASKS = 100
"""More texts than a record has of a person; all are named in the entry of the log, which has 65,535 bytes."""

MOST_KEPT = 100
"""Characters that a mask keeps at one end; the longest address that was met has 60."""

Value = str | int | float


class Operator(StrEnum):
    """How a key item is compared: with each of the values, or with the beginnings that the values are."""

    IN = "in"
    PREFIX = "prefix"


@dataclass(frozen=True, slots=True)
class Condition:
    """A row is in the scope only if its key item is one of the values, or begins with one of them."""

    item: str
    operator: Operator
    values: tuple[Value, ...]

    def as_data(self) -> dict[str, Any]:
        """The condition as JSON takes it."""
        return {"item": self.item, "op": str(self.operator), "values": list(self.values)}


@dataclass(frozen=True, slots=True)
class MaskedItem:
    """A text that leaves with a mask."""

    item: str
    mask: Mask


@dataclass(frozen=True, slots=True)
class Scope:
    """`items`: the field names that may leave, None for all. `rows`: conditions that all hold, none for every row.

    `masks`: the texts among the items that leave with a mask.
    """

    items: tuple[str, ...] | None = None
    rows: tuple[Condition, ...] = ()
    masks: tuple[MaskedItem, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.items is None and not self.rows and not self.masks


WHOLE = Scope()


class ScopeRefused(InvalidInput):
    """The scope does not fit the resource; each faulty field is named."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(
            "使用范围与资源的信息项不符；请按 errors 更正",
            "the scope does not fit the items of the resource; correct what errors name",
            errors=errors,
        )


def check_scope(scope: Scope, items: Sequence[Mapping[str, Any]]) -> None:
    """Nothing, if the scope fits a version's items as they are stored. Raises ScopeRefused with every fault."""
    by_name = {item["field_name"]: item for item in items}
    if found := [*_item_faults(scope, by_name), *_row_faults(scope, by_name), *_mask_faults(scope, by_name)]:
        raise ScopeRefused(found)


def check_shared(scope: Scope, items: Sequence[Mapping[str, Any]]) -> None:
    """Nothing, if no item that would leave, nor one within it, is 不予共享. Raises ScopeRefused, which names them."""
    kept = [item for item in items if _strictest(item) == ShareType.NOT_SHARED and _leaves(scope, item)]
    if not kept:
        return
    names = "、".join(f"{item['name']}（{item['field_name']}）" for item in kept)
    if any(item.get("key") for item in kept):
        zh = f"主键项 {names} 不予共享，没有主键就分不清是哪一行，因此不能申请或授权；请提供方发布以可共享的信息项为主键的版本"
        en = f"the key items {names} are not shared, and without them nobody can tell the rows apart; ask the provider for a version with another key"
    else:
        zh = f"信息项 {names} 不予共享；请在 items 中列出其余要用的信息项（成组的整组不列）"
        en = f"the items {names} are not shared; list the others that are needed in items, a group as a whole or not at all"
    raise ScopeRefused([FieldError("/scope/items", zh, en)])


def share_type_of(scope: Scope, items: Sequence[Mapping[str, Any]], of_resource: int) -> ShareType:
    """The share type of what would leave: that of the resource, or of its strictest item in the scope."""
    return ShareType(max([of_resource, *(_strictest(item) for item in items if _leaves(scope, item))]))


def _leaves(scope: Scope, item: Mapping[str, Any]) -> bool:
    return scope.items is None or item["field_name"] in scope.items


def _strictest(item: Mapping[str, Any]) -> int:
    """The strictest share type that the item, or one within it, says of itself; 0 where none says any."""
    own: int = item.get("share_type", 0)
    return max([own, *(_strictest(child) for child in item.get("items", ()))])


_MASK = "mask"
"""Where conditions have their operator, as the column `rows` has it."""


def scope_of(items: Sequence[str] | None, rows: Sequence[Mapping[str, Any]] | None) -> Scope:
    """The scope in two columns as `columns_of` wrote them."""
    rules = () if rows is None else rows
    return Scope(
        None if items is None else tuple(items),
        tuple(Condition(row["item"], Operator(row["op"]), tuple(row["values"])) for row in rules if row["op"] != _MASK),
        tuple(
            MaskedItem(row["item"], Mask(row["keep_first"], row["keep_last"])) for row in rules if row["op"] == _MASK
        ),
    )


def columns_of(scope: Scope) -> dict[str, Any]:
    """The columns `items` and `rows` of a scope, `rows` with all that is asked of each row: conditions, then masks; NULL leaves nothing out."""
    conditions = [condition.as_data() for condition in scope.rows]
    masks = [
        {"item": one.item, "op": _MASK, "keep_first": one.mask.keep_first, "keep_last": one.mask.keep_last}
        for one in scope.masks
    ]
    return {"items": None if scope.items is None else list(scope.items), "rows": [*conditions, *masks] or None}


def _item_faults(scope: Scope, by_name: Mapping[str, Mapping[str, Any]]) -> Iterator[FieldError]:
    if scope.items is None:
        return
    if not 1 <= len(scope.items) <= MOST_ITEMS or len(set(scope.items)) != len(scope.items):
        yield FieldError(
            "/scope/items",
            f"须列出 1 至 {MOST_ITEMS} 个信息项，且不重复；全部信息项请不写 items",
            f"names 1 to {MOST_ITEMS} items, each once; leave items out for all of them",
        )
    for index, name in enumerate(scope.items):
        if name not in by_name:
            yield FieldError(
                f"/scope/items/{index}",
                "资源的当前版本没有这个信息项；请核对字段名",
                "the live version has no such item; check the field name",
            )
    missing = [name for name, item in by_name.items() if item.get("key") and name not in scope.items]
    if missing:
        yield FieldError(
            "/scope/items",
            f"须包含主键项 {'、'.join(missing)}：没有主键就分不清是哪一行",
            f"include the key items {', '.join(missing)}: without them nobody can tell the rows apart",
        )


def _row_faults(scope: Scope, by_name: Mapping[str, Mapping[str, Any]]) -> Iterator[FieldError]:
    names = [condition.item for condition in scope.rows]
    if len(names) > MOST_CONDITIONS or len(set(names)) != len(names):
        yield FieldError(
            "/scope/rows",
            f"最多 {MOST_CONDITIONS} 个条件，每个主键项一个",
            f"takes at most {MOST_CONDITIONS} conditions, one for a key item",
        )
    for index, condition in enumerate(scope.rows):
        pointer, item = f"/scope/rows/{index}", by_name.get(condition.item)
        if item is None or not item.get("key"):
            yield FieldError(
                f"{pointer}/item",
                "行规则只能用资源的主键项；请核对字段名",
                "a row rule speaks of key items alone; check the field name",
            )
            continue
        yield from _condition_faults(pointer, condition, DataType(item["data_type"]))


def _condition_faults(pointer: str, condition: Condition, data_type: DataType) -> Iterator[FieldError]:
    if condition.operator is Operator.PREFIX and data_type is not DataType.C:
        yield FieldError(
            f"{pointer}/op", "只有字符型可按开头比较；请改用 in", "only characters have a beginning; write in"
        )
    if not 1 <= len(condition.values) <= MOST_VALUES or len(set(condition.values)) != len(condition.values):
        yield FieldError(
            f"{pointer}/values",
            f"须有 1 至 {MOST_VALUES} 个值，且不重复",
            f"takes 1 to {MOST_VALUES} values, each once",
        )
    for index, value in enumerate(condition.values):
        if not _fits(value, data_type):
            written = _WRITTEN.get(data_type, "")
            yield FieldError(
                f"{pointer}/values/{index}",
                f"值须为{data_type.zh}" + (f"，与载荷写法一致，如 {written}" if written else "") + "；请更正",
                f"a value here is of the item's type ({data_type.en})"
                + (f", written as payloads have it, such as {written}" if written else "")
                + "; correct it",
            )


def _mask_faults(scope: Scope, by_name: Mapping[str, Mapping[str, Any]]) -> Iterator[FieldError]:
    if len(scope.masks) > MOST_MASKS:
        yield FieldError(
            "/scope/masks",
            f"最多 {MOST_MASKS} 个信息项打码；不需要的信息项请不列入 items",
            f"takes at most {MOST_MASKS} masks; leave what is not needed out of items",
        )
    seen = set[str]()
    for index, one in enumerate(scope.masks):
        pointer = f"/scope/masks/{index}"
        if (fault := _masked_item_fault(one.item, scope, by_name, seen)) is not None:
            yield FieldError(f"{pointer}/item", *fault)
        else:
            yield from _kept_faults(pointer, one.mask, by_name[one.item].get("length"))
        seen.add(one.item)


def _masked_item_fault(
    name: str, scope: Scope, by_name: Mapping[str, Mapping[str, Any]], seen: set[str]
) -> tuple[str, str] | None:
    """Why the item cannot be masked, in Chinese and English."""
    item = by_name.get(name)
    if item is None:
        return (
            "资源的当前版本没有这个信息项，或它在成组的信息项里面：组内的不能打码；请核对字段名，或把整组不列入 items",
            "the live version has no such item, or has it in a group, where nothing is masked; check the field name, or leave the group out",
        )
    if name in seen:
        return "这个信息项已有掩码；请只留一个", "this item has a mask already; keep one"
    if scope.items is not None and name not in scope.items:
        return (
            "这个信息项不在 items 之中，不会交付；请列入 items，或删去掩码",
            "this item is not among items and is not delivered; add it to items, or remove the mask",
        )
    if item.get("key"):
        return (
            "主键项不能打码：使用方凭主键更新、删除、更正，打码后几行会成为一行；请删去掩码，或请提供方发布以其他信息项为主键的版本",
            "a key item takes no mask: by it rows are updated, deleted and corrected; remove the mask, or publish a version with another key",
        )
    if DataType(item["data_type"]) not in TEXT_TYPES:
        return (
            "只有字符型（C）和备注型（M）可以打码；不宜提供的请不列入 items",
            "only texts (types C and M) are masked; leave what should not be given out of items",
        )
    return None


def _kept_faults(pointer: str, mask: Mask, length: int | None) -> Iterator[FieldError]:
    counts = {"keep_first": mask.keep_first, "keep_last": mask.keep_last}
    wrong = [name for name, count in counts.items() if not 0 <= count <= MOST_KEPT]
    for name in wrong:
        yield FieldError(f"{pointer}/{name}", f"须为 0 至 {MOST_KEPT}", f"is 0 to {MOST_KEPT}")
    kept = sum(counts.values())
    if not wrong and length is not None and kept >= length:
        yield FieldError(
            pointer,
            f"信息项最长 {length} 个字符，保留 {kept} 个就没有可遮盖的；请少留几个，不需打码的请删去掩码",
            f"the item has at most {length} characters, so to keep {kept} hides none; keep fewer, or remove the mask",
        )


def _fits(value: Value, data_type: DataType) -> bool:
    if data_type is DataType.I:
        return isinstance(value, int) and not isinstance(value, bool)
    if data_type is DataType.N:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str) or not value:
        return False
    return data_type is DataType.C or _form(data_type).is_valid(value)


_WRITTEN = {DataType.D: "2026-03-01", DataType.T: "2026-03-01T09:30:00+08:00"}


@cache
def _form(data_type: DataType) -> PayloadValidator:
    """The form that payloads have a day or a moment in: in another no row would ever equal it."""
    return compile_schema({"$schema": DIALECT, "format": "date" if data_type is DataType.D else "date-time"})
