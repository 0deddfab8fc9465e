"""All SQL of the rows of changes, and of what they tell of the past. Reads rows; decides nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from catalog.models import Resource
from hub.registry.models import Certificate, Organisation, OrganisationName, System
from hub.reorganisation.models import OrganisationChange, OrganisationChangeMove, OrganisationChangeParty, What

_AS_IT_IS_NOW = {"populate_existing": True}


@dataclass(frozen=True, slots=True)
class Ending:
    """The change that ended a body, and the bodies that took over."""

    change: UUID
    kind: str
    successors: tuple[Organisation, ...]


async def change(session: AsyncSession, identifier: UUID, *, lock: bool = False) -> OrganisationChange | None:
    """The change of that id as it is now, kept from others until the transaction ends if `lock`."""
    query = select(OrganisationChange).where(col(OrganisationChange.id) == identifier)
    found: OrganisationChange | None = await session.scalar(
        query.with_for_update() if lock else query, execution_options=_AS_IT_IS_NOW
    )
    return found


async def changes(
    session: AsyncSession, *, after: UUID | None, limit: int, state: str | None, organisation_id: UUID | None
) -> Sequence[OrganisationChange]:
    """At most `limit` changes beyond the id `after`."""
    query = select(OrganisationChange).order_by(col(OrganisationChange.id)).limit(limit)
    if after is not None:
        query = query.where(col(OrganisationChange.id) > after)
    if state is not None:
        query = query.where(col(OrganisationChange.state) == state)
    if organisation_id is not None:
        theirs = select(col(OrganisationChangeParty.change_id)).where(
            col(OrganisationChangeParty.organisation_id) == organisation_id
        )
        query = query.where(col(OrganisationChange.id).in_(theirs))
    return (await session.scalars(query)).all()


async def moves(session: AsyncSession, change_id: UUID, *, after: int, limit: int) -> Sequence[OrganisationChangeMove]:
    """At most `limit` moves of a change beyond the number `after`."""
    query = (
        select(OrganisationChangeMove)
        .where(col(OrganisationChangeMove.change_id) == change_id, col(OrganisationChangeMove.number) > after)
        .order_by(col(OrganisationChangeMove.number))
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def moves_of(
    session: AsyncSession, what: What, named: str
) -> Sequence[tuple[OrganisationChangeMove, OrganisationChange]]:
    """Every move of one thing with its change, from the first to the last."""
    query = (
        select(OrganisationChangeMove, OrganisationChange)
        .join(OrganisationChange, col(OrganisationChangeMove.change_id) == col(OrganisationChange.id))
        .where(col(OrganisationChangeMove.what) == what, col(OrganisationChangeMove.object_id) == named)
        .order_by(col(OrganisationChange.decided_at), col(OrganisationChangeMove.number))
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def resource_ids(session: AsyncSession, codes: Collection[str]) -> dict[str, UUID]:
    """The ids of the resources of these codes."""
    query = select(col(Resource.code), col(Resource.id)).where(col(Resource.code).in_(codes))
    return {row[0]: row[1] for row in await session.execute(query)}


async def provided(session: AsyncSession, organisation_id: UUID) -> Sequence[UUID]:
    """The ids of all resources that the organisation provides."""
    return (await session.scalars(select(col(Resource.id)).where(col(Resource.provider_id) == organisation_id))).all()


async def resource_owner(session: AsyncSession, code: str) -> tuple[UUID, datetime] | None:
    """Who provides the resource of that code now, and since when there is such a resource."""
    query = select(col(Resource.provider_id), col(Resource.created_at)).where(col(Resource.code) == code)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def system_owner(session: AsyncSession, code: str) -> tuple[UUID, datetime] | None:
    """Whose the system of that code is now, and since when there is such a system."""
    query = select(col(System.organisation_id), col(System.created_at)).where(col(System.code) == code)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def certificate_owner(session: AsyncSession, kid: str) -> tuple[UUID, datetime] | None:
    """Whose the system with that certificate is now, and when the certificate was issued."""
    query = (
        select(col(System.organisation_id), col(Certificate.issued_at))
        .join(Certificate, col(Certificate.system_id) == col(System.id))
        .where(col(Certificate.kid) == kid)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def endings(session: AsyncSession, ended: Collection[UUID]) -> Mapping[UUID, Ending]:
    """For each of these bodies that a change ended: which one, and who took over."""
    there = aliased(OrganisationChangeParty)
    query = (
        select(col(OrganisationChangeParty.organisation_id), OrganisationChange, Organisation)
        .join(OrganisationChange, col(OrganisationChange.id) == col(OrganisationChangeParty.change_id))
        .outerjoin(there, and_(col(there.change_id) == col(OrganisationChange.id), col(there.side) == "to"))
        .outerjoin(Organisation, col(Organisation.id) == col(there.organisation_id))
        .where(
            col(OrganisationChangeParty.organisation_id).in_(ended),
            col(OrganisationChangeParty.ends),
            col(OrganisationChange.state) == "confirmed",
        )
        .order_by(col(Organisation.id))
    )
    found: dict[UUID, Ending] = {}
    for found_row in await session.execute(query):
        body, row = found_row[0], found_row[1]
        successor: Organisation | None = found_row[2]
        before = found[body].successors if body in found else ()
        found[body] = Ending(row.id, row.kind, before if successor is None else (*before, successor))
    return found


async def certificates_in_use(
    session: AsyncSession, now: datetime
) -> Sequence[tuple[Certificate, System, Organisation, datetime]]:
    """Certificates that are neither revoked nor run out, with system, organisation and when that had its name.

    By `kid`; systems that are retired are left out.
    """
    named = (
        select(col(OrganisationName.valid_from))
        .where(col(OrganisationName.organisation_id) == col(Organisation.id))
        .order_by(col(OrganisationName.valid_from).desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(Certificate, System, Organisation, named)
        .join(System, col(Certificate.system_id) == col(System.id))
        .join(Organisation, col(System.organisation_id) == col(Organisation.id))
        .where(col(Certificate.state) == "active", col(Certificate.not_after) > now, col(System.state) != "retired")
        .order_by(col(Certificate.kid))
    )
    return [(row[0], row[1], row[2], row[3]) for row in await session.execute(query)]


async def last_moves(session: AsyncSession, what: What) -> Mapping[str, datetime]:
    """When each thing of that kind was last moved."""
    query = (
        select(col(OrganisationChangeMove.object_id), col(OrganisationChange.decided_at))
        .join(OrganisationChange, col(OrganisationChangeMove.change_id) == col(OrganisationChange.id))
        .where(col(OrganisationChangeMove.what) == what)
        .order_by(col(OrganisationChange.decided_at))
    )
    return {row[0]: row[1] for row in await session.execute(query) if row[1] is not None}
