"""A resource goes to another provider, as organisations change: the one step that no editor takes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.holding import hold
from catalog.steps import ResourceTransferred


async def transfer_resource(
    session: AsyncSession, resource_id: UUID, *, provider_id: UUID, system_id: UUID, now: datetime
) -> ResourceTransferred:
    """Give a resource, with all its versions, to a provider and the system that publishes it from now on.

    Status, versions and code stay as they are. Raises UnknownResource, InvalidTransition (withdrawn).
    """
    held = await hold(session, resource_id)
    held.resource.provider_id, held.resource.system_id = provider_id, system_id
    return ResourceTransferred(**await held.save(session, held.live() or held.versions[-1], now))
