"""All SQL of lists. Reads, adds and locks rows; decides nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, and_, delete, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from catalog.lists import list_type
from catalog.lists.list_type import ListType
from catalog.models import Resource, ResourceVersion
from hub.duties.models import Duty
from hub.ledger.models import Exchange
from hub.lists.models import ListLoading, ListPublication, PowerSuspension
from hub.registry.models import Organisation, System

_AS_IT_IS_NOW = {"populate_existing": True}

# Dead letters belong to the floor beside this one, so their table is named and not imported.
_DELIVERED_TO = text("""
SELECT e.id FROM exchange e WHERE e.id = ANY(:exchanges) AND EXISTS (
    SELECT FROM (
        SELECT id, lane_id FROM delivery WHERE sequence IS NOT NULL
        UNION ALL SELECT id, lane_id FROM delivered UNION ALL SELECT id, lane_id FROM dead_letter
    ) d JOIN lane l ON l.id = d.lane_id WHERE d.id = ANY(e.deliveries) AND l.consumer_id = :system
)
""")


@dataclass(frozen=True, slots=True)
class ListRecord:
    """A published resource that is a list, with the type that its live version says it is of."""

    resource: Resource
    provider: Organisation
    system: str
    list_type: ListType


@dataclass(frozen=True, slots=True)
class LoadingRecord:
    """What one sub-site did with a publication, with the code of its system."""

    loading: ListLoading
    system: str


@dataclass(frozen=True, slots=True)
class SuspensionRecord:
    """A suspension with the code of its list and who provides it."""

    suspension: PowerSuspension
    resource: str
    provider_id: UUID


def _lists() -> "Select[Resource, Organisation, str, str]":
    live = and_(
        col(ResourceVersion.resource_id) == col(Resource.id),
        col(ResourceVersion.number) == col(Resource.live_version),
    )
    kind = col(ResourceVersion.description)["list_type"].astext
    return (
        select(Resource, Organisation, col(System.code), kind)
        .join(ResourceVersion, live)
        .join(Organisation, col(Resource.provider_id) == col(Organisation.id))
        .join(System, col(Resource.system_id) == col(System.id))
        .where(col(Resource.status).in_(("published", "suspended")), kind.is_not(None))
    )


def _read(rows: "Iterable[Row[Resource, Organisation, str, str]]") -> list[ListRecord]:
    # A type that this release no longer brings makes no list: its resource is still a resource.
    found = [(row, list_type(row[3])) for row in rows]
    return [ListRecord(row[0], row[1], row[2], described) for row, described in found if described is not None]


async def lists(session: AsyncSession, *, after_code: str | None, limit: int) -> list[ListRecord]:
    """At most `limit` published lists beyond that code, by code."""
    query = _lists().order_by(col(Resource.code)).limit(limit)
    if after_code is not None:
        query = query.where(col(Resource.code) > after_code)
    return _read(await session.execute(query))


async def list_of(session: AsyncSession, resource_id: UUID) -> ListRecord | None:
    """That resource as a list, None if it is none or is not published."""
    rows = await session.execute(_lists().where(col(Resource.id) == resource_id))
    return next(iter(_read(rows)), None)


async def newest_publications(session: AsyncSession, resources: Sequence[UUID]) -> dict[UUID, ListPublication]:
    """The last publication of each of these lists that has one, by resource."""
    last = (
        select(col(ListPublication.resource_id), func.max(col(ListPublication.number)))
        .where(col(ListPublication.resource_id).in_(resources))
        .group_by(col(ListPublication.resource_id))
    )
    query = select(ListPublication).where(
        tuple_(col(ListPublication.resource_id), col(ListPublication.number)).in_(last)
    )
    return {row.resource_id: row for row in await session.scalars(query, execution_options=_AS_IT_IS_NOW)}


async def publications(
    session: AsyncSession, resource_id: UUID, *, after: int | None, limit: int
) -> Sequence[ListPublication]:
    """At most `limit` publications of a list beyond that number, oldest first."""
    query = select(ListPublication).where(col(ListPublication.resource_id) == resource_id)
    if after is not None:
        query = query.where(col(ListPublication.number) > after)
    return (await session.scalars(query.order_by(col(ListPublication.number)).limit(limit))).all()


async def locked_publication(session: AsyncSession, resource_id: UUID, number: int) -> ListPublication | None:
    """That publication as it is now, held against other acts, or None."""
    query = (
        select(ListPublication)
        .where(col(ListPublication.resource_id) == resource_id, col(ListPublication.number) == number)
        .with_for_update(key_share=True)
    )
    found: ListPublication | None = await session.scalar(query, execution_options=_AS_IT_IS_NOW)
    return found


async def add_loading(session: AsyncSession, row: ListLoading) -> bool:
    """Insert the row; False if that system has loaded that publication before."""
    added = insert(ListLoading).values(row.model_dump()).on_conflict_do_nothing().returning(col(ListLoading.system_id))
    return (await session.execute(added)).scalar() is not None


async def forget_loadings(session: AsyncSession, publication_id: UUID) -> None:
    """What sub-sites loaded of that publication was other data than it carries now."""
    await session.execute(delete(ListLoading).where(col(ListLoading.publication_id) == publication_id))


async def loading(session: AsyncSession, publication_id: UUID, system_id: UUID) -> ListLoading | None:
    """What that system did with that publication."""
    query = select(ListLoading).where(
        col(ListLoading.publication_id) == publication_id, col(ListLoading.system_id) == system_id
    )
    found: ListLoading | None = await session.scalar(query, execution_options=_AS_IT_IS_NOW)
    return found


async def loadings(session: AsyncSession, publications: Sequence[UUID]) -> list[LoadingRecord]:
    """What every system did with these publications, by system."""
    query = (
        select(ListLoading, col(System.code))
        .join(System, col(ListLoading.system_id) == col(System.id))
        .where(col(ListLoading.publication_id).in_(publications))
        .order_by(col(System.code))
    )
    return [LoadingRecord(row[0], row[1]) for row in await session.execute(query)]


async def open_duties(session: AsyncSession, kind: str, subjects: Sequence[str]) -> Sequence[Duty]:
    """What is owed for these subjects, the earliest deadline first."""
    query = (
        select(Duty)
        .where(col(Duty.subject_kind) == kind, col(Duty.subject_id).in_(subjects), col(Duty.state) == "open")
        .order_by(col(Duty.due_at), col(Duty.id))
    )
    return (await session.scalars(query)).all()


async def exchanges(session: AsyncSession, identifiers: Sequence[UUID]) -> dict[UUID, tuple[str, datetime]]:
    """Digest and moment of acceptance of these exchanges, by id."""
    query = select(col(Exchange.id), col(Exchange.digest), col(Exchange.accepted_at)).where(
        col(Exchange.id).in_(identifiers)
    )
    return {row[0]: (f"sha-256:{row[1].hex()}", row[2]) for row in await session.execute(query)}


async def exchange(session: AsyncSession, identifier: UUID) -> Exchange | None:
    """The exchange of that id, envelope and all."""
    found: Exchange | None = await session.scalar(select(Exchange).where(col(Exchange.id) == identifier))
    return found


async def delivered_to(session: AsyncSession, system_id: UUID, exchanges: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these exchanges that have a delivery to the system, whatever became of it."""
    rows = await session.execute(_DELIVERED_TO, {"exchanges": list(exchanges), "system": system_id})
    return frozenset(row[0] for row in rows)


def _suspensions() -> "Select[PowerSuspension, str, UUID]":
    return select(PowerSuspension, col(Resource.code), col(Resource.provider_id)).join(
        Resource, col(PowerSuspension.resource_id) == col(Resource.id)
    )


async def suspension(session: AsyncSession, identifier: UUID, *, hold: bool = False) -> SuspensionRecord | None:
    """The suspension of that id as it is now; `hold` keeps others from it until the transaction ends."""
    query = _suspensions().where(col(PowerSuspension.id) == identifier)
    if hold:
        query = query.with_for_update(of=PowerSuspension, key_share=True)
    row = (await session.execute(query, execution_options=_AS_IT_IS_NOW)).one_or_none()
    return None if row is None else SuspensionRecord(row[0], row[1], row[2])


async def suspensions(
    session: AsyncSession,
    *,
    after: UUID | None,
    limit: int,
    resource: str | None = None,
    power_code: str | None = None,
    state: str | None = None,
) -> list[SuspensionRecord]:
    """At most `limit` suspensions beyond the id `after`; `resource` is a code."""
    query = _suspensions().order_by(col(PowerSuspension.id)).limit(limit)
    if after is not None:
        query = query.where(col(PowerSuspension.id) > after)
    if resource is not None:
        query = query.where(col(Resource.code) == resource)
    if power_code is not None:
        query = query.where(col(PowerSuspension.power_code) == power_code)
    if state is not None:
        query = query.where(col(PowerSuspension.state) == state)
    return [SuspensionRecord(row[0], row[1], row[2]) for row in await session.execute(query)]


async def add_suspension(session: AsyncSession, row: PowerSuspension) -> bool:
    """Insert the row; False if the power has a suspension that has not ended."""
    added = insert(PowerSuspension).values(row.model_dump()).on_conflict_do_nothing().returning(col(PowerSuspension.id))
    return (await session.execute(added)).scalar() is not None


async def open_suspension(session: AsyncSession, resource_id: UUID, power_code: str) -> UUID | None:
    """The suspension of that power that has not ended."""
    query = select(col(PowerSuspension.id)).where(
        col(PowerSuspension.resource_id) == resource_id,
        col(PowerSuspension.power_code) == power_code,
        col(PowerSuspension.state).not_in(("refused", "restored")),
    )
    found: UUID | None = await session.scalar(query)
    return found
