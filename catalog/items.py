"""Information items 信息项 (guideline §1.2): what one property of a record is, and every rule that it can break.

Knows neither schema nor database. Lengths are counted in code points, as payloads are JSON, not in bytes of a column.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError

from catalog.codes import DataLevel, DataType, LabelledNumber, LabelledText, ShareType
from catalog.errors import InvalidItem, Violation

FIELD_NAME_FORM: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")  # a column name of the usual databases
MAX_ITEMS: Final = 500  # the widest sheet seen in provincial catalogues has under 200
MAX_KEY_ITEMS: Final = 8  # a row key that needs more is a description, not a key
MAX_LENGTH: Final = 1_000_000  # code points; larger texts travel as files
MAX_NAME: Final = 100
MAX_DESCRIPTION: Final = 1_000
MAX_UNIT: Final = 32
MAX_DICTIONARY_CODE: Final = 64
MAX_PRECISION: Final = 15  # decimal places that a double keeps apart below one
MAX_PATTERN: Final = 512
MAX_ENUMERATION: Final = 1_000
MAX_NUMBER: Final = 2**53 - 1  # the largest integer that every JSON reader keeps (RFC 8785, I-JSON)

TEXT_TYPES: Final = frozenset({DataType.C, DataType.M})
NUMBER_TYPES: Final = frozenset({DataType.N, DataType.B, DataType.F, DataType.I})
# Money, logical values, memos, files and floating numbers do not tell two rows apart reliably.
KEY_TYPES: Final = frozenset({DataType.C, DataType.N, DataType.I, DataType.D, DataType.T})
ENUMERABLE_TYPES: Final = frozenset({DataType.C, DataType.N, DataType.I})
PRECISE_TYPES: Final = frozenset({DataType.N, DataType.B, DataType.F, DataType.Y})
TIMESTAMP_TYPES: Final = frozenset({DataType.D, DataType.T})

# Control characters and halves of surrogate pairs: PostgreSQL's jsonb and RFC 8785 cannot hold all of them.
UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
# What people call an item that states the secrecy level 密级 of its row.
_SECRECY_NAME = re.compile(r"(?:密|(?:秘密|保密|涉密)等)[级級]$")
_SECRECY_FIELDS = frozenset({"secrecy", "secrecy_level", "miji"})

ItemValue = StrictStr | StrictBool | StrictInt | StrictFloat


class Item(BaseModel):
    """One information item; `check_items` judges what types alone cannot.

    `precision` is the number of decimal places, `dictionary_code` names the code list that the values are from,
    `is_increment` and `is_timestamp` tell whoever fetches increments by which item to do so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    field_name: StrictStr
    name: StrictStr
    data_type: DataType
    length: StrictInt | None = None
    precision: StrictInt | None = None
    dictionary_code: StrictStr | None = None
    share_type: ShareType | None = None
    data_level: DataLevel | None = None
    is_increment: StrictBool = False
    is_timestamp: StrictBool = False
    required: StrictBool = False
    key: StrictBool = False
    enumeration: tuple[ItemValue, ...] | None = None
    unit: StrictStr | None = None
    sensitive: StrictBool = False
    secret: StrictBool = False
    secrecy_marking: StrictBool = False
    pattern: StrictStr | None = None
    minimum: StrictInt | StrictFloat | None = None
    maximum: StrictInt | StrictFloat | None = None
    example: ItemValue | None = None
    description: StrictStr | None = None

    @property
    def is_required(self) -> bool:
        """True if a record must carry it: a key item always."""
        return self.required or self.key

    @property
    def states_secrecy(self) -> bool:
        """True if its value is the secrecy level 密级 of the row, by flag or, for codes, by the name it goes by."""
        named = self.field_name in _SECRECY_FIELDS or _SECRECY_NAME.search(self.name) is not None
        return self.secrecy_marking or (named and self.data_type in ENUMERABLE_TYPES)

    def to_json(self) -> dict[str, Any]:
        """Return what is stored and served: absent means absent, false flags are absent, and a level is flagged."""
        stored = self.model_dump(mode="json", exclude_defaults=True)
        return stored | {"secrecy_marking": True} if self.states_secrecy else stored


def parse_items(raw: Sequence[Mapping[str, Any]]) -> tuple[Item, ...]:
    """Return the items that `raw` (JSON) describes; InvalidItem names every fault of form and of rule."""
    items: list[Item] = []
    violations: list[Violation] = []
    for index, entry in enumerate(raw):
        try:
            items.append(Item.model_validate(entry))
        except ValidationError as error:
            violations.extend(_form_violations(index, error))
    if violations:
        raise InvalidItem(violations)
    check_items(items)
    return tuple(items)


_CODES: Final[Mapping[str, type[LabelledText] | type[LabelledNumber]]] = {
    "data_type": DataType,
    "share_type": ShareType,
    "data_level": DataLevel,
}


def _form_violations(index: int, error: ValidationError) -> Iterator[Violation]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        # A union reports each of its members: the item's own property is where the editor looks.
        field = f"/items/{index}/{fault['loc'][0]}" if fault["loc"] else f"/items/{index}"
        if fault["type"] == "missing":
            yield Violation(field, "item-form", "缺少此项，请填写", "is missing; fill it in")
        elif fault["type"] == "extra_forbidden":
            yield Violation(field, "item-form", "没有这个属性，请删除或改名", "no such property; remove or rename it")
        elif fault["loc"] and (codes := _CODES.get(str(fault["loc"][0]))) is not None:
            zh = "、".join(f"{code.value} {code.zh}" for code in codes)
            en = ", ".join(f"{code.value} {code.en}" for code in codes)
            yield Violation(field, "item-form", f"应为：{zh}", f"is one of: {en}")
        else:
            yield Violation(field, "item-form", "值的类型不对，请改正", f"has the wrong type: {fault['msg']}")


def check_items(items: Sequence[Item]) -> None:
    """Raise InvalidItem with every violation in the items, or return."""
    violations = list(item_violations(items))
    if violations:
        raise InvalidItem(violations)


def item_violations(items: Sequence[Item]) -> Iterator[Violation]:
    """Yield every rule that the items break, alone and together."""
    if not 1 <= len(items) <= MAX_ITEMS:
        yield Violation(
            "/items", "item-count", f"信息项应有 1 至 {MAX_ITEMS} 个", f"a resource has 1 to {MAX_ITEMS} items"
        )
    for index, item in enumerate(items):
        for field, rule, zh, en in _item_faults(item):
            yield Violation(f"/items/{index}{field}", rule, zh, en)
    yield from _repeated(items, "field_name")
    yield from _repeated(items, "name")
    if sum(item.key for item in items) > MAX_KEY_ITEMS:
        yield Violation(
            "/items", "item-key", f"主键项最多 {MAX_KEY_ITEMS} 个，请减少", f"at most {MAX_KEY_ITEMS} items are key"
        )


def secrecy_fields(items: Sequence[Item]) -> frozenset[str]:
    """Return the field names whose value states a secrecy level; `secrecy.find_marking` takes them."""
    return frozenset(item.field_name for item in items if item.states_secrecy)


def _repeated(items: Sequence[Item], attribute: str) -> Iterator[Violation]:
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        first = seen.setdefault(getattr(item, attribute), index)
        if first != index:
            yield Violation(
                f"/items/{index}/{attribute}",
                "item-unique",
                f"与第 {first + 1} 个信息项重复，请改名",
                f"repeats item {first + 1}; rename one of them",
            )


_Fault = tuple[str, str, str, str]  # field below the item, rule, Chinese, English


def _item_faults(item: Item) -> Iterator[_Fault]:
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
    yield from _length_faults(item)
    yield from _key_faults(item)
    yield from _range_faults(item)
    yield from _enumeration_faults(item)
    yield from _example_faults(item)
    yield from _kind_faults(item)


def _text_faults(item: Item) -> Iterator[_Fault]:
    for field, text, limit in (
        ("/name", item.name, MAX_NAME),
        ("/description", item.description, MAX_DESCRIPTION),
        ("/unit", item.unit, MAX_UNIT),
        ("/pattern", item.pattern, MAX_PATTERN),
        ("/dictionary_code", item.dictionary_code, MAX_DICTIONARY_CODE),
    ):
        if text is None:
            continue
        if not text.strip():
            yield field, "item-text", "不能为空白；没有内容就不要填此项", "is blank; leave it out if there is nothing"
        elif len(text) > limit:
            yield field, "item-text", f"最多 {limit} 个字，请缩短", f"has at most {limit} characters; shorten it"
        elif UNPRINTABLE.search(text):
            yield field, "item-text", "含有控制字符，请删除", "holds control characters; remove them"
    if item.pattern is not None and item.data_type not in TEXT_TYPES:
        yield "/pattern", "item-pattern", "只有字符型和备注型可以设格式", "only character and memo items take a pattern"
    if item.pattern is not None and item.example is None and not item.enumeration:
        yield "/example", "item-example", "设了格式的信息项请给一个示例值", "an item with a pattern needs an example"


def _length_faults(item: Item) -> Iterator[_Fault]:
    if item.length is None:
        if item.data_type is DataType.C:
            yield "/length", "item-length", "字符型必须填数据长度（字数）", "a character item needs its length"
    elif not 1 <= item.length <= MAX_LENGTH:
        yield "/length", "item-length", f"数据长度应为 1 至 {MAX_LENGTH}", f"length is 1 to {MAX_LENGTH}"


def _key_faults(item: Item) -> Iterator[_Fault]:
    if item.key and item.data_type not in KEY_TYPES:
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


def _range_faults(item: Item) -> Iterator[_Fault]:
    bounds = [("/minimum", item.minimum), ("/maximum", item.maximum)]
    for field, bound in bounds:
        if bound is None:
            continue
        if item.data_type not in NUMBER_TYPES:
            yield field, "item-range", "只有 N、B、F、I 型可以设范围", "only types N, B, F and I take a range"
        elif not _is_storable_number(bound) or (item.data_type is DataType.I and not isinstance(bound, int)):
            yield field, "item-range", "应为绝对值不超过 2^53−1 的数，整型用整数", "is a number within ±(2^53−1)"
    if item.minimum is not None and item.maximum is not None and item.minimum > item.maximum:
        yield "/minimum", "item-range", "最小值大于最大值，请改正", "minimum exceeds maximum; correct one of them"


def _enumeration_faults(item: Item) -> Iterator[_Fault]:
    values = item.enumeration
    if values is None:
        return
    if item.data_type not in ENUMERABLE_TYPES:
        yield (
            "/enumeration",
            "item-enumeration",
            "只有 C、N、I 型可以设值域",
            "only types C, N and I take an enumeration",
        )
        return
    if not 1 <= len(values) <= MAX_ENUMERATION:
        yield (
            "/enumeration",
            "item-enumeration",
            f"值域应有 1 至 {MAX_ENUMERATION} 个值",
            f"an enumeration has 1 to {MAX_ENUMERATION} values",
        )
    if len(set(values)) != len(values):
        yield "/enumeration", "item-enumeration", "值域中有重复的值，请删除", "an enumeration repeats no value"
    if not all(_is_value_of(item, value) for value in values):
        yield (
            "/enumeration",
            "item-enumeration",
            "值域中有值不符合数据类型、长度或范围，请改正",
            "a value of the enumeration is not of the item's type, length or range",
        )


def _kind_faults(item: Item) -> Iterator[_Fault]:
    """What only items of some types can be (§1.2)."""
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


def _example_faults(item: Item) -> Iterator[_Fault]:
    if item.example is None:
        return
    if item.data_type is DataType.G:
        yield (
            "/example",
            "item-example",
            "通用型（文件）不需要示例值，请删除",
            "a file item takes no example; remove it",
        )
    elif not _is_value_of(item, item.example) or (item.enumeration and item.example not in item.enumeration):
        yield (
            "/example",
            "item-example",
            "示例值不符合数据类型、长度、范围或值域，请改正",
            "the example is not of the item's type, length, range or enumeration",
        )


def _is_value_of(item: Item, value: ItemValue) -> bool:
    """True if `value` has the JSON type, length and range of the item; formats are left to the compiled schema."""
    if item.data_type is DataType.L:
        return isinstance(value, bool)
    if item.data_type in NUMBER_TYPES:
        return _is_number_of(item, value)
    if not isinstance(value, str) or UNPRINTABLE.search(value):
        return False
    fits = item.length is None or item.data_type not in TEXT_TYPES or len(value) <= item.length
    return fits and (bool(value) or not item.is_required)


def _is_number_of(item: Item, value: ItemValue) -> bool:
    if isinstance(value, bool | str) or not _is_storable_number(value):
        return False
    if item.data_type is DataType.I and not isinstance(value, int):
        return False
    above = item.minimum is None or value >= item.minimum
    return above and (item.maximum is None or value <= item.maximum)


def _is_storable_number(value: int | float) -> bool:
    """True within ±(2^53−1): beyond, jsonb gives back an integer that RFC 8785 cannot write. False for what is no number."""
    return abs(value) <= MAX_NUMBER
