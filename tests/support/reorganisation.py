"""Organisations that change, for tests: accounts that propose and confirm, and both steps at once."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import LOCAL_TIME
from hub.identity import repository
from hub.identity.callers import StaffCaller
from hub.identity.roles import Role
from hub.reorganisation import service
from hub.reorganisation.change import Change
from hub.reorganisation.models import Kind, OrganisationChange
from hub.reorganisation.service import Act
from tests.support.registry import NOW, RECORDER
from tests.support.staff import caller, make_account, quick_passwords

BASIS = "临机编发〔2026〕12号"
TODAY: date = NOW.astimezone(LOCAL_TIME).date()


async def make_caller(
    session: AsyncSession, login: str, *roles: Role, organisation_id: UUID | None = None, now: datetime = NOW
) -> StaffCaller:
    """An active account, as the guard would hand it to an endpoint."""
    await make_account(session, login, *roles, now=now, passwords=quick_passwords(), organisation_id=organisation_id)
    row = await repository.staff_by_login(session, login)
    assert row is not None
    known = caller(*roles, organisation_id=organisation_id)
    return replace(known, id=row.id, actor=replace(known.actor, id=str(row.id)))


def asked(kind: Kind, sources: list[UUID], targets: list[UUID] | None = None, **more: Any) -> Change:
    """A change on a document of ours, effective today unless `more` says otherwise."""
    plain: dict[str, Any] = {"basis": BASIS, "effective_on": TODAY} | more
    return Change(kind=kind, sources=tuple(sources), targets=tuple(targets or ()), **plain)


async def propose(session: AsyncSession, change: Change, who: StaffCaller, now: datetime = NOW) -> OrganisationChange:
    """The change, proposed."""
    row, _ = await service.propose(session, change, act=Act(who, RECORDER, now))
    return row


async def confirm(
    session: AsyncSession, row: OrganisationChange, who: StaffCaller, now: datetime = NOW
) -> OrganisationChange:
    """The change, carried out by its own plan."""
    return await service.confirm(session, row.id, digest=row.plan_digest, act=Act(who, RECORDER, now))
