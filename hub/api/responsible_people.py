"""`/v1/organisations/{id}/people`: who answers for an organisation's part; named, handed over, ended. Never for partner systems."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from hub.api.acting import acting
from hub.api.context import Context, ContextDep
from hub.api.guard import staff_may
from hub.api.organisations import named
from hub.api.paging import Page
from hub.api.wire import Body, example, present
from hub.audit.entry import LOCAL_TIME
from hub.identity.callers import StaffCaller
from hub.identity.permissions import organisations, require
from hub.registry import service as registry
from hub.responsibility import repository, service
from hub.responsibility.models import ResponsiblePerson, ResponsibleRole
from hub.responsibility.service import Gap, Particulars

router = APIRouter(prefix="/v1/organisations", tags=["责任人 / responsible people"])

Setter = Annotated[StaffCaller, Depends(staff_may("responsible_set"))]
Reader = Annotated[StaffCaller, Depends(staff_may("responsible_read"))]

EXAMPLE = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739e1",
    "organisation": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "role": "dedicated",
    "label": "专人",
    "name": "示例人员甲",
    "phone": "0932-0000000",
    "from": "2026-03-02",
}

HANDED_OVER_EXAMPLE = EXAMPLE | {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739e2",
    "name": "示例人员乙",
    "from": "2026-09-01",
    "follows": EXAMPLE["id"],
}

ENDED_EXAMPLE = EXAMPLE | {"to": "2026-09-01", "note": "岗位调整，账户与资料已移交"}

GAPS_EXAMPLE = {
    "items": [
        {
            "organisation": {
                "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
                "code": "11621124MB0000000U",
                "name": "临洮县示例局",
            },
            "lacking": ["dedicated"],
            "labels": ["专人"],
        }
    ],
    "next": None,
}

FirstDay = Annotated[date | None, Field(alias="from", description="起始日，缺省为今天 / first day; today if left out")]
Note = Annotated[str, Field(description="交接或结束的说明 / what was handed over, or why it ends")]


class Who(Body):
    """A person, or for 主管股室 the section."""

    name: Annotated[str, Field(description="姓名或股室名称 / name of the person or section", examples=["示例人员甲"])]
    phone: Annotated[str | None, Field(description="办公电话 / telephone at work")] = None
    staff: Annotated[UUID | None, Field(description="其账户 id / id of their account")] = None

    def particulars(self) -> Particulars:
        """Who it is, for the service."""
        return Particulars(self.name, self.phone, self.staff)


class Appointment(Who):
    """Somebody to be responsible."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"role": "dedicated", "name": "示例人员甲", "from": "2026-03-02"}]}
    )

    role: Annotated[
        ResponsibleRole,
        Field(description="、".join(f"{role.value} {role.zh}" for role in ResponsibleRole), examples=["dedicated"]),
    ]
    first_day: FirstDay = None


class Handover(Who):
    """The successor, and what is handed over."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "示例人员乙", "from": "2026-09-01", "note": "岗位调整，账户与资料已移交"}]
        }
    )

    first_day: FirstDay = None
    note: Note


class Ending(Body):
    """From when on nobody has the role."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"on": "2026-09-01", "note": "岗位调整，账户与资料已移交"}]}
    )

    on: Annotated[date | None, Field(description="自此日起不再负责，缺省为今天 / from this day; today if left out")] = (
        None
    )
    note: Note


@router.get(
    "/lacking-people",
    summary="未明确责任人的机构 / organisations without responsible people",
    dependencies=[Depends(staff_may("responsible_gaps"))],
    responses=example(GAPS_EXAMPLE),
)
async def lacking(
    ctx: ContextDep,
    page: Page,
    region: Annotated[str | None, Query(pattern="^[0-9]{6}$", description="行政区划代码 / region")] = None,
) -> dict[str, Any]:
    """Active organisations that lack a leader in charge, a section or a dedicated person today (000-A 九条), and which."""
    async with ctx.transaction() as session:
        gaps = await service.gaps(session, now=ctx.clock(), after=page.after_id(), limit=page.fetch, region=region)
    return page.page(gaps, _read_gap, lambda gap: (gap.organisation.id,))


@router.get(
    "/{id}/people", summary="责任人列表 / responsible people", responses=example({"items": [EXAMPLE], "next": None})
)
async def people(
    id: UUID,  # noqa: A002  the contract's name
    ctx: ContextDep,
    page: Page,
    caller: Reader,
    at: Annotated[date | None, Query(description="在此日负责，缺省为今天 / on that day; today if left out")] = None,
    history: Annotated[bool, Query(description="连同以前和将来的 / those of before and of later, too")] = False,
) -> dict[str, Any]:
    """Who is responsible on a day, or all there ever were: to staff of the organisation, reviewers and security officers."""
    day = None if history else at or ctx.clock().astimezone(LOCAL_TIME).date()
    async with ctx.transaction() as session:
        await _judge(session, organisations.responsible_read, caller, id)
        rows = await repository.people(session, id, after=page.after_id(), limit=page.fetch, day=day)
    return page.page(rows, read, lambda row: (row.id,))


@router.post("/{id}/people", status_code=201, summary="明确责任人 / name somebody", responses=example(EXAMPLE, 201))
async def appoint(id: UUID, body: Appointment, ctx: ContextDep, caller: Setter) -> dict[str, Any]:  # noqa: A002
    """By a decider of the organisation or a security officer; one holder of a role at a time, but for dedicated people."""
    async with acting(ctx, caller) as session:
        await _judge(session, organisations.responsible_set, caller, id)
        row = await service.appoint(
            session, id, body.role, body.particulars(), first_day=body.first_day, act=_act(ctx, caller)
        )
    return read(row)


@router.post(
    "/{id}/people/{person}/handover",
    status_code=201,
    summary="交接 / hand over",
    responses=example(HANDED_OVER_EXAMPLE, 201),
)
async def hand_over(id: UUID, person: UUID, body: Handover, ctx: ContextDep, caller: Setter) -> dict[str, Any]:  # noqa: A002
    """The successor, who `follows` the present one; that one's row is closed with the note and kept."""
    async with acting(ctx, caller) as session:
        await _judge(session, organisations.responsible_set, caller, id)
        row = await service.hand_over(
            session,
            id,
            person,
            body.particulars(),
            first_day=body.first_day,
            note=body.note,
            act=_act(ctx, caller),
        )
    return read(row)


@router.post("/{id}/people/{person}/end", summary="结束 / end", responses=example(ENDED_EXAMPLE))
async def end(id: UUID, person: UUID, body: Ending, ctx: ContextDep, caller: Setter) -> dict[str, Any]:  # noqa: A002
    """Nobody takes the role over; the organisation shows among those that lack people, if the role is one that is asked for."""
    async with acting(ctx, caller) as session:
        await _judge(session, organisations.responsible_set, caller, id)
        row = await service.end(session, id, person, day=body.on, note=body.note, act=_act(ctx, caller))
    return read(row)


async def _judge(session: AsyncSession, action: Any, caller: StaffCaller, organisation_id: UUID) -> None:
    """Pass when the organisation exists and the action is allowed for it. Raises UnknownOrganisation, Forbidden."""
    await registry.find_organisation(session, organisation_id)
    require(action, caller, organisation_id)


def _act(ctx: Context, caller: StaffCaller) -> service.Act:
    return service.Act(caller.actor, ctx.recorder, ctx.clock())


def read(row: ResponsiblePerson) -> dict[str, Any]:
    """A responsible person as the API shows them."""
    return present(
        id=row.id,
        organisation=row.organisation_id,
        role=row.role,
        label=ResponsibleRole(row.role).zh,
        name=row.name,
        phone=row.phone,
        staff=row.staff_id,
        **{"from": row.valid_from.isoformat(), "to": None if row.valid_to is None else row.valid_to.isoformat()},
        follows=row.follows,
        note=row.note,
    )


def _read_gap(gap: Gap) -> dict[str, Any]:
    return {
        "organisation": named(gap.organisation),
        "lacking": [role.value for role in gap.lacking],
        "labels": [role.zh for role in gap.lacking],
    }
