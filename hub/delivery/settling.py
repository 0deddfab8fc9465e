"""Settling an attempt: what came of a push is written if, and only if, lease and fence are still this claim's.

Confirmed rows leave the queue as `transport-confirmed`. Rows that the consumer acknowledged with its signature have left it
already, on the way that all acknowledgements go; here they are merely no longer there. A failure lets the lane rest, longer
each time, and has it come back with a single item, so that one bad item is found alone; batches grow again with success.
At the target's limit of attempts that single item is parked, or blocks the lane: a blocked lane keeps its order and tries
again with the longest rests, and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import asyncpg

from adapters.protocol import Item, Outcome
from hub.audit import repository as audit
from hub.audit.entry import Actor, Event, make_entry
from hub.delivery import repository as sql
from hub.delivery.backoff import LONGEST_S, rest
from hub.delivery.claiming import MAX_BATCH, Claim, batch_event

PARTLY_ACKNOWLEDGED = "partly-acknowledged"


@dataclass(frozen=True, slots=True)
class Result:
    """What the call came to: an outcome, or the stable word for why there is none.

    `refused`: the receiver will not take the items, now or later. `retry_after_s`: when it wants to be asked again.
    """

    outcome: Outcome | None = None
    reason: str = ""
    answer: bytes = b""
    refused: bool = False
    retry_after_s: int = 0


class Settled(StrEnum):
    """What became of the claim."""

    DELIVERED = "delivered"
    FAILED = "failed"
    PARKED = "parked"
    BLOCKED = "blocked"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class _Held:
    """The lease, locked, and what of the batch is still in the queue."""

    now: datetime
    failures: int
    batch_limit: int
    blocked_at: datetime | None
    remaining: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Settlement:
    """Settles attempts of one hub. `actor` is whom the log names."""

    hub_id: str
    actor: Actor

    async def settle(self, connection: asyncpg.Connection, claim: Claim, result: Result, *, jitter: float) -> Settled:
        """Write the result of a claim's call; `LOST`, and nothing written, where the lease is no longer this claim's.

        `jitter` in [0, 1) places the next attempt after a failure. Committed when it returns.
        """
        async with connection.transaction():
            held = await self._hold(connection, claim)
            if held is None:
                return Settled.LOST
            if result.outcome is Outcome.TRANSPORT_CONFIRMED and held.remaining:
                await connection.execute(sql.CONFIRM, [item.delivery for item in held.remaining], held.now)
                event = batch_event("delivery.confirmed", claim, held.remaining, self.actor)
                await self._log(connection, claim, event, held.now)
                return await self._delivered(connection, claim, held, result)
            if not held.remaining:
                return await self._delivered(connection, claim, held, result)
            return await self._failed(connection, claim, held, result, jitter)

    async def _hold(self, connection: asyncpg.Connection, claim: Claim) -> _Held | None:
        lease = await connection.fetchrow(sql.HOLD_LEASE, claim.lane.id, claim.batch.fence, claim.holder)
        if lease is None:
            return None
        rows = {row["id"] for row in await connection.fetch(sql.LOCK_REMAINING, claim.deliveries)}
        remaining = [item for item in claim.batch.items if item.delivery in rows]
        return _Held(lease["now"], lease["failures"], lease["batch_limit"], lease["blocked_at"], remaining)

    async def _delivered(self, connection: asyncpg.Connection, claim: Claim, held: _Held, result: Result) -> Settled:
        outcome = result.outcome or Outcome.ACKNOWLEDGED
        await self._end(connection, claim, held, outcome.value, result)
        grown = min(held.batch_limit * 2, MAX_BATCH)
        await connection.execute(sql.RELEASE_LEASE, claim.lane.id, held.now, 0, None, grown, None)
        return Settled.DELIVERED

    async def _failed(
        self, connection: asyncpg.Connection, claim: Claim, held: _Held, result: Result, jitter: float
    ) -> Settled:
        reason = result.reason or PARTLY_ACKNOWLEDGED
        progressed = len(held.remaining) < len(claim.batch.items)
        failures = 1 if progressed else held.failures + 1
        await self._end(connection, claim, held, "failed", Result(None, reason, result.answer))
        at_limit = len(claim.batch.items) == 1 and (result.refused or failures >= claim.lane.max_attempts)
        if at_limit and claim.lane.policy == "park":
            await self._park(connection, claim, held, failures, reason)
            await connection.execute(sql.RELEASE_LEASE, claim.lane.id, held.now, 0, None, 1, None)
            return Settled.PARKED
        rests = rest(failures, jitter)
        if result.retry_after_s:
            rests = max(rests, timedelta(seconds=min(result.retry_after_s, LONGEST_S)))
        blocked_at = held.blocked_at or (held.now if at_limit else None)
        if at_limit and held.blocked_at is None:
            event = batch_event("lane.blocked", claim, held.remaining, self.actor, reason=reason, attempts=failures)
            await self._log(connection, claim, event, held.now)
        await connection.execute(sql.RELEASE_LEASE, claim.lane.id, held.now + rests, failures, reason, 1, blocked_at)
        return Settled.BLOCKED if at_limit else Settled.FAILED

    async def _park(
        self, connection: asyncpg.Connection, claim: Claim, held: _Held, attempts: int, reason: str
    ) -> None:
        await connection.execute(sql.PARK, [item.delivery for item in held.remaining], attempts, reason, held.now)
        event = batch_event("delivery.parked", claim, held.remaining, self.actor, reason=reason, attempts=attempts)
        await self._log(connection, claim, event, held.now)

    async def _end(
        self, connection: asyncpg.Connection, claim: Claim, held: _Held, outcome: str, result: Result
    ) -> None:
        reason, answer = result.reason or None, result.answer or None
        await connection.execute(sql.END_ATTEMPT, claim.attempt, held.now, outcome, reason, answer)

    async def _log(self, connection: asyncpg.Connection, claim: Claim, event: Event, now: datetime) -> None:
        await audit.insert(connection, [make_entry(event, hub=self.hub_id, region=claim.lane.region, now=now)])
