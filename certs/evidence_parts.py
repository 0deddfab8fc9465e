"""The parts that evidence files are put together from, read into values: signed messages, certificates, entries of the log.

Here nothing is believed and no anchor is known; which parts a file has is said by its form (`certs.evidence_form`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NoReturn, TypeVar

from cryptography import x509

from certs import envelope
from certs.canonical import canonical
from certs.envelope import Opened
from certs.errors import CertsError, EnvelopeError, JsonError
from certs.header import ACK, EXCHANGE
from certs.jsontext import parse_object
from certs.members import read_hashes, read_moment, read_octets, read_size
from certs.paths import certificate_kid, is_authority, read_certificate, reading_strangers

ValueT = TypeVar("ValueT")

MAX_AUTHORITIES = 16
"""Certificates of authorities in a file, an ordinary one having one: each is tried as the issuer of each signer."""

UPSERT, DELETE, SNAPSHOT = "upsert", "delete", "snapshot"
OPERATIONS = frozenset({UPSERT, DELETE, SNAPSHOT})
"""What a payload may do with its records (contract, "Envelope")."""


class EvidenceError(CertsError):
    """Evidence of another form, or one whose parts do not fit each other or the anchors."""


@dataclass(frozen=True, slots=True)
class Projection:
    """A projection: the signed message, the digest of its original, the second in which it was made, and what it says."""

    opened: Opened
    orig: str
    made_at: datetime
    operation: str
    records: Sequence[Mapping[str, Any]]

    @property
    def to(self) -> str:
        """The system that it is for."""
        return self.opened.header.aud


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
class Shown:
    """What a file of either kind shows: `projections` in the order of their texts, `acknowledged` by delivery, `certificates`
    by `kid`, `revoked` since when by serial number, `entries` by index; `checkpoint` is a signed note.
    """

    projections: Sequence[Projection]
    acknowledged: Sequence[Acknowledged]
    certificates: Mapping[str, x509.Certificate]
    revocations: x509.CertificateRevocationList
    revoked: Mapping[int, datetime]
    entries: Sequence[LogEntry]
    checkpoint: bytes
    consistency: Consistency | None


def read_shown(members: Mapping[str, Any]) -> Shown:
    """The members that both kinds have; `projections` and `consistency` may be missing. Raises EvidenceError."""
    revocations = _revocations(members)
    return Shown(
        projections=_projections(members) if "projections" in members else [],
        acknowledged=_deliveries(members),
        certificates=_certificates(members),
        revocations=revocations,
        revoked=_revoked(revocations),
        entries=_entries(members),
        checkpoint=_checkpoint(members),
        consistency=_consistency(members["consistency"]) if "consistency" in members else None,
    )


def read_message(text: object, name: str, typ: str) -> Opened:
    """The message of that type in the member of that name, its signature unchecked. Raises EvidenceError."""
    try:
        compact = text.encode("ascii") if isinstance(text, str) else b""
        return envelope.read(compact, max_bytes=len(compact), allowed_types=frozenset({typ}))
    except (EnvelopeError, UnicodeEncodeError):
        refuse_form(name)


def read_payload(opened: Opened, name: str) -> dict[str, Any]:
    """The payload of the message in the member of that name. Raises EvidenceError."""
    try:
        return parse_object(opened.payload_bytes)
    except JsonError:
        refuse_form(name)


def _projections(members: Mapping[str, Any]) -> list[Projection]:
    texts = _list(members, "projections")
    if not texts or not all(isinstance(text, str) for text in texts) or texts != sorted(set(texts)):
        refuse_form("projections")
    return [_projection(read_message(text, "projections", EXCHANGE)) for text in texts]


def _projection(opened: Opened) -> Projection:
    """A hub's envelope with `orig`, of no records only where it is a snapshot; its second has an end that is a time."""
    says, orig = read_object(read_payload(opened, "projections"), "projections", {"op", "records"}), opened.header.orig
    operation, records = says["op"], says["records"]
    known = isinstance(operation, str) and operation in OPERATIONS and isinstance(records, list)
    if orig is None or not known or not (records or operation == SNAPSHOT):
        refuse_form("projections")
    try:
        until = datetime.fromtimestamp(opened.header.iat + 1, UTC)
        made_at = until - timedelta(seconds=1)
    except (ValueError, OverflowError, OSError):
        refuse_form("projections")
    return Projection(opened, orig, made_at, operation, [read_object(one, "projections") for one in records])


def _deliveries(members: Mapping[str, Any]) -> list[Acknowledged]:
    found = [_acknowledged(member) for member in _list(members, "deliveries")]
    if any(one.delivery >= following.delivery for one, following in pairwise(found)):
        refuse_form("deliveries")
    return found


def _acknowledged(member: object) -> Acknowledged:
    delivery = read_object(member, "deliveries", {"id", "acknowledgement"})
    opened = read_message(delivery["acknowledgement"], "acknowledgement", ACK)
    says = read_object(read_payload(opened, "acknowledgement"), "acknowledgement", {"deliveries"})
    named = [read_object(one, "acknowledgement", {"id", "digest"}) for one in _list(says, "deliveries")]
    texts = [value for one in named for value in one.values()]
    if not all(isinstance(text, str) for text in (*texts, delivery["id"])):
        refuse_form("deliveries")
    digests = {one["id"]: one["digest"] for one in named}
    if len(digests) != len(named):
        refuse_form("acknowledgement")
    return Acknowledged(delivery["id"], opened, digests)


def _certificates(members: Mapping[str, Any]) -> dict[str, x509.Certificate]:
    texts = _list(members, "certificates")
    if not all(isinstance(text, str) for text in texts) or texts != sorted(set(texts)):
        refuse_form("certificates")
    found = {}
    for text in texts:
        der = read_value(read_octets, text, "certificates")
        certificate = read_value(read_certificate, der, "certificates")
        _whole_octets(der, certificate.signature, "certificates")
        found[certificate_kid(certificate)] = certificate
    if sum(map(is_authority, found.values())) > MAX_AUTHORITIES:
        refuse_form("certificates")
    return found


def _revocations(members: Mapping[str, Any]) -> x509.CertificateRevocationList:
    der = read_value(read_octets, members["revocation_list"], "revocation_list")
    try:
        with reading_strangers():
            found = x509.load_der_x509_crl(der)
            _ = found.issuer, found.last_update_utc, found.extensions
    except ValueError:
        refuse_form("revocation_list")
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
        refuse_form("revocation_list")
    return found


def _whole_octets(der: bytes, signature: bytes, where: str) -> None:
    """A bit string may call its last bits unused, which no signature covers: here it has none such."""
    if not der.endswith(b"\x00" + signature):
        refuse_form(where)


def _entries(members: Mapping[str, Any]) -> list[LogEntry]:
    found = [_entry(member) for member in _list(members, "entries")]
    if any(one.index >= following.index for one, following in pairwise(found)):
        refuse_form("entries")
    return found


def _entry(member: object) -> LogEntry:
    entry = read_object(member, "entries", {"index", "leaf", "proof"})
    leaf = read_object(entry["leaf"], "entries")
    for part in ("actor", "object"):
        names = read_object(leaf.get(part), "entries")
        if not isinstance(names.get("id"), str):
            refuse_form("entries")
    if not isinstance(leaf.get("event"), str):
        refuse_form("entries")
    return LogEntry(
        read_value(read_size, entry["index"], "entries"),
        leaf,
        canonical(leaf),
        read_value(read_hashes, entry["proof"], "entries"),
        read_value(read_moment, leaf.get("time"), "entries"),
    )


def _checkpoint(members: Mapping[str, Any]) -> bytes:
    """The signed note, with one signature line: others would be ignored, and so would a change in them."""
    note = members["checkpoint"]
    if not isinstance(note, str) or note.rpartition("\n\n")[2].count("\n") != 1:
        refuse_form("checkpoint")
    return note.encode()


def _consistency(member: object) -> Consistency:
    claim = read_object(member, "consistency", {"size", "root", "proof"})
    size = read_value(read_size, claim["size"], "consistency")
    (root,) = read_value(read_hashes, [claim["root"]], "consistency")
    return Consistency(size, root, read_value(read_hashes, claim["proof"], "consistency"))


def read_object(value: object, where: str, names: set[str] | None = None) -> dict[str, Any]:
    """The object, with these members if they are named. Raises EvidenceError."""
    if not isinstance(value, dict) or (names is not None and value.keys() != names):
        refuse_form(where)
    return value


def _list(members: Mapping[str, Any], name: str) -> list[Any]:
    value = members.get(name)
    if not isinstance(value, list):
        refuse_form(name)
    return value


def read_value(read: Callable[[Any], ValueT], value: object, where: str) -> ValueT:
    """What `read` makes of the value of a member. Raises EvidenceError where it raises ValueError."""
    try:
        return read(value)
    except ValueError:
        refuse_form(where)


def refuse_form(where: str) -> NoReturn:
    """Raise EvidenceError for a member of another form."""
    refuse(f"{where.replace('_', '-')}-form", f"{where} 的形式不对", f"{where} is not of its form")


def refuse(reason: str, zh: str, en: str) -> NoReturn:
    """Raise EvidenceError."""
    raise EvidenceError(reason=reason, zh=zh, en=en)
