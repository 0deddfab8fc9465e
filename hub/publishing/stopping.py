"""Steps that stop what may be exchanged, or let it go on: end a replaced version, suspend, resume, withdraw. None commits.

Each holds the barrier first and bumps the epoch last (I3), and tells whoever has to do with the resource. The notice names the
resource; the reason, which people wrote, is read there (`status_reason`).
"""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import service as catalog
from catalog import steps
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.notices import service as notices
from hub.publishing import owing, repository
from hub.publishing.recording import finish, hold, refusing
from hub.publishing.repository import ResourceRecord
from hub.publishing.service import find_resource
from hub.registry import service as registry

_Step = TypeVar("_Step", bound=steps.Step)

ENDED, SUSPENDED, RESUMED, WITHDRAWN = "version-ended", "resource-suspended", "resource-resumed", "resource-withdrawn"
"""Kinds of notices."""

EVENTS: Final = {
    ENDED: "resource.version-ended",
    SUSPENDED: "resource.suspended",
    RESUMED: "resource.resumed",
    WITHDRAWN: "resource.withdrawn",
}


async def end_version(
    session: AsyncSession, resource_id: UUID, number: int, *, actor: Actor, recorder: Recorder, now: datetime
) -> steps.VersionEnded:
    """Let a replaced version take no more payloads. Raises NotFound, Conflict."""
    now = await hold(session, now)
    return await _take(session, ENDED, catalog.end_version(session, resource_id, number, now=now), actor, recorder)


async def suspend(
    session: AsyncSession, resource_id: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> steps.ResourceSuspended:
    """Stop the exchange of a published resource. Raises NotFound, Conflict, InvalidInput."""
    now = await hold(session, now)
    act = catalog.suspend(session, resource_id, reason=reason, now=now)
    return await _take(session, SUSPENDED, act, actor, recorder)


async def resume(
    session: AsyncSession, resource_id: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> steps.ResourceResumed:
    """Let the exchange of a suspended resource go on. Raises NotFound, Conflict."""
    now = await hold(session, now)
    return await _take(session, RESUMED, catalog.resume(session, resource_id, now=now), actor, recorder)


async def withdraw(
    session: AsyncSession, resource_id: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> steps.ResourceWithdrawn:
    """End the resource and all its versions for good. Raises NotFound, Conflict, InvalidInput."""
    now = await hold(session, now)

    async def act() -> steps.ResourceWithdrawn:
        """The resource before its duties, as submission, return and publication lock them."""
        step = await catalog.withdraw(session, resource_id, reason=reason, now=now)
        await owing.drop_all(session, resource_id, step.code, actor=actor, recorder=recorder, now=now)
        return step

    return await _take(session, WITHDRAWN, act(), actor, recorder)


async def organisations_concerned(session: AsyncSession, record: ResourceRecord) -> Sequence[UUID]:
    """The provider, its publishing system's organisation, and the consumers': who is told of what becomes of the resource."""
    _, publisher = await registry.find_system(session, record.system)
    return [record.provider.id, publisher.id, *await repository.consumers(session, record.resource.id)]


async def _take(session: AsyncSession, kind: str, act: Awaitable[_Step], actor: Actor, recorder: Recorder) -> _Step:
    """Take the step, tell who is concerned, record it and bump the epoch."""
    step = await refusing(act)
    record = await find_resource(session, str(step.resource_id))
    details = {} if step.version is None else {"version": step.version}
    concerned = await organisations_concerned(session, record)
    await notices.tell_all(session, concerned, kind, step.code, details, step.at)
    await finish(session, EVENTS[kind], step, actor, recorder)
    return step
