"""Lanes that push, as an operator sees and handles them: listed with their state, paused, resumed.

Pausing needs no barrier: a claim takes the lane's lease in one statement that looks at the pause, so a claim either came
first, and its attempt ends, or finds the lane paused. What was queued waits, in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from catalog.models import Resource
from hub.access.models import Lane
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.delivery.claiming import MAX_BATCH
from hub.delivery.errors import UnknownLane
from hub.delivery.models import LaneLease, PushTarget
from hub.delivery.repository import DELIVERY_CHANNEL, LANES_WITH_RIGHTS
from hub.registry.errors import WrongState
from hub.registry.fields import LONGEST_REASON, required_text
from hub.registry.models import System

MOST_COUNTED = 10_000
"""A queue is counted up to here; beyond, "at least so many" is all that an operator needs."""

PUSH = "push"

_WAKE = text("SELECT pg_notify(:channel, '')")
_WITH_RIGHTS = text(LANES_WITH_RIGHTS)
_WAITING = text("SELECT count(*) FROM (SELECT FROM delivery WHERE lane_id = :lane LIMIT :most) AS waiting")


@dataclass(frozen=True, slots=True)
class LaneView:
    """A lane that pushes. `state`: `paused`, `blocked`, `resting` (after a failure), `awaiting` (handed over, not yet
    acknowledged), `pushing` or `idle`; `holding`: its target holds, the inbox shows it. Where no attempt may start: `no-target`,
    `target-paused`, or `no-rights` (grant, consumer, its certificate or the resource).

    `waiting` counts its queue, up to `MOST_COUNTED`; `failures` are those in a row, with the last one's reason.
    """

    id: UUID
    consumer: str
    resource: str
    purpose: str
    state: str
    waiting: int
    fence: int
    failures: int
    reason: str | None
    next_attempt_at: datetime | None


async def list_lanes(session: AsyncSession, *, after: UUID | None, limit: int, now: datetime) -> Sequence[LaneView]:
    """At most `limit` lanes that push, beyond the id `after`."""
    query = (
        select(Lane, col(System.code), col(Resource.code), LaneLease, PushTarget)
        .join(System, col(Lane.consumer_id) == col(System.id))
        .join(Resource, col(Lane.resource_id) == col(Resource.id))
        .outerjoin(LaneLease, col(LaneLease.lane_id) == col(Lane.id))
        .outerjoin(PushTarget, col(PushTarget.system_id) == col(Lane.consumer_id))
        .where(col(Lane.mode) == PUSH)
        .order_by(col(Lane.id))
        .limit(limit)
    )
    if after is not None:
        query = query.where(col(Lane.id) > after)
    rows = (await session.execute(query, execution_options={"populate_existing": True})).all()
    found = await session.scalars(_WITH_RIGHTS, {"now": now, "lanes": [row[0].id for row in rows]})
    with_rights = frozenset(found.all())
    return [await _view(session, row, now, has_rights=row[0].id in with_rights) for row in rows]


async def pause_lane(
    session: AsyncSession, lane: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> None:
    """Start no more attempts in the lane. Raises UnknownLane, WrongState, InvalidField."""
    told = required_text("/reason", reason, longest=LONGEST_REASON)
    lease = await _held(session, lane, now)
    if lease.paused_at is not None:
        raise WrongState(f"lane {lane}", "paused", "active")
    lease.paused_at, lease.paused_reason = now, told
    recorder.record(session, Event("lane.paused", actor, "lane", str(lane)), now=now)


async def resume_lane(session: AsyncSession, lane: UUID, *, actor: Actor, recorder: Recorder, now: datetime) -> None:
    """Push again, and at once: lifts a pause, a block, the rest after failures and the wait for an acknowledgement.

    Raises UnknownLane, WrongState where there is nothing to lift.
    """
    lease = await _held(session, lane, now)
    if lease.paused_at is None and lease.failures == 0 and lease.handed_over_at is None:
        raise WrongState(f"lane {lane}", "active", "paused/blocked/resting/awaiting")
    lease.paused_at = lease.paused_reason = lease.blocked_at = lease.failed_reason = None
    lease.handed_over_at = lease.handed_over_last = None
    lease.failures, lease.next_attempt_at = 0, now
    recorder.record(session, Event("lane.resumed", actor, "lane", str(lane)), now=now)
    await wake(session)


async def wake(session: AsyncSession) -> None:
    """Have the workers look, once this transaction has committed."""
    await session.execute(_WAKE, {"channel": DELIVERY_CHANNEL})


async def _held(session: AsyncSession, lane: UUID, now: datetime) -> LaneLease:
    """The lane's lease, locked; made where nobody has claimed the lane yet."""
    found = await session.get(Lane, lane)
    if found is None or found.mode != PUSH:
        raise UnknownLane(lane)
    new = LaneLease(lane_id=lane, fence=0, next_attempt_at=now, failures=0, batch_limit=MAX_BATCH)
    await session.execute(insert(LaneLease).values(new.model_dump()).on_conflict_do_nothing())
    query = select(LaneLease).where(col(LaneLease.lane_id) == lane).with_for_update()
    return (await session.scalars(query, execution_options={"populate_existing": True})).one()


async def _view(
    session: AsyncSession, row: "Row[Lane, str, str, LaneLease, PushTarget]", now: datetime, *, has_rights: bool
) -> LaneView:
    lane, consumer, resource = row[0], row[1], row[2]
    lease: LaneLease | None = row[3]
    held_up = _held_up(row[4], has_rights=has_rights)
    waiting = await session.scalar(_WAITING, {"lane": lane.id, "most": MOST_COUNTED}) or 0
    return LaneView(
        id=lane.id,
        consumer=consumer,
        resource=resource,
        purpose=lane.purpose,
        state=_state(lease, waiting, now, held_up),
        waiting=waiting,
        fence=lease.fence if lease else 0,
        failures=lease.failures if lease else 0,
        reason=(lease.paused_reason or lease.failed_reason) if lease else None,
        next_attempt_at=lease.next_attempt_at if lease else None,
    )


def _held_up(target: PushTarget | None, *, has_rights: bool) -> str | None:
    """Why no attempt may start in a lane, apart from what its lease says."""
    if target is None:
        return "no-target"
    if target.holds:
        return "holding"
    if target.state == "paused":
        return "target-paused"
    return None if has_rights else "no-rights"


def _state(lease: LaneLease | None, waiting: int, now: datetime, held_up: str | None) -> str:
    if lease is None:
        return held_up or "idle"
    if lease.paused_at is not None:
        return "paused"
    if lease.blocked_at is not None:
        return "blocked"
    if lease.expires_at is not None and lease.expires_at > now:
        return "pushing"
    if held_up is not None:
        return held_up
    if lease.failures:
        return "resting"
    return "idle" if lease.handed_over_at is None or not waiting else "awaiting"
