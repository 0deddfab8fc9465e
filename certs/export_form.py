"""The form of an exported log: lines of RFC 8785 JSON, one for every leaf, between a head and an end, under a signed manifest.

    {"export": {…}}                    the head: which part of which log, for whom
    {"hash": …, "index": n, "leaf": …} one for each leaf, in the tree's order; without `leaf`: left out by the filter
    {"end": {…}}                       checkpoint, proof, certificates, counts
    {"manifest": "<compact JWS>"}      digest and number of the lines above, signed by the hub

Here nothing is believed and no anchor is known: `certs.export` judges what was read. Files are as long as a log: everything is
a line at a time.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

from cryptography import x509

from certs.canonical import canonical
from certs.digests import b64u_decode
from certs.errors import CertsError, JsonError
from certs.header import is_kid, is_system_code
from certs.jsontext import parse_object
from certs.members import read_hashes, read_moment, read_octets, read_size
from certs.paths import read_certificate

ValueT = TypeVar("ValueT")

FORMAT = "shuniu-log-export/1"

FIRST_BYTES = b'{"export":'
"""What every export begins with, and nothing else that can be verified."""

MANIFEST_TYPE = "export+jws"
"""`typ` of a manifest: no envelope has it, so neither passes for the other."""

LONGEST_LINE = 1 << 20
"""Bytes in a line that is read at all: a leaf has at most 65,535, head and end a few kilobytes."""

_MOST_CERTIFICATES = 8
_MANIFEST_HEADER = frozenset({"alg", "iat", "iss", "jti", "kid", "typ"})
_LATEST_IAT = 253_402_300_799  # the last second of the year 9999
_HASH = rb"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="  # 32 bytes in canonical base64: the last two bits are unused
_LINE = re.compile(rb'\{"hash":"(%s)","index":(0|[1-9][0-9]{0,18})(?:,"leaf":(null|\{.*\}))?\}\n' % _HASH)


class ExportError(CertsError):
    """An exported log of another form, or one whose parts do not fit each other or the anchors."""


@dataclass(frozen=True, slots=True)
class Head:
    """What was asked for: leaves `first` up to, not including, `until` of the log of `hub`; by a member of staff, and when.

    `only` is the filter (empty: none); `prefix` are the hashes of the perfect subtrees of the first `first` leaves, largest
    first: with them every part of a log makes the root of the whole.
    """

    id: str
    hub: str
    by: str
    requested_at: datetime
    first: int
    until: int
    only: Mapping[str, str]
    prefix: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Exported:
    """One leaf: its index and its hash (32 bytes). `leaf` is None where the file has only the hash; `missing`: the hub had none."""

    index: int
    hashed: bytes
    leaf: bytes | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How many lines carry a leaf, how many were left out by the filter, and how many the hub did not have any more."""

    entries: int = 0
    left_out: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """What proves the lines: a signed note, the proof that its tree goes on from leaf `until`, and the signer's certificates."""

    checkpoint: bytes
    consistency: Sequence[bytes]
    certificates: Sequence[x509.Certificate]
    counts: Counts


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest whose signature nobody has checked yet: who signed when, and what it says of the lines above it."""

    alg: str
    kid: str
    iss: str
    signed_at: datetime
    says: Mapping[str, Any]
    signing_input: bytes
    signature: bytes


def read_line(line: bytes) -> Exported | None:
    """The leaf in a line; None when the line is not one of a leaf. What the leaf itself holds is for its hash to say."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    hashed, index, leaf = match.groups()
    missing = leaf == b"null"
    return Exported(int(index), base64.b64decode(hashed), None if missing else leaf, missing)


def read_head(line: bytes) -> Head:
    """The head. Raises ExportError `not-an-export`, `format`, `head-form`."""
    if not line.startswith(FIRST_BYTES):
        refuse("not-an-export", "文件不是导出的日志", "the file is no exported log")
    says = _members(line, "export")
    if says.get("format") != FORMAT:
        refuse(
            "format", f"format 不是 {FORMAT}；请用相应版本的核验程序", f"format is not {FORMAT}; use its own verifier"
        )
    names = {"by", "first", "format", "hub", "id", "only", "prefix", "requested_at", "until"}
    if says.keys() != names or not all(isinstance(says[name], str) for name in ("by", "hub", "id")):
        _form("head")
    first, until = (_read(read_size, says[name], "head") for name in ("first", "until"))
    prefix, only = _read(read_hashes, says["prefix"], "head"), says["only"]
    filters = isinstance(only, dict) and all(isinstance(value, str) for value in only.values())
    if first > until or len(prefix) != first.bit_count() or not filters or not is_system_code(says["hub"]):
        _form("head")
    requested_at = _read(read_moment, says["requested_at"], "head")
    return Head(says["id"], says["hub"], says["by"], requested_at, first, until, only, prefix)


def read_end(line: bytes) -> End:
    """The end. Raises ExportError `end-form`."""
    says = _members(line, "end")
    names = {"certificates", "checkpoint", "consistency", "entries", "left_out", "missing"}
    if says.keys() != names or not isinstance(says["checkpoint"], str):
        _form("end")
    counts = Counts(*(_read(read_size, says[name], "end") for name in ("entries", "left_out", "missing")))
    consistency = _read(read_hashes, says["consistency"], "end")
    return End(says["checkpoint"].encode(), consistency, _certificates(says["certificates"]), counts)


def read_manifest(line: bytes) -> Manifest:
    """The manifest. Raises ExportError `manifest-form`."""
    compact = _members(line, "manifest", bare=True)
    parts = compact.encode().split(b".")
    if len(parts) != 3:
        _form("manifest")
    try:
        header_bytes, payload, signature = map(b64u_decode, parts)
        header, says = parse_object(header_bytes), parse_object(payload)
    except (ValueError, JsonError):
        _form("manifest")
    iat = header.get("iat")
    texts = all(isinstance(header.get(name), str) for name in _MANIFEST_HEADER - {"iat"})
    if header.keys() != _MANIFEST_HEADER or not texts or header["typ"] != MANIFEST_TYPE or not is_kid(header["kid"]):
        _form("manifest")
    if type(iat) is not int or not 0 <= iat <= _LATEST_IAT:
        _form("manifest")
    signed_at = datetime.fromtimestamp(iat, UTC)
    signing_input = parts[0] + b"." + parts[1]
    return Manifest(header["alg"], header["kid"], header["iss"], signed_at, says, signing_input, signature)


def refuse(reason: str, zh: str, en: str) -> NoReturn:
    """Raise ExportError."""
    raise ExportError(reason=reason, zh=zh, en=en)


def _members(line: bytes, name: str, *, bare: bool = False) -> Any:
    """The object under the line's one name, or its text (`bare`); the line in its one spelling."""
    where = "head" if name == "export" else name
    try:
        found = parse_object(line)
        written = canonical(found) + b"\n"
    except (JsonError, ValueError):
        _form(where)
    if written != line or found.keys() != {name} or not isinstance(found[name], str if bare else dict):
        _form(where)
    return found[name]


def _certificates(texts: object) -> list[x509.Certificate]:
    if not isinstance(texts, list) or not 1 <= len(texts) <= _MOST_CERTIFICATES:
        _form("end")
    return [_read(read_certificate, _read(read_octets, text, "end"), "end") for text in texts]


def _read(read: Callable[[Any], ValueT], value: object, where: str) -> ValueT:
    """What `read` makes of the value of a member. Raises ExportError where it raises ValueError."""
    try:
        return read(value)
    except ValueError:
        _form(where)


def _form(where: str) -> NoReturn:
    zh = {"head": "首行", "end": "末尾", "manifest": "清单"}[where]
    refuse(f"{where}-form", f"{zh}的形式不对", f"the {where} is not of its form")
