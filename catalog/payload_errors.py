"""What is wrong with a payload, told to the one who sent it: where, what is expected, what to do; in two languages.

Speaks of the schema only. No message quotes a value of the payload, which may be personal data; the pointer names an
unknown property, shortened, because its sender must find it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from catalog.conditions import WHEN
from catalog.formats import FORMATS
from catalog.legal_basis import LEGAL_BASIS_PATTERN
from catalog.money import MONEY_PATTERN
from catalog.schema import DIGEST_PATTERN, MEDIA_TYPE_PATTERN, Schema

MAX_TOKEN: Final = 64  # characters of an unknown property name that a pointer repeats
MAX_OPTIONS: Final = 20  # values of a code list that a message repeats
MAX_QUOTED_PATTERN: Final = 200


@dataclass(frozen=True, slots=True)
class PayloadError:
    """One fault: JSON pointer (RFC 6901) into the payload, Chinese and English text."""

    pointer: str
    zh: str
    en: str


_Message = tuple[str, str]

_TYPES: Final[dict[str, _Message]] = {
    "string": ("文本", "a string"),
    "number": ("数值", "a number"),
    "integer": ("整数", "an integer"),
    "boolean": ("true 或 false", "true or false"),
    "object": ("对象", "an object"),
    "array": ("数组", "an array"),
    "null": ("null", "null"),
}

_FORMATS: Final[dict[str, _Message]] = {
    "date": (
        "应为真实存在的日期，写作 2026-01-31",
        "must be a day that exists, written 2026-01-31",
    ),
    "date-time": (
        "应为带时区的日期时间，写作 2026-01-31T09:00:00+08:00",
        "must be a date and time with offset, written 2026-01-31T09:00:00+08:00",
    ),
    "uuid": ("应为 UUID，请填写上传完成后得到的标识", "must be a UUID, the id that the finished upload was given"),
} | {name.value: (form.zh, form.en) for name, form in FORMATS.items()}

_PATTERNS: Final[dict[str, _Message]] = {
    MONEY_PATTERN: (
        "应为十进制金额文本，如 1234.50，不带千分位、货币符号和单位",
        'must be a decimal amount as text, such as "1234.50", without separators, currency or unit',
    ),
    DIGEST_PATTERN: ("应为 sha-256: 加 64 位小写十六进制", "must be sha-256: and 64 lower-case hexadecimal digits"),
    MEDIA_TYPE_PATTERN: ("应为媒体类型，如 application/pdf", "must be a media type such as application/pdf"),
    LEGAL_BASIS_PATTERN: (
        "应为“发文机关（简称）+《…》+（发文字号）”，法律、法规不标字号；多个依据逐行列举，行首用阿拉伯数字编号，如 1.、2.",
        "must be issuer, title in 《》, number in brackets (none for laws and regulations); several on lines numbered 1., 2.",
    ),
} | {form.anchored: (form.zh, form.en) for form in FORMATS.values()}

_NOT_ASKED: Final[_Message] = ("不应填写，请删除此项", "may not be given; remove it")


def explain(error: ValidationError, schema: Schema) -> Iterator[PayloadError]:
    """Yield what the validator's error means for the sender; of alternatives, those of the branch that came closest."""
    path = list(error.instance_path)
    node = _node(schema, error.schema_path[:-1])
    match error.kind:
        case Kind.AnyOf(context=branches) | Kind.OneOfNotValid(context=branches):
            for inner in _closest(branches):
                yield from explain(inner, schema)
        case Kind.Required(property=name):
            yield _missing([*path, name], _node(node, ["properties", name]))
        case Kind.AdditionalProperties(unexpected=names) | Kind.UnevaluatedProperties(unexpected=names):
            for name in names:
                yield _unexpected([*path, name], error.schema_path)
        case Kind.PropertyNames():
            yield PayloadError(
                _pointer(path), "有属性名不符合目录的要求，请改名", "a property name is not of the form asked for"
            )
        case kind:
            zh, en = (
                _NOT_ASKED if WHEN in node and "not" in node else _expectation(kind, path, node, error.instance is None)
            )
            zh_subject, en_subject = _subject(node)
            zh_case, en_case = _case(node)
            yield PayloadError(_pointer(path), f"{zh_case}{zh_subject}{zh}", f"{en_subject}{en}{en_case}")


def _closest(branches: Sequence[Sequence[ValidationError]]) -> Sequence[ValidationError]:
    """Return the failed branch that got deepest into the value; of equals one of the right type, with few errors."""
    failed = [branch for branch in branches if branch]
    return min(
        failed,
        key=lambda branch: (
            -max(_reach(error) for error in branch),
            all(isinstance(error.kind, Kind.Type) for error in branch),
            len(branch),
        ),
    )


def _reach(error: ValidationError) -> int:
    """Return how deep into the value the error lies, or the deepest of its alternatives."""
    reach = len(error.instance_path)
    match error.kind:
        case Kind.AnyOf(context=branches) | Kind.OneOfNotValid(context=branches):
            return max([reach, *(_reach(inner) for branch in branches for inner in branch)])
    return reach


def _node(node: Any, path: Sequence[str | int]) -> dict[str, Any]:
    """Return the subschema at `path`, or an empty one where the path leaves the schema."""
    try:
        for token in path:
            node = node[token]
    except (KeyError, IndexError, TypeError):
        return {}
    return node if isinstance(node, dict) else {}


def _pointer(path: Sequence[str | int]) -> str:
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in path)


def _subject(node: dict[str, Any]) -> _Message:
    title = node.get("title")
    return (f"“{title}”", "") if isinstance(title, str) and "x-data-type" in node else ("", "")


def _case(node: dict[str, Any]) -> _Message:
    """The case in which a condition of the record asks for this, as it stands before the Chinese and after the English text."""
    if WHEN not in node:
        return "", ""
    zh, en = node[WHEN]
    return f"{zh}，", f" ({en})"


def _missing(path: Sequence[str | int], node: dict[str, Any]) -> PayloadError:
    subject, _ = _subject(node)
    zh_case, en_case = _case(node)
    return PayloadError(
        _pointer(path), f"{zh_case}缺少必填项{subject}，请补上", f"is required and missing; add it{en_case}"
    )


def _unexpected(path: list[str | int], schema_path: Sequence[str | int]) -> PayloadError:
    name = str(path[-1])
    if len(name) > MAX_TOKEN:
        path[-1] = name[:MAX_TOKEN] + "…"
    if list(schema_path[:2]) == ["$defs", "key"]:
        return PayloadError(
            _pointer(path), "delete 记录只能带主键项，请删除此项", "a delete record carries key items only; remove it"
        )
    return PayloadError(
        _pointer(path),
        "资源目录中没有此项，请删除，或先修订目录并发布新版本",
        "the catalogue has no such item; remove it, or publish a new version of the resource that has it",
    )


def _expectation(kind: Kind, path: Sequence[str | int], node: dict[str, Any], is_null: bool) -> _Message:
    match kind:
        case Kind.Type(types=types):
            return _expected_type(types, is_null)
        case Kind.Enum(options=options):
            return _expected_option(options, path)
        case Kind.Constant(expected_value=value):
            return f"应为 {value}", f"must be {value}"
        case Kind.Format(format=name):
            return _FORMATS.get(name, (f"应符合 {name} 格式", f"must be of the format {name}"))
        case Kind.Pattern(pattern=pattern):
            quoted = pattern[:MAX_QUOTED_PATTERN]
            return _PATTERNS.get(pattern, (f"应符合规定的格式 {quoted}", f"must match the pattern {quoted}"))
        case Kind.FalseSchema():
            return "此处不允许有值，请删除此项", "may not be here; remove it"
        case Kind.Not() if "x-minimum" in node:
            return f"不能小于 {node['x-minimum']}", f"must be {node['x-minimum']} or more"
        case Kind.Not() if "x-maximum" in node:
            return f"不能大于 {node['x-maximum']}", f"must be {node['x-maximum']} or less"
        case Kind.Not():
            return "属于目录明确不允许的情形，请改正", "is of a form that the catalogue rules out"
        case Kind.OneOfMultipleValid():
            return "同时符合多种形式，只能符合其中一种", "is of several of the forms of which it may have only one"
        case _:
            return _limit(kind, path)


def _expected_type(types: Sequence[str], is_null: bool) -> _Message:
    known = [_TYPES.get(name, (name, name)) for name in types]
    zh = "应为" + "或".join(label for label, _ in known)
    en = "must be " + " or ".join(label for _, label in known)
    if is_null:
        return f"{zh}；没有值时请省略此项，不要填 null", f"{en}; leave it out if there is no value, null is not one"
    return zh, en


def _expected_option(options: Sequence[Any], path: Sequence[str | int]) -> _Message:
    if list(path) == ["op"] and list(options) == ["snapshot"]:
        return (
            "本资源没有主键项，op 只能是 snapshot",
            'the resource has no key items, so op must be "snapshot"',
        )
    shown = [str(option) for option in options[:MAX_OPTIONS]]
    more = len(options) - len(shown)
    zh = "应为值域中的值：" + "、".join(shown) + (f" 等 {len(options)} 个" if more else "")
    return zh, "must be one of: " + ", ".join(shown) + (f" and {more} more" if more else "")


def _limit(kind: Kind, path: Sequence[str | int]) -> _Message:
    match kind:
        case Kind.MaxLength(limit=limit):
            return f"最多 {limit} 个字，请缩短", f"has at most {limit} characters; shorten it"
        case Kind.MinLength(limit=1):
            return "不能是空文本，请填写", "must not be empty; fill it in"
        case Kind.MinLength(limit=limit):
            return f"至少 {limit} 个字", f"has at least {limit} characters"
        case Kind.MaxItems(limit=limit):
            split = "，请分成多次报送" if list(path) == ["records"] else ""
            return f"最多 {limit} 条{split}", f"has at most {limit} entries{'; send several' if split else ''}"
        case Kind.MinItems(limit=limit):
            return f"至少 {limit} 条", f"has at least {limit} entries"
        case Kind.Minimum(limit=limit):
            return f"不能小于 {limit}", f"must be {limit} or more"
        case Kind.Maximum(limit=limit):
            return f"不能大于 {limit}", f"must be {limit} or less"
        case Kind.ExclusiveMinimum(limit=limit):
            return f"应大于 {limit}", f"must be more than {limit}"
        case Kind.ExclusiveMaximum(limit=limit):
            return f"应小于 {limit}", f"must be less than {limit}"
        case Kind.MultipleOf(multiple_of=step):
            return f"应为 {step} 的整数倍", f"must be a multiple of {step}"
        case Kind.UniqueItems():
            return "有重复的值，请去重", "repeats a value; remove repetitions"
        case Kind.MinProperties(limit=limit):
            return f"至少 {limit} 项", f"has at least {limit} properties"
        case Kind.MaxProperties(limit=limit):
            return f"最多 {limit} 项", f"has at most {limit} properties"
        case _:
            return f"不符合目录的要求（{kind.name}）", f"does not meet the catalogue's rule ({kind.name})"
