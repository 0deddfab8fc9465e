"""Resources go to another provider, as organisations change: the one step that no editor takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import repository
from catalog.holding import hold_many
from catalog.steps import ResourceTransferred


@dataclass(frozen=True, slots=True)
class Destination:
    """Who provides a resource from then on, and which system publishes it."""

    provider_id: UUID
    system_id: UUID


async def transfer_resources(
    session: AsyncSession, destinations: Mapping[UUID, Destination], *, now: datetime
) -> list[ResourceTransferred]:
    """Give each resource, with all its versions, to its destination; returns the steps by the resources' ids.

    Status, versions and code stay as they are. Raises UnknownResource, InvalidTransition (withdrawn).
    """
    held = await hold_many(session, destinations)
    for one in held:
        to = destinations[one.resource.id]
        one.resource.provider_id, one.resource.system_id, one.resource.updated_at = to.provider_id, to.system_id, now
    await repository.save(session)
    return [ResourceTransferred(**one.facts(one.live() or one.versions[-1], now)) for one in held]
