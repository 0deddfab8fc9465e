"""What the framework finds wrong with an input, in words: the place, the reason and the cure, never the value."""

from collections.abc import Mapping
from typing import Any, Final

from catalog.metadata import code_list_words
from hub.errors import FieldError

_TIME: Final = (
    "应为带时区的时间，如 2026-03-02T09:30:00+08:00；请更正",
    "is a time with its offset, such as 2026-03-02T09:30:00+08:00; correct it",
)
_DAY: Final = ("应为日期，如 2026-01-31；请更正", "is a date such as 2026-01-31; correct it")
_WHOLE: Final = ("应为整数；请更正", "is a whole number; correct it")
_NUMBER: Final = ("应为数字；请更正", "is a number; correct it")
_TEXT: Final = ("应为文本；请加上引号", "is a text; put it in quotes")
_FLAG: Final = ("应为 true 或 false；请更正", "is true or false; correct it")
_LIST: Final = ("应为列表；请用方括号", "is a list; use brackets")
_OBJECT: Final = ("应为对象；请用花括号", "is an object; use braces")
_ONE_OF: Final = ("应为下列之一：{expected}；请更正", "is one of {expected}; correct it")
_ID: Final = ("应为 UUID；请核对标识", "is a UUID; check the id")

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("缺少该字段；请补上", "this field is missing; add it"),
    "extra_forbidden": ("没有这个字段；请删除或核对名称", "there is no such field; remove it or check its name"),
    "json_invalid": ("请求体不是合格的 JSON；请检查语法", "the body is not JSON; check its syntax"),
    **dict.fromkeys(("enum", "literal_error"), _ONE_OF),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _NUMBER),
    **dict.fromkeys(("string_type", "string_unicode"), _TEXT),
    **dict.fromkeys(("bool_type", "bool_parsing"), _FLAG),
    **dict.fromkeys(("list_type", "tuple_type"), _LIST),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), _OBJECT),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "timezone_aware"), _TIME),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _DAY),
    **dict.fromkeys(("uuid_type", "uuid_parsing"), _ID),
    "greater_than_equal": ("不得小于 {ge}；请更正", "is at least {ge}; correct it"),
    "less_than_equal": ("不得大于 {le}；请更正", "is at most {le}; correct it"),
    "string_too_short": ("至少 {min_length} 个字符；请补全", "has at least {min_length} characters; complete it"),
    "string_too_long": ("最多 {max_length} 个字符；请缩短", "has at most {max_length} characters; shorten it"),
    "too_short": ("至少 {min_length} 项；请补上", "has at least {min_length} entries; add some"),
    "too_long": ("最多 {max_length} 项；请减少", "has at most {max_length} entries; remove some"),
    "string_pattern_mismatch": ("应符合格式 {pattern}；请更正", "must match {pattern}; correct it"),
}
"""By the type that the framework gives a fault."""


def field_error(error: Mapping[str, Any]) -> FieldError:
    """Return one fault of the framework's, without the value: it may be personal."""
    place = "/" + "/".join(str(part) for part in error["loc"][1:] or error["loc"])
    if error["type"] == "enum" and (words := code_list_words(str(error["loc"][-1]))) is not None:
        return FieldError(place, *words, "code-list")
    words = _WORDS.get(error["type"], ("取值不合要求：{said}", "not acceptable: {said}"))
    said = {name: str(value) for name, value in error.get("ctx", {}).items()} | {"said": error["msg"]}
    return FieldError(place, words[0].format_map(said), words[1].format_map(said))
