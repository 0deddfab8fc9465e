"""`/v1/organisation-changes`: planned and proposed by security, confirmed by a reviewer; and whose a thing was when."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime

from hub.api.acting import changing_rights
from hub.api.context import Context, ContextDep
from hub.api.guard import staff_may
from hub.api.organisation_change_forms import (
    ASKED_EXAMPLE,
    CONFIRMED_EXAMPLE,
    EXAMPLE,
    MOVES_EXAMPLE,
    OWNER_EXAMPLE,
    PLAN_EXAMPLE,
    RENEWALS_EXAMPLE,
    Asked,
    Confirmation,
    read,
    read_move,
    read_owner,
    read_plan,
    read_renewal,
)
from hub.api.paging import Page
from hub.api.requests import english_wanted
from hub.api.wire import Reason, example, present
from hub.identity.callers import StaffCaller
from hub.reorganisation import history, repository, service
from hub.reorganisation.models import What

router = APIRouter(prefix="/v1/organisation-changes", tags=["机构变更 / changes of organisations"])

Proposer = Annotated[StaffCaller, Depends(staff_may("organisation_change_propose"))]
Decider = Annotated[StaffCaller, Depends(staff_may("organisation_change_decide"))]
READERS = [Depends(staff_may("organisation_change_read"))]
ASKED = {"requestBody": {"content": {"application/json": {"example": ASKED_EXAMPLE}}}}


@router.post(
    "/plan",
    summary="试算 / plan, without doing it",
    responses=example(
        PLAN_EXAMPLE, described="计划及其摘要，什么也没有改 / the plan and its digest; nothing is changed"
    ),
    openapi_extra=ASKED,
)
async def plan(body: Asked, request: Request, ctx: ContextDep, _: Proposer) -> dict[str, Any]:
    """Everything that would move and everything in its way; nothing is changed, nothing is kept."""
    async with ctx.transaction() as session:
        found = await service.plan(session, body.change(), now=ctx.clock())
    return read_plan(found, english=english_wanted(request.scope["headers"]))


@router.post(
    "",
    status_code=201,
    summary="提出机构变更 / propose a change",
    responses=example(EXAMPLE, 201),
    openapi_extra=ASKED,
)
async def propose(body: Asked, ctx: ContextDep, caller: Proposer) -> dict[str, Any]:
    """Kept with the digest of its plan, for a reviewer to confirm; refused with `errors` while anything is in its way."""
    async with ctx.transaction() as session:
        row, _ = await service.propose(session, body.change(), act=_act(ctx, caller))
    return read(row)


@router.get(
    "",
    summary="变更列表 / list changes",
    dependencies=READERS,
    responses=example({"items": [CONFIRMED_EXAMPLE], "next": None}),
)
async def listing(
    ctx: ContextDep,
    page: Page,
    state: Annotated[
        Literal["proposed", "confirmed", "refused", "withdrawn"] | None, Query(description="状态 / state")
    ] = None,
    organisation: Annotated[UUID | None, Query(description="涉及的机构 / a body that takes part")] = None,
) -> dict[str, Any]:
    """Changes in no particular order that stays the same from page to page."""
    async with ctx.transaction() as session:
        rows = await repository.changes(
            session, after=page.after_id(), limit=page.fetch, state=state, organisation_id=organisation
        )
    return page.page(rows, read, lambda row: (row.id,))


@router.get("/owner", summary="某时归谁 / whose it was", dependencies=READERS, responses=example(OWNER_EXAMPLE))
async def owner(
    ctx: ContextDep,
    what: Annotated[Literal["resource", "system", "certificate"], Query(description="种类 / kind of thing")],
    named: Annotated[
        str, Query(alias="object", max_length=100, description="资源代码、系统代码或证书 kid / code, or kid")
    ],
    at: Annotated[AwareDatetime | None, Query(description="时间，缺省为现在 / at that time; now if left out")] = None,
) -> dict[str, Any]:
    """The body that had it then, its name of then, and the `change` that gave it; without `change` it was the first."""
    moment = at or ctx.clock()
    async with ctx.transaction() as session:
        found = await history.owner_at(session, What(what), named, moment)
    return present(what=what, object=named, at=moment) | read_owner(found)


@router.get(
    "/certificates",
    summary="待换发的证书 / certificates to be renewed",
    dependencies=[Depends(staff_may("certificate_read"))],
    responses=example(RENEWALS_EXAMPLE),
)
async def certificates(ctx: ContextDep) -> dict[str, Any]:
    """Certificates whose subject names a body of before: valid, and to be replaced by `renew_by`; then revoke for `affiliationChanged`."""
    async with ctx.transaction() as session:
        found = await history.certificates_to_renew(session, now=ctx.clock())
    return {"items": [read_renewal(one) for one in found]}


@router.get("/{id}", summary="一项变更 / one change", dependencies=READERS, responses=example(CONFIRMED_EXAMPLE))
async def one(id: UUID, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002  the contract's name
    """The change of that id."""
    async with ctx.transaction() as session:
        return read(await service.find_change(session, id))


@router.get(
    "/{id}/plan", summary="现在的计划 / its plan as of now", dependencies=READERS, responses=example(PLAN_EXAMPLE)
)
async def present_plan(id: UUID, request: Request, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002
    """What a proposed change would move now; a digest other than the change's `plan` means that it must be proposed anew."""
    async with ctx.transaction() as session:
        found = await service.present_plan(session, id, now=ctx.clock())
    return read_plan(found, english=english_wanted(request.scope["headers"]))


@router.get(
    "/{id}/moves",
    summary="已作的移转 / what it moved",
    dependencies=READERS,
    responses=example({"items": [{"number": 1, **MOVES_EXAMPLE[0]}], "next": None}),
)
async def moves(id: UUID, ctx: ContextDep, page: Page) -> dict[str, Any]:  # noqa: A002
    """Everything that a confirmed change moved, in the order in which it was done."""
    async with ctx.transaction() as session:
        await service.find_change(session, id)
        rows = await repository.moves(session, id, after=page.after_number(), limit=page.fetch)
    return page.page(rows, read_move, lambda row: (row.number,))


@router.post("/{id}/confirm", summary="确认并执行 / confirm and carry out", responses=example(CONFIRMED_EXAMPLE))
async def confirm(id: UUID, body: Confirmation, ctx: ContextDep, caller: Decider) -> dict[str, Any]:  # noqa: A002
    """All of it in one transaction, or nothing: refused when things are not as they were when it was proposed."""
    async with changing_rights(ctx, caller) as session:
        return read(await service.confirm(session, id, digest=body.plan, act=_act(ctx, caller)))


@router.post(
    "/{id}/refuse",
    summary="不予确认 / refuse",
    responses=example(CONFIRMED_EXAMPLE | {"state": "refused", "state_reason": "依据文件未附"}),
)
async def refuse(id: UUID, body: Reason, ctx: ContextDep, caller: Decider) -> dict[str, Any]:  # noqa: A002
    """The proposal is over; nothing was changed."""
    async with ctx.transaction() as session:
        return read(await service.refuse(session, id, reason=body.reason, act=_act(ctx, caller)))


@router.post(
    "/{id}/withdraw",
    summary="撤回提议 / take the proposal back",
    responses=example(CONFIRMED_EXAMPLE | {"state": "withdrawn", "state_reason": "情况有变，重新提出"}),
)
async def withdraw(id: UUID, body: Reason, ctx: ContextDep, caller: Proposer) -> dict[str, Any]:  # noqa: A002
    """The proposal is over; nothing was changed."""
    async with ctx.transaction() as session:
        return read(await service.withdraw(session, id, reason=body.reason, act=_act(ctx, caller)))


def _act(ctx: Context, caller: StaffCaller) -> service.Act:
    return service.Act(caller, ctx.recorder, ctx.clock())
