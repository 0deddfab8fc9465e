"""The state of an exchange, as far as the caller may know of it (I5): a consumer learns of its own deliveries only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from certs.reductions import projection_jti
from hub.errors import NotFound
from hub.identity.callers import StaffCaller, SystemCaller
from hub.ledger import repository as sql

ENDED = frozenset({"acknowledged", "transport-confirmed", "replayed"})
"""States of a delivery that nothing more is waited for in: a 2xx confirms too (contract, "Push"), a replay is another delivery."""


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """One delivery: `queued`, `claimed`, `transport-confirmed`, `acknowledged`, `parked`, or `replayed` as another one."""

    id: UUID
    consumer: str
    state: str
    sequence: int | None
    claimed_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExchangeState:
    """An exchange and the deliveries that the caller may know of; `state` is `open` until all of these have ended.

    To a consumer that got projections alone, `jti` is that of its own: the provider's may speak of what was left out.
    """

    id: UUID
    sender: str
    jti: str
    resource: str
    version: int
    digest: str
    schema_digest: str
    accepted_at: datetime
    lanes: int
    state: str
    deliveries: Sequence[DeliveryState]


async def read_exchange(
    connection: asyncpg.Connection, exchange_id: UUID, caller: StaffCaller | SystemCaller
) -> ExchangeState:
    """The exchange as the caller may see it. Raises `NotFound`, also for who is no party to it."""
    row = await connection.fetchrow(sql.FIND_EXCHANGE, exchange_id)
    if row is None:
        raise unknown_exchange()
    deliveries = await connection.fetch(sql.FIND_DELIVERIES, row["deliveries"])
    jti = row["jti"]
    if isinstance(caller, SystemCaller) and caller.system_id != row["sender_id"]:
        deliveries = [d for d in deliveries if d["consumer_id"] == caller.system_id]
        if not deliveries:
            raise unknown_exchange()
        has_original = any(d["projection_id"] is None and d["sequence"] is not None for d in deliveries)
        narrowed = next((d["lane_id"] for d in deliveries if d["projection_id"] is not None), None)
        if narrowed is not None and not has_original:
            jti = projection_jti(narrowed, row["sender"], jti)
    return ExchangeState(
        id=row["id"],
        sender=row["sender"],
        jti=jti,
        resource=row["resource"],
        version=row["version"],
        digest=f"sha-256:{row['digest'].hex()}",
        schema_digest=f"sha-256:{row['schema_digest'].hex()}",
        accepted_at=row["accepted_at"],
        lanes=len({d["lane_id"] for d in deliveries}),  # a replay is another delivery in the same lane
        state="closed" if all(d["state"] in ENDED for d in deliveries) else "open",
        deliveries=[
            DeliveryState(d["id"], d["consumer"], d["state"], d["sequence"], d["claimed_at"], d["ended_at"])
            for d in deliveries
        ],
    )


def unknown_exchange() -> NotFound:
    """The same refusal for an exchange that is not there and for one that is none of the caller's business."""
    return NotFound("没有这次交换，或与您无关", "no such exchange, or none of yours")
