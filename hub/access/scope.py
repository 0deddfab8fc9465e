"""What of a resource somebody may have 使用范围: which items, and which rows by a rule over key items. Pure: no table.

The rule speaks of key items alone, because records that delete carry nothing else: whether a row is in the scope can be
judged of every record. A scope names what may leave and nothing is added to it later: an item of a version that comes after
is not in a scope that lists items.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from catalog.codes import DataType
from hub.errors import FieldError, InvalidInput

MOST_ITEMS = 500
"""As many as a resource has at most."""

MOST_CONDITIONS = 8
"""As many as a row has key items at most."""

MOST_VALUES = 500
"""Values of one condition: every town and village office of a county several times over."""

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
class Scope:
    """`items`: the field names that may leave, None for all. `rows`: conditions that all hold, none for every row."""

    items: tuple[str, ...] | None = None
    rows: tuple[Condition, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.items is None and not self.rows


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
    if found := [*_item_faults(scope, by_name), *_row_faults(scope, by_name)]:
        raise ScopeRefused(found)


def scope_of(items: Sequence[str] | None, rows: Sequence[Mapping[str, Any]] | None) -> Scope:
    """The scope in two columns as `columns_of` wrote them."""
    conditions = (
        Condition(row["item"], Operator(row["op"]), tuple(row["values"])) for row in (() if rows is None else rows)
    )
    return Scope(None if items is None else tuple(items), tuple(conditions))


def columns_of(scope: Scope) -> dict[str, Any]:
    """The columns `items` and `rows` of a scope; NULL leaves nothing out."""
    return {
        "items": None if scope.items is None else list(scope.items),
        "rows": [condition.as_data() for condition in scope.rows] or None,
    }


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
            yield FieldError(
                f"{pointer}/values/{index}",
                f"值须为{data_type.zh}；请更正",
                f"a value here is of the item's type ({data_type.en}); correct it",
            )


def _fits(value: Value, data_type: DataType) -> bool:
    if data_type is DataType.I:
        return isinstance(value, int) and not isinstance(value, bool)
    if data_type is DataType.N:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str) or not value:
        return False
    return data_type is DataType.C or _is_written(value, date if data_type is DataType.D else datetime)


def _is_written(value: str, kind: type[date]) -> bool:
    try:
        kind.fromisoformat(value)
    except ValueError:
        return False
    return True
