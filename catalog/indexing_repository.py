"""The SQL that writes the index of search: what it is made from, which resources are due, and its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, column, func, or_, select, table, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from catalog.models import Resource, ResourceSearch, ResourceVersion

# Organisations are the gateway's: their table is named here and not imported.
_ORGANISATION = table("organisation", column("id", Uuid), column("name", Text))


@dataclass(frozen=True, slots=True)
class Said:
    """What one version says, as far as it is found by it."""

    description: dict[str, Any]
    items: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Source:
    """What a resource's rows are made from: its row, its provider's name, its live version (if any) and its newest."""

    resource: Resource
    provider: str
    live: Said | None
    newest: Said
    is_newest_live: bool


async def sources(session: AsyncSession, resources: Sequence[UUID]) -> Sequence[Source]:
    """Return the sources of these resources, as they are now."""
    query = (
        select(Resource, _ORGANISATION.c.name)
        .join(_ORGANISATION, _ORGANISATION.c.id == col(Resource.provider_id))
        .where(col(Resource.id).in_(resources))
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(query)).all()
    said = await _said(session, resources)
    return [
        Source(
            resource,
            provider,
            None if resource.live_version is None else said[resource.id][resource.live_version],
            said[resource.id][max(said[resource.id])],
            resource.live_version == max(said[resource.id]),
        )
        for resource, provider in found
    ]


async def _said(session: AsyncSession, resources: Sequence[UUID]) -> dict[UUID, dict[int, Said]]:
    newest = (
        select(col(ResourceVersion.resource_id).label("resource_id"), func.max(ResourceVersion.number).label("number"))
        .where(col(ResourceVersion.resource_id).in_(resources))
        .group_by(col(ResourceVersion.resource_id))
        .subquery()
    )
    number = col(ResourceVersion.number)
    query = (
        select(col(ResourceVersion.resource_id), number, col(ResourceVersion.description), col(ResourceVersion.items))
        .join(Resource, col(ResourceVersion.resource_id) == col(Resource.id))
        .join(newest, newest.c.resource_id == col(Resource.id))
        .where(or_(number == col(Resource.live_version), number == newest.c.number))
    )
    said: dict[UUID, dict[int, Said]] = {}
    for resource_id, version, description, items in await session.execute(query):
        said.setdefault(resource_id, {})[version] = Said(description, items)
    return said


async def after(session: AsyncSession, code: str | None, limit: int) -> Sequence[tuple[UUID, str]]:
    """Return id and code of up to `limit` resources beyond the code, in the order of codes."""
    query = select(col(Resource.id), col(Resource.code)).order_by(col(Resource.code)).limit(limit)
    if code is not None:
        query = query.where(col(Resource.code) > code)
    return [(row[0], row[1]) for row in await session.execute(query)]


async def unindexed(session: AsyncSession, limit: int) -> Sequence[UUID]:
    """Return up to `limit` resources of which the index knows nothing."""
    known = select(col(ResourceSearch.resource_id)).where(col(ResourceSearch.resource_id) == col(Resource.id))
    return (await session.scalars(select(col(Resource.id)).where(~known.exists()).limit(limit))).all()


async def hold_free(session: AsyncSession, resources: Sequence[UUID]) -> set[UUID]:
    """Hold those of the resources that no step holds, against steps, and return them; waits for nobody."""
    query = select(col(Resource.id)).where(col(Resource.id).in_(resources))
    return set(await session.scalars(query.with_for_update(key_share=True, skip_locked=True)))


async def count(session: AsyncSession) -> int:
    """Return how many resources there are."""
    return int((await session.execute(select(func.count()).select_from(Resource))).scalar_one())


async def write(session: AsyncSession, resources: Sequence[UUID], rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Make `rows` all that the index holds of these resources; returns those for which that changed something."""
    kept = [{"resource_id": row["resource_id"], "for_systems": row["for_systems"]} for row in rows]
    changed: set[UUID] = set()
    for drop, upsert in ((_DROP, _UPSERT), (_DROP_BODY, _UPSERT_BODY)):
        changed.update(await session.scalars(drop, {"resources": list(resources), "kept": kept}))
        changed.update(await session.scalars(upsert, {"rows": list(rows)}))
    return changed


_DROP_TEXT = """
    DELETE FROM resource_search WHERE resource_id = ANY(:resources) AND NOT EXISTS (
        SELECT FROM jsonb_to_recordset(:kept) AS kept(resource_id uuid, for_systems boolean)
        WHERE kept.resource_id = resource_search.resource_id AND kept.for_systems = resource_search.for_systems)
    RETURNING resource_id
"""
_UPSERT_TEXT = """
    INSERT INTO resource_search AS kept (resource_id, for_systems, for_staff, is_sample, code, status, share_type,
                                         provider_id, update_cycle, format_class, text, tokens)
    SELECT resource_id, for_systems, for_staff, is_sample, code, status, share_type, provider_id, update_cycle,
           format_class, name, array_to_tsvector(name_tokens)
    FROM jsonb_to_recordset(:rows) AS found(
        resource_id uuid, for_systems boolean, for_staff boolean, is_sample boolean, code text, status text,
        share_type smallint, provider_id uuid, update_cycle smallint, format_class smallint, name text,
        name_tokens text[])
    ON CONFLICT (resource_id, for_systems) DO UPDATE SET (for_staff, is_sample, code, status, share_type, provider_id,
        update_cycle, format_class, text, tokens) = (EXCLUDED.for_staff, EXCLUDED.is_sample, EXCLUDED.code,
        EXCLUDED.status, EXCLUDED.share_type, EXCLUDED.provider_id, EXCLUDED.update_cycle, EXCLUDED.format_class,
        EXCLUDED.text, EXCLUDED.tokens)
    WHERE (kept.*) IS DISTINCT FROM (EXCLUDED.*)
    RETURNING resource_id
"""
_UPSERT_BODY_TEXT = """
    INSERT INTO resource_search_body AS kept (resource_id, for_systems, for_staff, is_sample, code, status, share_type,
                                              provider_id, update_cycle, format_class, name, text, tokens)
    SELECT resource_id, for_systems, for_staff, is_sample, code, status, share_type, provider_id, update_cycle,
           format_class, name, others, array_to_tsvector(tokens)
    FROM jsonb_to_recordset(:rows) AS found(
        resource_id uuid, for_systems boolean, for_staff boolean, is_sample boolean, code text, status text,
        share_type smallint, provider_id uuid, update_cycle smallint, format_class smallint, name text, others text,
        tokens text[])
    ON CONFLICT (resource_id, for_systems) DO UPDATE SET (for_staff, is_sample, code, status, share_type, provider_id,
        update_cycle, format_class, name, text, tokens) = (EXCLUDED.for_staff, EXCLUDED.is_sample, EXCLUDED.code,
        EXCLUDED.status, EXCLUDED.share_type, EXCLUDED.provider_id, EXCLUDED.update_cycle, EXCLUDED.format_class,
        EXCLUDED.name, EXCLUDED.text, EXCLUDED.tokens)
    WHERE (kept.*) IS DISTINCT FROM (EXCLUDED.*)
    RETURNING resource_id
"""
_IDS = bindparam("resources", type_=ARRAY(Uuid))
_KEPT = bindparam("kept", type_=JSONB)
_ROWS = bindparam("rows", type_=JSONB)
_FOUND = {"resource_id": Uuid}
_DROP = text(_DROP_TEXT).bindparams(_IDS, _KEPT).columns(**_FOUND)
_DROP_BODY = (
    text(_DROP_TEXT.replace("resource_search", "resource_search_body")).bindparams(_IDS, _KEPT).columns(**_FOUND)
)
_UPSERT = text(_UPSERT_TEXT).bindparams(_ROWS).columns(**_FOUND)
_UPSERT_BODY = text(_UPSERT_BODY_TEXT).bindparams(_ROWS).columns(**_FOUND)
