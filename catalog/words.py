"""Values and changes in words, Chinese and English, as an editor reads them: labels instead of codes, never JSON."""

from collections.abc import Sequence
from typing import Any, Final

from catalog.codes import LabelledNumber, LabelledText
from catalog.item import Item
from catalog.labels import label_of

Words = tuple[str, str]  # Chinese, English

MAX_TEXT: Final = 200  # code points of one text that a sentence repeats
MAX_LISTED: Final = 20  # values of one list that a sentence repeats

_YES: Final[Words] = ("是", "yes")
_NO: Final[Words] = ("否", "no")
_NOTHING: Final[Words] = ("无", "none")
# An item is introduced by these; what else it says follows.
_NAMES: Final = frozenset({"field_name", "name"})


def value_words(value: Any) -> Words:
    """Return a single value in words: a code's labels, 是 or 否, a number, or the text in quotation marks."""
    if value is None or value == ():
        return _NOTHING
    if isinstance(value, LabelledText | LabelledNumber):
        return value.zh, value.en
    if isinstance(value, bool):
        return _YES if value else _NO
    if isinstance(value, str):
        shown = value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}…"
        return f"“{shown}”", f'"{shown}"'
    if isinstance(value, Item):
        return f"“{value.name}”", f'"{value.name}"'
    return str(value), str(value)


def change_words(label: Words, old: Any, new: Any) -> Words:
    """Return how a field changed: `共享类型：有条件共享 → 无条件共享`, or of a list what came and what went."""
    zh, en = label
    if isinstance(old or (), tuple) and isinstance(new or (), tuple):
        change = _list_change(old or (), new or ())
    else:
        (was_zh, was_en), (is_zh, is_en) = value_words(old), value_words(new)
        change = f"{was_zh} → {is_zh}", f"{was_en} → {is_en}"
    return f"{zh}：{change[0]}", f"{en}: {change[1]}"


def _list_change(old: tuple[Any, ...], new: tuple[Any, ...]) -> Words:
    came = [value for value in new if value not in old]
    went = [value for value in old if value not in new]
    parts = [
        (f"{zh} {_listed(values)[0]}", f"{en} {_listed(values)[1]}")
        for zh, en, values in (("增加", "added", came), ("删去", "removed", went))
        if values
    ]
    if not parts:
        return "顺序调整", "in another order"
    return "；".join(zh for zh, _ in parts), "; ".join(en for _, en in parts)


def _listed(values: Sequence[Any]) -> Words:
    words = [value_words(value) for value in values[:MAX_LISTED]]
    more = len(values) - len(words)
    zh = "、".join(zh for zh, _ in words) + (f" 等 {len(values)} 个" if more else "")
    return zh, ", ".join(en for _, en in words) + (f" and {more} more" if more else "")


def item_change_words(old: Item, new: Item, field: str) -> Words:
    """Return how one field of an item changed."""
    return change_words(label_of(Item, field), getattr(old, field), getattr(new, field))


def item_words(item: Item) -> Words:
    """Return all that an item says besides its names: `字符型，长度 50，必填`."""
    said = [_trait(item, field) for field in Item.model_fields if field not in _NAMES and _is_said(item, field)]
    return "，".join(zh for zh, _ in said), ", ".join(en for _, en in said)


def _is_said(item: Item, field: str) -> bool:
    value = getattr(item, field)
    return value is not None and value is not False


def _trait(item: Item, field: str) -> Words:
    label, value = label_of(Item, field), getattr(item, field)
    if value is True and Item.model_fields[field].default is False:
        return label
    words = _listed(value) if isinstance(value, tuple) else value_words(value)
    if field == "data_type":
        return words
    return f"{label[0]} {words[0]}", f"{label[1]} {words[1]}"


def subject_words(path: Sequence[Item]) -> Words:
    """Return what an item is called, with those that it lies within: `信息项“材料/名称”`."""
    names = "/".join(item.name for item in path)
    return f"信息项“{names}”", f'item "{names}"'


def event_words(path: Sequence[Item], event: Words) -> Words:
    """Return what happened to an item as a whole: `信息项“姓名”：新增，字符型，长度 50`."""
    zh, en = subject_words(path)
    return f"{zh}：{event[0]}", f"{en}: {event[1]}"


def property_words(path: Sequence[Item], change: Words) -> Words:
    """Return what changed of an item: `信息项“姓名”的长度：20 → 50`."""
    zh, en = subject_words(path)
    return f"{zh}的{change[0]}", f"{en}, {change[1]}"
