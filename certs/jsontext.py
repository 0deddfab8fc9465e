"""Strict JSON: one UTF-8 object, read exactly one way or not at all (contract, "Malformed is").

Two parsers stand here because one is fast and the other is exact. `orjson` is fast, but it keeps the last of two equal
keys and turns an integer beyond 64 bits into a float, silently. The standard library's scanner calls back for every
object and number, so that it can refuse both and name them, at two to three times the cost. So `orjson` reads first and
what it read is written again; a document goes to the exact parser unless the comparison of both texts proves that
nothing was lost (`_nothing_was_lost` has the proof). A refusal is always the exact parser's.

What is what: an integer is a JSON number without fraction and exponent, and becomes `int` (`-0` becomes `0`); any other
number becomes `float` (`1.0` → 1.0, `1e2` → 100.0, `-0.0` → -0.0), may exceed 2^53 and may underflow to 0.0.

This module knows JSON and nothing of envelopes, schemas or what the values mean.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import orjson

from certs.errors import JsonError

MAX_DEPTH = 64
"""Levels of objects and arrays, the outermost being the first (contract, "Malformed is")."""

MAX_INTEGER = 2**53 - 1
"""The largest integer that every reader of JSON sees exactly (RFC 7493 §2.2)."""

_MAX_INTEGER_CHARACTERS = len(str(-MAX_INTEGER))
_SHOWN_CHARACTERS = 40

# The depth of usual documents is found level by level, which is the faster way for wide ones; below that, branch by
# branch, which is the faster way for millions of nested arrays.
_LEVELS_AT_ONCE = 8

# Every digit becomes 0 and everything else a space, so that one substring search finds a long run of any digits.
_DIGITS_TO_ZERO = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
# The shortest integer that orjson turns into a float is -2^63-1: 19 digits.
_RUN_OF_DIGITS = b"0" * 19


def parse_object(data: bytes, *, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The one JSON object that `data` (UTF-8, no byte order mark) holds; keys in the order of the text.

    Raises JsonError (reasons `not-utf8`, `byte-order-mark`, `not-json`, `not-an-object`, `duplicate-name`,
    `nested-too-deep`, `lone-surrogate`, `not-a-number`, `number-too-large`, `integer-too-large`).
    """
    try:
        value = orjson.loads(data)
        written = orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
    except (orjson.JSONDecodeError, TypeError):  # TypeError: an integer beyond 53 bits, or deeper than orjson writes
        return _parse_exactly(data, max_depth)
    if type(value) is not dict or not (written == data or _nothing_was_lost(data, written)):
        return _parse_exactly(data, max_depth)
    if data.count(b"{") + data.count(b"[") > max_depth:
        _check_depth(value, max_depth)
    return value


def _nothing_was_lost(data: bytes, written: bytes) -> bool:
    r"""Whether the two texts prove that reading `data` dropped no member and turned no integer into a float.

    Members: without `\u003…` escapes every colon of `data`, inside strings or between key and value, is a colon of
    `written`, which escapes none; a dropped member takes at least its own colon along. So equal counts mean that
    nothing was dropped. Integers: only one of at least 19 digits can become a float, and there is no such run at all.
    False proves nothing; it only asks for the exact parser.
    """
    return (
        data.count(b":") == written.count(b":")
        and b"\\u003" not in data
        and _RUN_OF_DIGITS not in data.translate(_DIGITS_TO_ZERO)
    )


def _parse_exactly(data: bytes, max_depth: int) -> dict[str, Any]:
    """The same by the exact parser, which says what is wrong."""
    text = _decode(data)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise JsonError(
            reason="not-json",
            zh=f"第 {error.lineno} 行第 {error.colno} 列起不是 JSON；请用 JSON 库生成整个正文",
            en=f"not JSON from line {error.lineno} column {error.colno} on; write the whole text with a JSON library",
        ) from None
    except RecursionError:
        _refuse_depth(max_depth)
    if type(value) is not dict:
        raise JsonError(
            reason="not-an-object",
            zh="最外层不是 JSON 对象；请以 { 开始、以 } 结束，且只含一个对象",
            en="the outermost value is not a JSON object; send exactly one object in braces",
        )
    _check_depth(value, max_depth)
    if "\\u" in text:
        _check_surrogates(value)
    return value


def _decode(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        raise JsonError(
            reason="byte-order-mark",
            zh="正文以字节顺序标记 (BOM) 开头；请以不带 BOM 的 UTF-8 编码",
            en="the text begins with a byte order mark; encode it as UTF-8 without one",
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise JsonError(
            reason="not-utf8",
            zh=f"第 {error.start} 字节起不是 UTF-8；请以 UTF-8 编码（不是 GBK）",
            en=f"not UTF-8 from byte {error.start} on; encode the text as UTF-8 (not GBK)",
        ) from None


def _check_depth(value: Any, max_depth: int) -> None:
    level = [value]
    levels_at_once = min(max_depth, _LEVELS_AT_ONCE)
    for _ in range(levels_at_once):
        level = [
            child
            for container in level
            for child in (container.values() if type(container) is dict else container)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    for container in level:
        _descend(container, max_depth - levels_at_once, max_depth)


def _descend(container: Any, levels_left: int, max_depth: int) -> None:
    if not levels_left:
        _refuse_depth(max_depth)
    for child in container.values() if type(container) is dict else container:
        if type(child) is dict or type(child) is list:
            _descend(child, levels_left - 1, max_depth)


def _refuse_depth(max_depth: int) -> NoReturn:
    raise JsonError(
        reason="nested-too-deep",
        zh=f"对象与数组嵌套超过 {max_depth} 层；请减少嵌套",
        en=f"objects and arrays nest deeper than {max_depth} levels; flatten them",
    )


def _check_surrogates(value: dict[str, Any]) -> None:
    try:
        orjson.dumps(value)
    except TypeError:
        raise JsonError(
            reason="lone-surrogate",
            zh=r"字符串中有不成对的代理项（\ud800–\udfff）；请成对转义或直接写该字符",
            en=r"a string holds a lone surrogate (\ud800-\udfff); escape both halves or write the character itself",
        ) from None


def _shown(text: str) -> str:
    """A part of the caller's text, short and printable enough for a message."""
    return ascii(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        name = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise JsonError(
            reason="duplicate-name",
            zh=f"名称 {_shown(name)} 在同一对象中出现不止一次；请只保留一个",
            en=f"the name {_shown(name)} occurs more than once in one object; keep one of them",
        )
    return members


def _integer(text: str) -> int:
    if len(text) > _MAX_INTEGER_CHARACTERS or not -MAX_INTEGER <= (number := int(text)) <= MAX_INTEGER:
        raise JsonError(
            reason="integer-too-large",
            zh=f"整数 {_shown(text)} 超出 ±(2^53−1)；请改用字符串传送",
            en=f"the integer {_shown(text)} is beyond ±(2^53−1); send it as a string",
        )
    return number


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise JsonError(
            reason="number-too-large",
            zh=f"数值 {_shown(text)} 超出双精度范围；请改用字符串传送",
            en=f"the number {_shown(text)} overflows a double; send it as a string",
        )
    return number


def _constant(text: str) -> NoReturn:
    raise JsonError(
        reason="not-a-number",
        zh=f"{text} 不是 JSON 数值；请在没有数值时省略该字段",
        en=f"{text} is not a JSON number; leave the field out when there is no number",
    )


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant, strict=True
)
