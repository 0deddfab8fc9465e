"""Who received an exchange: read by those who must know whom it concerns. What was in it is not told here."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

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


async def exchange_of(session: AsyncSession, identifier: UUID) -> Exchange | None:
    """The exchange of that id, its envelope with it."""
    found: Exchange | None = await session.scalar(select(Exchange).where(col(Exchange.id) == identifier))
    return found
