"""All SQL of responsible people. Reads and adds rows; decides nothing."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from hub.registry.models import Organisation
from hub.responsibility.models import ResponsiblePerson


def _in_office(day: date) -> ColumnElement[bool]:
    return and_(
        col(ResponsiblePerson.valid_from) <= day,
        or_(col(ResponsiblePerson.valid_to).is_(None), col(ResponsiblePerson.valid_to) > day),
    )


async def person(session: AsyncSession, identifier: UUID) -> ResponsiblePerson | None:
    """The row of that id as it is now, kept from others until the transaction ends."""
    query = select(ResponsiblePerson).where(col(ResponsiblePerson.id) == identifier).with_for_update()
    found: ResponsiblePerson | None = await session.scalar(query, execution_options={"populate_existing": True})
    return found


async def people(
    session: AsyncSession,
    organisation_id: UUID,
    *,
    after: UUID | None,
    limit: int,
    day: date | None,
) -> Sequence[ResponsiblePerson]:
    """At most `limit` rows of the organisation beyond the id `after`: those in office on `day`, or, without it, all."""
    query = (
        select(ResponsiblePerson)
        .where(col(ResponsiblePerson.organisation_id) == organisation_id)
        .order_by(col(ResponsiblePerson.id))
        .limit(limit)
    )
    if after is not None:
        query = query.where(col(ResponsiblePerson.id) > after)
    if day is not None:
        query = query.where(_in_office(day))
    return (await session.scalars(query)).all()


async def not_over(session: AsyncSession, organisations: Collection[UUID], day: date) -> Sequence[ResponsiblePerson]:
    """The rows of these organisations that are not over before or on that day, by id."""
    query = select(ResponsiblePerson).where(
        col(ResponsiblePerson.organisation_id).in_(organisations),
        or_(col(ResponsiblePerson.valid_to).is_(None), col(ResponsiblePerson.valid_to) > day),
    )
    return (await session.scalars(query.order_by(col(ResponsiblePerson.id)))).all()


async def overlapping(session: AsyncSession, organisation_id: UUID, role: str, first: date) -> UUID | None:
    """A row of that role that is in office on `first` or later; one that ended on its first day never was."""
    query = select(col(ResponsiblePerson.id)).where(
        col(ResponsiblePerson.organisation_id) == organisation_id,
        col(ResponsiblePerson.role) == role,
        or_(
            col(ResponsiblePerson.valid_to).is_(None),
            and_(
                col(ResponsiblePerson.valid_to) > first,
                col(ResponsiblePerson.valid_to) > col(ResponsiblePerson.valid_from),
            ),
        ),
    )
    found: UUID | None = await session.scalar(query.limit(1))
    return found


async def lacking(
    session: AsyncSession, *, day: date, after: UUID | None, limit: int, region: str | None, required: Sequence[str]
) -> Sequence[tuple[Organisation, Sequence[str]]]:
    """At most `limit` active organisations beyond the id `after` that lack one of `required` on `day`, with those they have."""
    have = func.array_remove(func.array_agg(col(ResponsiblePerson.role).distinct()), None)
    required_held = func.count(col(ResponsiblePerson.role).distinct()).filter(col(ResponsiblePerson.role).in_(required))
    query = (
        select(Organisation, have)
        .outerjoin(
            ResponsiblePerson, and_(col(ResponsiblePerson.organisation_id) == col(Organisation.id), _in_office(day))
        )
        .where(
            col(Organisation.state) == "active",
            true() if after is None else col(Organisation.id) > after,
            true() if region is None else col(Organisation.region) == region,
        )
        .group_by(col(Organisation.id))
        .having(required_held < len(required))
        .order_by(col(Organisation.id))
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]
