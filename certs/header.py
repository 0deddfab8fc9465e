"""The protected header of an envelope: its names, the form of each, and which belong to which type of message.

Names, forms and types are the contract's table in "Envelope", and no others. Whether a name is *true* (the signer is
known, the hub is ours, the resource exists) is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from certs.digests import is_digest
from certs.errors import EnvelopeError, JsonError
from certs.jsontext import MAX_INTEGER, parse_object

EXCHANGE = "exchange+jws"
QUERY = "query+jws"
ANSWER = "answer+jws"
RECEIPT = "receipt+jws"
ACK = "ack+jws"

TYPES = frozenset({EXCHANGE, QUERY, ANSWER, RECEIPT, ACK})
"""Every `typ` that the contract knows."""

MAX_HEADER_BYTES = 64 * 1024
"""The largest protected header, for it is parsed before anybody is believed: room for 2,000 addressees in `to`."""

# The 43rd character carries four bits of the digest and two unused ones, which are zero in the canonical form.
_KID = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
_JTI = re.compile(r"[A-Za-z0-9._~-]{1,64}")
# Class, item, category, detail and sequence of a resource code (contract "Envelope", `res`).
_RESOURCE = re.compile(r"[123][0-9]{2}[0-9]{3}[0-9A-Za-z]*/[0-9]+")


@dataclass(slots=True)
class Header:
    """A protected header whose every value has the form that the contract asks for.

    `iat` is in seconds since 1970; `to` is None or at least one distinct system code; `ref` is a `jti`; `orig` is a
    digest. Names that the message does not carry are None.
    """

    alg: str
    kid: str
    typ: str
    iss: str
    aud: str
    iat: int
    jti: str
    res: str | None = None
    ver: int | None = None
    to: tuple[str, ...] | None = None
    ref: str | None = None
    orig: str | None = None


def is_system_code(value: object) -> bool:
    """Whether `value` has the form of a system's code or a hub's id: `[a-z0-9][a-z0-9-]{1,62}`."""
    return type(value) is str and _CODE.fullmatch(value) is not None


def is_resource_code(value: object) -> bool:
    """Whether `value` has the form of a resource's code, such as `306001000001/000042`."""
    return type(value) is str and _RESOURCE.fullmatch(value) is not None


def is_kid(value: object) -> bool:
    """Whether `value` has the form of a `kid`: canonical base64url of 32 bytes."""
    return type(value) is str and _KID.fullmatch(value) is not None


def _is_jti(value: object) -> bool:
    return type(value) is str and _JTI.fullmatch(value) is not None


def _is_integer(value: object) -> bool:
    return type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER


def _is_version(value: object) -> bool:
    return type(value) is int and 1 <= value <= MAX_INTEGER


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_type(value: object) -> bool:
    return type(value) is str and value in TYPES


def _is_addressees(value: object) -> bool:
    return type(value) is list and len(value) > 0 and all(map(is_system_code, value)) and len(set(value)) == len(value)


def _is_digest(value: object) -> bool:
    return type(value) is str and is_digest(value)


@dataclass(frozen=True, slots=True)
class _Form:
    """What the value of one header name looks like: the check, and how to say it."""

    holds: Callable[[object], bool]
    zh: str
    en: str


_CODE_FORM = _Form(is_system_code, "2 至 63 个小写字母、数字或 -", "2 to 63 of a-z, 0-9 and -, not beginning with -")
_JTI_FORM = _Form(_is_jti, "1 至 64 个 A-Z a-z 0-9 . _ ~ -", "1 to 64 of A-Z a-z 0-9 . _ ~ -")

_FORMS: Mapping[str, _Form] = {
    "alg": _Form(_is_text, "算法名称（字符串）", "the name of an algorithm (a string)"),
    "kid": _Form(
        is_kid, "证书 DER 的 SHA-256，base64url，43 个字符", "base64url SHA-256 of the certificate's DER, 43 characters"
    ),
    "typ": _Form(_is_type, "、".join(sorted(TYPES)) + " 之一", "one of " + ", ".join(sorted(TYPES))),
    "iss": _CODE_FORM,
    "aud": _CODE_FORM,
    "iat": _Form(_is_integer, "自 1970 年起的整秒数", "whole seconds since 1970"),
    "jti": _JTI_FORM,
    "res": _Form(
        is_resource_code, "信息资源代码，如 306001000001/000042", "a resource code such as 306001000001/000042"
    ),
    "ver": _Form(_is_version, "不小于 1 的整数", "an integer of at least 1"),
    "to": _Form(_is_addressees, "互不相同的系统代码数组，至少一个", "an array of distinct system codes, at least one"),
    "ref": _JTI_FORM,
    "orig": _Form(_is_digest, "sha-256: 加 64 位小写十六进制", "sha-256: and 64 lower-case hex digits"),
}

_ALWAYS = frozenset({"alg", "kid", "typ", "iss", "aud", "iat", "jti"})
_REQUIRED: Mapping[str, frozenset[str]] = {
    EXCHANGE: _ALWAYS | {"res", "ver"},
    QUERY: _ALWAYS | {"res", "ver"},
    ANSWER: _ALWAYS | {"res", "ver", "ref"},
    RECEIPT: _ALWAYS | {"res", "ver", "ref"},
    ACK: _ALWAYS,
}
_ALLOWED: Mapping[str, frozenset[str]] = {
    typ: required | {"ref"} | ({"to", "orig"} if typ == EXCHANGE else set()) for typ, required in _REQUIRED.items()
}


def parse_header(data: bytes, allowed_types: frozenset[str]) -> Header:
    """The header that `data` (JSON) holds, every name and value checked; `alg` is any text.

    Raises EnvelopeError `malformed-envelope` with one of the reasons `header-…`: too large, what is wrong with the
    JSON, or what `check_header` says.
    """
    if len(data) > MAX_HEADER_BYTES:
        _refuse(
            "header-too-large",
            f"有 {len(data)} 字节，上限为 {MAX_HEADER_BYTES}；请减少 to 中的系统",
            f"{len(data)} bytes, the limit is {MAX_HEADER_BYTES}; name fewer systems in to",
        )
    try:
        members = parse_object(data)
    except JsonError as error:
        raise EnvelopeError(
            slug="malformed-envelope",
            reason=f"header-{error.reason}",
            zh=f"受保护头：{error.zh}",
            en=f"protected header: {error.en}",
        ) from None
    return check_header(members, allowed_types)


def check_header(members: Mapping[str, Any], allowed_types: frozenset[str] = TYPES) -> Header:
    """The header made of `members`. Raises EnvelopeError `malformed-envelope`.

    Reasons: `header-unknown-name`, `header-<name>-form`, `header-missing-name`, `header-typ-not-for-call`,
    `header-name-not-for-typ`.
    """
    for name, value in members.items():
        form = _FORMS.get(name)
        if form is None:
            _refuse_unknown(name)
        if not form.holds(value):
            _refuse_form(name, form)
    typ = members.get("typ")
    if typ is None or not members.keys() >= _REQUIRED[typ]:
        _refuse_missing(members, _ALWAYS if typ is None else _REQUIRED[typ])
    if typ not in allowed_types:
        _refuse_type(typ, allowed_types)
    if not _ALLOWED[typ].issuperset(members):
        _refuse_superfluous(members, typ)
    to = members.get("to")
    return Header(
        members["alg"],
        members["kid"],
        typ,
        members["iss"],
        members["aud"],
        members["iat"],
        members["jti"],
        members.get("res"),
        members.get("ver"),
        None if to is None else tuple(to),
        members.get("ref"),
        members.get("orig"),
    )


def _refuse(reason: str, zh: str, en: str) -> NoReturn:
    raise EnvelopeError(slug="malformed-envelope", reason=reason, zh=f"受保护头{zh}", en=f"protected header: {en}")


def _refuse_unknown(name: str) -> NoReturn:
    shown = ascii(name[:40])
    known = ", ".join(_FORMS)
    _refuse("header-unknown-name", f"含未知名称 {shown}；请只用 {known}", f"unknown name {shown}; use only {known}")


def _refuse_form(name: str, form: _Form) -> NoReturn:
    _refuse(
        f"header-{name}-form", f" {name} 的值格式不符；请填写{form.zh}", f"{name} is not of its form; send {form.en}"
    )


def _refuse_missing(members: Mapping[str, Any], required: frozenset[str]) -> NoReturn:
    missing = ", ".join(sorted(required - members.keys()))
    _refuse("header-missing-name", f"缺少 {missing}；请补上", f"{missing} is missing; add it")


def _refuse_type(typ: str, allowed_types: frozenset[str]) -> NoReturn:
    allowed = ", ".join(sorted(allowed_types))
    _refuse(
        "header-typ-not-for-call",
        f" typ 为 {typ}，此接口只收 {allowed}；请改用相应接口",
        f"typ is {typ}, but this call takes {allowed}; send it to the call for its type",
    )


def _refuse_superfluous(members: Mapping[str, Any], typ: str) -> NoReturn:
    superfluous = ", ".join(sorted(members.keys() - _ALLOWED[typ]))
    _refuse(
        "header-name-not-for-typ",
        f"在 {typ} 中不得有 {superfluous}；请删去",
        f"{superfluous} does not belong in {typ}; remove it",
    )
