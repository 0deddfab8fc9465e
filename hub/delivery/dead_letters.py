"""Dead letters 死信: what was parked, why, and its replay, one or many.

A replay is a new delivery of the same exchange in the same lane: a new id, a new place at the end of the queue and so, at
its claim, a new number. Order is given up for that item, and the letter names what it became. Rights are judged when it is
claimed, like everything else in the queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from certs.canonical import canonical
from certs.digests import digest
from hub.access.models import Lane
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.delivery.errors import AlreadyReplayed, CountHasChanged, UnknownDeadLetter
from hub.delivery.lanes import wake
from hub.delivery.models import DeadLetter
from hub.registry.models import System

MOST_AT_ONCE = 1_000
"""Letters replayed in one transaction; who has more comes again."""

_PAIRS = (
    "unnest(CAST(:letters AS uuid[]), CAST(:deliveries AS uuid[])) WITH ORDINALITY AS pair (letter, delivery, place)"
)

# Queue positions are drawn in the order of the rows: a replay keeps the order that the letters had.
_QUEUE_AGAIN = text(
    f"""
INSERT INTO delivery (id, lane_id, exchange_id, kid, digest, projection_id)
SELECT pair.delivery, d.lane_id, d.exchange_id, d.kid, d.digest, d.projection_id
FROM {_PAIRS} JOIN dead_letter d ON d.id = pair.letter ORDER BY pair.place
"""  # noqa: S608
)
_NAME_IN_EXCHANGE = text(
    f"""
UPDATE exchange SET deliveries = exchange.deliveries || new.deliveries
FROM (SELECT d.exchange_id, array_agg(pair.delivery) AS deliveries
      FROM {_PAIRS} JOIN dead_letter d ON d.id = pair.letter GROUP BY d.exchange_id) AS new
WHERE exchange.id = new.exchange_id
"""  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters: of a lane, of a consumer (code), with a reason; what is None does not matter."""

    lane: UUID | None = None
    consumer: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many letters were queued again, and how many of the selection still wait."""

    count: int
    left: int


async def list_dead_letters(
    session: AsyncSession, selection: Selection, *, after: UUID | None, limit: int, replayed: bool = False
) -> Sequence[DeadLetter]:
    """At most `limit` letters beyond the id `after`, those that wait, or with `replayed` all."""
    query = select(DeadLetter).where(*_conditions(selection))
    if not replayed:
        query = query.where(col(DeadLetter.replayed_as).is_(None))
    if after is not None:
        query = query.where(col(DeadLetter.id) > after)
    query = query.order_by(col(DeadLetter.id)).limit(limit)
    return (await session.scalars(query, execution_options={"populate_existing": True})).all()


async def count_dead_letters(session: AsyncSession, selection: Selection) -> int:
    """How many letters of the selection wait: the preview of `replay_many`."""
    query = select(func.count()).select_from(DeadLetter).where(*_conditions(selection))
    return await session.scalar(query.where(col(DeadLetter.replayed_as).is_(None))) or 0


async def replay_one(session: AsyncSession, letter: UUID, *, actor: Actor, recorder: Recorder, now: datetime) -> UUID:
    """Queue the letter's exchange again; returns the new delivery. Raises UnknownDeadLetter, AlreadyReplayed."""
    query = select(DeadLetter).where(col(DeadLetter.id) == letter).with_for_update()
    row = (await session.scalars(query, execution_options={"populate_existing": True})).one_or_none()
    if row is None:
        raise UnknownDeadLetter(letter)
    if row.replayed_as is not None:
        raise AlreadyReplayed(letter, row.replayed_as)
    return (await _replay(session, [row], actor, recorder, now))[0]


async def replay_many(
    session: AsyncSession, selection: Selection, *, expected: int, actor: Actor, recorder: Recorder, now: datetime
) -> Replayed:
    """Queue the waiting letters of the selection again, the first `MOST_AT_ONCE`, in the order that they had.

    `expected` is what the preview counted, or what the last replay left. Raises CountHasChanged where it no longer holds.
    """
    query = (
        select(DeadLetter)
        .where(*_conditions(selection), col(DeadLetter.replayed_as).is_(None))
        .order_by(col(DeadLetter.lane_id), col(DeadLetter.sequence))
        .limit(MOST_AT_ONCE)
        .with_for_update(of=DeadLetter)
    )
    rows = (await session.scalars(query, execution_options={"populate_existing": True})).all()
    found = await count_dead_letters(session, selection)  # now that nobody else replays those rows
    if found != expected:
        raise CountHasChanged(expected, found)
    await _replay(session, rows, actor, recorder, now)
    return Replayed(len(rows), found - len(rows))


async def _replay(
    session: AsyncSession, rows: Sequence[DeadLetter], actor: Actor, recorder: Recorder, now: datetime
) -> Sequence[UUID]:
    """The new deliveries of the letters, which come by lane; one log entry for each lane."""
    new = [new_id(now) for _ in rows]
    pairs = {"letters": [row.id for row in rows], "deliveries": new}
    if rows:
        await session.execute(_QUEUE_AGAIN, pairs)
        await session.execute(_NAME_IN_EXCHANGE, pairs)
    for row, delivery in zip(rows, new, strict=True):
        row.replayed_as, row.replayed_at = delivery, now
    for lane, group in groupby(rows, key=lambda row: row.lane_id):
        replayed = [[str(row.id), str(row.replayed_as), row.digest.hex()] for row in group]
        event = Event(
            "delivery.replayed",
            actor,
            "lane",
            str(lane),
            rows=len(replayed),
            details={"deliveries": digest(canonical(replayed))},
        )
        recorder.record(session, event, now=now)
    await session.flush()
    await wake(session)
    return new


def _conditions(selection: Selection) -> Sequence[ColumnElement[bool]]:
    conditions = []
    if selection.lane is not None:
        conditions.append(col(DeadLetter.lane_id) == selection.lane)
    if selection.reason is not None:
        conditions.append(col(DeadLetter.reason) == selection.reason)
    if selection.consumer is not None:
        lanes = select(col(Lane.id)).join(System, col(Lane.consumer_id) == col(System.id))
        conditions.append(col(DeadLetter.lane_id).in_(lanes.where(col(System.code) == selection.consumer)))
    return conditions
