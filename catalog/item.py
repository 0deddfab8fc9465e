"""One information item 信息项 (guideline §1.2): what one property of a record is. Its rules are in `item_faults`.

Lengths are counted in code points, as payloads are JSON, not in bytes of a column.
"""

import re
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, StrictBool, StrictFloat, StrictInt, StrictStr

from catalog.codes import DataLevel, DataType, ItemFormat, ShareType
from catalog.formats import PERSONAL
from catalog.labels import labelled

FIELD_NAME_FORM: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")  # a column name of the usual databases
MAX_DEPTH: Final = 3  # levels of items, a record's own counted; forms with more were not met, and nobody reads them
MAX_LENGTH: Final = 1_000_000  # code points; larger texts travel as files
MAX_ENTRIES: Final = 1_000  # of a list within one record, as many as records in a payload
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
# Money, logical values, memos, files, groups and floating numbers do not tell two rows apart reliably.
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
Bound = StrictInt | StrictFloat | StrictStr  # of a number; of an amount of money the decimal text


class Item(BaseModel):
    """One information item; `items.check_items` judges what types alone cannot.

    `length` and `min_length` count the code points of a text and the entries of a list. An item of type G with `items`
    is a group, a nested object, and with `many` a list of such; without `items` it is a file. `precision` is a number of
    decimal places, `dictionary_code` names the code list that the values are from, `is_increment` and `is_timestamp` tell
    whoever fetches increments by which item to do so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    field_name: Annotated[StrictStr, labelled("字段名", "field name")]
    name: Annotated[StrictStr, labelled("信息项名称", "name")]
    data_type: Annotated[DataType, labelled("数据类型", "data type")]
    length: Annotated[StrictInt | None, labelled("长度", "length")] = None
    min_length: Annotated[StrictInt | None, labelled("最小长度", "minimum length")] = None
    required: Annotated[StrictBool, labelled("必填", "required")] = False
    key: Annotated[StrictBool, labelled("主键", "key")] = False
    many: Annotated[StrictBool, labelled("可重复", "list")] = False
    items: Annotated[tuple["Item", ...] | None, labelled("下级信息项", "items within")] = None
    format: Annotated[ItemFormat | None, labelled("格式", "format")] = None
    enumeration: Annotated[tuple[ItemValue, ...] | None, labelled("值域", "enumeration")] = None
    unit: Annotated[StrictStr | None, labelled("计量单位", "unit")] = None
    sensitive: Annotated[StrictBool, labelled("敏感", "sensitive")] = False
    secret: Annotated[StrictBool, labelled("涉密", "secret")] = False
    secrecy_marking: Annotated[StrictBool, labelled("说明密级", "states the secrecy level")] = False
    pattern: Annotated[StrictStr | None, labelled("格式表达式", "pattern")] = None
    minimum: Annotated[Bound | None, labelled("最小值", "minimum")] = None
    maximum: Annotated[Bound | None, labelled("最大值", "maximum")] = None
    exclusive_minimum: Annotated[StrictInt | StrictFloat | None, labelled("最小值（不含）", "exclusive minimum")] = None
    exclusive_maximum: Annotated[StrictInt | StrictFloat | None, labelled("最大值（不含）", "exclusive maximum")] = None
    example: Annotated[ItemValue | None, labelled("示例值", "example")] = None
    precision: Annotated[StrictInt | None, labelled("精度", "precision")] = None
    dictionary_code: Annotated[StrictStr | None, labelled("字典代码", "dictionary code")] = None
    share_type: Annotated[ShareType | None, labelled("共享类型", "share type")] = None
    data_level: Annotated[DataLevel | None, labelled("数据分级", "data level")] = None
    is_increment: Annotated[StrictBool, labelled("增量字段", "increment")] = False
    is_timestamp: Annotated[StrictBool, labelled("时间戳字段", "timestamp")] = False
    description: Annotated[StrictStr | None, labelled("说明", "description")] = None

    @property
    def is_required(self) -> bool:
        """True if a record must carry it: a key item always."""
        return self.required or self.key

    @property
    def is_group(self) -> bool:
        """True if its value is a nested object, or a list of them."""
        return self.items is not None

    @property
    def is_sensitive(self) -> bool:
        """True if it is marked so, or if its format makes every value personal data."""
        return self.sensitive or self.format in PERSONAL

    @property
    def states_secrecy(self) -> bool:
        """True if its value is the secrecy level 密级 of the row, by flag or, for codes, by the name it goes by."""
        named = self.field_name in _SECRECY_FIELDS or _SECRECY_NAME.search(self.name) is not None
        return self.secrecy_marking or (named and self.data_type in ENUMERABLE_TYPES)

    @property
    def least_length(self) -> int:
        """The fewest code points or entries that a value has: what is required is filled in."""
        return max(self.min_length or 0, int(self.is_required))

    def to_json(self) -> dict[str, Any]:
        """Return what is stored and served: absent means absent, false flags are absent, and a level is flagged."""
        stored = self.model_dump(mode="json", exclude_defaults=True, exclude={"items"})
        if self.items is not None:
            stored["items"] = [item.to_json() for item in self.items]
        return stored | {"secrecy_marking": True} if self.states_secrecy else stored
