"""The canonical form of JSON, RFC 8785: the bytes that digests and signatures of JSON values are taken over.

`rfc8785` writes every value; where `orjson` provably writes the same bytes, it does so in a twentieth of the time.
This module knows nothing of what is digested or signed.
"""

from __future__ import annotations

from types import NoneType
from typing import Any

import orjson
import rfc8785

_SAME_IN_BOTH = frozenset({str, int, bool, NoneType})


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of `value`: dict with text keys, list, tuple, str, int, float, bool, None.

    Raises ValueError for anything else, for integers beyond ±(2^53−1), NaN, infinities, lone surrogates and nesting
    that the interpreter cannot follow.
    """
    try:
        if _is_plain(value):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)
    except (TypeError, RecursionError):
        pass  # a large integer, a lone surrogate, deep nesting: the slow writer judges and says which
    try:
        return rfc8785.dumps(value)
    except RecursionError:
        raise ValueError("nested too deep for RFC 8785") from None


def _is_plain(value: Any) -> bool:
    """Whether both writers agree on `value` by construction.

    Both write strings with the same escapes and integers within 53 bits in the same digits. They differ in floats
    (ECMAScript's notation against Rust's) and in the order of keys: UTF-16 code units against bytes of UTF-8, which is
    one order as long as keys are ASCII.
    """
    kind = type(value)
    if kind is dict:
        if not "".join(value).isascii():  # a TypeError for a key that is no text
            return False
        members = value.values()
    elif kind is list or kind is tuple:
        members = value
    else:
        return kind in _SAME_IN_BOTH
    for member in members:  # noqa: SIM110  a generator would cost as much as the look
        if type(member) not in _SAME_IN_BOTH and not _is_plain(member):
            return False
    return True
