"""The columns that we know, by what they say: fields of `Metadata` and `Item`, and what belongs to the resource itself.

Fields become columns by the type that they have, so that none is left out; headings are found in any order and spelling.
"""

import re
import types
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel

from catalog.items import Item
from catalog.metadata import Metadata, label_of

Choices = type[Enum]


class Form(Enum):
    """How the cells of a column are read and written."""

    TEXT = auto()
    CODE = auto()  # half-width, without blanks
    CODES = auto()  # several of them
    CHOICE = auto()  # of a code list, by value, label or both
    LIST_TYPE = auto()  # by key or title
    FLAG = auto()
    INTEGER = auto()
    NUMBER = auto()
    BOUND = auto()  # of a number, or of an amount of money as its decimal text
    GROUP = auto()  # items within, as the JSON of the API
    VALUE = auto()  # of the item's own data type
    VALUES = auto()
    DATE = auto()
    PART = auto()  # of a classification: the digits, with or without the name
    TYPE_AND_LENGTH = auto()  # 字符型/50
    IGNORED = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `key` is the field that it fills, as a JSON pointer has it without the first stroke (`items/name`)."""

    key: str
    zh: str
    en: str
    form: Form
    choices: Choices | None = None
    aliases: tuple[str, ...] = ()
    width: int = 16

    @property
    def field(self) -> str:
        """The field's name within its model."""
        return self.key.rpartition("/")[2]

    @property
    def is_of_item(self) -> bool:
        """Whether it says something of an item."""
        return self.key.startswith("items/")


CODE: Final = Column("code", "信息资源代码", "resource code", Form.CODE, aliases=("资源代码", "目录代码"), width=24)
CLASSIFICATION: Final = Column(
    "classification", "信息资源分类", "classification", Form.CODE, aliases=("资源分类", "资源分类代码"), width=18
)
PROVIDER_NAME: Final = Column(
    "provider_name",
    "信息资源提供方",
    "provider",
    Form.TEXT,
    aliases=("提供方", "提供单位", "提供机构", "资源提供方", "资源提供单位"),
    width=26,
)
PROVIDER_CODE: Final = Column(
    "provider_code",
    "信息资源提供方代码",
    "provider's code",
    Form.CODE,
    aliases=("提供方代码", "资源提供方代码", "统一社会信用代码"),
    width=24,
)
SYSTEM: Final = Column("system", "发布系统", "publishing system", Form.CODE, aliases=("发布系统代码",), width=20)
REASON: Final = Column("reason", "错误原因", "faults", Form.IGNORED, width=60)

_ITEM_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "field_name": ("字段名", "field name"),
    "name": ("信息项名称", "item"),
    "data_type": ("数据类型", "data type"),
    "length": ("数据长度", "length"),
    "min_length": ("最小长度", "minimum length"),
    "required": ("是否必填", "required"),
    "key": ("是否主键", "key"),
    "many": ("是否可重复", "list"),
    "items": ("下级信息项", "items within"),
    "format": ("值的格式", "format"),
    "enumeration": ("值域", "enumeration"),
    "unit": ("计量单位", "unit"),
    "sensitive": ("是否敏感", "sensitive"),
    "secret": ("是否涉密", "is a secret"),
    "secrecy_marking": ("是否说明密级", "states the secrecy level"),
    "pattern": ("格式表达式", "pattern"),
    "minimum": ("最小值", "minimum"),
    "maximum": ("最大值", "maximum"),
    "exclusive_minimum": ("最小值不含", "exclusive minimum"),
    "exclusive_maximum": ("最大值不含", "exclusive maximum"),
    "example": ("示例值", "example"),
    "precision": ("精度", "precision"),
    "dictionary_code": ("字典代码", "dictionary code"),
    "share_type": ("信息项共享类型", "item share type"),
    "data_level": ("信息项分级", "item data level"),
    "is_increment": ("是否增量字段", "increment"),
    "is_timestamp": ("是否时间戳字段", "timestamp"),
    "description": ("信息项说明", "description"),
}

_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("资源名称", "目录名称"),
    "summary": ("资源摘要", "目录摘要"),
    "provider_sub_unit": ("内设机构", "内设部门名称", "提供方内部部门"),
    "format_class": ("资源格式分类", "格式分类"),
    "format_type": ("资源格式类型", "格式类型"),
    "is_open": ("是否开放",),
    "related_resource_codes": ("关联信息资源代码", "关联及类目名称代码"),
    "open_theme": ("开放主题",),
    "items/field_name": ("英文名", "英文名称", "信息项英文名", "字段英文名", "字段名称"),
    "items/name": ("数据项名称", "信息项"),
    "items/length": ("长度", "字段长度"),
    "items/data_type": ("信息项类型", "字段类型"),
    "items/required": ("必填", "是否必填项"),
    "items/key": ("主键", "是否主键项"),
    "items/description": ("信息项描述", "字段说明"),
    "items/example": ("样例", "示例"),
}

_CODES: Final = frozenset({"licence_type_code", "items/field_name"})
_WIDTHS: Final[Mapping[str, int]] = {
    "name": 30,
    "summary": 40,
    "share_condition": 30,
    "no_share_basis": 30,
    "items/name": 24,
    "items/field_name": 22,
    "items/enumeration": 30,
    "items/description": 30,
}


def _column(model: type[BaseModel], prefix: str, field: str, label: tuple[str, str]) -> Column:
    key = f"{prefix}{field}"
    form, choices = form_of(model.model_fields[field].annotation)
    if key in _CODES:
        form = Form.CODE
    elif key == "list_type":
        form = Form.LIST_TYPE
    return Column(key, *label, form, choices, _ALIASES.get(key, ()), _WIDTHS.get(key, 14))


def form_of(annotation: Any) -> tuple[Form, Choices | None]:
    """Return how cells of a field with this annotation are read, and its code list; raises TypeError for an unknown one."""
    kinds = set(_flat(annotation))
    if kinds == {(Item,)}:
        return Form.GROUP, None
    if len(kinds) == 1:
        (kind,) = kinds
        if isinstance(kind, type) and issubclass(kind, Enum):
            return Form.CHOICE, kind
        if kind in _FORMS:
            return _FORMS[kind], None
    elif kinds == {int, float}:
        return Form.NUMBER, None
    elif kinds == {int, float, str}:
        return Form.BOUND, None
    elif kinds == {str, bool, int, float}:
        return Form.VALUE, None
    elif kinds == {(str,), (bool,), (int,), (float,)}:
        return Form.VALUES, None
    raise TypeError(f"no column reads {annotation}")


_FORMS: Final[Mapping[Any, Form]] = {
    str: Form.TEXT,
    bool: Form.FLAG,
    int: Form.INTEGER,
    (str,): Form.CODES,
}


def _flat(annotation: Any) -> Iterable[Any]:
    """The plain types of which the annotation is made; those within a tuple come as tuples of one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _flat(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _flat(member)
    elif origin is tuple:
        yield from ((kind,) for kind in _flat(get_args(annotation)[0]))
    elif annotation is not type(None):
        yield annotation


METADATA_COLUMNS: Final = {
    field: _column(Metadata, "", field, label_of(field)) for field in Metadata.model_fields
}  # by field
ITEM_COLUMNS: Final = {field: _column(Item, "items/", field, _ITEM_LABELS[field]) for field in Item.model_fields}

RESOURCE_SHEET: Final = (
    CODE,
    METADATA_COLUMNS["name"],
    CLASSIFICATION,
    PROVIDER_NAME,
    PROVIDER_CODE,
    SYSTEM,
    *(column for field, column in METADATA_COLUMNS.items() if field != "name"),
)
"""The columns of the sheet 目录."""

ITEM_SHEET: Final = (CODE, METADATA_COLUMNS["name"], *ITEM_COLUMNS.values())
"""The columns of the sheet 信息项; the first two say whose item it is."""

_BRACKETED: Final = re.compile(r"[(（\[【][^)）\]】]*[)）\]】]")
_DECORATION: Final = re.compile(r"[\s*＊:：]+")


def heading(text: str) -> str:
    """Return a heading as it is compared: half-width, without blanks, stars and colons."""
    return _DECORATION.sub("", unicodedata.normalize("NFKC", text)).casefold()


def headings(columns: Iterable[Column]) -> dict[str, Column]:
    """Return the columns by each heading that they go by; a name of its own goes before the other names of another."""
    found: dict[str, Column] = {}
    ordered = list(columns)
    for column in ordered:
        found.setdefault(heading(column.zh), column)
    for column in ordered:
        for name in (column.en, column.key, *column.aliases):
            found.setdefault(heading(name), column)
    return found


def find_column(known: Mapping[str, Column], text: str) -> Column | None:
    """Return the column of a heading, with or without what stands in brackets behind it."""
    written = heading(text)
    return known.get(written) or known.get(_BRACKETED.sub("", written))
