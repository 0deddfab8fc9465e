"""What is still under way once rights have been narrowed (I3): attempts that had started before, and end or expire.

No attempt starts after the narrowing has committed, so what is counted here only becomes less. A claim's lease bounds it:
nothing is sent once that has ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.delivery.claiming import STOPPING

_OPEN_ATTEMPTS = """
SELECT count(*), max(a.expires_at) FROM attempt a JOIN lane l ON l.id = a.lane_id
WHERE a.ended_at IS NULL AND a.expires_at > clock_timestamp()
"""
_OF_LANE = f"{_OPEN_ATTEMPTS} AND l.id = :lane"
_OF_CONSUMER = f"{_OPEN_ATTEMPTS} AND l.consumer_id = :consumer"
_OF_CERTIFICATE = f"""
{_OPEN_ATTEMPTS} AND EXISTS (
    SELECT FROM certificate c WHERE c.kid = ANY(:kids) AND c.state = 'revoked' AND (
        c.revocation_reason = ANY(:stopping) AND EXISTS (
            SELECT FROM delivery d WHERE d.lane_id = l.id AND d.sequence >= a.first_sequence AND d.kid = c.kid)
        OR c.system_id = l.consumer_id AND NOT EXISTS (
            SELECT FROM certificate o WHERE o.system_id = c.system_id AND o.state = 'active')))
"""  # noqa: S608
"""Attempts that may carry what was signed with one, where its reason stops that; and, if it was the last one of its system,
attempts towards that system. Numbered deliveries from an attempt's first on are its batch, and perhaps one more."""


@dataclass(frozen=True, slots=True)
class Draining:
    """Attempts that are open, and the end of the last one's lease: by then there are none."""

    attempts: int
    until: datetime


async def draining_lane(session: AsyncSession, lane: UUID) -> Draining | None:
    """What is open in a lane whose grant was suspended or revoked; None where nothing is."""
    return await _draining(session, _OF_LANE, {"lane": lane})


async def draining_consumer(session: AsyncSession, consumer: UUID) -> Draining | None:
    """What is open towards a system that was suspended or retired, or whose target is paused; None where nothing is."""
    return await _draining(session, _OF_CONSUMER, {"consumer": consumer})


async def draining_certificate(session: AsyncSession, *kids: str) -> Draining | None:
    """What is open and would not start any more, now that the certificates are revoked; None where nothing is."""
    return await _draining(session, _OF_CERTIFICATE, {"kids": list(kids), "stopping": STOPPING})


async def _draining(session: AsyncSession, statement: str, parameters: Mapping[str, Any]) -> Draining | None:
    attempts, until = (await session.execute(text(statement), parameters)).one()
    return None if until is None else Draining(attempts, until)
