"""`/v1/duties`: who owes what by when 今日待办; declared, put off, said to be done."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field
from sqlalchemy.ext.asyncio import AsyncSession

from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, Reason, present
from hub.audit.entry import instant
from hub.duties import acts, repository, service
from hub.duties.calendar import last_day_of
from hub.duties.errors import UnknownDuty
from hub.duties.models import Duty
from hub.duties.repository import OwedRecord, Reader
from hub.duties.rule import CAVEAT
from hub.duties.service import TODO, Subject
from hub.duties.terms import DebtorRole, Standing
from hub.identity import permissions
from hub.identity.callers import StaffCaller
from hub.identity.roles import Role

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

EXAMPLE = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "duty": "answer-conditional",
    "title": {
        "zh": "答复有条件共享申请，不同意的说明理由",
        "en": "answer a request for data shared on conditions, a refusal with its reason",
    },
    "state": "open",
    "standing": "due-soon",
    "subject": {"kind": "access-request", "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073990"},
    "debtor": {
        "role": "provider",
        "organisation": {"id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073991", "name": "临洮县示例局"},
    },
    "declared": False,
    "anchored_at": "2026-02-10T02:00:00.000000+00:00",
    "due_at": "2026-03-02T16:00:00.000000+00:00",
    "due_on": "2026-03-02",
    "soon_at": "2026-02-27T16:00:00.000000+00:00",
    "provisional": False,
    "rule": {
        "code": "D2",
        "version": 1,
        "issuer": "国务院",
        "basis": {
            "document": "政务数据共享条例（国务院令第809号）",
            "text": "有条件共享申请：10个工作日内答复，不同意的说明理由",
        },
        "verified": False,
        "caveat": CAVEAT,
    },
    "created_at": "2026-02-10T02:00:00.000000+00:00",
}
_SHOWN: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": EXAMPLE}}}}
_LISTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": {"items": [EXAMPLE], "next": None}}}}
}


class Named(Body):
    """What a duty is about."""

    kind: Annotated[str, Field(description="事项类别 / kind of subject", examples=["resource"])]
    id: Annotated[str, Field(description="事项编号 / its id", examples=["306001000001/000042"])]


class Declaration(Body):
    """An event that the hub does not see, declared by a person."""

    event: Annotated[
        str, Field(description="触发事件 / the event that rules wait for", examples=["catalogue.outdated"])
    ]
    subject: Named
    at: Annotated[
        AwareDatetime | None,
        Field(description="发生时间，缺省为现在 / when, now if left out", examples=["2026-02-10T10:00:00+08:00"]),
    ] = None
    organisation: Annotated[
        UUID | None,
        Field(description="承担机构的 id / id of the body that owes it"),
    ] = None
    duty: Annotated[str | None, Field(description="只起算这一项 / only this duty", examples=["update-catalogue"])] = (
        None
    )


class ExtensionAsked(Body):
    """An extension that the authority approves."""

    basis: Annotated[
        str, Field(description="批准依据 / on what basis", examples=["经主管部门批准，机构职能调整尚未完成"])
    ]
    amount: Annotated[
        int | None, Field(description="延长多少，缺省为规则允许的最多 / by how much, by default what the rule allows")
    ] = None


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
    """What is owed, the earliest deadline first; whether something is overdue is judged at this moment."""
    if scope == "all":
        permissions.require(permissions.duty_oversee, caller)
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
    return page.page(records, lambda one: read(one, now), lambda one: (one.duty.due_at, one.duty.id))


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
    now: datetime = ctx.clock()
    async with ctx.transaction() as session:
        owed = await acts.declare(
            session,
            body.event,
            Subject(body.subject.kind, body.subject.id),
            at=body.at or now,
            organisation_id=body.organisation,
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
    now = ctx.clock()
    async with ctx.transaction() as session:
        found = await acts.find(session, id)
        permissions.require(permissions.duty_extend, caller, found.duty.debtor_organisation_id)
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
    now = ctx.clock()
    async with ctx.transaction() as session:
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
    now = ctx.clock()
    async with ctx.transaction() as session:
        found = await acts.withdraw(session, id, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=now)
        return read(found, now)


def reader(caller: StaffCaller) -> Reader:
    """Whose duties the caller looks after."""
    return Reader(
        caller.id, caller.organisation_id, frozenset(debtor for role in caller.roles for debtor in DEBTORS[role])
    )


async def _known_to(session: AsyncSession, caller: StaffCaller, identifier: UUID) -> OwedRecord:
    """The duty, for who owes or oversees it. Raises UnknownDuty for everybody else."""
    found = await acts.find(session, identifier)
    if not permissions.duty_oversee(caller) and not await repository.is_owed_by(session, identifier, reader(caller)):
        raise UnknownDuty(identifier)
    return found


def read(found: OwedRecord, now: datetime) -> dict[str, Any]:
    """A duty as the API shows it; `standing` while it is open."""
    row, terms = found.duty, found.rule.terms
    rule = {"code": found.rule.code, "version": found.rule.version}
    rule |= {name: terms[name] for name in ("issuer", "basis", "verified")}
    return present(
        id=row.id,
        duty=row.duty,
        title=terms["title"],
        state=row.state,
        standing=str(service.standing(row, now)) if row.state == service.OPEN else None,
        subject={"kind": row.subject_kind, "id": row.subject_id},
        debtor=_debtor(found),
        declared=row.declared,
        anchored_at=row.anchored_at,
        due_at=row.due_at,
        due_on=last_day_of(row.due_at).isoformat(),
        soon_at=row.soon_at,
        provisional=row.provisional,
        extension=_extension(row),
        rule=rule if terms["verified"] else rule | {"caveat": CAVEAT},
        closed_at=row.closed_at,
        closed_late=None if row.closed_at is None else row.closed_at > row.due_at,
        closed_reason=row.closed_reason,
        created_at=row.created_at,
    )


def _debtor(found: OwedRecord) -> dict[str, Any]:
    row = found.duty
    organisation = None if found.debtor is None else {"id": str(row.debtor_organisation_id), "name": found.debtor}
    return present(role=row.debtor_role, organisation=organisation, staff=row.debtor_staff_id)


def _extension(row: Duty) -> dict[str, Any] | None:
    if row.extended_at is None:
        return None
    return {
        "at": instant(row.extended_at),
        "amount": row.extended_amount,
        "basis": row.extension_basis,
        "first_due_at": instant(row.first_due_at),
    }
