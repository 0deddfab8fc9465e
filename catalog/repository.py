"""All SQL of the catalogue; judges nothing."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from catalog.models import Classification, Resource, ResourceCodeCounter, ResourceVersion, UpstreamRegistration

# Each claim has a look of its own, with a limit: a name that half of all resources have costs no more than a rare one.
_OTHER_SOURCES = text("""
    SELECT claim, found.* FROM unnest(CAST(:claims AS text[])) AS claim, LATERAL (
        SELECT r.id, r.code, r.name, r.provider_id FROM resource_version v
        JOIN resource r ON r.id = v.resource_id AND r.live_version = v.number
        WHERE v.state = 'published' AND v.claims @> ARRAY[claim] AND r.status IN ('published', 'suspended')
            AND r.provider_id <> :provider
        LIMIT :most
    ) AS found
    ORDER BY claim, found.code
""")


async def other_sources(
    session: AsyncSession, claims: Sequence[str], provider_id: UUID, most: int
) -> Sequence[tuple[str, UUID, str, str, UUID]]:
    """Return claim, id, code, name and provider of up to `most` live resources of others, for each of the claims."""
    found = await session.execute(_OTHER_SOURCES, {"claims": list(claims), "provider": provider_id, "most": most})
    return [(row.claim, row.id, row.code, row.name, row.provider_id) for row in found]


async def class_of(session: AsyncSession, code: str, *, to_change: bool = False) -> Classification | None:
    """Return the class of that code, or None; nobody changes it before this transaction ends."""
    query = select(Classification).where(col(Classification.code) == code).with_for_update(read=not to_change)
    found: Classification | None = await session.scalar(query, execution_options={"populate_existing": True})
    return found


async def classes(
    session: AsyncSession, *, parent: str | None, after: str | None, limit: int
) -> Sequence[Classification]:
    """Return up to `limit` classes in the order of their codes, beyond `after`; those right below `parent` if one is named."""
    query = select(Classification).order_by(col(Classification.code)).limit(limit)
    if parent is not None:
        query = query.where(col(Classification.parent) == parent)
    if after is not None:
        query = query.where(col(Classification.code) > after)
    return (await session.scalars(query)).all()


async def has_active_classes_below(session: AsyncSession, code: str) -> bool:
    """Say whether a class right below this one is active."""
    query = select(col(Classification.code)).where(
        col(Classification.parent) == code, col(Classification.state) == "active"
    )
    return await session.scalar(query.limit(1)) is not None


async def next_sequence(session: AsyncSession, prefix: str, count: int = 1) -> int:
    """Return the first of the next `count` sequences below the classification; others wait for this transaction to end."""
    counter = insert(ResourceCodeCounter).values(prefix=prefix, last=count)
    raised = counter.on_conflict_do_update(
        index_elements=[col(ResourceCodeCounter.prefix)], set_={"last": col(ResourceCodeCounter.last) + count}
    ).returning(col(ResourceCodeCounter.last))
    return int((await session.execute(raised)).scalar_one()) - count + 1


async def resource(session: AsyncSession, resource_id: UUID) -> Resource | None:
    """Return the resource, or None."""
    found: Resource | None = await session.scalar(select(Resource).where(col(Resource.id) == resource_id))
    return found


async def resource_by_code(session: AsyncSession, code: str) -> Resource | None:
    """Return the resource with that code, or None."""
    found: Resource | None = await session.scalar(select(Resource).where(col(Resource.code) == code))
    return found


async def locked_resource(session: AsyncSession, resource_id: UUID) -> Resource | None:
    """Return the resource as it is now, held against other steps (but not against rows that refer to it), or None."""
    query = (
        select(Resource)
        .where(col(Resource.id) == resource_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    found: Resource | None = await session.scalar(query)
    return found


async def locked_resources(session: AsyncSession, resource_ids: Collection[UUID]) -> Sequence[Resource]:
    """Return these resources as they are now, by id, held like `locked_resource` holds one."""
    query = (
        select(Resource)
        .where(col(Resource.id).in_(resource_ids))
        .order_by(col(Resource.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def versions_of(session: AsyncSession, resource_ids: Collection[UUID]) -> Sequence[ResourceVersion]:
    """Return the versions of these resources as they are now, oldest first for each."""
    query = (
        select(ResourceVersion)
        .where(col(ResourceVersion.resource_id).in_(resource_ids))
        .order_by(col(ResourceVersion.resource_id), col(ResourceVersion.number))
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def versions(session: AsyncSession, resource_id: UUID) -> Sequence[ResourceVersion]:
    """Return the versions of a resource as they are now, oldest first."""
    query = (
        select(ResourceVersion)
        .where(col(ResourceVersion.resource_id) == resource_id)
        .order_by(col(ResourceVersion.number))
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def locked_times(session: AsyncSession, resources: Sequence[UUID]) -> dict[UUID, datetime]:
    """Return when each of the resources was last changed, held against other steps, in the order of their ids."""
    query = (
        select(col(Resource.id), col(Resource.updated_at))
        .where(col(Resource.id).in_(resources))
        .order_by(col(Resource.id))
        .with_for_update(key_share=True)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def with_codes(session: AsyncSession, codes: Sequence[str]) -> Sequence[Resource]:
    """Return the resources of these codes."""
    query = select(Resource).where(col(Resource.code).in_(codes)).execution_options(populate_existing=True)
    return (await session.scalars(query)).all()


async def versions_without_schema(
    session: AsyncSession, resources: Sequence[UUID]
) -> Sequence[tuple[UUID, int, dict[str, Any], list[dict[str, Any]], str, str]]:
    """Return id, number, description, items, schema digest and state of the versions of these resources, oldest first."""
    query = (
        select(
            col(ResourceVersion.resource_id),
            col(ResourceVersion.number),
            col(ResourceVersion.description),
            col(ResourceVersion.items),
            col(ResourceVersion.schema_digest),
            col(ResourceVersion.state),
        )
        .where(col(ResourceVersion.resource_id).in_(resources))
        .order_by(col(ResourceVersion.resource_id), col(ResourceVersion.number))
    )
    return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in await session.execute(query)]


async def insert_rows(
    session: AsyncSession, model: type[Resource] | type[ResourceVersion], rows: Sequence[dict[str, Any]]
) -> None:
    """Insert rows by their attributes, many at a time."""
    if rows:
        await session.execute(insert(model), rows)


async def update_rows(
    session: AsyncSession, model: type[Resource] | type[ResourceVersion], rows: Sequence[dict[str, Any]]
) -> None:
    """Update rows by their primary key; each names the key and the attributes that change."""
    if rows:
        await session.execute(update(model), rows)


async def page(
    session: AsyncSession,
    *,
    after_code: str | None,
    limit: int,
    statuses: Sequence[str],
    provider_id: UUID | None,
    system_id: UUID | None,
) -> Sequence[Resource]:
    """Return up to `limit` resources in the order of their codes, beginning after `after_code`."""
    query = select(Resource).order_by(col(Resource.code)).limit(limit)
    if after_code is not None:
        query = query.where(col(Resource.code) > after_code)
    if statuses:
        query = query.where(col(Resource.status).in_(statuses))
    if provider_id is not None:
        query = query.where(col(Resource.provider_id) == provider_id)
    if system_id is not None:
        query = query.where(col(Resource.system_id) == system_id)
    return (await session.scalars(query)).all()


async def upstream(session: AsyncSession, resources: Sequence[UUID]) -> Sequence[UpstreamRegistration]:
    """Return the registrations of these resources upstream, each catalogue's history from its first state on."""
    query = (
        select(UpstreamRegistration)
        .where(col(UpstreamRegistration.resource_id).in_(resources))
        .order_by(
            col(UpstreamRegistration.resource_id),
            col(UpstreamRegistration.catalogue),
            col(UpstreamRegistration.number),
        )
    )
    return (await session.scalars(query)).all()


async def add(session: AsyncSession, *rows: Resource | ResourceVersion | Classification | UpstreamRegistration) -> None:
    """Insert the rows in this order, for a version refers to its resource."""
    for row in rows:
        session.add(row)
        await session.flush()


async def save(session: AsyncSession) -> None:
    """Write what has changed in the session's rows."""
    await session.flush()
