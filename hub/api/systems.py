"""`/v1/systems`: the partners' software; suspended, resumed, retired."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from hub.api.acting import changing_rights
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, Reason, example, present, shown_draining
from hub.delivery.draining import draining_consumer
from hub.identity.callers import StaffCaller
from hub.registry import repository, service
from hub.registry.models import Organisation, System

router = APIRouter(prefix="/v1/systems", tags=["系统 / systems"])

EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "code": "lintao-subsite",
    "name": "甘肃政务服务网临洮子站",
    "organisation": {
        "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073990",
        "code": "11621124MB0000000U",
        "name": "临洮县示例局",
    },
    "state": "active",
    "created_at": "2026-03-02T01:30:00.000000+00:00",
    "updated_at": "2026-03-02T01:30:00.000000+00:00",
}

SUSPENDED_EXAMPLE = EXAMPLE | {
    "state": "suspended",
    "state_reason": "证书疑似泄露，待核查 / suspected leak, being examined",
    "updated_at": "2026-06-01T02:00:00.000000+00:00",
    "draining": {"attempts": 1, "until": "2026-06-01T02:00:30.000000+00:00"},
}

RETIRED_EXAMPLE = EXAMPLE | {
    "state": "retired",
    "state_reason": "系统下线，由新系统接替 / taken out of service, another one follows",
    "updated_at": "2026-09-01T02:00:00.000000+00:00",
}


class NewSystem(Body):
    """A system to register."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {name: EXAMPLE[name] for name in ("code", "name")}
                | {"organisation": "0198f0c2-6a00-7cc3-98c4-dc0c0c073990"}
            ]
        }
    )

    code: Annotated[
        str,
        Field(
            description="系统代码，即信封的 iss，不得更改 / code, the `iss` of envelopes", examples=["lintao-subsite"]
        ),
    ]
    organisation: Annotated[UUID, Field(description="所属机构的 id / id of the organisation that runs it")]
    name: Annotated[str, Field(description="系统名称 / name", examples=["甘肃政务服务网临洮子站"])]
    name_en: Annotated[str, Field(description="英文名称 / name in English")] = ""


@router.post(
    "",
    status_code=201,
    summary="登记系统 / register a system",
    responses={201: {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def create(
    body: NewSystem, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("system_create"))]
) -> dict[str, Any]:
    """Register a body's software under a code that is never used again."""
    async with changing_rights(ctx, caller) as session:
        await service.register_system(
            session,
            code=body.code,
            organisation_id=body.organisation,
            name=body.name,
            name_en=body.name_en,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
        row = await service.find_system(session, body.code)
    return read(row)


@router.get(
    "",
    summary="系统列表 / list systems",
    dependencies=[Depends(staff_may("system_read"))],
    responses=example({"items": [EXAMPLE], "next": None}),
)
async def listing(
    ctx: ContextDep,
    page: Page,
    organisation: Annotated[UUID | None, Query(description="所属机构的 id / id of the organisation")] = None,
) -> dict[str, Any]:
    """Systems by code."""
    async with ctx.transaction() as session:
        rows = await repository.systems(
            session, after=page.after_text(), limit=page.fetch, organisation_id=organisation
        )
    return page.page(rows, read, lambda row: (row[0].code,))


@router.get(
    "/{code}",
    summary="一个系统 / one system",
    dependencies=[Depends(staff_may("system_read"))],
    responses=example(EXAMPLE),
)
async def one(code: str, ctx: ContextDep) -> dict[str, Any]:
    """The system of that code; `draining` while pushes that began before it was suspended or retired are under way."""
    async with ctx.transaction() as session:
        return await _read_one(session, code)


@router.post("/{code}/suspend", summary="暂停系统 / suspend a system", responses=example(SUSPENDED_EXAMPLE))
async def suspend(
    code: str, body: Reason, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("system_suspend"))]
) -> dict[str, Any]:
    """From the answer on, nothing that the system signs is accepted and no token of it works."""
    async with changing_rights(ctx, caller) as session:
        await service.suspend_system(
            session, code, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return await _read_one(session, code)


@router.post(
    "/{code}/resume",
    summary="恢复系统 / resume a system",
    responses=example(EXAMPLE | {"updated_at": "2026-06-02T02:00:00.000000+00:00"}),
)
async def resume(
    code: str, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("system_resume"))]
) -> dict[str, Any]:
    """Let a suspended system take part again."""
    async with changing_rights(ctx, caller) as session:
        await service.resume_system(session, code, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        return await _read_one(session, code)


@router.post("/{code}/retire", summary="系统退役 / retire a system", responses=example(RETIRED_EXAMPLE))
async def retire(
    code: str, body: Reason, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("system_retire"))]
) -> dict[str, Any]:
    """End a system for good; its code stays taken."""
    async with changing_rights(ctx, caller) as session:
        await service.retire_system(
            session, code, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return await _read_one(session, code)


async def _read_one(session: AsyncSession, code: str) -> dict[str, Any]:
    found = await service.find_system(session, code)
    if found[0].state == "active":
        return read(found)
    return read(found) | shown_draining(await draining_consumer(session, found[0].id))


def read(found: tuple[System, Organisation]) -> dict[str, Any]:
    """A system as the API shows it."""
    row, owner = found
    return present(
        id=row.id,
        code=row.code,
        name=row.name,
        name_en=row.name_en or None,
        organisation=present(id=owner.id, code=owner.code, name=owner.name),
        state=row.state,
        state_reason=row.state_reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
