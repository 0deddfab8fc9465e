"""All SQL of grants and lanes. Reads and adds rows; decides nothing.

Reads of one row take its values as they are now, also where the session has read it before: an act decides on what it
reads after it got the barrier, not on what its caller saw before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from catalog.models import Resource, ResourceVersion
from hub.access.models import AccessGrant, GrantVersion, Lane
from hub.registry.models import System

_AS_IT_IS_NOW = {"populate_existing": True}


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """A grant with the codes that outsiders know its ends by."""

    grant: AccessGrant
    consumer: str
    resource: str
    provider_id: UUID


def _records() -> "Select[AccessGrant, str, str, UUID]":
    return (
        select(AccessGrant, col(System.code), col(Resource.code), col(Resource.provider_id))
        .join(System, col(AccessGrant.consumer_id) == col(System.id))
        .join(Resource, col(AccessGrant.resource_id) == col(Resource.id))
    )


def _record(row: "Row[AccessGrant, str, str, UUID]") -> GrantRecord:
    return GrantRecord(row[0], row[1], row[2], row[3])


async def grant(session: AsyncSession, identifier: UUID) -> GrantRecord | None:
    """The grant of that id."""
    query = _records().where(col(AccessGrant.id) == identifier)
    row = (await session.execute(query, execution_options=_AS_IT_IS_NOW)).one_or_none()
    return None if row is None else _record(row)


async def grants(
    session: AsyncSession,
    *,
    after: UUID | None,
    limit: int,
    consumer: str | None = None,
    resource: str | None = None,
    state: str | None = None,
) -> Sequence[GrantRecord]:
    """At most `limit` grants beyond the id `after`; `consumer` and `resource` are codes."""
    query = _records().order_by(col(AccessGrant.id)).limit(limit)
    if after is not None:
        query = query.where(col(AccessGrant.id) > after)
    if consumer is not None:
        query = query.where(col(System.code) == consumer)
    if resource is not None:
        query = query.where(col(Resource.code) == resource)
    if state is not None:
        query = query.where(col(AccessGrant.state) == state)
    return [_record(row) for row in await session.execute(query)]


async def live_grant(session: AsyncSession, lane: UUID) -> UUID | None:
    """The lane's grant that is not revoked."""
    query = select(col(AccessGrant.id)).where(col(AccessGrant.lane_id) == lane, col(AccessGrant.state) != "revoked")
    found: UUID | None = await session.scalar(query)
    return found


async def live_grant_for(
    session: AsyncSession, consumer_id: UUID, resource_id: UUID, purpose: str, mode: str
) -> UUID | None:
    """The grant, not revoked, of a lane that may not be there."""
    query = select(col(AccessGrant.id)).where(
        col(AccessGrant.consumer_id) == consumer_id,
        col(AccessGrant.resource_id) == resource_id,
        col(AccessGrant.purpose) == purpose,
        col(AccessGrant.mode) == mode,
        col(AccessGrant.state) != "revoked",
    )
    found: UUID | None = await session.scalar(query)
    return found


async def lane(session: AsyncSession, new: Lane) -> Lane:
    """The lane of `new`'s consumer, resource, purpose and mode: the one that exists, or `new`, inserted."""
    await session.execute(insert(Lane).values(new.model_dump()).on_conflict_do_nothing())
    query = select(Lane).where(
        col(Lane.consumer_id) == new.consumer_id,
        col(Lane.resource_id) == new.resource_id,
        col(Lane.purpose) == new.purpose,
        col(Lane.mode) == new.mode,
    )
    return (await session.scalars(query)).one()


async def next_sequence(session: AsyncSession, lane_id: UUID) -> int:
    """The number that the lane's next new item gets."""
    found: int = (await session.execute(select(col(Lane.next_sequence)).where(col(Lane.id) == lane_id))).scalar_one()
    return found


async def resource_by_code(session: AsyncSession, code: str) -> Resource | None:
    """The resource of that code."""
    query = select(Resource).where(col(Resource.code) == code)
    found: Resource | None = await session.scalar(query, execution_options=_AS_IT_IS_NOW)
    return found


async def published_versions(session: AsyncSession, resource: UUID) -> Sequence[ResourceVersion]:
    """The resource's versions that were ever published, ended ones too, by number."""
    query = (
        select(ResourceVersion)
        .where(col(ResourceVersion.resource_id) == resource, col(ResourceVersion.published_at).is_not(None))
        .order_by(col(ResourceVersion.number))
    )
    return (await session.scalars(query)).all()


async def version(session: AsyncSession, resource: UUID, number: int) -> ResourceVersion:
    """That version of the resource, which there is."""
    query = select(ResourceVersion).where(
        col(ResourceVersion.resource_id) == resource, col(ResourceVersion.number) == number
    )
    return (await session.scalars(query)).one()


async def live_items(session: AsyncSession, resource: Resource) -> Sequence[Mapping[str, Any]]:
    """The items of the resource's live version, as they are stored; none without one."""
    query = select(col(ResourceVersion.items)).where(
        col(ResourceVersion.resource_id) == resource.id, col(ResourceVersion.number) == resource.live_version
    )
    return (await session.scalar(query)) or ()


async def pins(session: AsyncSession, grants: Sequence[UUID]) -> Sequence[GrantVersion]:
    """The schema digests that the grants pin, by grant and version."""
    query = (
        select(GrantVersion)
        .where(col(GrantVersion.grant_id).in_(grants))
        .order_by(col(GrantVersion.grant_id), col(GrantVersion.version))
    )
    return (await session.scalars(query)).all()
