"""When the data that were granted upon a request have been provided: the end of the duty `provide-data` (D3).

The provider owes data from the grant on, and has provided them when something is in the consumer's lane: it waits there, or
the lane's numbers have gone beyond where they stood at the grant. Whether the consumer fetches it is not the provider's
business. Intake must not wait for this, so it is looked at afterwards, by the worker; a duty so ends some seconds late.
A grant that was revoked first, or a resource that was withdrawn, ends the duty too: nobody waits for the data any more.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.access.deadlines import PROVIDE, SUBJECT_KIND, subject_of
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.delivery.repository import NARROWED_BY
from hub.duties import service as duties
from hub.ledger.repository import may_leave

AT_ONCE = 100
"""Duties ended in one transaction: each has its entry in the log."""

WORKER = Actor("host", "host:worker")

_ENDED = text(f"""
SELECT r.id, g.state = 'revoked' OR s.status = 'withdrawn' AS is_over
FROM duty d
JOIN access_request r ON r.id::text = d.subject_id
JOIN access_grant g ON g.id = r.grant_id
JOIN lane l ON l.id = g.lane_id
JOIN resource s ON s.id = r.resource_id
WHERE d.state = 'open' AND d.subject_kind = :kind AND d.duty = :duty
  AND (g.state = 'revoked' OR s.status = 'withdrawn' OR l.next_sequence > r.first_sequence
       OR EXISTS (SELECT FROM delivery w WHERE w.lane_id = l.id AND w.sequence IS NULL AND {may_leave(NARROWED_BY, "w")}))
ORDER BY d.id LIMIT :most
""")  # noqa: S608


async def end_duties(session: AsyncSession, *, recorder: Recorder, now: datetime) -> int:
    """End the duties to provide whose data are there, or whose grant or resource is no more; returns how many, at most `AT_ONCE`."""
    rows = await session.execute(_ENDED, {"kind": SUBJECT_KIND, "duty": PROVIDE, "most": AT_ONCE})
    found: list[tuple[UUID, bool]] = [(row.id, row.is_over) for row in rows]
    for request, is_over in found:
        end = duties.cancel if is_over else duties.fulfil
        await end(session, subject_of(request), PROVIDE, actor=WORKER, recorder=recorder, now=now)
    return len(found)
