"""The SQL of publishing: resources as outsiders read them, who takes them, and the pins of grants. Decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, Select, Text, Uuid, and_, any_, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from catalog.models import Classification, Resource, ResourceVersion
from catalog.statements import Statement, compiled
from hub.publishing.freshness import expected_at
from hub.publishing.models import ResourceFreshness
from hub.registry.models import Organisation, System

# Access stands beside this floor, not under it, so its tables are named and not imported.
_PIN = text(
    "INSERT INTO grant_version (grant_id, version, schema_digest)"
    " SELECT id, :version, :digest FROM access_grant WHERE resource_id = :resource AND state <> 'revoked'"
)

_CONSUMERS = text(
    "SELECT DISTINCT s.organisation_id FROM access_grant g JOIN system s ON s.id = g.consumer_id"
    " WHERE g.resource_id = :resource AND g.state <> 'revoked'"
)

_DELIVERING = text(
    "SELECT id FROM access_grant WHERE resource_id = :resource AND state <> 'revoked'"
    " AND (items IS NULL OR items && CAST(:names AS text[])) ORDER BY id"
)


_GRANTED_BY_RULE = text(
    "SELECT g.id FROM access_grant g JOIN access_request r ON r.grant_id = g.id"
    " WHERE g.resource_id = :resource AND g.state <> 'revoked' AND r.reviewer_id IS NULL"
    " AND (g.items IS NULL OR g.items && CAST(:names AS text[])) ORDER BY g.id"
)


class ShownResource(NamedTuple):
    """What a list or a search shows of a resource, as `ResourceRecord` has it."""

    id: UUID
    code: str
    name: str
    summary: str
    provider_code: str | None
    provider_name: str
    system: str
    share_type: int
    share_condition: str | None
    no_share_basis: str | None
    update_cycle: int
    status: str
    status_reason: str | None
    live_version: int | None
    schema_digest: str | None
    is_example: bool
    created_at: datetime
    updated_at: datetime
    last_data_at: datetime | None
    expected_at: datetime | None


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """A resource with what outsiders know its ends by; `schema_digest` is the live version's, None before the first.

    `last_data_at` is when data last came, `expected_at` the moment from which it is overdue (`hub.publishing.freshness`).
    """

    resource: Resource
    provider: Organisation
    system: str
    schema_digest: str | None
    last_data_at: datetime | None
    expected_at: datetime | None

    @property
    def shown(self) -> ShownResource:
        """What is shown of it."""
        row = self.resource
        return ShownResource(
            row.id,
            row.code,
            row.name,
            row.summary,
            self.provider.code,
            self.provider.name,
            self.system,
            row.share_type,
            row.share_condition,
            row.no_share_basis,
            row.update_cycle,
            row.status,
            row.status_reason,
            row.live_version,
            self.schema_digest,
            row.is_example,
            row.created_at,
            row.updated_at,
            self.last_data_at,
            self.expected_at,
        )


def _described(*columns: Any) -> Select[*tuple[Any, ...]]:
    live = and_(
        col(ResourceVersion.resource_id) == col(Resource.id),
        col(ResourceVersion.number) == col(Resource.live_version),
    )
    return (
        select(*columns)
        .join(Organisation, col(Resource.provider_id) == col(Organisation.id))
        .join(System, col(Resource.system_id) == col(System.id))
        .outerjoin(ResourceVersion, live)
        .outerjoin(ResourceFreshness, col(ResourceFreshness.resource_id) == col(Resource.id))
        .where(col(Resource.id) == any_(bindparam("resources", type_=ARRAY(Uuid))))
    )


async def describe(session: AsyncSession, resources: Sequence[UUID]) -> dict[UUID, ResourceRecord]:
    """The resources of these ids, by id."""
    found = await session.execute(
        _described(
            Resource,
            Organisation,
            col(System.code),
            col(ResourceVersion.schema_digest),
            col(ResourceFreshness.last_data_at),
            expected_at(),
        ),
        {"resources": list(resources)},
    )
    return {row[0].id: ResourceRecord(row[0], row[1], row[2], row[3], row[4], row[5]) for row in found}


async def show_quickly(connection: asyncpg.Connection, resources: Sequence[UUID]) -> dict[UUID, ShownResource]:
    """What is shown of these resources, by id, without a session: as rows of a table they take three times as long."""
    rows = await _shown_quickly().fetch(connection, resources=list(resources))
    return {row[0]: ShownResource._make(row) for row in rows}


@cache
def _shown_quickly() -> Statement:
    columns: dict[str, Any] = {
        "provider_code": col(Organisation.code),
        "provider_name": col(Organisation.name),
        "system": col(System.code),
        "schema_digest": col(ResourceVersion.schema_digest),
        "last_data_at": col(ResourceFreshness.last_data_at),
        "expected_at": expected_at(),
    }
    return compiled(
        _described(
            *[columns.get(name, Resource.metadata.tables["resource"].c.get(name)) for name in ShownResource._fields]
        )
    )


class NamedOrganisation(NamedTuple):
    """What a body is known by."""

    id: UUID
    code: str | None
    name: str
    name_en: str


async def organisations_quickly(
    connection: asyncpg.Connection, identifiers: Sequence[UUID]
) -> dict[UUID, NamedOrganisation]:
    """What the organisations of these ids are known by, by id, without a session."""
    rows = await _ORGANISATIONS.fetch(connection, identifiers=list(identifiers))
    return {row[0]: NamedOrganisation._make(row) for row in rows}


async def overdue(session: AsyncSession, at: datetime, *, after_code: str | None, limit: int) -> Sequence[UUID]:
    """Up to `limit` resources that are overdue at that moment, in the order of their codes, beyond `after_code`."""
    query = (
        select(col(Resource.id))
        .outerjoin(ResourceFreshness, col(ResourceFreshness.resource_id) == col(Resource.id))
        .where(expected_at() <= at)
        .order_by(col(Resource.code))
        .limit(limit)
    )
    if after_code is not None:
        query = query.where(col(Resource.code) > after_code)
    return (await session.scalars(query)).all()


async def live_versions(session: AsyncSession, resources: Sequence[UUID]) -> dict[UUID, ResourceVersion]:
    """The live versions of these resources, by the resource's id."""
    query = select(ResourceVersion).join(Resource, col(ResourceVersion.resource_id) == col(Resource.id))
    live = query.where(col(Resource.id).in_(resources), col(ResourceVersion.number) == col(Resource.live_version))
    return {version.resource_id: version for version in await session.scalars(live)}


async def organisations(session: AsyncSession, identifiers: Sequence[UUID]) -> dict[UUID, Organisation]:
    """The organisations of these ids, by id."""
    found = await session.scalars(select(Organisation).where(col(Organisation.id).in_(identifiers)))
    return {row.id: row for row in found}


async def organisation_of_code(connection: asyncpg.Connection, code: str) -> UUID | None:
    """The id of the organisation with that 统一社会信用代码."""
    rows = await _OF_CODE.fetch(connection, code=code)
    return rows[0][0] if rows else None


_ORGANISATIONS = compiled(
    select(*[Organisation.metadata.tables["organisation"].c[name] for name in NamedOrganisation._fields]).where(
        col(Organisation.id) == any_(bindparam("identifiers", type_=ARRAY(Uuid)))
    )
)
_OF_CODE = compiled(select(col(Organisation.id)).where(col(Organisation.code) == bindparam("code", type_=Text)))


async def pin(session: AsyncSession, resource: UUID, version: int, digest: str) -> int:
    """Pin a newly published version for every grant of the resource that is not revoked; returns how many."""
    found = await session.execute(_PIN, {"resource": resource, "version": version, "digest": digest})
    return int(found.rowcount)  # type: ignore[attr-defined]


async def consumers(session: AsyncSession, resource: UUID) -> Sequence[UUID]:
    """The organisations whose systems hold a grant of the resource that is not revoked."""
    return (await session.scalars(_CONSUMERS, {"resource": resource})).all()


async def delivering(session: AsyncSession, resource: UUID, names: Sequence[str]) -> Sequence[UUID]:
    """The grants, not revoked, by which one of these items of the resource leaves."""
    return (await session.scalars(_DELIVERING, {"resource": resource, "names": list(names)})).all()


async def granted_by_rule(session: AsyncSession, resource: UUID, names: Sequence[str]) -> Sequence[UUID]:
    """Of these the grants that the rule gave to a request for what was shared unconditionally: nobody reviewed or decided it."""
    return (await session.scalars(_GRANTED_BY_RULE, {"resource": resource, "names": list(names)})).all()


async def class_names(session: AsyncSession, codes: Sequence[str]) -> Mapping[str, str]:
    """The names of these classes by their codes."""
    query = select(col(Classification.code), col(Classification.name)).where(col(Classification.code).in_(codes))
    return {row[0]: row[1] for row in await session.execute(query)}
