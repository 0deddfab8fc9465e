"""The form of an evidence file: RFC 8785 JSON with the members of docs/evidence.md and no others, read into values.

Here nothing is believed and no anchor is known: `certs.evidence` judges what was read. Everything in a file is a thing that
somebody signed, hashed or proved; what nobody vouches for has no place in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, NoReturn, TypeVar

from cryptography import x509

from certs import envelope
from certs.canonical import canonical
from certs.envelope import Opened
from certs.errors import CertsError, EnvelopeError, JsonError
from certs.header import ACK, EXCHANGE, RECEIPT
from certs.jsontext import MAX_DEPTH, parse_object
from certs.members import read_hashes, read_moment, read_octets, read_size
from certs.paths import certificate_kid, is_authority, read_certificate, reading_strangers

ValueT = TypeVar("ValueT")

FORMAT = "shuniu-evidence/1"

MAX_BYTES = 96 << 20
"""A file that is read at all: the largest envelope that a hub may be set to take (64 MiB), and room for the rest."""

MAX_AUTHORITIES = 16
"""Certificates of authorities in a file, an ordinary one having one: each is tried as the issuer of each signer."""

_DEPTH = MAX_DEPTH + 8
"""The schema and the leaves lie a few levels deep in the file."""

_MEMBERS = frozenset(
    {
        "format",
        "envelope",
        "receipt",
        "deliveries",
        "certificates",
        "revocation_list",
        "schema",
        "entries",
        "checkpoint",
    }
)
_RECEIPT_TEXTS = frozenset(
    {
        "exchange",
        "envelope_digest",
        "sender",
        "jti",
        "res",
        "schema_digest",
        "accepted_at",
        "hub",
        "log",
        "entry",
        "seal_by",
    }
)
_RECEIPT = _RECEIPT_TEXTS | {"ver", "lanes"}


class EvidenceError(CertsError):
    """Evidence of another form, or one whose parts do not fit each other or the anchors."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt: the signed message, and what its payload says. `seal_by` is a promise that only the log can keep."""

    opened: Opened
    says: Mapping[str, Any]
    accepted_at: datetime
    seal_by: datetime


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A delivery (uuid) and the acknowledgement that names it; `digests` are what that message says, by delivery."""

    delivery: str
    opened: Opened
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of the sharing log: its place, its leaf as JSON and as bytes, and the hashes of its inclusion proof."""

    index: int
    leaf: Mapping[str, Any]
    leaf_bytes: bytes
    proof: Sequence[bytes]
    time: datetime

    @property
    def event(self) -> str:
        """The type of event, such as `exchange.accepted`."""
        return str(self.leaf["event"])

    @property
    def object_id(self) -> str:
        """What the event was done to."""
        return str(self.leaf["object"]["id"])

    @property
    def details(self) -> Mapping[str, Any]:
        """The event's own fields."""
        details = self.leaf.get("details")
        return details if isinstance(details, dict) else {}


@dataclass(frozen=True, slots=True)
class Consistency:
    """The claim that the tree of `size` with `root` is a beginning of the checkpoint's, and its proof."""

    size: int
    root: bytes
    proof: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One file, read. `certificates` are by `kid`; `revoked` says since when, by serial number; `acknowledged` by delivery
    and `entries` by index, ascending; `checkpoint` is a signed note.
    """

    envelope: Opened
    receipt: Receipt
    acknowledged: Sequence[Acknowledged]
    certificates: Mapping[str, x509.Certificate]
    revocations: x509.CertificateRevocationList
    revoked: Mapping[int, datetime]
    schema: Mapping[str, Any]
    entries: Sequence[LogEntry]
    checkpoint: bytes
    consistency: Consistency | None


def write_evidence(members: Mapping[str, Any]) -> bytes:
    """The file with these members, `format` added: RFC 8785. Raises ValueError for what JSON cannot hold."""
    return canonical({"format": FORMAT, **members})


def read_evidence(data: bytes) -> Evidence:
    """The values of a file. Raises EvidenceError, reason `not-canonical` or one that names the member, such as `entries-form`."""
    if len(data) > MAX_BYTES:
        refuse("too-large", f"文件超过 {MAX_BYTES} 字节", f"the file has more than {MAX_BYTES} bytes")
    members = _canonical_object(data)
    if members.get("format") != FORMAT:
        refuse(
            "format", f"format 不是 {FORMAT}；请用相应版本的核验程序", f"format is not {FORMAT}; use its own verifier"
        )
    if members.keys() - {"consistency"} != _MEMBERS:
        refuse("members", "缺少或多出成员", "members are missing or too many")
    found = _envelope(members, "envelope", EXCHANGE)
    if found.header.orig is not None:
        refuse("projection", "信封是投影，本格式不收", "the envelope is a projection, which this format does not have")
    revocations = _revocations(members)
    return Evidence(
        envelope=found,
        receipt=read_receipt(_envelope(members, "receipt", RECEIPT)),
        acknowledged=_deliveries(members),
        certificates=_certificates(members),
        revocations=revocations,
        revoked=_revoked(revocations),
        schema=_object(members["schema"], "schema"),
        entries=_entries(members),
        checkpoint=_checkpoint(members),
        consistency=_consistency(members["consistency"]) if "consistency" in members else None,
    )


def read_receipt(opened: Opened) -> Receipt:
    """What a receipt's payload says, its members those of the contract. Raises EvidenceError `receipt-form`."""
    says = _payload(opened, "receipt")
    texts = all(isinstance(says.get(name), str) for name in _RECEIPT_TEXTS)
    if says.keys() != _RECEIPT or not texts or type(says["ver"]) is not int or type(says["lanes"]) is not int:
        _form("receipt")
    accepted_at, seal_by = (_read(read_moment, says[name], "receipt") for name in ("accepted_at", "seal_by"))
    return Receipt(opened, says, accepted_at, seal_by)


def _canonical_object(data: bytes) -> dict[str, Any]:
    try:
        members = parse_object(data, max_depth=_DEPTH)
        written = canonical(members)
    except JsonError as fault:
        refuse("not-json", f"不是合格的 JSON：{fault.zh}", f"not JSON as it should be: {fault.en}")
    except ValueError:
        written = b""
    if written != data:
        refuse("not-canonical", "字节不是 RFC 8785 规范形式", "the bytes are not the RFC 8785 form")
    return members


def _envelope(members: Mapping[str, Any], name: str, typ: str) -> Opened:
    text = members.get(name)
    try:
        compact = text.encode("ascii") if isinstance(text, str) else b""
        return envelope.read(compact, max_bytes=MAX_BYTES, allowed_types=frozenset({typ}))
    except (EnvelopeError, UnicodeEncodeError):
        _form(name)


def _payload(opened: Opened, name: str) -> dict[str, Any]:
    try:
        return parse_object(opened.payload_bytes)
    except JsonError:
        _form(name)


def _deliveries(members: Mapping[str, Any]) -> list[Acknowledged]:
    found = [_acknowledged(member) for member in _list(members, "deliveries")]
    if any(one.delivery >= following.delivery for one, following in pairwise(found)):
        _form("deliveries")
    return found


def _acknowledged(member: object) -> Acknowledged:
    delivery = _object(member, "deliveries", {"id", "acknowledgement"})
    opened = _envelope(delivery, "acknowledgement", ACK)
    named = [
        _object(one, "acknowledgement", {"id", "digest"})
        for one in _list(_payload(opened, "acknowledgement"), "deliveries")
    ]
    texts = [value for one in named for value in one.values()]
    if not all(isinstance(text, str) for text in (*texts, delivery["id"])):
        _form("deliveries")
    return Acknowledged(delivery["id"], opened, {one["id"]: one["digest"] for one in named})


def _certificates(members: Mapping[str, Any]) -> dict[str, x509.Certificate]:
    texts = _list(members, "certificates")
    if not all(isinstance(text, str) for text in texts) or texts != sorted(set(texts)):
        _form("certificates")
    found = {}
    for text in texts:
        der = _read(read_octets, text, "certificates")
        certificate = _read(read_certificate, der, "certificates")
        _whole_octets(der, certificate.signature, "certificates")
        found[certificate_kid(certificate)] = certificate
    if sum(map(is_authority, found.values())) > MAX_AUTHORITIES:
        _form("certificates")
    return found


def _revocations(members: Mapping[str, Any]) -> x509.CertificateRevocationList:
    der = _read(read_octets, members["revocation_list"], "revocation_list")
    try:
        with reading_strangers():
            found = x509.load_der_x509_crl(der)
            _ = found.issuer, found.last_update_utc, found.extensions
    except ValueError:
        _form("revocation_list")
    _whole_octets(der, found.signature, "revocation_list")
    return found


def _revoked(revocations: x509.CertificateRevocationList) -> dict[int, datetime]:
    """Since when each certificate on the list is revoked, by serial number; the earliest, should one stand there twice."""
    found: dict[int, datetime] = {}
    try:
        with reading_strangers():
            for line in revocations:
                at = line.revocation_date_utc
                found[line.serial_number] = min(at, found.get(line.serial_number, at))
    except ValueError:
        _form("revocation_list")
    return found


def _whole_octets(der: bytes, signature: bytes, where: str) -> None:
    """A bit string may call its last bits unused, which no signature covers: here it has none such."""
    if not der.endswith(b"\x00" + signature):
        _form(where)


def _entries(members: Mapping[str, Any]) -> list[LogEntry]:
    found = [_entry(member) for member in _list(members, "entries")]
    if any(one.index >= following.index for one, following in pairwise(found)):
        _form("entries")
    return found


def _entry(member: object) -> LogEntry:
    entry = _object(member, "entries", {"index", "leaf", "proof"})
    leaf = _object(entry["leaf"], "entries")
    for part in ("actor", "object"):
        names = _object(leaf.get(part), "entries")
        if not isinstance(names.get("id"), str):
            _form("entries")
    if not isinstance(leaf.get("event"), str):
        _form("entries")
    return LogEntry(
        _read(read_size, entry["index"], "entries"),
        leaf,
        canonical(leaf),
        _read(read_hashes, entry["proof"], "entries"),
        _read(read_moment, leaf.get("time"), "entries"),
    )


def _checkpoint(members: Mapping[str, Any]) -> bytes:
    """The signed note, with one signature line: others would be ignored, and so would a change in them."""
    note = members["checkpoint"]
    if not isinstance(note, str) or note.rpartition("\n\n")[2].count("\n") != 1:
        _form("checkpoint")
    return note.encode()


def _consistency(member: object) -> Consistency:
    claim = _object(member, "consistency", {"size", "root", "proof"})
    size = _read(read_size, claim["size"], "consistency")
    (root,) = _read(read_hashes, [claim["root"]], "consistency")
    return Consistency(size, root, _read(read_hashes, claim["proof"], "consistency"))


def _object(value: object, where: str, names: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict) or (names is not None and value.keys() != names):
        _form(where)
    return value


def _list(members: Mapping[str, Any], name: str) -> list[Any]:
    value = members.get(name)
    if not isinstance(value, list):
        _form(name)
    return value


def _read(read: Callable[[Any], ValueT], value: object, where: str) -> ValueT:
    """What `read` makes of the value of a member. Raises EvidenceError where it raises ValueError."""
    try:
        return read(value)
    except ValueError:
        _form(where)


def _form(where: str) -> NoReturn:
    refuse(f"{where.replace('_', '-')}-form", f"{where} 的形式不对", f"{where} is not of its form")


def refuse(reason: str, zh: str, en: str) -> NoReturn:
    """Raise EvidenceError."""
    raise EvidenceError(reason=reason, zh=zh, en=en)
