"""What a cell says as a value of its column, and how a value is written into a cell.

People write 有条件共享, 2 or “2 有条件共享”, in full-width characters, with blanks around: all of it is read. Texts keep
their characters; only codes, numbers and values of code lists are made half-width.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from typing import Any, Final

import orjson

from catalog.blanks import trimmed
from catalog.codes import DataType
from catalog.lists import list_type, list_types
from catalog.sheets.cells import Cell, Kind, escaped, text_cell
from catalog.sheets.choices import label_of_choice, read_choice
from catalog.sheets.columns import Column, Form
from catalog.sheets.limits import MAX_CELL_CHARACTERS
from catalog.sheets.texts import NOTHING, Unreadable, plain

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}(?:\.0+)?")
_SEPARATORS: Final = re.compile(r"[\n;；,，、|]+")
_DATE: Final = re.compile(
    r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))(?:T00:00:00| 0?0:00(?::00)?)?"
)
_YES: Final = frozenset({"是", "1", "y", "yes", "true", "t", "√", "✓", "✔", "有"})
_NO: Final = frozenset({"否", "0", "n", "no", "false", "f", "×", "x", "✗"})
_BEIJING: Final = "+08:00"

OVERLONG: Final = "〔过长，未导出〕"
"""Stands for a value that no cell holds; what the catalogue has stays as it is."""


def read(column: Column, cell: Cell | None, data_type: DataType | None = None) -> Any:
    """Return the value, None for an empty cell. `data_type` is the item's, for columns that hold values of it.

    Raises Unreadable.
    """
    if cell is None:
        return None
    if cell.kind in _NEVER:
        raise Unreadable(*_NEVER[cell.kind])
    return _READERS[column.form](column, cell, data_type)


def read_text(cell: Cell | None) -> str | None:
    """Return a text, None if nothing is left of it without blanks."""
    return None if cell is None else trimmed(cell.text) or None


_NEVER: Final[Mapping[Kind, tuple[str, str, str]]] = {
    Kind.FORMULA: (
        "sheet-formula",
        "单元格是公式，不予计算；请复制后“选择性粘贴为数值”",
        "the cell is a formula, which is never evaluated; copy it and paste its value",
    ),
    Kind.ERROR: (
        "sheet-error",
        "单元格是错误值（如 #N/A）；请改成实际内容",
        "the cell holds an error such as #N/A; write what it should be",
    ),
    Kind.IMPRECISE: (
        "sheet-digits",
        "超过 15 位的代码被当作数字，末尾已经丢失；请把单元格设为文本后重新录入",
        "a code of more than 15 digits was stored as a number and has lost its end; format the cell as text and type it again",
    ),
}


def _text(_: Column, cell: Cell, __: DataType | None) -> str | None:
    return read_text(cell)


def _code(_: Column, cell: Cell, __: DataType | None) -> str | None:
    return plain(cell.text) or None


def _codes(_: Column, cell: Cell, __: DataType | None) -> tuple[str, ...]:
    parts = _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", cell.text)).split()
    return tuple(part for part in (plain(part) for part in parts) if part)


def _list_type(_: Column, cell: Cell, __: DataType | None) -> str | None:
    """The key of a type of list that is named by key or title; other texts as they are, for the rule to find."""
    written = plain(cell.text)
    if written in NOTHING:
        return None
    return next((one.key for one in list_types() if written in (one.key, plain(one.title.zh))), trimmed(cell.text))


def _choice(column: Column, cell: Cell, _: DataType | None) -> Any:
    assert column.choices is not None
    return read_choice(column.choices, cell.text)


def _flag(_: Column, cell: Cell, __: DataType | None) -> bool | None:
    written = plain(cell.text).casefold()
    if written in _YES:
        return True
    if written in _NO:
        return False
    if written in NOTHING:
        return None
    raise Unreadable("sheet-flag", "应为：是、否", "is 是 (yes) or 否 (no)")


def _integer(_: Column, cell: Cell, __: DataType | None) -> int | None:
    written = plain(cell.text).replace(",", "")
    if written.casefold() in NOTHING:
        return None
    if cell.kind is Kind.DATE or _WHOLE.fullmatch(written) is None:
        raise Unreadable("sheet-number", "应为整数，只填数字；请改正", "is a whole number, digits only; correct it")
    return int(written.partition(".")[0])


def _number(_: Column, cell: Cell, __: DataType | None) -> int | float | None:
    written = plain(cell.text).replace(",", "")
    return None if written.casefold() in NOTHING else _to_number(cell, written)


def _to_number(cell: Cell, written: str) -> int | float:
    if cell.kind is not Kind.DATE and _DECIMAL.fullmatch(written) is not None:
        return int(written) if _DIGITS.fullmatch(written) is not None else float(written)
    raise Unreadable("sheet-number", "应为数字，不带单位；请改正", "is a number without its unit; correct it")


def _bound(_: Column, cell: Cell, data_type: DataType | None) -> int | float | str | None:
    written = plain(cell.text).replace(",", "")
    if written.casefold() in NOTHING:
        return None
    return written if data_type is DataType.Y else _to_number(cell, written)


def _group(_: Column, cell: Cell, __: DataType | None) -> list[Any] | None:
    text = trimmed(cell.text)
    if not text:
        return None
    try:
        listed = orjson.loads(text)
    except orjson.JSONDecodeError:
        listed = None
    if isinstance(listed, list) and all(isinstance(one, dict) for one in listed):
        return listed
    raise Unreadable(
        "sheet-group",
        "下级信息项应为 JSON 数组，写法与接口相同；请从导出的工作簿复制，或改用接口登记",
        "items within are a JSON array as the API takes it; copy one from an export, or register by the API",
    )


_DIGITS: Final = re.compile(r"-?[0-9]+")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:e[+-]?[0-9]{1,3})?", re.IGNORECASE)


def _value(_: Column, cell: Cell, data_type: DataType | None) -> Any:
    return _one_value(cell, data_type)


def _one_value(cell: Cell, data_type: DataType | None) -> Any:
    if data_type in (DataType.N, DataType.B, DataType.F, DataType.I):
        return _to_number(cell, plain(cell.text).replace(",", ""))
    if data_type is DataType.L:
        return _flag(_SOME_FLAG, cell, None)
    if data_type is DataType.D:
        return _day(cell.text) or plain(cell.text)
    if data_type is DataType.T:
        written = trimmed(unicodedata.normalize("NFKC", cell.text))
        if cell.kind is Kind.DATE:
            written = f"{written}{_BEIJING}" if "T" in written else f"{written}T00:00:00{_BEIJING}"
        return written
    if data_type is DataType.Y:
        return plain(cell.text)
    return read_text(cell)


_SOME_FLAG: Final = Column("", "", "", Form.FLAG)


def _values(_: Column, cell: Cell, data_type: DataType | None) -> tuple[Any, ...] | None:
    text = trimmed(cell.text)
    if text.startswith("["):
        try:
            listed = orjson.loads(text)
        except orjson.JSONDecodeError:
            listed = None
        if isinstance(listed, list) and all(isinstance(value, str | int | float) for value in listed):
            return tuple(listed)
    if text == OVERLONG:
        raise Unreadable(
            "sheet-overlong",
            "值域过长，表格放不下；新资源请在页面或用接口登记",
            "this enumeration is longer than a cell; register the resource by form or API",
        )
    parts = (trimmed(part) for part in _SEPARATORS.split(text))
    return tuple(_one_value(text_cell(part), data_type) for part in parts if part) or None


def _date(_: Column, cell: Cell, __: DataType | None) -> str | None:
    if plain(cell.text) in NOTHING:
        return None
    day = _day(cell.text)
    if day is None:
        raise Unreadable("sheet-date", "应为日期，如 2026-01-31；请改正", "is a date such as 2026-01-31; correct it")
    return day


def _day(text: str) -> str | None:
    """The ISO date that a text writes in any of the usual ways, None if it is none or no day of the calendar."""
    found = _DATE.fullmatch(trimmed(unicodedata.normalize("NFKC", text)))
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2] or found[4]), int(found[3] or found[5])).isoformat()
    except ValueError:
        return None


def _ignored(_: Column, __: Cell, ___: DataType | None) -> None:
    return None


_READERS: Final[Mapping[Form, Callable[[Column, Cell, DataType | None], Any]]] = {
    Form.TEXT: _text,
    Form.CODE: _code,
    Form.CODES: _codes,
    Form.CHOICE: _choice,
    Form.LIST_TYPE: _list_type,
    Form.FLAG: _flag,
    Form.INTEGER: _integer,
    Form.NUMBER: _number,
    Form.BOUND: _bound,
    Form.GROUP: _group,
    Form.VALUE: _value,
    Form.VALUES: _values,
    Form.DATE: _date,
    Form.PART: _text,
    Form.TYPE_AND_LENGTH: _text,
    Form.IGNORED: _ignored,
}


def write(column: Column, value: Any) -> str:
    """Return the text of a value as an export has it: labels of code lists, 是 and 否, several values in one cell.

    Empty for None, for no values and for a flag that is not set. `read` gives the value back, unless it is `OVERLONG`.
    """
    if value is None or (value is False and column.form is Form.FLAG):
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Enum):
        return label_of_choice(value)
    if column.form is Form.LIST_TYPE:
        described = list_type(value)
        return str(value) if described is None else described.title.zh
    if column.form is Form.GROUP:
        text = orjson.dumps([item.to_json() for item in value]).decode()
    else:
        text = _listed(value) if isinstance(value, tuple) else str(value)
    return OVERLONG if len(escaped(text)) > MAX_CELL_CHARACTERS else text


def _listed(values: tuple[Any, ...]) -> str:
    """Several values: with 、 between them where that can be read back, else as a JSON list."""
    parts = [str(value) for value in values]
    joined = "、".join(parts)
    is_plain = all(part and part == trimmed(part) and _SEPARATORS.search(part) is None for part in parts)
    return joined if is_plain and not joined.startswith("[") else orjson.dumps(values).decode()
