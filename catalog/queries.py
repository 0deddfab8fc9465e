"""What the catalogue answers when it is asked: one resource, a page of them, a resource's versions. Changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import cursors, repository
from catalog.codes import ResourceStatus
from catalog.errors import UnknownResource, UnknownVersion
from catalog.models import Resource, ResourceVersion

MAX_PAGE: Final = 500  # contract, "HTTP"


@dataclass(frozen=True, slots=True)
class ResourcePage:
    """Resources in the order of their codes, and the cursor of the next page, None on the last."""

    items: Sequence[Resource]
    next: str | None


async def get(session: AsyncSession, resource_id: UUID) -> Resource:
    """Return the resource with that id; raises UnknownResource."""
    found = await repository.resource(session, resource_id)
    if found is None:
        raise UnknownResource
    return found


async def get_by_code(session: AsyncSession, code: str) -> Resource:
    """Return the resource with that code; raises UnknownResource."""
    found = await repository.resource_by_code(session, code)
    if found is None:
        raise UnknownResource
    return found


async def list_resources(
    session: AsyncSession,
    *,
    cursor: str | None = None,
    limit: int = 100,
    statuses: Sequence[ResourceStatus] = (),
    provider_id: UUID | None = None,
    system_id: UUID | None = None,
) -> ResourcePage:
    """Return a page of at most `limit` (≤ 500) resources; raises InvalidCursor.

    Pages follow the code, so that resources that come and go in between neither repeat nor hide others.
    """
    wanted = max(1, min(limit, MAX_PAGE))
    found = await repository.page(
        session,
        after_code=None if cursor is None else cursors.decode(cursor),
        limit=wanted + 1,
        statuses=[status.value for status in statuses],
        provider_id=provider_id,
        system_id=system_id,
    )
    more = len(found) > wanted
    return ResourcePage(found[:wanted], cursors.encode(found[wanted - 1].code) if more else None)


async def versions(session: AsyncSession, resource_id: UUID) -> Sequence[ResourceVersion]:
    """Return all versions of the resource, oldest first; raises UnknownResource."""
    await get(session, resource_id)
    return await repository.versions(session, resource_id)


async def version(session: AsyncSession, resource_id: UUID, number: int | None = None) -> ResourceVersion:
    """Return that version, or the live one; raises UnknownResource, UnknownVersion."""
    wanted = (await get(session, resource_id)).live_version if number is None else number
    for found in await versions(session, resource_id):
        if found.number == wanted:
            return found
    raise UnknownVersion(number)
