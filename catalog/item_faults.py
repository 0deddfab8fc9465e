"""Every rule that one information item can break, alone and with the items within it; `items` judges them together."""

from collections.abc import Iterator, Sequence
from itertools import chain

from catalog.blanks import trimmed
from catalog.codes import DataType
from catalog.formats import FORMATS, PERSONAL
from catalog.item import (
    ENUMERABLE_TYPES,
    FIELD_NAME_FORM,
    KEY_TYPES,
    MAX_DEPTH,
    MAX_DESCRIPTION,
    MAX_DICTIONARY_CODE,
    MAX_ENTRIES,
    MAX_ENUMERATION,
    MAX_LENGTH,
    MAX_NAME,
    MAX_PATTERN,
    MAX_UNIT,
    NUMBER_TYPES,
    TEXT_TYPES,
    UNPRINTABLE,
    Item,
)
from catalog.item_kinds import kind_faults
from catalog.item_values import amount_within, is_number_of, is_value_of, number_within
from catalog.money import is_amount

Fault = tuple[str, str, str, str]  # field below the item, rule, Chinese, English

# An item whose range is at fault is judged on without it.
_UNBOUNDED = {"minimum": None, "maximum": None, "exclusive_minimum": None, "exclusive_maximum": None}


def item_faults(item: Item, depth: int = 1) -> Iterator[Fault]:
    """Yield what is wrong with the item and with those within it; `depth` is 1 for an item of the record itself."""
    if FIELD_NAME_FORM.fullmatch(item.field_name) is None:
        yield (
            "/field_name",
            "item-field-name",
            "字段名应以小写字母开头，只含小写字母、数字和下划线，不超过 63 个字符",
            "a field name begins with a small letter and holds small letters, digits and _, at most 63",
        )
    if item.secret:
        yield (
            "/secret",
            "CAT-07",
            "涉密信息项不得登记：本枢纽是非涉密网络，请删除该信息项",
            "an item that is a state or work secret cannot be registered on this unclassified network; remove it",
        )
    yield from _text_faults(item)
    yield from _format_faults(item)
    yield from _length_faults(item)
    yield from _key_faults(item, depth)
    beyond_use = list(_range_faults(item))
    yield from beyond_use
    judged = item.model_copy(update=_UNBOUNDED) if beyond_use else item
    yield from _enumeration_faults(judged)
    yield from _example_faults(judged)
    yield from _group_faults(item, depth)
    yield from kind_faults(item)


def _text_faults(item: Item) -> Iterator[Fault]:
    for field, text, limit in (
        ("/name", item.name, MAX_NAME),
        ("/description", item.description, MAX_DESCRIPTION),
        ("/unit", item.unit, MAX_UNIT),
        ("/pattern", item.pattern, MAX_PATTERN),
        ("/dictionary_code", item.dictionary_code, MAX_DICTIONARY_CODE),
    ):
        if text is None:
            continue
        if not trimmed(text):
            yield field, "item-text", "不能为空白；没有内容就不要填此项", "is blank; leave it out if there is nothing"
        elif len(text) > limit:
            yield field, "item-text", f"最多 {limit} 个字，请缩短", f"has at most {limit} characters; shorten it"
        elif UNPRINTABLE.search(text):
            yield field, "item-text", "含有控制字符，请删除", "holds control characters; remove them"
    if item.pattern is not None and item.data_type not in TEXT_TYPES:
        yield "/pattern", "item-pattern", "只有字符型和备注型可以设格式", "only character and memo items take a pattern"
    if item.pattern is not None and item.example is None and not item.enumeration:
        yield "/example", "item-example", "设了格式的信息项请给一个示例值", "an item with a pattern needs an example"


def _format_faults(item: Item) -> Iterator[Fault]:
    if item.format is None:
        return
    if item.data_type not in TEXT_TYPES:
        yield "/format", "item-format", "只有字符型和备注型可以选格式", "only character and memo items take a format"
    if item.pattern is not None:
        yield (
            "/pattern",
            "item-format",
            "已选了格式，请删除自定的 pattern，二者只能有一个",
            "has a format already; remove the pattern, an item has one of them",
        )
    form = FORMATS[item.format]
    if item.length is not None and item.length < form.shortest:
        yield (
            "/length",
            "item-format",
            f"{item.format.zh}至少 {form.shortest} 个字，请加大数据长度或留空",
            f"a {item.format.en} has at least {form.shortest} characters; raise the length or leave it out",
        )
    if item.least_length > form.longest:
        yield (
            "/min_length",
            "item-format",
            f"{item.format.zh}最多 {form.longest} 个字，请删除最小长度",
            f"a {item.format.en} has at most {form.longest} characters; remove the minimum length",
        )
    if item.format in PERSONAL:
        for field, given in (("/example", item.example), ("/enumeration", item.enumeration)):
            if given is not None:
                yield (
                    field,
                    "item-personal",
                    f"{item.format.zh}是个人信息，目录中不得列出；请删除，示例由系统给出",
                    f"a {item.format.en} is personal data and is not listed in a catalogue; remove it, we give an example",
                )


def _length_faults(item: Item) -> Iterator[Fault]:
    most = MAX_ENTRIES if item.many else MAX_LENGTH
    if item.length is None:
        if item.data_type is DataType.C and item.format is None:
            yield "/length", "item-length", "字符型必须填数据长度（字数）", "a character item needs its length"
    elif not 1 <= item.length <= most:
        yield "/length", "item-length", f"数据长度应为 1 至 {most}", f"length is 1 to {most}"
    if item.min_length is None:
        return
    if item.data_type not in TEXT_TYPES and not item.many:
        yield (
            "/min_length",
            "item-length",
            "只有字符型、备注型和列表可以设最小长度",
            "only character and memo items and lists take a minimum length",
        )
    elif not 1 <= item.min_length <= min(item.length or MAX_ENTRIES, MAX_ENTRIES):
        yield (
            "/min_length",
            "item-length",
            f"最小长度应为 1 至 {MAX_ENTRIES}，且不大于数据长度",
            f"the minimum length is 1 to {MAX_ENTRIES} and not above the length",
        )


def _key_faults(item: Item, depth: int) -> Iterator[Fault]:
    if item.key and depth > 1:
        yield (
            "/key",
            "item-key",
            "下级信息项不能作主键，请在记录一级设主键",
            "an item within a group cannot be a key; keys stand in the record itself",
        )
    elif item.key and item.data_type not in KEY_TYPES:
        allowed = "、".join(f"{kind.value} {kind.zh}" for kind in DataType if kind in KEY_TYPES)
        yield (
            "/key",
            "item-key",
            f"{item.data_type.zh}不能作主键；主键可用：{allowed}",
            f"a {item.data_type.en} item cannot be a key; use {', '.join(k for k in DataType if k in KEY_TYPES)}",
        )
    if item.secrecy_marking and item.data_type not in ENUMERABLE_TYPES:
        yield (
            "/secrecy_marking",
            "item-secrecy",
            "说明密级的信息项应为 C、N 或 I 型",
            "an item that states a secrecy level is of type C, N or I",
        )


def _range_faults(item: Item) -> Iterator[Fault]:
    faults = list(chain(_bound_faults(item), _exclusive_faults(item)))
    yield from faults
    if not faults and item.data_type in NUMBER_TYPES and number_within(item) is None:
        yield "/minimum", "item-range", "范围内没有任何值，请改正", "no number lies within the range; correct it"
    if not faults and item.data_type is DataType.Y and amount_within(item) is None:
        yield "/minimum", "item-range", "最小值大于最大值，请改正", "minimum exceeds maximum; correct one of them"


def _bound_faults(item: Item) -> Iterator[Fault]:
    for field, bound in (
        ("/minimum", item.minimum),
        ("/maximum", item.maximum),
        ("/exclusive_minimum", item.exclusive_minimum),
        ("/exclusive_maximum", item.exclusive_maximum),
    ):
        if bound is None:
            continue
        if item.data_type is DataType.Y and not field.startswith("/exclusive"):
            if not isinstance(bound, str) or not is_amount(bound):
                zh = '货币型的范围写作金额文本，如 "0.00"，单位同信息项'
                yield (
                    field,
                    "item-range",
                    zh,
                    'a bound of money is a decimal text such as "0.00", in the unit of the item',
                )
        elif item.data_type not in NUMBER_TYPES:
            yield field, "item-range", *_NO_RANGE
        elif not is_number_of(item, bound):
            yield field, "item-range", "应为绝对值不超过 2^53−1 的数，整型用整数", "is a number within ±(2^53−1)"


_NO_RANGE = (
    "只有 N、B、F、I 型和货币型 Y 可以设范围，不含端点的只有前四种",
    "only types N, B, F, I and money Y take a range, one without its ends only the first four",
)


def _exclusive_faults(item: Item) -> Iterator[Fault]:
    for inclusive, exclusive, field in (
        (item.minimum, item.exclusive_minimum, "/exclusive_minimum"),
        (item.maximum, item.exclusive_maximum, "/exclusive_maximum"),
    ):
        if inclusive is not None and exclusive is not None:
            yield (
                field,
                "item-range",
                "同一端只能设一个界限：含端点或不含端点，请删除一个",
                "an end has one bound, with or without the end itself; remove one",
            )


def _enumeration_faults(item: Item) -> Iterator[Fault]:
    values = item.enumeration
    if values is None:
        return
    if item.data_type not in ENUMERABLE_TYPES:
        zh = "只有 C、N、I 型可以设值域"
        yield "/enumeration", "item-enumeration", zh, "only types C, N and I take an enumeration"
        return
    if not 1 <= len(values) <= MAX_ENUMERATION:
        zh = f"值域应有 1 至 {MAX_ENUMERATION} 个值"
        yield "/enumeration", "item-enumeration", zh, f"an enumeration has 1 to {MAX_ENUMERATION} values"
    if len(set(values)) != len(values):
        yield "/enumeration", "item-enumeration", "值域中有重复的值，请删除", "an enumeration repeats no value"
    if not all(is_value_of(item, value) for value in values):
        yield (
            "/enumeration",
            "item-enumeration",
            "值域中有值不符合数据类型、长度、格式或范围，请改正",
            "a value of the enumeration is not of the item's type, length, format or range",
        )


def _example_faults(item: Item) -> Iterator[Fault]:
    if item.example is None:
        return
    if item.data_type is DataType.G:
        zh = "通用型（文件、下级信息项）不需要示例值，请删除"
        yield "/example", "item-example", zh, "a file or a group takes no example; remove it"
    elif not is_value_of(item, item.example) or (item.enumeration and item.example not in item.enumeration):
        yield (
            "/example",
            "item-example",
            "示例值不符合数据类型、长度、格式、范围或值域，请改正",
            "the example is not of the item's type, length, format, range or enumeration",
        )


def _group_faults(item: Item, depth: int) -> Iterator[Fault]:
    if item.items is None:
        if item.many:
            zh = "只有带下级信息项的通用型可以重复；请加上下级信息项"
            yield "/many", "item-group", zh, "only a general item with items of its own is a list; give it items"
        return
    if item.data_type is not DataType.G:
        yield "/items", "item-group", "只有通用型 G 可以有下级信息项", "only items of type G have items within them"
    if depth >= MAX_DEPTH:
        zh = f"信息项最多 {MAX_DEPTH} 层，请把下级信息项移到上一级"
        yield "/items", "item-group", zh, f"items have at most {MAX_DEPTH} levels; move these one level up"
        return
    if not item.items:
        yield "/items", "item-group", "至少有一个下级信息项", "a group has at least one item"
    for index, child in enumerate(item.items):
        for field, rule, zh, en in item_faults(child, depth + 1):
            yield f"/items/{index}{field}", rule, zh, en
    yield from repeated(item.items)


def repeated(siblings: Sequence[Item]) -> Iterator[Fault]:
    """Yield a fault for each name that an earlier item of the same level has."""
    for attribute in ("field_name", "name"):
        seen: dict[str, int] = {}
        for index, item in enumerate(siblings):
            first = seen.setdefault(getattr(item, attribute), index)
            if first != index:
                yield (
                    f"/items/{index}/{attribute}",
                    "item-unique",
                    f"与第 {first + 1} 个信息项重复，请改名",
                    f"repeats item {first + 1}; rename one of them",
                )
