"""Building the evidence of an exchange for whoever asks, as far as that party may have it (I5).

Who may ask is settled by `read_exchange`, which knows the parties. Beyond that:

* A consumer gets a file once it has confirmed a delivery: the envelope goes to consumers by delivery, never through here. Of
  grants and acknowledgements it gets its own.
* The provider gets its envelope back, all grants that fed its lanes, and an acknowledgement if that names only deliveries
  of the provider's own exchanges: what a consumer had from others is none of its business.
* Staff who read the log get everything.

Openings of commitments are for nobody. A file is whole or not at all: while something that belongs into it is not under the
checkpoint, it is `not-sealed`. All is read in one snapshot. An envelope holds payload, so what staff are given is logged.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Revoked, certificate_revocation_list
from certs.envelope import read
from certs.errors import TileError
from certs.evidence_form import write_evidence
from certs.header import ACK, RECEIPT
from certs.leaf_grants import read_grants
from hub.audit import repository as audit
from hub.audit import sealed
from hub.audit.entry import Event, make_entry
from hub.audit.service import Recorder
from hub.evidence import repository as sql
from hub.evidence.errors import NoSuchSize, NotDelivered, NotSealed, RecordMissing
from hub.evidence.proving import prove_consistency, prove_inclusion
from hub.exchange.reading import read_exchange, unknown_exchange
from hub.identity.callers import StaffCaller, SystemCaller
from hub.registry.keyring import KeyRing
from hub.registry.revocation_list import LIFE, REASONS


@dataclass(frozen=True, slots=True)
class _Acknowledged:
    """A delivery with the acknowledgement that ended it."""

    delivery: UUID
    acknowledgement: UUID
    kid: str
    compact: bytes


async def build_evidence(
    connection: asyncpg.Connection,
    exchange_id: UUID,
    caller: StaffCaller | SystemCaller,
    *,
    keyring: KeyRing,
    recorder: Recorder,
    now: datetime,
    since: int | None = None,
) -> bytes:
    """The evidence file of an exchange for this caller; with a proof from the tree of `since` leaves on, if that is given.

    Raises NotFound for who is no party, NotDelivered, NotSealed, NoSuchSize; RecordMissing for what the hub has lost.
    """
    async with connection.transaction(isolation="repeatable_read"):
        # 1 who asks, and what of the deliveries is theirs to know
        state = await read_exchange(connection, exchange_id, caller)
        row = await connection.fetchrow(sql.EXCHANGE, exchange_id)
        if row is None:
            raise unknown_exchange()
        if row["receipt"] is None:
            raise RecordMissing("接收凭证", "receipt")
        provider = caller if isinstance(caller, SystemCaller) and caller.code == state.sender else None
        ended = await connection.fetch(sql.ENDED, [delivery.id for delivery in state.deliveries])
        if isinstance(caller, SystemCaller) and provider is None and not ended:
            raise NotDelivered
        acknowledged = await _acknowledged(connection, ended, provider)
        # 2 the log: acceptance, grants, certificates, acknowledgements
        shown = await sealed.shown(connection)
        signers = {row["kid"], *(one.kid for one in acknowledged)}
        grants = await _grants(connection, exchange_id, None if provider else caller)
        objects = [*sorted(signers), *grants, *(str(one.acknowledgement) for one in acknowledged)]
        entries = await _entries(connection, exchange_id, objects, shown.size)
        # 3 certificates, the list of what is revoked, the schema
        receipt_kid = read(row["receipt"], max_bytes=len(row["receipt"]), allowed_types=frozenset({RECEIPT})).header.kid
        members: dict[str, Any] = {
            "envelope": row["envelope"].decode("ascii"),
            "receipt": row["receipt"].decode("ascii"),
            "deliveries": [
                {"id": str(one.delivery), "acknowledgement": one.compact.decode("ascii")} for one in acknowledged
            ],
            "certificates": await _certificates(connection, [receipt_kid, *signers], keyring),
            "revocation_list": await _revocation_list(connection, keyring, max(now, *map(_time, entries))),
            "schema": await connection.fetchval(sql.SCHEMA, row["resource_id"], row["version"]),
            "entries": entries,
            "checkpoint": shown.note,
        }
        # 4 one log with what the caller has seen before
        if since is not None:
            if not 1 <= since <= shown.size:
                raise NoSuchSize(shown.size)
            with _tiles_missing():
                members["consistency"] = await prove_consistency(connection, since, shown.size)
        # 5 who of the staff has seen it
        if isinstance(caller, StaffCaller):
            event = Event("exchange.disclosed", caller.actor, "exchange", str(exchange_id))
            await audit.insert(connection, [make_entry(event, hub=recorder.hub, region=recorder.region, now=now)])
        return write_evidence(members)


async def _acknowledged(
    connection: asyncpg.Connection, ended: Sequence[asyncpg.Record], provider: SystemCaller | None
) -> list[_Acknowledged]:
    """The acknowledged deliveries; for the provider only what names nothing but its own (or is its own message)."""
    found = []
    for row in ended:
        if row["envelope"] is None:
            continue
        opened = read(row["envelope"], max_bytes=len(row["envelope"]), allowed_types=frozenset({ACK}))
        if provider is not None and row["consumer_id"] != provider.system_id:
            named = [UUID(one["id"]) for one in orjson.loads(opened.payload_bytes)["deliveries"]]
            if await connection.fetchval(sql.SENT_BY, named, provider.system_id) != len(named):
                continue
        found.append(_Acknowledged(row["id"], row["acknowledgement"], opened.header.kid, row["envelope"]))
    return found


async def _grants(
    connection: asyncpg.Connection, exchange_id: UUID, caller: StaffCaller | SystemCaller | None
) -> list[str]:
    """Ids of the grants that fed the exchange's lanes; for a consumer, its own."""
    rows = await connection.fetch(sql.ENTRIES, exchange_id, [])
    if not rows:
        raise RecordMissing("日志条目", "log entry")
    grants = read_grants(orjson.loads(rows[0]["leaf"])["details"]) or []
    if not isinstance(caller, SystemCaller):
        return grants
    rows = await connection.fetch(sql.GRANTS_OF, list(map(UUID, grants)), caller.system_id)
    return [str(row["id"]) for row in rows]


async def _entries(
    connection: asyncpg.Connection, exchange_id: UUID, objects: Sequence[str], size: int
) -> list[dict[str, Any]]:
    """The acceptance and all that was logged of these objects, in the tree's order. Raises NotSealed."""
    rows = await connection.fetch(sql.ENTRIES, exchange_id, objects)
    if any(row["leaf_index"] is None or row["leaf_index"] >= size for row in rows):
        raise NotSealed
    rows.sort(key=lambda row: row["leaf_index"])
    with _tiles_missing():
        proofs = await prove_inclusion(connection, [row["leaf_index"] for row in rows], size)
    return [
        {"index": row["leaf_index"], "leaf": orjson.loads(row["leaf"]), "proof": proof}
        for row, proof in zip(rows, proofs, strict=True)
    ]


@contextmanager
def _tiles_missing() -> Iterator[None]:
    """RecordMissing where a proof cannot be made."""
    try:
        yield
    except TileError:
        raise RecordMissing("日志哈希块", "tiles of the log") from None


def _time(entry: Mapping[str, Any]) -> datetime:
    """When the entry's event was; by another gateway's clock, which may be a little ahead of ours."""
    return datetime.fromisoformat(entry["leaf"]["time"])


async def _certificates(connection: asyncpg.Connection, kids: Sequence[str], keyring: KeyRing) -> list[str]:
    """The certificates and what lies between them and the root, which the reader has: DER in base64, sorted."""
    found = {row["der"] for row in await connection.fetch(sql.CERTIFICATES, kids)}
    issuing = keyring.authority.certificate
    if any(x509.load_der_x509_certificate(der).issuer == issuing.subject for der in found):
        found.add(issuing.public_bytes(Encoding.DER))
    return sorted(_text(der) for der in found)


async def _revocation_list(connection: asyncpg.Connection, keyring: KeyRing, now: datetime) -> str:
    """A list made now, with every certificate ever revoked: those that have run out may have signed what is proved.

    It says so, or a reader could not tell it from one that has dropped them.
    """
    revoked = [
        Revoked(int(row["serial"], 16), row["revoked_at"], REASONS[row["revocation_reason"]])
        for row in await connection.fetch(sql.REVOKED)
    ]
    number = await connection.fetchval(sql.NEXT_LIST_NUMBER)
    since = keyring.authority.certificate.not_valid_before_utc
    made = certificate_revocation_list(keyring.authority, revoked, number, now, now + LIFE, expired_since=since)
    return _text(made)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
