"""All SQL of objections. Reads and locks rows; decides nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from catalog.models import Resource
from hub.access.models import AccessGrant
from hub.access.requests.models import AccessRequest
from hub.objections.codes import Kind, State
from hub.objections.models import Objection
from hub.registry.models import Organisation, System

_AS_IT_IS_NOW = {"populate_existing": True}


@dataclass(frozen=True, slots=True)
class ObjectionRecord:
    """An objection with the name of who raised it, and the resource that it belongs to."""

    objection: Objection
    organisation: str
    resource: str
    provider_id: UUID


@dataclass(frozen=True, slots=True)
class Filter:
    """Which objections are listed; all of them are, where nothing is named (of no kinds: none).

    `party`: raised by this organisation, or about its resources; `raised_by`, `about`: on that side.
    """

    party: UUID | None = None
    raised_by: UUID | None = None
    about: UUID | None = None
    kinds: Collection[Kind] | None = None
    states: Collection[State] = ()


async def objection(session: AsyncSession, identifier: UUID, *, lock: bool = False) -> ObjectionRecord | None:
    """The objection of that id as it is now; locked until the transaction ends, if asked."""
    query = _records().where(col(Objection.id) == identifier)
    if lock:
        query = query.with_for_update(of=Objection)
    row = (await session.execute(query, execution_options=_AS_IT_IS_NOW)).one_or_none()
    return None if row is None else ObjectionRecord(*row)


async def objections(
    session: AsyncSession, wanted: Filter, *, after: UUID | None, limit: int
) -> Sequence[ObjectionRecord]:
    """At most `limit` objections beyond the id `after`."""
    query = _records().where(*_conditions(wanted)).order_by(col(Objection.id)).limit(limit)
    if after is not None:
        query = query.where(col(Objection.id) > after)
    return [ObjectionRecord(*row) for row in await session.execute(query)]


async def resource_of_request(session: AsyncSession, identifier: UUID, organisation_id: UUID) -> UUID | None:
    """The resource that this organisation asked for with that request."""
    query = select(col(AccessRequest.resource_id)).where(
        and_(col(AccessRequest.id) == identifier, col(AccessRequest.organisation_id) == organisation_id)
    )
    found: UUID | None = await session.scalar(query)
    return found


async def resource_of_grant(session: AsyncSession, identifier: UUID, organisation_id: UUID) -> UUID | None:
    """The resource that a system of this organisation was granted."""
    query = (
        select(col(AccessGrant.resource_id))
        .join(System, col(AccessGrant.consumer_id) == col(System.id))
        .where(col(AccessGrant.id) == identifier, col(System.organisation_id) == organisation_id)
    )
    found: UUID | None = await session.scalar(query)
    return found


def _records() -> "Select[Objection, str, str, UUID]":
    return (
        select(Objection, col(Organisation.name), col(Resource.code), col(Resource.provider_id))
        .join(Organisation, col(Objection.organisation_id) == col(Organisation.id))
        .join(Resource, col(Objection.resource_id) == col(Resource.id))
    )


def _conditions(wanted: Filter) -> "list[ColumnElement[bool]]":
    raised_by, about = col(Objection.organisation_id), col(Resource.provider_id)
    found: list[ColumnElement[bool]] = []
    if wanted.party is not None:
        found.append(or_(raised_by == wanted.party, about == wanted.party))
    if wanted.raised_by is not None:
        found.append(raised_by == wanted.raised_by)
    if wanted.about is not None:
        found.append(about == wanted.about)
    if wanted.kinds is not None:
        found.append(col(Objection.kind).in_(wanted.kinds))
    if wanted.states:
        found.append(col(Objection.state).in_(wanted.states))
    return found
