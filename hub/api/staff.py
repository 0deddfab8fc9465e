"""`/v1/staff`: accounts, from an operator's proposal to their end."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, Field

from hub.api import staff_examples as shown
from hub.api.acting import upon_accounts
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, present
from hub.identity import second_factor, staff
from hub.identity.callers import StaffCaller
from hub.identity.passwords import one_time_password
from hub.identity.roles import Role, sorted_roles
from hub.identity.staff import Account, NewAccount

router = APIRouter(tags=["人员 / staff"])

Reader = Annotated[StaffCaller, Depends(staff_may("staff_read"))]
Proposer = Annotated[StaffCaller, Depends(staff_may("staff_propose"))]
Approver = Annotated[StaffCaller, Depends(staff_may("staff_approve"))]
Disabler = Annotated[StaffCaller, Depends(staff_may("staff_disable"))]
Resetter = Annotated[StaffCaller, Depends(staff_may("staff_reset"))]
Unlocker = Annotated[StaffCaller, Depends(staff_may("staff_unlock"))]


class Proposal(Body):
    """The account that is asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [shown.PROPOSAL_EXAMPLE]})

    login: Annotated[str, Field(max_length=64, description="登录名，不重复发放 / never given twice")]
    display_name: Annotated[str, Field(max_length=200, description="姓名 / name of the person")]
    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
    organisation: Annotated[
        UUID | None, Field(description="所属机构，editor、decider 必填 / id of the organisation")
    ] = None


@router.get("/v1/staff", summary="账户列表 / accounts", responses=shown.LISTED)
async def list_staff(_: Reader, page: Page, ctx: ContextDep) -> dict[str, Any]:
    """Accounts by login, disabled ones among them."""
    async with ctx.transaction() as session:
        accounts = await staff.page(session, after=page.after_text(), limit=page.fetch)
    return page.page(accounts, _shown, lambda account: (account.row.login,))


@router.post("/v1/staff", status_code=201, summary="提出开户 / propose an account", responses=shown.PROPOSED)
async def propose(body: Proposal, caller: Proposer, ctx: ContextDep) -> dict[str, Any]:
    """An account that nobody can use until a security officer approves it."""
    new = NewAccount(body.login, body.display_name, frozenset(body.roles), body.organisation)
    async with upon_accounts(ctx, caller) as session:
        account = await staff.propose(session, new, caller=caller, recorder=ctx.recorder, now=ctx.clock())
    return _shown(account)


@router.post("/v1/staff/{identifier}/approve", summary="批准开户 / approve an account", responses=shown.APPROVED)
async def approve(identifier: UUID, caller: Approver, response: Response, ctx: ContextDep) -> dict[str, Any]:
    """The account is open; its one-time password is told here and nowhere else, and must be changed at first sign-in."""
    password = one_time_password()
    password_hash = await ctx.identity.passwords.hash_one_time(password)
    async with upon_accounts(ctx, caller) as session:
        account = await staff.approve(
            session, identifier, password_hash=password_hash, caller=caller, recorder=ctx.recorder, now=ctx.clock()
        )
    response.headers["Cache-Control"] = "no-store"
    return {**_shown(account), "one_time_password": password}


@router.post("/v1/staff/{identifier}/disable", summary="停用账户 / disable an account", responses=shown.DISABLED)
async def disable(identifier: UUID, caller: Disabler, ctx: ContextDep) -> dict[str, Any]:
    """The account is closed and its sessions have ended."""
    async with upon_accounts(ctx, caller) as session:
        account = await staff.disable(session, identifier, caller=caller, recorder=ctx.recorder, now=ctx.clock())
    return _shown(account)


@router.post("/v1/staff/{identifier}/reset", summary="重置账户 / reset an account", responses=shown.RESET)
async def reset(identifier: UUID, caller: Resetter, ctx: ContextDep) -> dict[str, Any]:
    """Password, second factor and sessions are gone; a security officer approves the account anew."""
    async with upon_accounts(ctx, caller) as session:
        account = await staff.reset(session, identifier, caller=caller, recorder=ctx.recorder, now=ctx.clock())
    return _shown(account)


@router.post("/v1/staff/{identifier}/unlock", summary="解锁账户 / unlock an account", responses=shown.UNLOCKED)
async def unlock(identifier: UUID, caller: Unlocker, ctx: ContextDep) -> dict[str, Any]:
    """The account may sign in again at once."""
    async with upon_accounts(ctx, caller) as session:
        account = await staff.unlock(session, identifier, caller=caller, recorder=ctx.recorder, now=ctx.clock())
    return _shown(account)


def _shown(account: Account) -> dict[str, Any]:
    row = account.row
    return present(
        id=row.id,
        login=row.login,
        display_name=row.display_name,
        roles=[str(role) for role in sorted_roles(account.roles)],
        organisation=row.organisation_id,
        state=row.state,
        must_change_password=row.must_change,
        second_factor=second_factor.is_enrolled(row),
        locked_until=row.locked_until,
        proposed_by=row.proposed_by,
        approved_by=row.approved_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
