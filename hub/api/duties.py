"""`/v1/duties`: who owes what by when 今日待办; declared, put off, said to be done."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncSession

from hub.api.acting import acting
from hub.api.context import ContextDep
from hub.api.duty_forms import EXAMPLE, Declaration, ExtensionAsked, read
from hub.api.guard import staff_may
from hub.api.holiday_notices import warnings
from hub.api.paging import Page
from hub.api.wire import Reason
from hub.duties import acts, repository, service
from hub.duties.errors import UnknownDuty
from hub.duties.repository import OwedRecord, Reader
from hub.duties.service import TODO, Subject
from hub.duties.terms import DebtorRole, Standing
from hub.identity.callers import StaffCaller
from hub.identity.permissions import deadlines, require
from hub.identity.roles import Role
from hub.registry.errors import UnknownOrganisation
from hub.registry.repository import organisation_by_code
from hub.registry.service import find_organisation

router = APIRouter(prefix="/v1/duties", tags=["时限 / duties"])

_OF_AN_ORGANISATION = frozenset({DebtorRole.PROVIDER, DebtorRole.CONSUMER, DebtorRole.RESPONSIBLE})
DEBTORS = {
    Role.EDITOR: _OF_AN_ORGANISATION,
    Role.DECIDER: _OF_AN_ORGANISATION,
    Role.REVIEWER: frozenset({DebtorRole.AUTHORITY}),
    Role.SECRECY: frozenset({DebtorRole.SECRECY}),
    Role.SECURITY: frozenset({DebtorRole.SECURITY}),
    Role.OPERATOR: frozenset({DebtorRole.OPERATOR}),
    Role.AUDITOR: frozenset({DebtorRole.AUDITOR}),
    Role.INSPECTOR: frozenset({DebtorRole.SUPERVISOR}),
}
"""Whose duties a member of staff looks after."""

_SHOWN: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": EXAMPLE}}}}
_LISTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": {"items": [EXAMPLE], "next": None}}}}
}


@router.get("", summary="今日待办与时限 / what is owed", responses=_LISTED)
async def listing(
    ctx: ContextDep,
    page: Page,
    caller: Annotated[StaffCaller, Depends(staff_may("duty_read"))],
    scope: Annotated[
        Literal["mine", "all"],
        Query(description="我的，或全部（主管部门、审计监察）/ mine, or everybody's (authority, audit, supervision)"),
    ] = "mine",
    standing: Annotated[
        Literal["todo", "overdue", "due", "due-soon", "upcoming"] | None,
        Query(description="todo 为逾期、今日到期和即将到期 / todo: overdue, due today and due soon"),
    ] = None,
    closed: Annotated[bool, Query(description="已办结和已取消的 / done and cancelled ones")] = False,
    subject: Annotated[
        str | None, Query(pattern="^[a-z0-9-]{1,64}/[!-~]{1,200}$", description="事项 / subject: kind/id")
    ] = None,
) -> dict[str, Any]:
    """What is owed, the earliest deadline first; whether something is overdue is judged at this moment.

    `warnings` are there while the days off of a year that is needed are not known.
    """
    if scope == "all":
        require(deadlines.duty_oversee, caller)
    now = ctx.clock()
    async with ctx.transaction() as session:
        records = await service.list_for(
            session,
            None if scope == "all" else reader(caller),
            now=now,
            standings=() if standing is None else TODO if standing == "todo" else (Standing(standing),),
            closed=closed,
            subject=None if subject is None else Subject(*subject.split("/", 1)),
            after=page.after_moment_and_id(),
            limit=page.fetch,
        )
        missing = await warnings(session, now)
    return page.page(records, lambda one: read(one, now), lambda one: (one.duty.due_at, one.duty.id)) | missing


@router.get("/{id}", summary="一项时限 / one duty", responses=_SHOWN)
async def one(
    id: UUID,  # noqa: A002  the contract's name
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("duty_read"))],
) -> dict[str, Any]:
    """What is owed under that id, to whoever owes it or oversees it."""
    async with ctx.transaction() as session:
        found = await _known_to(session, caller, id)
    return read(found, ctx.clock())


@router.post(
    "/declare",
    status_code=201,
    summary="声明事件，起算时限 / declare an event",
    responses={201: {"content": {"application/json": {"example": {"items": [EXAMPLE]}}}}},
)
async def declare(
    body: Declaration, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("duty_declare"))]
) -> dict[str, Any]:
    """What is owed because of it; what the same body owes already for the same subject keeps its first deadline."""
    async with acting(ctx, caller) as session:
        now: datetime = ctx.clock()
        owed = await acts.declare(
            session,
            body.event,
            Subject(body.subject.kind, body.subject.id),
            at=body.at or now,
            organisation_id=None if body.organisation is None else await _organisation(session, body.organisation),
            duty=body.duty,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=now,
        )
        return {"items": [read(await acts.find(session, row.id), now) for row in owed]}


@router.post("/{id}/extend", summary="批准延期 / put a deadline off", responses=_SHOWN)
async def extend(
    id: UUID,  # noqa: A002
    body: ExtensionAsked,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("duty_extend"))],
) -> dict[str, Any]:
    """Once, before the deadline, and by no more than the rule allows."""
    async with acting(ctx, caller) as session:
        now = ctx.clock()
        found = await acts.find(session, id)
        found = await acts.extend(
            session, id, basis=body.basis, amount=body.amount, actor=caller.actor, recorder=ctx.recorder, now=now
        )
        return read(found, now)


@router.post("/{id}/done", summary="办结声明的时限 / say that it is done", responses=_SHOWN)
async def done(
    id: UUID,  # noqa: A002
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("duty_finish"))],
) -> dict[str, Any]:
    """For what somebody declared; what the hub sees by itself ends with the act that it asks for."""
    async with acting(ctx, caller) as session:
        now = ctx.clock()
        await _known_to(session, caller, id)
        return read(await acts.finish(session, id, actor=caller.actor, recorder=ctx.recorder, now=now), now)


@router.post("/{id}/cancel", summary="取消声明的时限 / cancel what was declared", responses=_SHOWN)
async def cancel(
    id: UUID,  # noqa: A002
    body: Reason,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("duty_cancel"))],
) -> dict[str, Any]:
    """For what was declared by mistake, or is needed no more."""
    async with acting(ctx, caller) as session:
        now = ctx.clock()
        found = await acts.withdraw(session, id, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=now)
        return read(found, now)


def reader(caller: StaffCaller) -> Reader:
    """Whose duties the caller looks after."""
    return Reader(
        caller.id, caller.organisation_id, frozenset(debtor for role in caller.roles for debtor in DEBTORS[role])
    )


async def _organisation(session: AsyncSession, named: str) -> UUID:
    """The id of the organisation with that code or id. Raises UnknownOrganisation."""
    try:
        return (await find_organisation(session, UUID(named))).id
    except ValueError:
        found = await organisation_by_code(session, named)
    if found is None:
        raise UnknownOrganisation(named)
    return found.id


async def _known_to(session: AsyncSession, caller: StaffCaller, identifier: UUID) -> OwedRecord:
    """The duty, for who owes or oversees it. Raises UnknownDuty for everybody else."""
    found = await acts.find(session, identifier)
    if not deadlines.duty_oversee(caller) and not await repository.is_owed_by(session, identifier, reader(caller)):
        raise UnknownDuty(identifier)
    return found
