"""The form in which a batch goes to `accept_batch`: arrays of the composite types that its migration makes."""

from collections.abc import Sequence

import asyncpg

from hub.audit import repository as audit
from hub.db.rowtypes import bytea, int4, int8, jsonb, teach, text, timestamptz, uuid, uuids
from hub.ledger.records import NewExchange


async def prepared(connection: asyncpg.Connection) -> asyncpg.Connection:
    """The connection, knowing how to write a batch."""
    await teach(connection, "new_acceptance", uuid, text, text, bytea, bytea, timestamptz, int8, timestamptz)
    await teach(
        connection,
        "new_exchange",
        *(uuid, uuid, text, uuid, int4, bytea, bytea, text, bytea, uuids, int8, timestamptz),
    )
    await teach(connection, "new_delivery", uuid, uuid, uuid, text, bytea)
    await teach(connection, "new_projection", uuid, uuid, uuid, uuid, text, bytea, bytea)
    await teach(connection, "new_entry", uuid, text, timestamptz, bytea, bytea, jsonb)
    return connection


def rows_of(works: Sequence[NewExchange]) -> tuple[list[tuple[object, ...]], ...]:
    """The works as `accept_batch` takes them: acceptances, exchanges, deliveries, log entries."""
    acceptances: list[tuple[object, ...]] = []
    exchanges: list[tuple[object, ...]] = []
    deliveries: list[tuple[object, ...]] = []
    entries: list[tuple[object, ...]] = []
    for w in works:
        now, digest, entry = w.accepted_at, w.digest, w.entry
        acceptances.append((w.id, w.sender, w.jti, digest, w.receipt, now, w.epoch, w.judged_until))
        ids = [d.id for d in w.deliveries] + [p.id for p in w.projections]
        exchanges.append(
            (
                w.id,
                w.sender_id,
                w.jti,
                w.resource_id,
                w.version,
                digest,
                w.schema_digest,
                w.kid,
                w.envelope,
                ids,
                w.epoch,
                now,
            )
        )
        deliveries += [(d.id, d.lane_id, w.id, w.kid, digest) for d in w.deliveries]
        entries.append((w.id, w.sender, now, entry.leaf, entry.leaf_hash, audit.openings_json(entry)))
    return acceptances, exchanges, deliveries, entries


def projections_of(works: Sequence[NewExchange]) -> list[tuple[object, ...]]:
    """What `accept_batch` takes besides where works have projections."""
    return [
        (p.id, p.exchange_id, p.lane_id, p.grant_id, p.kid, p.digest, p.envelope) for w in works for p in w.projections
    ]
