"""What the conditions of a record ask in one version and not in another, rule by rule and in words; judges nothing.

A condition that asks three things is three rules: that one of them came or went is told by itself. The basis of a condition is
no rule, nor is the order of its parts.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from catalog.conditions import Condition, case_words, names_of
from catalog.item import Item
from catalog.words import Words, value_words


class ConditionChange(NamedTuple):
    """One rule that came (`narrower`) or went, with what it asks in Chinese and in English."""

    narrower: bool
    zh: str
    en: str


def condition_changes(
    old: tuple[Sequence[Condition], Sequence[Item]], new: tuple[Sequence[Condition], Sequence[Item]]
) -> Iterator[ConditionChange]:
    """Yield the rules that came, in the order of the newer version, then those that went; each side with its items."""
    before, after = _rules(*old), _rules(*new)
    for narrower, here, there, (zh, en) in ((True, after, before, _CAME), (False, before, after, _WENT)):
        for rule, words in here.items():
            if rule not in there:
                yield ConditionChange(narrower, f"条件{zh}：{words[0]}", f"condition {en}: {words[1]}")


_CAME, _WENT = ("新增", "added"), ("取消", "removed")


def _rules(conditions: Sequence[Condition], items: Sequence[Item]) -> Mapping[Any, Words]:
    """Return every single rule with what it asks; a rule is its case, the item it asks for, and what of it.

    A condition of items that are not there asks nothing.
    """
    by_name = {item.field_name: item for item in items}
    found: dict[Any, Words] = {}
    for condition in conditions:
        if not names_of(condition) <= by_name.keys():
            continue
        case = (frozenset(condition.when.items()), frozenset(condition.present))
        for name in by_name:
            for asked, words in _asked(condition, by_name[name]):
                case_zh, case_en = case_words(condition, by_name)
                found[case, name, asked] = (f"{case_zh}，{words[0]}", f"{case_en}, {words[1]}")
    return found


def _asked(condition: Condition, item: Item) -> Iterator[tuple[Any, Words]]:
    name = item.field_name
    if name in condition.require:
        yield "require", (f"须填写“{item.name}”", f'"{item.name}" is required')
    if name in condition.forbid:
        yield "forbid", (f"不得填写“{item.name}”", f'"{item.name}" may not be given')
    if name in condition.values:
        zh, en = value_words(condition.values[name])
        yield ("value", condition.values[name]), (f"“{item.name}”应为{zh}", f'"{item.name}" is {en}')
