"""The manifest of a bundle: what a signed file that crosses a one-way gateway 网闸 holds, who made it, and its number.

A manifest is a compact JWS whose payload is RFC 8785 JSON. Its `typ` is `bundle+jws`, which no envelope has, and its header
lacks what every envelope and push must name, so that none can be taken for another. Knows no folder, no file and no clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

import orjson

from certs.canonical import canonical
from certs.digests import b64u_decode, b64u_encode, is_digest
from certs.errors import CertsError, JsonError
from certs.header import is_kid, is_system_code
from certs.jsontext import parse_object
from certs.members import read_moment
from certs.suites import Signer, Verifier

MANIFEST_TYPE = "bundle+jws"
FORMAT = "shuniu-bundle/1"

DELIVERIES, ACKNOWLEDGEMENT = "deliveries", "acknowledgement"
"""The kinds of bundle: from the hub to a consumer, and from a consumer to its hub."""

CERTIFICATES, ITEM = "certificates", "item"
"""The kinds of part of a bundle of deliveries; one of acknowledgement has one part, of the kind `ACKNOWLEDGEMENT`."""

MAX_MANIFEST_BYTES = 256 * 1024
MAX_PARTS = 1_000
MAX_PART_BYTES = 96 << 20
"""One envelope of the largest size that a hub can be set to, with what is around it."""

_SERIES = re.compile(r"[A-Z2-7]{8}")
_MOST = 2**53 - 1
_COMMON = frozenset({"format", "kind", "hub", "system", "series", "number", "made_at", "parts"})
_MEMBERS = {DELIVERIES: _COMMON | {"lane", "fence", "first"}, ACKNOWLEDGEMENT: _COMMON}
_PARTS = {DELIVERIES: (CERTIFICATES, ITEM), ACKNOWLEDGEMENT: (ACKNOWLEDGEMENT,)}  # what may stand here may be no text


class BundleError(CertsError):
    """A manifest that is not believed; `reason` is a stable word."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bundle: its kind, its size in bytes, and the contract's digest over them."""

    kind: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a signed manifest says. `number` counts in `series` from 1, without gaps; `made_at` is aware.

    `lane` and `fence` are those of the claim, for deliveries; "" and 0 else. A claim too large for one bundle goes in several, from
    the number `first` on, in its order; 0 for acknowledgements.
    """

    kind: str
    hub: str
    system: str
    series: str
    number: int
    made_at: datetime
    parts: tuple[Part, ...]
    lane: str
    fence: int
    first: int


def seal_manifest(signer: Signer, members: Mapping[str, Any]) -> bytes:
    """The compact serialization of a signed manifest. Raises BundleError for members that `open_manifest` would refuse."""
    _manifest(members)
    header = {"alg": signer.alg, "kid": signer.kid, "typ": MANIFEST_TYPE}
    signing_input = b64u_encode(orjson.dumps(header)) + b"." + b64u_encode(canonical(dict(members)))
    return signing_input + b"." + b64u_encode(signer.sign(signing_input))


def open_manifest(compact: bytes, *, verifier_for: Callable[[str], Verifier | None]) -> Manifest:
    """The manifest in `compact`, its signature checked with the key that `verifier_for` finds by `kid`.

    Raises BundleError, and what `verifier_for` raises.
    """
    parts = compact.split(b".", 3)
    if len(compact) > MAX_MANIFEST_BYTES or len(parts) != 3:
        _refuse("not-a-manifest", "不是清单：应为紧凑 JWS", "no manifest: it is a compact JWS")
    try:
        header, payload, signature = map(b64u_decode, parts)
        named = parse_object(header)
        members = parse_object(payload)
    except (ValueError, JsonError):
        _refuse("not-a-manifest", "清单不是规范的 JWS", "the manifest is no canonical JWS")
    kid = named.get("kid")
    if set(named) != {"alg", "kid", "typ"} or named["typ"] != MANIFEST_TYPE or not is_kid(kid):
        _refuse(
            "not-a-manifest",
            f"清单的头须为 alg、kid 和 typ={MANIFEST_TYPE}",
            f"its header is alg, kid, {MANIFEST_TYPE}",
        )
    verifier = verifier_for(str(kid))
    if verifier is None:
        _refuse("unknown-signer", f"不认识清单的签名者 {kid}", f"the signer {kid} of the manifest is not known")
    if not verifier.verify(str(named["alg"]), compact[: compact.rindex(b".")], signature):
        _refuse("bad-signature", "清单的签名不对", "the manifest's signature is wrong")
    if canonical(members) != payload:
        _refuse("not-canonical", "清单不是 RFC 8785 形式", "the manifest is not in the form of RFC 8785")
    return _manifest(members)


def _manifest(members: Mapping[str, Any]) -> Manifest:
    """The members, each of its form. Raises BundleError."""
    kind = members.get("kind")
    if kind not in (DELIVERIES, ACKNOWLEDGEMENT) or set(members) != _MEMBERS[kind] or members["format"] != FORMAT:
        _malformed("kind")
    for name in ("hub", "system"):
        if not is_system_code(members[name]):
            _malformed(name)
    if not isinstance(members["series"], str) or not _SERIES.fullmatch(members["series"]):
        _malformed("series")
    number = _count(members["number"], "number")
    first = _count(members["first"], "first") if "first" in members else 0
    if first > number:
        _malformed("first")
    return Manifest(
        kind=kind,
        hub=members["hub"],
        system=members["system"],
        series=members["series"],
        number=number,
        made_at=_moment(members["made_at"]),
        parts=_parts(kind, members["parts"]),
        lane=_uuid(members["lane"]) if "lane" in members else "",
        fence=_count(members["fence"], "fence") if "fence" in members else 0,
        first=first,
    )


def _parts(kind: str, listed: object) -> tuple[Part, ...]:
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_PARTS:
        _malformed("parts")
    parts = []
    for entry in listed:
        if not isinstance(entry, dict) or set(entry) != {"kind", "size", "digest"} or entry["kind"] not in _PARTS[kind]:
            _malformed("parts")
        if not isinstance(entry["digest"], str) or not is_digest(entry["digest"]):
            _malformed("parts")
        if _count(entry["size"], "parts") > MAX_PART_BYTES:
            _malformed("parts")
        parts.append(Part(entry["kind"], entry["size"], entry["digest"]))
    return tuple(parts)


def _count(value: object, name: str) -> int:
    if type(value) is not int or not 1 <= value <= _MOST:
        _malformed(name)
    return value


def _uuid(value: object) -> str:
    try:
        found = str(UUID(value)) if isinstance(value, str) else ""
    except ValueError:
        found = ""
    if not found or found != value:
        _malformed("lane")
    return found


def _moment(value: object) -> datetime:
    try:
        return read_moment(value)
    except ValueError:
        _malformed("made_at")


def _malformed(name: str) -> NoReturn:
    _refuse("malformed-manifest", f"清单的 {name} 不合格式", f"{name} of the manifest is not of its form")


def _refuse(reason: str, zh: str, en: str) -> NoReturn:
    raise BundleError(reason=reason, zh=zh, en=en) from None
