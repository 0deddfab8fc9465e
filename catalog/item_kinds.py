"""What only items of some types can say of themselves: precision, code list, increments (guideline §1.2)."""

from collections.abc import Iterator

from catalog.codes import DataType
from catalog.item import ENUMERABLE_TYPES, KEY_TYPES, MAX_PRECISION, PRECISE_TYPES, TIMESTAMP_TYPES, Item


def kind_faults(item: Item) -> Iterator[tuple[str, str, str, str]]:
    """Yield what the item says and its type does not allow: field, rule, Chinese, English."""
    if item.precision is not None and not (item.data_type in PRECISE_TYPES and 0 <= item.precision <= MAX_PRECISION):
        yield (
            "/precision",
            "item-precision",
            f"精度是小数位数，0 至 {MAX_PRECISION}，只用于 N、B、F、Y 型；请更正或删除",
            f"precision is a number of decimal places, 0 to {MAX_PRECISION}, of types N, B, F and Y; correct or remove it",
        )
    for field, said, types in (
        ("dictionary_code", item.dictionary_code is not None, ENUMERABLE_TYPES),
        ("is_increment", item.is_increment, KEY_TYPES),
        ("is_timestamp", item.is_timestamp, TIMESTAMP_TYPES),
    ):
        if said and item.data_type not in types:
            kinds = [kind for kind in DataType if kind in types]
            yield (
                f"/{field}",
                "item-kind",
                f"只用于{'、'.join(kind.zh for kind in kinds)}；请更正数据类型或删除此项",
                f"is for types {', '.join(kinds)} only; correct the data type or leave it out",
            )
