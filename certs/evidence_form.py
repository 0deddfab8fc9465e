"""The forms of evidence files: RFC 8785 JSON with the members of docs/evidence.md and no others, read into values.

There are two. One has everything about an exchange. The other is for a consumer that got projections alone: of the provider's
message it has what these have and nothing else. A form of its own, not a shorter one of the first: a file that has lost members
is never taken for one that was made without them.

Here nothing is believed and no anchor is known: `certs.evidence` judges what was read. Everything in a file is a thing that
somebody signed, hashed or proved; what nobody vouches for has no place in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certs.canonical import canonical
from certs.envelope import Opened
from certs.errors import JsonError
from certs.evidence_parts import (
    Shown,
    read_message,
    read_object,
    read_payload,
    read_shown,
    read_value,
    refuse,
    refuse_form,
)
from certs.header import EXCHANGE, RECEIPT
from certs.jsontext import MAX_DEPTH, parse_object
from certs.members import read_moment

FORMAT = "shuniu-evidence/1"
PROJECTION_FORMAT = "shuniu-projection-evidence/1"

MAX_BYTES = 96 << 20
"""A file that is read at all: the largest envelope that a hub may be set to take (64 MiB), and room for the rest."""

_DEPTH = MAX_DEPTH + 8
"""The schema and the leaves lie a few levels deep in the file."""

_PROOF = frozenset({"format", "deliveries", "certificates", "revocation_list", "entries", "checkpoint"})
MEMBERS = _PROOF | {"envelope", "receipt", "schema"}
"""What a file about a whole exchange has; and perhaps `OPTIONAL`."""
OPTIONAL = frozenset({"projections", "consistency"})
PROJECTION_MEMBERS = _PROOF | {"projections"}
"""What a file about projections has; and perhaps `consistency`."""

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


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt: the signed message, and what its payload says. `seal_by` is a promise that only the log can keep."""

    opened: Opened
    says: Mapping[str, Any]
    accepted_at: datetime
    seal_by: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file about a whole exchange, read."""

    envelope: Opened
    receipt: Receipt
    schema: Mapping[str, Any]
    shown: Shown


@dataclass(frozen=True, slots=True)
class ProjectionEvidence:
    """A file about the projections, at least one, that a consumer got of an exchange, read."""

    shown: Shown


def write_evidence(members: Mapping[str, Any]) -> bytes:
    """The file about a whole exchange with these members, `format` added: RFC 8785. Raises ValueError for what JSON cannot hold."""
    return canonical({"format": FORMAT, **members})


def write_projection_evidence(members: Mapping[str, Any]) -> bytes:
    """As `write_evidence`, for a file about projections."""
    return canonical({"format": PROJECTION_FORMAT, **members})


def read_evidence(data: bytes) -> Evidence | ProjectionEvidence:
    """The values of a file. Raises EvidenceError, reason `not-canonical` or one that names the member, such as `entries-form`."""
    if len(data) > MAX_BYTES:
        refuse("too-large", f"文件超过 {MAX_BYTES} 字节", f"the file has more than {MAX_BYTES} bytes")
    members = _canonical_object(data)
    if members.get("format") == PROJECTION_FORMAT:
        _must_have(members, PROJECTION_MEMBERS, frozenset({"consistency"}))
        return ProjectionEvidence(read_shown(members))
    if members.get("format") != FORMAT:
        refuse(
            "format",
            f"format 不是 {FORMAT} 或 {PROJECTION_FORMAT}；请用相应版本的核验程序",
            f"format is not {FORMAT} or {PROJECTION_FORMAT}; use its own verifier",
        )
    _must_have(members, MEMBERS, OPTIONAL)
    found = read_message(members["envelope"], "envelope", EXCHANGE)
    if found.header.orig is not None:
        refuse("projection", "信封是投影，本格式不收", "the envelope is a projection, which this format does not have")
    return Evidence(
        envelope=found,
        receipt=read_receipt(read_message(members["receipt"], "receipt", RECEIPT)),
        schema=read_object(members["schema"], "schema"),
        shown=read_shown(members),
    )


def _must_have(members: Mapping[str, Any], always: frozenset[str], perhaps: frozenset[str]) -> None:
    if members.keys() - perhaps != always:
        refuse("members", "缺少或多出成员", "members are missing or too many")


def read_receipt(opened: Opened) -> Receipt:
    """What a receipt's payload says, its members those of the contract. Raises EvidenceError `receipt-form`."""
    says = read_payload(opened, "receipt")
    texts = all(isinstance(says.get(name), str) for name in _RECEIPT_TEXTS)
    if says.keys() != _RECEIPT or not texts or type(says["ver"]) is not int or type(says["lanes"]) is not int:
        refuse_form("receipt")
    accepted_at, seal_by = (read_value(read_moment, says[name], "receipt") for name in ("accepted_at", "seal_by"))
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
