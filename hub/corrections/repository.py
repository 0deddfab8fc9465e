"""All SQL of corrections. Reads and locks rows; decides nothing."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, cast, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from catalog.models import Resource, ResourceVersion
from hub.access.models import AccessGrant
from hub.corrections.codes import OPEN, State
from hub.corrections.models import Correction, CorrectionClaim
from hub.registry.models import Organisation, System

_AS_IT_IS_NOW = {"populate_existing": True}


@dataclass(frozen=True, slots=True)
class CorrectionRecord:
    """A correction with the consumer's code, the name of its organisation, the resource, and what the reporter believes right."""

    correction: Correction
    consumer: str
    organisation: str
    resource: str
    provider_id: UUID
    believed: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which corrections are listed; all of them are, where nothing is named.

    `party`: reported by this organisation, or about its resources; `reported_by`, `about`: on that side; `consumer`: a system.
    """

    party: UUID | None = None
    reported_by: UUID | None = None
    about: UUID | None = None
    consumer_id: UUID | None = None
    states: Collection[State] = ()


async def correction(session: AsyncSession, identifier: UUID, *, lock: bool = False) -> CorrectionRecord | None:
    """The correction of that id as it is now; locked until the transaction ends, if asked."""
    query = _records().where(col(Correction.id) == identifier)
    if lock:
        query = query.with_for_update(of=Correction)
    row = (await session.execute(query, execution_options=_AS_IT_IS_NOW)).one_or_none()
    return None if row is None else CorrectionRecord(*row)


async def corrections(
    session: AsyncSession, wanted: Filter, *, after: UUID | None, limit: int
) -> Sequence[CorrectionRecord]:
    """At most `limit` corrections beyond the id `after`."""
    query = _records().where(*_conditions(wanted)).order_by(col(Correction.id)).limit(limit)
    if after is not None:
        query = query.where(col(Correction.id) > after)
    return [CorrectionRecord(*row) for row in await session.execute(query)]


async def open_correction(session: AsyncSession, exchange_id: UUID, consumer_id: UUID) -> UUID | None:
    """The consumer's report on the exchange that is not answered yet; nobody else reports for this consumer meanwhile."""
    await session.execute(select(col(System.id)).where(col(System.id) == consumer_id).with_for_update(key_share=True))
    query = select(col(Correction.id)).where(
        col(Correction.exchange_id) == exchange_id,
        col(Correction.consumer_id) == consumer_id,
        col(Correction.state).in_(OPEN),
    )
    found: UUID | None = await session.scalar(query)
    return found


async def field_names(session: AsyncSession, resource_id: UUID, version: int) -> frozenset[str]:
    """The items of a resource's version, those in groups among them."""
    query = select(col(ResourceVersion.items)).where(
        col(ResourceVersion.resource_id) == resource_id, col(ResourceVersion.number) == version
    )
    return frozenset(_names((await session.execute(query)).scalar_one()))


async def granted_now(
    session: AsyncSession, resource_id: UUID, consumers: Collection[UUID], now: datetime
) -> Sequence[tuple[UUID, tuple[str, ...] | None, str | None]]:
    """Grants by which these systems may have the resource at this moment: the system, and the grant's items and rows (JSON).

    A system that is suspended may have nothing.
    """
    query = (
        select(col(AccessGrant.consumer_id), col(AccessGrant.items), cast(col(AccessGrant.rows), Text))
        .join(System, col(AccessGrant.consumer_id) == col(System.id))
        .where(
            col(System.state) == "active",
            col(AccessGrant.resource_id) == resource_id,
            col(AccessGrant.consumer_id).in_(consumers),
            col(AccessGrant.state) == "active",
            col(AccessGrant.valid_from) <= now,
            col(AccessGrant.valid_to) > now,
        )
    )
    return [(row[0], None if row[1] is None else tuple(row[1]), row[2]) for row in await session.execute(query)]


def _names(items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """As they are stored: rules may have changed since the version was published."""
    for item in items:
        yield item["field_name"]
        yield from _names(item.get("items") or ())


def _records() -> "Select[Correction, str, str, str, UUID, str | None]":
    return (
        select(
            Correction,
            col(System.code),
            col(Organisation.name),
            col(Resource.code),
            col(Resource.provider_id),
            col(CorrectionClaim.believed),
        )
        .join(System, col(Correction.consumer_id) == col(System.id))
        .join(Organisation, col(Correction.organisation_id) == col(Organisation.id))
        .join(Resource, col(Correction.resource_id) == col(Resource.id))
        .outerjoin(CorrectionClaim, col(CorrectionClaim.correction_id) == col(Correction.id))
    )


def _conditions(wanted: Filter) -> "list[ColumnElement[bool]]":
    reported_by, about = col(Correction.organisation_id), col(Resource.provider_id)
    found: list[ColumnElement[bool]] = []
    if wanted.party is not None:
        found.append(or_(reported_by == wanted.party, about == wanted.party))
    if wanted.reported_by is not None:
        found.append(reported_by == wanted.reported_by)
    if wanted.about is not None:
        found.append(about == wanted.about)
    if wanted.consumer_id is not None:
        found.append(col(Correction.consumer_id) == wanted.consumer_id)
    if wanted.states:
        found.append(col(Correction.state).in_(wanted.states))
    return found
