"""What the hub hands to a partner, checked: receipts and deliveries. Bytes and anchors in, a believed message out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from cryptography import x509

from certs import envelope
from certs.digests import is_digest
from certs.envelope import Opened
from certs.errors import CertsError, UnsuitableKeyError
from certs.header import EXCHANGE, RECEIPT, Header
from certs.jsontext import parse_object
from certs.suites import Verifier
from hub.client import pki
from hub.client.errors import TrustError

MAX_RECEIPT_BYTES = 64 * 1024
MAX_ENVELOPE_BYTES = 64 << 20
"""The most that a hub can be set to accept, so the most that it can hand out."""

FUTURE = timedelta(minutes=5)
"""How far ahead of ours the clock of a signer may be (the contract's default skew)."""

_LEAF_BYTES = 32


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt 接收凭证 that was checked: accepted, committed, and promised a place in the log by `seal_by`.

    `schema_digest` and `envelope_digest` are digests in the contract's form, `entry` is the log's leaf hash in base64,
    `lanes` the number of consumers' lanes it went to, `compact` the receipt's own bytes.
    """

    exchange: str
    envelope_digest: str
    sender: str
    jti: str
    res: str
    ver: int
    schema_digest: str
    accepted_at: datetime
    lanes: int
    hub: str
    log: str
    entry: str
    seal_by: datetime
    compact: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """One item of the inbox, checked: `records` are what `sender` signed (or the hub's projection of it).

    `id` and `digest` are what an acknowledgement names; `sequence` counts in its lane; `envelope` is what was delivered;
    `ref` is the `jti` of the message that it corrects, if it says so.
    """

    id: str
    exchange: str
    res: str
    ver: int
    lane: str
    sequence: int
    digest: str
    envelope: bytes
    accepted_at: datetime
    sender: str
    jti: str
    op: str
    records: list[dict[str, Any]]
    ref: str | None = None


def check_receipt(
    compact: bytes,
    sent: Opened,
    *,
    hub: str,
    hub_certificates: Mapping[str, x509.Certificate],
    now: datetime,
    schema_digest: str | None = None,
) -> Receipt:
    """The receipt for `sent`, signed by one of the hub's receipt certificates (by `kid`). Raises TrustError."""
    try:
        opened = envelope.read(compact, max_bytes=MAX_RECEIPT_BYTES, allowed_types=frozenset({RECEIPT}))
        certificate = hub_certificates.get(opened.header.kid)
        if certificate is None:
            _doubt("凭证", "签名者不在 hub.pem 中", "receipt", "its signer is not in hub.pem")
        envelope.verify(opened, _verifier(certificate))
        payload = parse_object(opened.payload_bytes)
    except CertsError as error:
        _doubt("凭证", error.zh, "receipt", error.en)
    _check_time("凭证", "receipt", opened.header, certificate, now)
    if f"urn:shuniu:hub:{hub}:receipts" not in pki.names(certificate):
        _doubt("凭证", "签名证书不是该枢纽的凭证证书", "receipt", "its signer is not the receipt key of this hub")
    receipt = _receipt(payload, compact)
    _check_receipt_names(opened.header, receipt, sent, hub)
    if schema_digest is not None and receipt.schema_digest != schema_digest:
        _doubt(
            "凭证", "schema_digest 与该版本的模式不符", "receipt", "schema_digest is not that of the version's schema"
        )
    return receipt


def kept_receipt(compact: bytes) -> Receipt:
    """A receipt that was checked before it was written. Raises TrustError for what cannot be one."""
    try:
        opened = envelope.read(compact, max_bytes=MAX_RECEIPT_BYTES, allowed_types=frozenset({RECEIPT}))
        return _receipt(parse_object(opened.payload_bytes), compact)
    except CertsError as error:
        _doubt("凭证", error.zh, "receipt", error.en)


def _receipt(payload: Mapping[str, Any], compact: bytes) -> Receipt:
    """The payload's members, each of its type. Raises TrustError."""
    texts = {name: _member(payload, name, str) for name in ("sender", "jti", "res", "hub", "log", "entry")}
    texts["exchange"] = _identifier(payload, "exchange")
    for name in ("envelope_digest", "schema_digest"):
        texts[name] = _member(payload, name, str)
        if not is_digest(texts[name]):
            _malformed(name)
    try:
        if len(base64.b64decode(texts["entry"], validate=True)) != _LEAF_BYTES:
            _malformed("entry")
    except binascii.Error:
        _malformed("entry")
    return Receipt(
        **texts,
        ver=_member(payload, "ver", int),
        lanes=_member(payload, "lanes", int),
        accepted_at=_moment(payload, "accepted_at"),
        seal_by=_moment(payload, "seal_by"),
        compact=compact,
    )


def _check_receipt_names(header: Header, receipt: Receipt, sent: Opened, hub: str) -> None:
    asked = sent.header
    expected = {
        "iss": (header.iss, hub),
        "aud": (header.aud, asked.iss),
        "ref": (header.ref, asked.jti),
        "header res": (header.res, asked.res),
        "header ver": (header.ver, asked.ver),
        "hub": (receipt.hub, hub),
        "sender": (receipt.sender, asked.iss),
        "jti": (receipt.jti, asked.jti),
        "res": (receipt.res, asked.res),
        "ver": (receipt.ver, asked.ver),
        "envelope_digest": (receipt.envelope_digest, sent.digest),
    }
    for name, (found, wanted) in expected.items():
        if found != wanted:
            _doubt("凭证", f"{name} 与所发信封不符", "receipt", f"{name} is not that of the envelope that was sent")


def check_delivery(
    item: Mapping[str, Any],
    *,
    hub: str,
    system: str,
    certificates_for: Callable[[str], list[x509.Certificate]],
    anchors: list[x509.Certificate],
    now: datetime,
) -> Delivery:
    """The item of an inbox, its envelope believed: digest, form, signature, path to an anchor, parties, resource.

    `certificates_for` finds a certificate with its issuers by `kid`. Raises TrustError, and what `certificates_for` raises.
    """
    texts = {name: _identifier(item, name) for name in ("exchange", "lane")}
    texts |= {name: _member(item, name, str) for name in ("res", "digest")}
    identifier = _identifier(item, "delivery")
    compact = _member(item, "envelope", str).encode()
    try:
        opened = envelope.read(compact, max_bytes=MAX_ENVELOPE_BYTES, allowed_types=frozenset({EXCHANGE}))
    except CertsError as error:
        _doubt(f"投递 {identifier} ", error.zh, f"delivery {identifier}", error.en)
    what = (f"投递 {identifier} ", f"delivery {identifier}")
    if opened.digest != texts["digest"]:
        _doubt(what[0], "digest 与信封不符", what[1], "its digest is not that of the envelope")
    header = opened.header
    chain = certificates_for(header.kid)
    if not chain or pki.certificate_kid(chain[0]) != header.kid:
        _doubt(what[0], "取得的证书与 kid 不符", what[1], "the certificate found is not the one that kid names")
    _check_time(what[0], what[1], header, chain[0], now)
    pki.check_path(chain[0], chain[1:], anchors, datetime.fromtimestamp(header.iat, UTC))
    try:
        envelope.verify(opened, _verifier(chain[0]))
        payload = parse_object(opened.payload_bytes)
    except CertsError as error:
        _doubt(what[0], error.zh, what[1], error.en)
    _check_delivery_names(what, header, chain[0], texts["res"], _member(item, "ver", int), hub, system)
    op, records = payload.get("op", "upsert"), payload.get("records")
    if not isinstance(op, str) or not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        _doubt(what[0], "载荷没有 records 数组", what[1], "its payload has no array of records")
    return Delivery(
        **texts,
        id=identifier,
        ver=_member(item, "ver", int),
        sequence=_member(item, "sequence", int),
        envelope=compact,
        accepted_at=_moment(item, "accepted_at"),
        sender=header.iss,
        jti=header.jti,
        op=op,
        records=records,
        ref=header.ref,
    )


def _check_delivery_names(
    what: tuple[str, str], header: Header, certificate: x509.Certificate, res: str, ver: int, hub: str, system: str
) -> None:
    """A provider's envelope is for the hub; a projection is the hub's own, for us, and names its original."""
    is_projection = header.iss == hub
    expected = {
        "aud": (header.aud, system if is_projection else hub),
        "res": (header.res, res),
        "ver": (header.ver, ver),
        "orig": (header.orig is not None, is_projection),
        "to": (header.to is None or system in header.to, True),
    }
    for name, (found, wanted) in expected.items():
        if found != wanted:
            _doubt(what[0], f"{name} 与本次投递不符", what[1], f"{name} does not fit the delivery")
    owner = f"urn:shuniu:hub:{hub}:projections" if is_projection else f"urn:shuniu:system:{header.iss}"
    if owner not in pki.names(certificate):
        _doubt(what[0], f"签名证书不属于 {header.iss}", what[1], f"its certificate is not that of {header.iss}")


def _check_time(zh: str, en: str, header: Header, certificate: x509.Certificate, now: datetime) -> None:
    try:
        signed_at = datetime.fromtimestamp(header.iat, UTC)
    except (OverflowError, ValueError, OSError):
        _doubt(zh, "iat 不是可能的时间", en, "iat is no possible time")
    if signed_at > now + FUTURE:
        _doubt(zh, "iat 在将来；请核对时钟", en, "iat lies in the future; check the clocks")
    if not pki.is_valid_at(certificate, signed_at):
        _doubt(zh, "签名时证书不在有效期", en, "the certificate was not valid when it signed")


def _verifier(certificate: x509.Certificate) -> Verifier:
    try:
        return Verifier(certificate.public_key())
    except UnsuitableKeyError as error:
        raise TrustError(error.zh, error.en) from None


def _member(members: Mapping[str, Any], name: str, kind: type) -> Any:
    value = members.get(name)
    if type(value) is not kind:
        _malformed(name)
    return value


def _identifier(members: Mapping[str, Any], name: str) -> str:
    """A uuid in its usual form: callers make file names and messages of it."""
    try:
        return str(UUID(_member(members, name, str)))
    except ValueError:
        _malformed(name)


def _moment(members: Mapping[str, Any], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_member(members, name, str))
    except ValueError:
        _malformed(name)
    if moment.tzinfo is None:
        _malformed(name)
    return moment


def _malformed(name: str) -> NoReturn:
    _doubt("枢纽的回答", f"{name} 缺失或格式不符", "the hub's answer", f"{name} is missing or not of its form")


def _doubt(what_zh: str, zh: str, what_en: str, en: str) -> NoReturn:
    raise TrustError(f"{what_zh}不可信：{zh}", f"{what_en} cannot be believed: {en}")
