"""Claiming a lane: a lease, a fence, and the head of its queue, committed before anything leaves.

The problem. Several workers push the same lanes; any of them may be killed, or stopped for an hour and go on as if nothing
had happened. Yet a lane keeps its order, nothing is lost, and nothing leaves after a right has ended.

A claim is one transaction. It takes the barrier of rights, shared, and reads the time in its next statement (I3); it locks
the lane's row unless somebody has it; then it takes the lease, which is refused while another's runs, while the lane is
paused, while it rests after a failure or waits for the acknowledgement of what was handed over; then the head of the queue:
what has a number already first, in the order of numbers, then the rest in queue order, which gets the lane's next numbers,
from the counter that pulls use (I4). Each claim raises the lane's fence and leaves an attempt and a log entry. Only
then, with no transaction open, is the batch handed over. What came of it is settled in another transaction (`settling`), if
lease and fence are still the same.

States of a lane: idle → leased (fence n) → idle again (settled) | expired (nobody settled) → leased (a higher fence).

A fence is the claim's time in milliseconds, or one more than the last, whichever is higher: a hub that was restored from a
backup of yesterday goes on above what receivers have seen since.

Death half-way. Before the commit nothing has happened. After it, sent or not: the lease runs out, the next claim closes the
attempt as expired and takes the same items under the same numbers and a higher fence. The receiver has perhaps had them;
it knows deliveries by their ids. A worker that was stopped in between and wakes up finds its lease gone: what it learned
counts for nothing, and what it still sends carries an expiry that has passed and a fence that the receiver has seen
surpassed.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from adapters.protocol import Batch, Item
from certs.canonical import canonical
from certs.digests import digest
from hub.audit import repository as audit
from hub.audit.entry import Actor, Event, make_entry
from hub.db.clock import DatabaseClock
from hub.db.ids import new_id
from hub.delivery import repository as sql
from hub.ledger import repository as ledger
from hub.ledger.barrier import rights_standing_still
from hub.ledger.heads import within_bytes
from hub.registry.picture import STOPPING_REASONS

LEASE_S = 45.0
"""How long a claim holds a lane; a worker's death costs its lanes so much."""

CALL_S = 35.0
"""The longest that an adapter may take: the rest of the lease is for settling. An adapter's own limit is 30 s."""

MAX_BATCH = 200
"""Items in one batch: past this the cost of a call is shared enough, and a failed one repeats more than it need."""

MAX_BATCH_BYTES = 896 << 10
"""Envelopes in one batch, together; a single larger one travels alone.

With what is around them a body stays under 1 MiB, which is what reverse proxies take unless told. Every lane that is open holds
a batch, and its body, for as long as the call lasts.
"""

STOPPING = sorted(STOPPING_REASONS)
"""Reasons of revocation that stop what is queued, as SQL takes them."""


@dataclass(frozen=True, slots=True)
class PushLane:
    """A lane with the target that it is pushed to, as they stood at the claim; what an adapter is chosen and made by.

    `settings` are the adapter's own, no secrets among them; those are `locked`, for the vault to open.
    """

    id: UUID
    consumer_id: UUID
    consumer: str
    region: str
    resource: str
    grant_id: UUID
    adapter: str
    settings: dict[str, Any]
    policy: str
    max_attempts: int
    locked: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch that this worker alone may push until the lease ends. `call_until` is an instant of `time.monotonic`."""

    lane: PushLane
    attempt: UUID
    holder: UUID
    batch: Batch
    call_until: float

    @property
    def deliveries(self) -> list[UUID]:
        """The ids of the batch, in order."""
        return [item.delivery for item in self.batch.items]


class _NothingToPush(Exception):
    """The lane is another's, may not be pushed, or is empty: the transaction is taken back."""


async def claim(
    connection: asyncpg.Connection,
    lane: UUID,
    *,
    holder: UUID,
    hub_id: str,
    actor: Actor,
    clock: DatabaseClock,
    at_least: int = 1,
) -> Claim | None:
    """Lease the lane to `holder` and number the head of its queue; None where there is nothing for us to push.

    Where a batch has room for more than its queue holds, fewer new items than `at_least` are left to gather.

    Committed when it returns. Raises what the driver raises.
    """
    began = time.monotonic()
    try:
        async with rights_standing_still(connection, clock) as (_, now):
            # 1 the lane, if it may be pushed and nobody has it
            found = await connection.fetchrow(sql.LOCK_LANE, now, STOPPING, lane)
            if found is None:
                raise _NothingToPush
            # 2 lease and fence
            expires = now + timedelta(seconds=LEASE_S)
            lease = await connection.fetchrow(sql.TAKE_LEASE, lane, holder, now, expires, MAX_BATCH, found["stopped"])
            if lease is None:
                raise _NothingToPush
            # 3 the head of the queue, numbered first
            limit = min(lease["batch_limit"], MAX_BATCH)
            items = await _take_head(connection, found, lane, limit, min(at_least, limit), now)
            # 4 the attempt and its log entry
            taken = Claim(
                _push_lane(lane, found),
                new_id(now),
                holder,
                Batch(lane, items, lease["fence"], expires),
                began + CALL_S,
            )
            await connection.execute(sql.EXPIRE_ATTEMPTS, lane, now)
            await connection.execute(
                sql.INSERT_ATTEMPT,
                taken.attempt,
                lane,
                lease["fence"],
                holder,
                taken.batch.sequence,
                len(items),
                now,
                expires,
            )
            event = batch_event("delivery.attempted", taken, taken.batch.items, actor)
            await audit.insert(connection, [make_entry(event, hub=hub_id, region=taken.lane.region, now=now)])
            return taken
    except _NothingToPush:
        return None


def batch_event(kind: str, claim: Claim, items: Sequence[Item], actor: Actor, **details: object) -> Event:
    """The log's event about `items` of a claim: their lane, first and last number, and a digest over what they are."""
    handed = [[str(item.delivery), item.sequence, item.digest.removeprefix("sha-256:")] for item in items]
    return Event(
        type=kind,
        actor=actor,
        object_type="lane",
        object_id=str(claim.lane.id),
        rows=len(items),
        details={
            "consumer": claim.lane.consumer,
            "resource": claim.lane.resource,
            "fence": claim.batch.fence,
            "first": items[0].sequence,
            "last": items[-1].sequence,
            "deliveries": digest(canonical(handed)),
            **details,
        },
    )


async def _take_head(
    connection: asyncpg.Connection, found: asyncpg.Record, lane: UUID, limit: int, at_least: int, now: datetime
) -> tuple[Item, ...]:
    """The head of the lane's queue, at most `limit` items, all numbered. Raises _NothingToPush."""
    stopped, narrowed_by = found["stopped"], [found["narrowed_by"]]
    numbered = await connection.fetch(ledger.HEADS_NUMBERED, [lane], limit, stopped, narrowed_by)
    left = limit - len(numbered)
    fresh = await connection.fetch(ledger.HEADS_NEW, [lane], left, stopped, narrowed_by, [None]) if left else []
    rows = await within_bytes(connection, [*numbered, *fresh], MAX_BATCH_BYTES)
    if not numbered and len(rows) == len(fresh) < at_least:
        raise _NothingToPush
    new = [row["id"] for row in rows[len(numbered) :]]
    first: int = found["next_sequence"]
    if new:
        await connection.execute(ledger.NUMBER_DELIVERIES, new, list(range(first, first + len(new))), now)
        await connection.execute(ledger.ADVANCE_LANES, [lane], [first + len(new)])
    sequences = [row["sequence"] for row in numbered] + list(range(first, first + len(new)))
    envelopes = {r["id"]: r for r in await connection.fetch(ledger.FETCH_ENVELOPES, [row["id"] for row in rows])}
    return tuple(
        Item(
            delivery=row["id"],
            exchange=row["exchange_id"],
            res=found["resource"],
            ver=envelopes[row["id"]]["version"],
            lane=lane,
            sequence=sequence,
            digest=f"sha-256:{row['digest'].hex()}",
            envelope=envelopes[row["id"]]["envelope"].decode("ascii"),
            accepted_at=envelopes[row["id"]]["accepted_at"],
        )
        for row, sequence in zip(rows, sequences, strict=False)
    )


def _push_lane(lane: UUID, found: asyncpg.Record) -> PushLane:
    names = (
        "consumer_id", "consumer", "region", "resource", "grant_id", "adapter", "settings", "policy",
        "max_attempts",
    )  # fmt: skip
    return PushLane(lane, **{name: found[name] for name in names}, locked=found["secrets"])
