"""Registration of our resources with catalogues above 上级目录: each state with its log entry. None commits.

What is said above changes nothing here: no code, no status, no epoch.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import repository as catalog_rows
from catalog import upstream
from catalog.models import UpstreamRegistration
from catalog.upstream import Upstream
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.publishing.recording import refusing


async def record_upstream(
    session: AsyncSession, resource_id: UUID, new: Upstream, *, actor: Actor, recorder: Recorder, now: datetime
) -> UpstreamRegistration:
    """Record what became of a resource's registration above. Raises NotFound, InvalidInput, Conflict."""
    recorded = await refusing(upstream.record_upstream(session, resource_id, new, by=actor.id, now=now))
    row = recorded.row
    details = {"catalogue": row.catalogue, "state": row.state, "upstream_code": row.upstream_code}
    details |= {"receipt": row.receipt_reference, "receipt_digest": row.receipt_digest}
    event = Event(
        "upstream.recorded",
        actor,
        "upstream",
        recorded.code,
        before=recorded.before,
        after=recorded.after,
        details={name: value for name, value in details.items() if value is not None},
    )
    recorder.record(session, event, now=now)
    await session.flush()
    return row


async def list_upstream(session: AsyncSession, resource_id: UUID) -> Sequence[UpstreamRegistration]:
    """Every state of a resource's registrations above, by catalogue, each from its first on."""
    return await catalog_rows.upstream(session, [resource_id])
