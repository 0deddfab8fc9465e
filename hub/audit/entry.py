"""One entry of the sharing log and its leaf, format v1. Knows no database.

A leaf is the RFC 8785 form of a JSON object. It carries the fields of an audit record that level 3 of GB/T 22239-2019
(8.1.4.3 b) asks for: when, who, what kind of event, on what, with what result; and digests, never payload. Fields that
speak of a person (login, name, address, terminal) are salted commitments; the salts and values (the openings) lie beside
the leaf, so that destroying an opening erases the person and leaves the proof whole. The leaf's bytes, its RFC 6962 hash
and the names of its fields are final: receipts promise the hash.
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal
from uuid import UUID

import orjson

from certs.canonical import canonical
from certs.commitment import commit
from certs.tile_files import LONGEST_ENTRY
from certs.tree import leaf_hash
from hub.audit.errors import LeafTooLong
from hub.db.ids import new_id

LEAF_VERSION = 1
SALT_BYTES = 16
"""128 bits: a commitment to a guessable value (an address, a login) cannot be searched without its salt."""

LOCAL_TIME = timezone(timedelta(hours=8))
"""Audit records show Beijing time (GB/T 22239 8.1.4.3 b as practised); the offset is always written."""

Outcome = Literal["success", "fail"]


@dataclass(slots=True)
class Actor:
    """Who acts: a partner system, a member of staff, a user of the host, or nobody that we know.

    `id` is a system code, a staff id (uuid), `host:<user>` or `anonymous`; `login`, `name`, `address` and `terminal` are
    personal and reach the log only as commitments. `request_id` ties what one request did together.
    """

    kind: Literal["system", "staff", "host", "anonymous"]
    id: str
    organisation: str = ""
    role: str = ""
    login: str = ""
    name: str = ""
    address: str = ""
    terminal: str = ""
    request_id: str = ""


@dataclass(slots=True)
class Event:
    """What happened, before it has a time and a place in the log.

    `type` is `<object>.<past participle>`; `details` holds digests, codes and counts only: whoever adds a key answers for
    it never holding payload or personal data.
    """

    type: str
    actor: Actor
    object_type: str
    object_id: str
    outcome: Outcome = "success"
    error: str = ""
    purpose: str = ""
    basis: str = ""
    before: str = ""
    after: str = ""
    rows: int | None = None
    request_id: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Entry:
    """An event with its leaf: ready to be written in the transaction that it records."""

    id: UUID
    event: Event
    occurred_at: datetime
    leaf: bytes
    leaf_hash: bytes
    openings: Mapping[str, Mapping[str, str]]


def timestamp(moment: datetime) -> str:
    """RFC 3339 in Beijing time, microseconds always written, so that equal moments have equal bytes."""
    return _written(moment.astimezone(LOCAL_TIME))


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: the form used in receipts and answers."""
    return _written(moment if moment.tzinfo is UTC else moment.astimezone(UTC))


def _written(moment: datetime) -> str:
    """RFC 3339 with microseconds; `orjson` leaves them out where they are nought, and is the quicker one elsewhere."""
    return orjson.dumps(moment)[1:-1].decode() if moment.microsecond else moment.isoformat(timespec="microseconds")


def make_entry(event: Event, *, hub: str, region: str = "", now: datetime, entry_id: UUID | None = None) -> Entry:
    """The log entry of `event` at `now`: leaf v1, its RFC 6962 hash (32 bytes) and the openings of its commitments.

    Raises LeafTooLong where a bundle of C2SP tlog-tiles would have no room for the leaf.
    """
    identifier = entry_id or new_id(now)
    openings: dict[str, dict[str, str]] = {}
    who = event.actor
    actor: dict[str, Any] = {"kind": who.kind, "id": who.id}
    if who.organisation:
        actor["organisation"] = who.organisation
    if who.role:
        actor["role"] = who.role
    for name, value in (("login", who.login), ("name", who.name), ("address", who.address), ("terminal", who.terminal)):
        if value:
            salt = os.urandom(SALT_BYTES)
            actor[name] = commit(value, salt)
            openings[name] = {"salt": salt.hex(), "value": value}
    leaf: dict[str, Any] = {
        "v": LEAF_VERSION,
        "hub": hub,
        "id": str(identifier),
        "time": timestamp(now),
        "event": event.type,
        "actor": actor,
        "object": {"type": event.object_type, "id": event.object_id},
        "result": event.outcome,
    }
    optional = (
        ("region", region),
        ("error", event.error),
        ("purpose", event.purpose),
        ("basis", event.basis),
        ("before", event.before),
        ("after", event.after),
        ("request", event.request_id or who.request_id),
        ("details", event.details),
    )
    leaf.update([pair for pair in optional if pair[1]])
    if event.rows is not None:
        leaf["rows"] = event.rows
    data = canonical(leaf)
    if len(data) > LONGEST_ENTRY:
        raise LeafTooLong(event.type, len(data), LONGEST_ENTRY)
    return Entry(identifier, event, now, data, leaf_hash(data), openings)


def entry_reference(hashed: bytes) -> str:
    """A leaf hash as receipts name it: base64 with padding (C2SP habit)."""
    return base64.b64encode(hashed).decode()
