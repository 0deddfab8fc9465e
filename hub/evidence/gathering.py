"""What evidence is put together from, as the hub keeps it: acknowledgements, projections, grants, log entries, certificates.

Whom any of it is for is decided by `hub.evidence.building`.
"""

import base64
from collections.abc import Collection, Iterator, Mapping, Sequence
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
from certs.evidence_form import MAX_BYTES
from certs.header import ACK
from certs.leaf_grants import read_grants
from hub.evidence import repository as sql
from hub.evidence.errors import NotSealed, RecordMissing, TooMuch
from hub.evidence.proving import prove_inclusion
from hub.identity.callers import SystemCaller
from hub.registry.keyring import KeyRing
from hub.registry.revocation_list import LIFE, REASONS


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A delivery with the acknowledgement that ended it, and the projection that it brought, if it brought one."""

    delivery: UUID
    acknowledgement: UUID
    projection: UUID | None
    kid: str
    compact: bytes


async def acknowledged(
    connection: asyncpg.Connection, ended: Sequence[asyncpg.Record], provider: SystemCaller | None
) -> list[Acknowledged]:
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
        kid = opened.header.kid
        found.append(Acknowledged(row["id"], row["acknowledgement"], row["projection_id"], kid, row["envelope"]))
    return found


async def projections(connection: asyncpg.Connection, ids: Collection[UUID], beside: int) -> list[asyncpg.Record]:
    """These projections and their grants. Raises RecordMissing, and TooMuch if with `beside` bytes no file holds them."""
    if await connection.fetchval(sql.PROJECTIONS_BYTES, ids) + beside > MAX_BYTES:
        raise TooMuch
    found: list[asyncpg.Record] = await connection.fetch(sql.PROJECTIONS, ids)
    if len(found) != len(ids):
        raise RecordMissing("投影", "projection")
    return found


async def acceptance(connection: asyncpg.Connection, exchange_id: UUID) -> asyncpg.Record:
    """The row of the acceptance's log entry. Raises RecordMissing."""
    row = await connection.fetchrow(sql.ACCEPTANCE, exchange_id)
    if row is None:
        raise RecordMissing("日志条目", "log entry")
    return row


async def grants(connection: asyncpg.Connection, accepted: asyncpg.Record, only: str | None) -> list[str]:
    """Ids of the grants that fed the lanes of what was accepted; those of the system `only`, if that is given."""
    found = read_grants(orjson.loads(accepted["leaf"])["details"]) or []
    if only is None:
        return found
    rows = await connection.fetch(sql.GRANTS_OF, list(map(UUID, found)), only)
    return [str(row["id"]) for row in rows]


async def entries(
    connection: asyncpg.Connection, known: Sequence[asyncpg.Record], objects: Sequence[str], size: int
) -> list[dict[str, Any]]:
    """The entries of rows already `known` and all that were made of these objects, in the tree's order. Raises NotSealed."""
    rows = [*known, *await connection.fetch(sql.ENTRIES_OF, objects)]
    must_be_sealed(rows, size)
    rows.sort(key=lambda row: row["leaf_index"])
    with tiles_missing():
        proofs = await prove_inclusion(connection, [row["leaf_index"] for row in rows], size)
    return [
        {"index": row["leaf_index"], "leaf": orjson.loads(row["leaf"]), "proof": proof}
        for row, proof in zip(rows, proofs, strict=True)
    ]


def must_be_sealed(rows: Sequence[asyncpg.Record], size: int) -> None:
    """These entries are under the checkpoint of that size. Raises NotSealed."""
    if any(row["leaf_index"] is None or row["leaf_index"] >= size for row in rows):
        raise NotSealed


@contextmanager
def tiles_missing() -> Iterator[None]:
    """RecordMissing where a proof cannot be made."""
    try:
        yield
    except TileError:
        raise RecordMissing("日志哈希块", "tiles of the log") from None


def time_of(entry: Mapping[str, Any]) -> datetime:
    """When the entry's event was; by another gateway's clock, which may be a little ahead of ours."""
    return datetime.fromisoformat(entry["leaf"]["time"])


async def certificates(connection: asyncpg.Connection, kids: Collection[str], keyring: KeyRing) -> list[str]:
    """The certificates and what lies between them and the root, which the reader has: DER in base64, sorted."""
    found = {row["der"] for row in await connection.fetch(sql.CERTIFICATES, kids)}
    issuing = keyring.authority.certificate
    if any(x509.load_der_x509_certificate(der).issuer == issuing.subject for der in found):
        found.add(issuing.public_bytes(Encoding.DER))
    return sorted(_text(der) for der in found)


async def revocation_list(connection: asyncpg.Connection, keyring: KeyRing, now: datetime) -> str:
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


def kid_of_message(compact: bytes, typ: str) -> str:
    """Which certificate a message of the hub's own names."""
    return read(compact, max_bytes=len(compact), allowed_types=frozenset({typ})).header.kid
