"""The form in which a batch goes to `accept_batch`: arrays of the composite types that its migration makes."""

from collections.abc import Sequence

import asyncpg

from hub.audit import repository as audit
from hub.db.rowtypes import bytea, int4, int8, jsonb, record, teach, text, timestamptz, uuid, uuids
from hub.ledger.records import NewExchange


async def prepared(connection: asyncpg.Connection) -> asyncpg.Connection:
    """The connection, knowing how to write a batch."""
    for name in ("new_acceptance", "new_exchange", "new_delivery", "new_projection", "new_entry"):
        await teach(connection, name)
    return connection


def rows_of(works: Sequence[NewExchange]) -> tuple[list[bytes], list[bytes], list[bytes], list[bytes]]:
    """The works as `accept_batch` takes them: acceptances, exchanges, deliveries, log entries. What rows share is written once."""
    acceptances: list[bytes] = []
    exchanges: list[bytes] = []
    deliveries: list[bytes] = []
    entries: list[bytes] = []
    for w in works:
        exchange_id, sender, jti, kid = uuid(w.id), text(w.sender), text(w.jti), text(w.kid)
        digest, epoch, now = bytea(w.digest), int8(w.epoch), timestamptz(w.accepted_at)
        until = timestamptz(w.judged_until)
        acceptances.append(record(exchange_id, sender, jti, digest, bytea(w.receipt), now, epoch, until))
        exchanges.append(
            record(
                exchange_id,
                uuid(w.sender_id),
                jti,
                uuid(w.resource_id),
                int4(w.version),
                digest,
                bytea(w.schema_digest),
                kid,
                bytea(w.envelope),
                uuids([d.id for d in w.deliveries] + [p.id for p in w.projections]),
                epoch,
                now,
            )
        )
        deliveries += [record(uuid(d.id), uuid(d.lane_id), exchange_id, kid, digest) for d in w.deliveries]
        leaf, leaf_hash, openings = bytea(w.entry.leaf), bytea(w.entry.leaf_hash), jsonb(audit.openings_json(w.entry))
        entries.append(record(exchange_id, sender, now, leaf, leaf_hash, openings))
    return acceptances, exchanges, deliveries, entries


def projections_of(works: Sequence[NewExchange]) -> list[bytes]:
    """What `accept_batch` takes besides where works have projections."""
    return [
        record(
            uuid(p.id),
            uuid(p.exchange_id),
            uuid(p.lane_id),
            uuid(p.grant_id),
            text(p.kid),
            bytea(p.digest),
            bytea(p.envelope),
        )
        for w in works
        for p in w.projections
    ]
