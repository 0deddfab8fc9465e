"""All SQL of the registry. Reads and adds rows; decides nothing.

Reads of one row take its values as they are now, also where the session has read it before: an act decides on what it
reads after it got the barrier, not on what its caller saw before.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from hub.registry.models import Certificate, HubKey, Organisation, System

_AS_IT_IS_NOW = {"populate_existing": True}


async def organisation(session: AsyncSession, identifier: UUID) -> Organisation | None:
    """The organisation of that id."""
    return await session.get(Organisation, identifier, populate_existing=True)


async def organisation_by_code(session: AsyncSession, code: str) -> Organisation | None:
    """The organisation with that 统一社会信用代码."""
    found: Organisation | None = await session.scalar(select(Organisation).where(col(Organisation.code) == code))
    return found


async def organisation_by_name(session: AsyncSession, region: str, name: str) -> Organisation | None:
    """The organisation of that name in that region."""
    query = select(Organisation).where(col(Organisation.region) == region, col(Organisation.name) == name)
    found: Organisation | None = await session.scalar(query)
    return found


async def organisations(
    session: AsyncSession, *, after: UUID | None, limit: int, region: str | None = None
) -> Sequence[Organisation]:
    """At most `limit` organisations beyond the id `after`."""
    query = select(Organisation).order_by(col(Organisation.id)).limit(limit)
    if after is not None:
        query = query.where(col(Organisation.id) > after)
    if region is not None:
        query = query.where(col(Organisation.region) == region)
    return (await session.scalars(query)).all()


async def organisations_by_id(session: AsyncSession, identifiers: Collection[UUID]) -> Sequence[Organisation]:
    """The organisations of these ids, in no order."""
    return (await session.scalars(select(Organisation).where(col(Organisation.id).in_(identifiers)))).all()


async def system_by_code(session: AsyncSession, code: str) -> tuple[System, Organisation] | None:
    """The system of that code with its organisation."""
    query = select(System, Organisation).join(Organisation, col(System.organisation_id) == col(Organisation.id))
    found = await session.execute(query.where(col(System.code) == code), execution_options=_AS_IT_IS_NOW)
    row = found.one_or_none()
    return None if row is None else (row[0], row[1])


async def systems(
    session: AsyncSession, *, after: str | None, limit: int, organisation_id: UUID | None = None
) -> Sequence[tuple[System, Organisation]]:
    """At most `limit` systems beyond the code `after`, each with its organisation."""
    query = (
        select(System, Organisation)
        .join(Organisation, col(System.organisation_id) == col(Organisation.id))
        .order_by(col(System.code))
        .limit(limit)
    )
    if after is not None:
        query = query.where(col(System.code) > after)
    if organisation_id is not None:
        query = query.where(col(System.organisation_id) == organisation_id)
    return [(row[0], row[1]) for row in await session.execute(query)]


async def certificate(session: AsyncSession, kid: str) -> tuple[Certificate, System] | None:
    """The certificate of that kid with its system."""
    query = select(Certificate, System).join(System, col(Certificate.system_id) == col(System.id))
    found = await session.execute(query.where(col(Certificate.kid) == kid), execution_options=_AS_IT_IS_NOW)
    row = found.one_or_none()
    return None if row is None else (row[0], row[1])


async def certificates(
    session: AsyncSession, *, after: tuple[datetime, str] | None, limit: int, system_id: UUID | None = None
) -> Sequence[tuple[Certificate, System]]:
    """At most `limit` certificates, each with its system, newest first, below (`issued_at`, `kid`)."""
    query = (
        select(Certificate, System)
        .join(System, col(Certificate.system_id) == col(System.id))
        .order_by(col(Certificate.issued_at).desc(), col(Certificate.kid).desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(col(Certificate.issued_at), col(Certificate.kid)) < tuple_(*after))
    if system_id is not None:
        query = query.where(col(Certificate.system_id) == system_id)
    return [(row[0], row[1]) for row in await session.execute(query)]


async def revoked(
    session: AsyncSession, *, valid_after: datetime | None = None, reason: str | None = None
) -> Sequence[Certificate]:
    """Revoked certificates by serial: those that ran out after `valid_after`, those revoked for `reason`."""
    wanted: list[ColumnElement[bool]] = [col(Certificate.state) == "revoked"]
    if valid_after is not None:
        wanted.append(col(Certificate.not_after) > valid_after)
    if reason is not None:
        wanted.append(col(Certificate.revocation_reason) == reason)
    return (await session.scalars(select(Certificate).where(*wanted).order_by(col(Certificate.serial)))).all()


async def next_crl_number(session: AsyncSession) -> int:
    """A number larger than that of every revocation list before (RFC 5280 §5.2.3), across all gateways."""
    number: int = (await session.execute(text("SELECT nextval('crl_number')"))).scalar_one()
    return number


async def active_hub_keys(session: AsyncSession) -> Sequence[HubKey]:
    """The hub's active keys, one for each purpose."""
    return (await session.scalars(select(HubKey).where(col(HubKey.state) == "active"))).all()


async def hub_key(session: AsyncSession, kid: str) -> HubKey | None:
    """One of the hub's keys, active or retired."""
    return await session.get(HubKey, kid)
