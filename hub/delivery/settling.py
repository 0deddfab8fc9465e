"""Settling an attempt: what came of a push is written if, and only if, lease and fence are still this claim's.

Confirmed rows leave the queue as `transport-confirmed`. Rows that the consumer acknowledged with its signature have left it
already, on the way that all acknowledgements go; here they are merely no longer there. Rows that were handed over to something
that only carries them on stay, and the lane waits until they are acknowledged or it is time to hand them over again.

A failure lets the lane rest, longer each time, and has it come back with a single item, so that one bad item is found alone;
batches grow again with success. At the target's limit of attempts, or refused for good, that single item is parked, or blocks
the lane: a blocked lane keeps its order, says so and goes on trying, with the longest rests where it was refused. After an item
that was refused and parked the lane rests too, longer with each: a receiver that refuses all there is, because it is itself at
fault, leaves time to see it. A call that never left us is no failure: the lane comes back in a moment as it was.
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

PUT_OFF_S = 1.0
"""Rest of a lane for whose call there was no place."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the call came to: an outcome, or the stable word for why there is none.

    `refused`: the receiver will not take the items, now or later. `put_off`: nothing was sent. `retry_after_s`: when it wants to be asked again.
    `again_after_s`: when what was handed over goes again, unless it was acknowledged.
    """

    outcome: Outcome | None = None
    reason: str = ""
    answer: bytes = b""
    refused: bool = False
    put_off: bool = False
    retry_after_s: int = 0
    again_after_s: float = 0.0


class Settled(StrEnum):
    """What became of the claim."""

    DELIVERED = "delivered"
    HANDED_OVER = "handed-over"
    PUT_OFF = "put-off"
    FAILED = "failed"
    PARKED = "parked"
    BLOCKED = "blocked"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class _Held:
    """The lease, locked, and what of the batch is still in the queue."""

    now: datetime
    failures: int
    failed_reason: str | None
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
            if result.outcome is Outcome.HANDED_OVER:
                return await self._handed_over(connection, claim, held, result)
            if result.put_off:
                return await self._put_off(connection, claim, held, result)
            return await self._failed(connection, claim, held, result, jitter)

    async def _hold(self, connection: asyncpg.Connection, claim: Claim) -> _Held | None:
        lease = await connection.fetchrow(sql.HOLD_LEASE, claim.lane.id, claim.batch.fence, claim.holder)
        if lease is None:
            return None
        rows = {row["id"] for row in await connection.fetch(sql.LOCK_REMAINING, claim.deliveries)}
        remaining = [item for item in claim.batch.items if item.delivery in rows]
        return _Held(
            lease["now"],
            lease["failures"],
            lease["failed_reason"],
            lease["batch_limit"],
            lease["blocked_at"],
            remaining,
        )

    async def _handed_over(self, connection: asyncpg.Connection, claim: Claim, held: _Held, result: Result) -> Settled:
        event = batch_event("delivery.handed-over", claim, held.remaining, self.actor)
        await self._log(connection, claim, event, held.now)
        await self._end(connection, claim, held, Outcome.HANDED_OVER.value, result)
        until = held.now + timedelta(seconds=result.again_after_s)
        grown = min(held.batch_limit * 2, MAX_BATCH)
        last = claim.batch.items[-1].sequence
        await connection.execute(sql.HAND_OVER, claim.lane.id, until, grown, held.now, last)
        return Settled.HANDED_OVER

    async def _put_off(self, connection: asyncpg.Connection, claim: Claim, held: _Held, result: Result) -> Settled:
        await self._end(connection, claim, held, "failed", Result(None, sql.NOT_SENT, result.answer))
        until = held.now + timedelta(seconds=PUT_OFF_S)
        await connection.execute(
            sql.RELEASE_LEASE,
            claim.lane.id,
            until,
            held.failures,
            held.failed_reason,
            held.batch_limit,
            held.blocked_at,
        )
        return Settled.PUT_OFF

    async def _delivered(self, connection: asyncpg.Connection, claim: Claim, held: _Held, result: Result) -> Settled:
        confirmed = result.outcome is Outcome.TRANSPORT_CONFIRMED
        outcome = Outcome.TRANSPORT_CONFIRMED if confirmed else Outcome.ACKNOWLEDGED
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
        attempts = await self._attempts(connection, claim, failures)
        at_limit = len(claim.batch.items) == 1 and (result.refused or attempts >= claim.lane.max_attempts)
        if at_limit and claim.lane.policy == "park":
            await self._park(connection, claim, held, attempts, reason)
            until, kept = (held.now + rest(failures, jitter), failures) if result.refused else (held.now, 0)
            await connection.execute(sql.RELEASE_LEASE, claim.lane.id, until, kept, reason if kept else None, 1, None)
            return Settled.PARKED
        refused = at_limit and result.refused
        rests = timedelta(seconds=LONGEST_S * max(jitter, 0.5)) if refused else rest(failures, jitter)
        if result.retry_after_s:
            rests = max(rests, timedelta(seconds=min(result.retry_after_s, LONGEST_S)))
        blocked_at = held.blocked_at or (held.now if at_limit else None)
        if at_limit and held.blocked_at is None:
            event = batch_event("lane.blocked", claim, held.remaining, self.actor, reason=reason, attempts=attempts)
            await self._log(connection, claim, event, held.now)
        await connection.execute(sql.RELEASE_LEASE, claim.lane.id, held.now + rests, failures, reason, 1, blocked_at)
        return Settled.BLOCKED if at_limit else Settled.FAILED

    async def _attempts(self, connection: asyncpg.Connection, claim: Claim, failures: int) -> int:
        """How often the batch's first item was tried in vain: not more often than the lane has failed since, nor for others before."""
        if failures == 1:
            return 1
        tried: int = await connection.fetchval(sql.COUNT_ATTEMPTS, claim.lane.id, claim.batch.sequence, failures)
        return min(failures, tried)

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
