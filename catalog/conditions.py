"""Conditions of a record: what it must carry, may not carry, or must say when another of its items has a certain value.

Items alone describe each property by itself; a condition ties properties of one record together and becomes an `if`/`then`
of `$defs.record`. Where they come from (a type of list) is no concern of this module.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, StrictStr

from catalog.items import Item, ItemValue

WHEN: Final = "x-when"
"""Beside what a condition asks for: the case in which it does, in Chinese and English, for whoever broke it."""


class Condition(BaseModel):
    """When every item of `when` has its value and every item of `present` is there: what holds then, and on what basis."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: Mapping[str, ItemValue] = {}
    present: tuple[StrictStr, ...] = ()
    require: tuple[StrictStr, ...] = ()
    forbid: tuple[StrictStr, ...] = ()
    values: Mapping[str, ItemValue] = {}
    basis: StrictStr

    def holds_for(self, record: Mapping[str, Any]) -> bool:
        """True if the record is of the case that the condition is about."""
        return all(record.get(name) == value for name, value in self.when.items()) and all(
            name in record for name in self.present
        )


def condition_schemas(conditions: Sequence[Condition], items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return an `if`/`then` for each condition, whose messages call the items by their names."""
    by_name = {item.field_name: item for item in items}
    return [_schema(condition, by_name) for condition in conditions]


def example_under(conditions: Sequence[Condition], example: Mapping[str, Any]) -> dict[str, Any]:
    """Return the example record as the conditions allow it: with the values that they ask for, without what they forbid."""
    kept = dict(example)
    for condition in conditions:
        if condition.holds_for(kept):
            kept = {name: value for name, value in kept.items() if name not in condition.forbid}
            kept.update(condition.values)
    return kept


def names_of(condition: Condition) -> frozenset[str]:
    """Return the field names of all items that a condition speaks of."""
    return frozenset((*condition.when, *condition.present, *condition.require, *condition.forbid, *condition.values))


def conditions_in(schemas: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """Return the conditions whose schemas these are, as `condition_schemas` made them. Raises ValueError for any other form."""
    try:
        found = tuple(_condition(schema) for schema in schemas)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("this is no condition") from error
    return found


def _condition(schema: Mapping[str, Any]) -> Condition:
    case, then = schema["if"], schema["then"]
    asked: Mapping[str, Mapping[str, Any]] = then["properties"]
    return Condition(
        when={name: case["properties"][name]["const"] for name in case["required"] if name in case["properties"]},
        present=tuple(name for name in case["required"] if name not in case["properties"]),
        require=tuple(then.get("required", ())),
        forbid=tuple(name for name, form in asked.items() if "not" in form),
        values={name: form["const"] for name, form in asked.items() if "const" in form},
        basis=schema["$comment"],
    )


def _schema(condition: Condition, items: Mapping[str, Item]) -> dict[str, Any]:
    case = case_words(condition, items)
    asked: dict[str, Any] = {name: _asked(items[name], case) for name in condition.require}
    asked |= {name: _asked(items[name], case) | {"not": {}} for name in condition.forbid}
    asked |= {name: _asked(items[name], case) | {"const": value} for name, value in condition.values.items()}
    then: dict[str, Any] = {"properties": asked}
    if condition.require:
        then["required"] = list(condition.require)
    return {
        "$comment": condition.basis,
        "if": {
            "properties": {name: {"const": value} for name, value in condition.when.items()},
            "required": [*condition.when, *condition.present],
        },
        "then": then,
    }


def _asked(item: Item, case: Sequence[str]) -> dict[str, Any]:
    return {"title": item.name, "x-data-type": item.data_type.value, WHEN: list(case)}


def case_words(condition: Condition, items: Mapping[str, Item]) -> tuple[str, str]:
    """Return the case that a condition is about, its items by their names."""
    zh = [f"“{items[name].name}”为“{value}”" for name, value in condition.when.items()]
    zh += [f"填写了“{items[name].name}”" for name in condition.present]
    en = [f"{name} is {value}" for name, value in condition.when.items()]
    en += [f"{name} is given" for name in condition.present]
    return f"{'、'.join(zh)}时", f"when {' and '.join(en)}"
