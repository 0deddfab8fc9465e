"""All SQL of the registry. Reads and adds rows; decides nothing.

Reads of one row take its values as they are now, also where the session has read it before: an act decides on what it
reads after it got the barrier, not on what its caller saw before.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from hub.db.locks import REVOCATION_LIST
from hub.registry.models import (
    Certificate,
    HubKey,
    KeptRevocationList,
    Organisation,
    OrganisationName,
    RegistryEpoch,
    System,
)

_AS_IT_IS_NOW = {"populate_existing": True}


async def organisation(session: AsyncSession, identifier: UUID) -> Organisation | None:
    """The organisation of that id."""
    return await session.get(Organisation, identifier, populate_existing=True)


async def organisation_kept(session: AsyncSession, identifier: UUID) -> Organisation | None:
    """The organisation of that id, which nobody can end until this transaction does; waits for who is ending it."""
    query = select(Organisation).where(col(Organisation.id) == identifier).with_for_update(read=True, key_share=True)
    found: Organisation | None = await session.scalar(query, execution_options=_AS_IT_IS_NOW)
    return found


async def lock_organisations(session: AsyncSession, identifiers: Collection[UUID], *, ending: bool = False) -> None:
    """Keep others from changing these organisations until this transaction ends; `ending` also keeps out new references."""
    query = select(col(Organisation.id)).where(col(Organisation.id).in_(identifiers)).order_by(col(Organisation.id))
    await session.execute(query.with_for_update(key_share=not ending))


async def organisation_by_code(session: AsyncSession, code: str) -> Organisation | None:
    """The organisation with that 统一社会信用代码, now or at any time before: a code is never another's."""
    found: Organisation | None = await session.scalar(select(Organisation).where(_ever_had(code)))
    return found


async def organisation_by_name(session: AsyncSession, region: str, name: str) -> Organisation | None:
    """The organisation that has that name in that region; names of bodies that ended are free again."""
    query = select(Organisation).where(
        col(Organisation.region) == region, col(Organisation.name) == name, col(Organisation.state) == "active"
    )
    found: Organisation | None = await session.scalar(query)
    return found


async def organisations(
    session: AsyncSession,
    *,
    after: UUID | None,
    limit: int,
    region: str | None = None,
    state: str | None = None,
    code: str | None = None,
) -> Sequence[Organisation]:
    """At most `limit` organisations beyond the id `after`; `code` also finds the one that had it before."""
    query = select(Organisation).order_by(col(Organisation.id)).limit(limit)
    if after is not None:
        query = query.where(col(Organisation.id) > after)
    if region is not None:
        query = query.where(col(Organisation.region) == region)
    if state is not None:
        query = query.where(col(Organisation.state) == state)
    if code is not None:
        query = query.where(_ever_had(code))
    return (await session.scalars(query)).all()


def _ever_had(code: str) -> ColumnElement[bool]:
    before = select(col(OrganisationName.organisation_id)).where(col(OrganisationName.code) == code)
    return or_(col(Organisation.code) == code, col(Organisation.id).in_(before))


async def names(session: AsyncSession, organisation_id: UUID) -> Sequence[OrganisationName]:
    """What the organisation was called, from the first name to the present one."""
    query = select(OrganisationName).where(col(OrganisationName.organisation_id) == organisation_id)
    return (await session.scalars(query.order_by(col(OrganisationName.valid_from)))).all()


async def name_at(session: AsyncSession, organisation_id: UUID, moment: datetime) -> OrganisationName | None:
    """What the organisation was called at that moment; None before it was registered."""
    query = (
        select(OrganisationName)
        .where(col(OrganisationName.organisation_id) == organisation_id, col(OrganisationName.valid_from) <= moment)
        .order_by(col(OrganisationName.valid_from).desc())
        .limit(1)
    )
    found: OrganisationName | None = await session.scalar(query)
    return found


async def organisations_by_id(session: AsyncSession, identifiers: Collection[UUID]) -> Sequence[Organisation]:
    """The organisations of these ids, in no order."""
    return (await session.scalars(select(Organisation).where(col(Organisation.id).in_(identifiers)))).all()


async def system_by_code(session: AsyncSession, code: str) -> tuple[System, Organisation] | None:
    """The system of that code with its organisation."""
    query = select(System, Organisation).join(Organisation, col(System.organisation_id) == col(Organisation.id))
    found = await session.execute(query.where(col(System.code) == code), execution_options=_AS_IT_IS_NOW)
    row = found.one_or_none()
    return None if row is None else (row[0], row[1])


async def system_ids(session: AsyncSession, codes: Collection[str]) -> dict[str, UUID]:
    """The ids of the systems of these codes."""
    query = select(col(System.code), col(System.id)).where(col(System.code).in_(codes))
    return {row[0]: row[1] for row in await session.execute(query)}


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


async def uncompromised(session: AsyncSession, algorithm: str) -> Sequence[tuple[Certificate, System]]:
    """The certificates of keys of that algorithm that are not revoked for `keyCompromise`, with their systems, by kid."""
    query = (
        select(Certificate, System)
        .join(System, col(System.id) == col(Certificate.system_id))
        .where(
            col(Certificate.algorithm) == algorithm,
            col(Certificate.revocation_reason).is_distinct_from("keyCompromise"),
        )
        .order_by(col(Certificate.kid))
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def next_crl_number(session: AsyncSession) -> int:
    """A number larger than that of every revocation list before (RFC 5280 §5.2.3), across all gateways."""
    number: int = (await session.execute(text("SELECT nextval('crl_number')"))).scalar_one()
    return number


async def standing_of_list(session: AsyncSession, issuing: str) -> tuple[int, int | None, int | None, datetime | None]:
    """The epoch now; epoch, number and time of the revocation list that this issuing key has out, if any."""
    query = select(
        col(RegistryEpoch.epoch),
        col(KeptRevocationList.epoch),
        col(KeptRevocationList.number),
        col(KeptRevocationList.made_at),
    ).outerjoin(KeptRevocationList, col(KeptRevocationList.issuing) == issuing)
    now, epoch, number, made_at = (await session.execute(query)).one()
    return now, epoch, number, made_at


async def hold_revocation_list(session: AsyncSession) -> None:
    """Be the only one to make a revocation list, until this transaction ends."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": REVOCATION_LIST})


async def kept_revocation_list(session: AsyncSession, issuing: str) -> KeptRevocationList | None:
    """The revocation list that this issuing key has out."""
    return await session.get(KeptRevocationList, issuing, populate_existing=True)


async def active_hub_keys(session: AsyncSession) -> Sequence[HubKey]:
    """The hub's active keys, one for each purpose."""
    return (await session.scalars(select(HubKey).where(col(HubKey.state) == "active"))).all()


async def hub_key(session: AsyncSession, kid: str) -> HubKey | None:
    """One of the hub's keys, active or retired."""
    return await session.get(HubKey, kid)
