"""What is there when a change of organisations is planned, read from the tables. Decides nothing."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from catalog.models import Resource
from hub.access.models import AccessGrant
from hub.identity.models import Staff, StaffRole
from hub.identity.roles import OF_ONE_ORGANISATION
from hub.registry import repository as registry
from hub.registry.models import Certificate, Organisation, System
from hub.reorganisation.change import Change
from hub.reorganisation.situation import (
    Body,
    HeldCertificate,
    HeldGrant,
    OwnedAccount,
    OwnedPerson,
    OwnedResource,
    OwnedSystem,
    Situation,
)
from hub.responsibility import repository as responsibility
from hub.responsibility.models import ResponsibleRole

_AS_IT_IS_NOW = {"populate_existing": True}


async def situation(session: AsyncSession, change: Change, *, day: date, lock: bool = False) -> Situation:
    """What is there for a change that is planned on `day`; `lock` keeps it as it is until this transaction ends."""
    if lock:
        await registry.lock_organisations(session, change.parties, ending=True)
    bodies = (await session.scalars(select(Organisation), execution_options=_AS_IT_IS_NOW)).all()
    resources = await _resources(session, change, lock=lock)
    systems = await _systems(session, change, {one.publisher for one in resources})
    return Situation(
        bodies={row.id: _body(row) for row in bodies},
        systems={one.code: one for one in systems},
        resources=resources,
        accounts=await _accounts(session, change, lock=lock),
        people=await _people(session, change, day),
        grants=await _grants(session, change),
        certificates=await _certificates(session, change),
        code_taken=await _code_taken(session, change),
        name_taken=await _name_taken(session, change),
    )


def _body(row: Organisation) -> Body:
    return Body(row.id, row.code, row.name, row.name_en, row.region, row.parent_id, row.state == "active")


async def _resources(session: AsyncSession, change: Change, *, lock: bool) -> list[OwnedResource]:
    query = (
        select(col(Resource.id), col(Resource.code), col(Resource.provider_id), col(System.code))
        .join(System, col(Resource.system_id) == col(System.id))
        .where(col(Resource.provider_id).in_(change.sources), col(Resource.status) != "withdrawn")
        .order_by(col(Resource.code))
    )
    if lock:
        query = query.with_for_update(key_share=True, of=Resource)
    return [OwnedResource(*row) for row in await session.execute(query)]


async def _systems(session: AsyncSession, change: Change, publishers: Collection[str]) -> list[OwnedSystem]:
    named = {*publishers, *change.publishers.values()}
    query = select(System).where(or_(col(System.organisation_id).in_(change.sources), col(System.code).in_(named)))
    rows = await session.scalars(query, execution_options=_AS_IT_IS_NOW)
    return [OwnedSystem(row.id, row.code, row.organisation_id, row.state == "retired") for row in rows]


async def _accounts(session: AsyncSession, change: Change, *, lock: bool) -> list[OwnedAccount]:
    bound = exists().where(
        col(StaffRole.staff_id) == col(Staff.id), col(StaffRole.role).in_([role.value for role in OF_ONE_ORGANISATION])
    )
    query = (
        select(col(Staff.id), col(Staff.organisation_id), col(Staff.state), bound)
        .where(col(Staff.organisation_id).in_(change.sources), col(Staff.state) != "disabled")
        .order_by(col(Staff.id))
    )
    if lock:
        query = query.with_for_update(of=Staff)
    return [OwnedAccount(row[0], row[1], row[2], row[3]) for row in await session.execute(query) if row[1] is not None]


async def _people(session: AsyncSession, change: Change, day: date) -> list[OwnedPerson]:
    return [
        OwnedPerson(
            row.id, row.organisation_id, row.role, row.role != ResponsibleRole.DEDICATED, open=row.valid_to is None
        )
        for row in await responsibility.not_over(session, change.parties, day)
    ]


async def _grants(session: AsyncSession, change: Change) -> list[HeldGrant]:
    query = (
        select(col(AccessGrant.id), col(Resource.code), col(System.code))
        .join(Resource, col(AccessGrant.resource_id) == col(Resource.id))
        .join(System, col(AccessGrant.consumer_id) == col(System.id))
        .where(
            col(AccessGrant.state) != "revoked",
            or_(col(Resource.provider_id).in_(change.sources), col(System.organisation_id).in_(change.sources)),
        )
        .order_by(col(AccessGrant.id))
    )
    return [HeldGrant(*row) for row in await session.execute(query)]


async def _certificates(session: AsyncSession, change: Change) -> list[HeldCertificate]:
    query = (
        select(col(Certificate.kid), col(System.code), col(Certificate.not_after))
        .join(System, col(Certificate.system_id) == col(System.id))
        .where(
            col(Certificate.state) == "active",
            col(System.organisation_id).in_(change.sources),
            col(System.state) != "retired",
        )
        .order_by(col(Certificate.kid))
    )
    return [HeldCertificate(*row) for row in await session.execute(query)]


async def _code_taken(session: AsyncSession, change: Change) -> str | None:
    if change.code is None:
        return None
    holder = await registry.organisation_by_code(session, change.code)
    return None if holder is None or holder.id in change.sources else holder.name


async def _name_taken(session: AsyncSession, change: Change) -> str | None:
    if change.name is None:
        return None
    body = await registry.organisation(session, change.sources[0])
    holder = None if body is None else await registry.organisation_by_name(session, body.region, change.name)
    return None if holder is None or holder.id in change.sources else holder.name
