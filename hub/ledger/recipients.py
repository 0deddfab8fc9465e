"""Who received an exchange: read by those who must know whom it concerns. What was in it is not told here."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from hub.errors import Unavailable
from hub.ledger.models import Exchange

_RECIPIENTS = text("""
WITH ids AS (SELECT unnest(deliveries) AS id FROM exchange WHERE id = :exchange)
SELECT l.consumer_id, s.code, s.organisation_id, bool_or(found.handed_out) AS handed_out
FROM (
    SELECT lane_id, sequence IS NOT NULL AS handed_out FROM delivery WHERE id IN (SELECT id FROM ids)
    UNION ALL SELECT lane_id, true FROM delivered WHERE id IN (SELECT id FROM ids)
    UNION ALL SELECT lane_id, true FROM dead_letter WHERE id IN (SELECT id FROM ids)
) found
JOIN lane l ON l.id = found.lane_id JOIN system s ON s.id = l.consumer_id
GROUP BY l.consumer_id, s.code, s.organisation_id ORDER BY s.code
""")
"""By the ids that the exchange went out under; a replayed delivery has another id, and its first one stays as a dead letter."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A system that an exchange goes to; `handed_out` once it was sent, or fetched from the inbox."""

    system_id: UUID
    code: str
    organisation_id: UUID
    handed_out: bool


async def recipients(session: AsyncSession, exchange: UUID) -> list[Recipient]:
    """The systems that the exchange goes to, by code; nobody, where there is no such exchange."""
    rows = await session.execute(_RECIPIENTS, {"exchange": exchange})
    return [Recipient(*row) for row in rows]


_NARROWED = text("""
SELECT found.projection_id, p.envelope, g.items, g.rows::text AS rows
FROM exchange e
JOIN LATERAL (
    SELECT id, lane_id, projection_id FROM delivery WHERE id = ANY (e.deliveries) AND sequence IS NOT NULL
    UNION ALL SELECT id, lane_id, projection_id FROM delivered WHERE id = ANY (e.deliveries)
    UNION ALL SELECT id, lane_id, projection_id FROM dead_letter WHERE id = ANY (e.deliveries)
) found ON true
JOIN lane l ON l.id = found.lane_id AND l.consumer_id = :system
LEFT JOIN projection p ON p.id = found.projection_id LEFT JOIN access_grant g ON g.id = p.grant_id
WHERE e.id = :exchange ORDER BY found.projection_id IS NOT NULL, found.id LIMIT 1
""")
"""What was handed out, the envelope itself before projections: what still waits, a consumer does not have."""


@dataclass(frozen=True, slots=True)
class Received:
    """What a system has of an exchange where it got projections alone, and the scope that they were reduced to."""

    envelope: bytes
    items: tuple[str, ...] | None
    rows: str | None


async def received_of(session: AsyncSession, exchange: UUID, system: UUID) -> Received | None:
    """What the system received in place of the provider's envelope; None where it received that. Raises Unavailable."""
    row = (await session.execute(_NARROWED, {"exchange": exchange, "system": system})).one_or_none()
    if row is None or row.projection_id is None:
        return None
    if row.envelope is None:
        raise Unavailable(
            "枢纽缺少这次交换的投影；请联系枢纽的运维人员从备份恢复",
            "the hub lacks the projection of this exchange; ask its operator to restore it from a backup",
        )
    return Received(row.envelope, None if row.items is None else tuple(row.items), row.rows)


async def exchange_of(session: AsyncSession, identifier: UUID) -> Exchange | None:
    """The exchange of that id, its envelope with it."""
    found: Exchange | None = await session.scalar(select(Exchange).where(col(Exchange.id) == identifier))
    return found
