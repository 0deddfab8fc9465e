"""Which JSON values one information item takes, as far as an editor's own values are judged, and one that it takes."""

from decimal import Decimal
from typing import Any, Final

from catalog.codes import DataType
from catalog.formats import FORMATS
from catalog.item import MAX_LENGTH, MAX_NUMBER, NUMBER_TYPES, TEXT_TYPES, UNPRINTABLE, Item, ItemValue
from catalog.money import is_amount

_EXAMPLES: Final[dict[DataType, Any]] = {
    DataType.D: "2026-01-01",
    DataType.T: "2026-01-01T09:00:00+08:00",
    DataType.L: True,
    DataType.G: {
        "file": "01990000-0000-7000-8000-000000000000",
        "digest": "sha-256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "size": 0,
        "name": "示例.pdf",
        "media_type": "application/pdf",
    },
}
_EXAMPLE_TEXT: Final = "示例"
_NO_LEVEL: Final = "无"  # what an item 密级 holds when its row is no secret


def is_value_of(item: Item, value: ItemValue) -> bool:
    """Return True if `value` has JSON type, length, format and range of the item; the compiled schema sees the rest."""
    if item.data_type is DataType.L:
        return isinstance(value, bool)
    if item.data_type in NUMBER_TYPES:
        return is_number_of(item, value) and _lies_within(item, value)
    if not isinstance(value, str) or UNPRINTABLE.search(value):
        return False
    if item.data_type is DataType.Y:
        return is_amount(value) and _amount_lies_within(item, value)
    if item.data_type not in TEXT_TYPES:
        return bool(value) or not item.is_required
    fits = item.least_length <= len(value) and (item.length is None or len(value) <= item.length)
    return fits and (item.format is None or FORMATS[item.format].takes(value))


def is_number_of(item: Item, value: ItemValue) -> bool:
    """Return True if `value` is a number of the item's kind that can be stored, whatever the item's range.

    Beyond ±(2^53−1) jsonb gives back an integer that RFC 8785 cannot write; what is no number is not in that range.
    """
    if isinstance(value, bool | str) or not abs(value) <= MAX_NUMBER:
        return False
    return item.data_type is not DataType.I or isinstance(value, int)


def number_within(item: Item) -> int | float | None:
    """Return a number that the item's range holds, None if it holds none."""
    low: Any = item.minimum if item.minimum is not None else item.exclusive_minimum
    high: Any = item.maximum if item.maximum is not None else item.exclusive_maximum
    candidates: list[Any] = [1] if low is None else [low, low + 1]
    if high is not None:
        candidates += [high, high - 1]
    if low is not None and high is not None:
        candidates.append((low + high) / 2)
    return next((value for value in candidates if is_number_of(item, value) and _lies_within(item, value)), None)


def amount_within(item: Item) -> str | None:
    """Return an amount of money that the item's range holds, None if it holds none."""
    candidates = [bound for bound in ("100.00", item.minimum, item.maximum) if isinstance(bound, str)]
    return next((amount for amount in candidates if _amount_lies_within(item, amount)), None)


def example_value(item: Item) -> Any:
    """Return a value that the item's form accepts: the editor's own example, the first of the code list, or ours."""
    if item.example is not None:
        return item.example
    if item.enumeration:
        return item.enumeration[0]
    if item.items is not None:
        return _example_group(item, item.items)
    if item.data_type in NUMBER_TYPES:
        return number_within(item)
    if item.data_type is DataType.Y:
        return amount_within(item)
    return _example_text(item) if item.data_type in TEXT_TYPES else _EXAMPLES[item.data_type]


def _example_group(item: Item, within: tuple[Item, ...]) -> Any:
    entry = {child.field_name: example_value(child) for child in within}
    return [entry] * max(1, item.least_length) if item.many else entry


def _example_text(item: Item) -> str:
    if item.format is not None:
        return FORMATS[item.format].example
    if item.states_secrecy:
        return _NO_LEVEL.ljust(item.least_length)
    least = max(item.least_length, min(len(_EXAMPLE_TEXT), item.length or MAX_LENGTH))
    return (_EXAMPLE_TEXT * least)[:least]


def _lies_within(item: Item, value: Any) -> bool:
    return (
        (item.minimum is None or value >= item.minimum)
        and (item.maximum is None or value <= item.maximum)
        and (item.exclusive_minimum is None or value > item.exclusive_minimum)
        and (item.exclusive_maximum is None or value < item.exclusive_maximum)
    )


def _amount_lies_within(item: Item, amount: str) -> bool:
    value = Decimal(amount)
    above = item.minimum is None or value >= Decimal(item.minimum)
    return above and (item.maximum is None or value <= Decimal(item.maximum))
