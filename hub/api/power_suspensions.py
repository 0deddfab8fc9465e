"""`/v1/power-suspensions`: powers that are suspended and resumed, applied for by their department, decided by the reform office.

The record of a suspended power stays published; only its state changes. A suspended resource is another thing
(`/v1/resources/{id}/suspend`): nothing is accepted for it.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.lists.power_state import SuspensionGround
from hub.api import power_suspension_examples as shown
from hub.api.acting import acting
from hub.api.context import Context, ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, Reason, present
from hub.identity.callers import StaffCaller
from hub.identity.permissions import lists, require
from hub.lists import publication, repository, suspension
from hub.lists.act import Act
from hub.lists.errors import NotTheOffice
from hub.lists.repository import SuspensionRecord
from hub.reviewing import chains

router = APIRouter(prefix="/v1/power-suspensions", tags=["权力事项暂停 / suspended powers"])

Applicant = Annotated[StaffCaller, Depends(staff_may("power_suspension_apply"))]
Reviewer = Annotated[StaffCaller, Depends(staff_may("power_suspension_decide"))]


class Application(Body):
    """A power that should not be exercised for now."""

    model_config = ConfigDict(json_schema_extra={"examples": [shown.APPLICATION_EXAMPLE]})

    resource: Annotated[
        str, Field(description="权责清单的资源代码 / the list of powers", examples=["306002000001/000001"])
    ]
    power_code: Annotated[str, Field(description="职权编码 / code of the power", examples=["SL-QZ-0004"])]
    ground: Annotated[
        Literal["never-exercised", "no-case-for-three-years", "periodic", "other"],
        Field(description="、".join(f"{ground.value} {ground.zh}" for ground in SuspensionGround)),
    ]
    reason: Annotated[str, Field(description="说明；其他原因必填 / why; required for another reason")] = ""


class Document(Body):
    """What the decision rests on."""

    document: Annotated[
        str, Field(description="批准或确认文件的文号 / number of the document", examples=["示例审改办〔2026〕1号"])
    ]


class Carried(Body):
    """The exchange that carries the record."""

    exchange: Annotated[
        UUID,
        Field(description="交换编号，见凭证 / as on the receipt", examples=["0198f0c2-6a00-7cc3-98c4-dc0c0c07398f"]),
    ]


@router.post("", status_code=201, summary="申请暂停 / apply for a suspension", responses=shown.APPLIED)
async def apply(body: Application, ctx: ContextDep, caller: Applicant) -> dict[str, Any]:
    """The department applies, on one of four grounds."""
    async with acting(ctx, caller) as session:
        record = await publication.find_list(session, body.resource)
        require(lists.power_suspension_apply, caller, record.resource.provider_id)
        ground = SuspensionGround(body.ground)
        return read(
            await suspension.apply_for_suspension(
                session, record, body.power_code, ground, body.reason, _act(ctx, caller)
            )
        )


@router.get(
    "",
    summary="暂停登记 / suspensions",
    dependencies=[Depends(staff_may("power_suspension_read"))],
    responses=shown.LISTED,
)
async def listing(
    ctx: ContextDep,
    page: Page,
    resource: Annotated[str | None, Query(pattern="^[0-9A-Za-z/]{1,64}$", description="资源代码 / resource")] = None,
    power_code: Annotated[str | None, Query(max_length=64, description="职权编码 / code of the power")] = None,
    state: Annotated[
        Literal["applied", "refused", "suspended", "resuming", "confirmed", "restored"] | None,
        Query(description="状态 / state"),
    ] = None,
) -> dict[str, Any]:
    """Suspensions in an order that stays the same from page to page."""
    async with ctx.transaction() as session:
        records = await repository.suspensions(
            session,
            after=page.after_id(),
            limit=page.fetch,
            resource=resource,
            power_code=power_code,
            state=state,
        )
    return page.page(records, read, lambda record: (record.suspension.id,))


@router.get(
    "/{id}",
    summary="一项暂停登记 / one suspension",
    dependencies=[Depends(staff_may("power_suspension_read"))],
    responses=shown.SHOWN,
)
async def one(id: UUID, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002  the contract's name
    """The suspension of that id."""
    async with ctx.transaction() as session:
        return read(await suspension.find_suspension(session, id))


@router.post("/{id}/approve", summary="批准暂停 / approve", responses=shown.SHOWN)
async def approve(id: UUID, body: Document, ctx: ContextDep, caller: Reviewer) -> dict[str, Any]:  # noqa: A002
    """The reform office approves; the provider sends the record with its new state and names the exchange."""
    async with acting(ctx, caller) as session:
        await _may_decide(session, id, caller)
        return read(await suspension.approve_suspension(session, id, body.document, _act(ctx, caller)))


@router.post("/{id}/refuse", summary="不批准暂停 / refuse", responses=shown.REFUSED)
async def refuse(id: UUID, body: Reason, ctx: ContextDep, caller: Reviewer) -> dict[str, Any]:  # noqa: A002
    """The reform office refuses; the power is exercised as before."""
    async with acting(ctx, caller) as session:
        await _may_decide(session, id, caller)
        return read(await suspension.refuse_suspension(session, id, body.reason, _act(ctx, caller)))


@router.post("/{id}/resume", summary="申请恢复 / apply for the resumption", responses=shown.RESUMING)
async def resume(id: UUID, body: Reason, ctx: ContextDep, caller: Applicant) -> dict[str, Any]:  # noqa: A002
    """The department applies for the power to be exercised again."""
    async with acting(ctx, caller) as session:
        await _may_apply(session, id, caller)
        return read(await suspension.apply_for_resumption(session, id, body.reason, _act(ctx, caller)))


@router.post("/{id}/confirm", summary="确认恢复 / confirm the resumption", responses=shown.CONFIRMED)
async def confirm(id: UUID, body: Document, ctx: ContextDep, caller: Reviewer) -> dict[str, Any]:  # noqa: A002
    """The reform office confirms: from now on the provider owes the restoration within two working days."""
    async with acting(ctx, caller) as session:
        await _may_decide(session, id, caller)
        return read(await suspension.confirm_resumption(session, id, body.document, _act(ctx, caller)))


@router.post("/{id}/decline", summary="不同意恢复 / decline the resumption", responses=shown.DECLINED)
async def decline(id: UUID, body: Reason, ctx: ContextDep, caller: Reviewer) -> dict[str, Any]:  # noqa: A002
    """The reform office declines; the power stays suspended."""
    async with acting(ctx, caller) as session:
        await _may_decide(session, id, caller)
        return read(await suspension.refuse_resumption(session, id, body.reason, _act(ctx, caller)))


@router.post("/{id}/exchange", summary="登记载有记录的交换 / name the exchange", responses=shown.CARRIED)
async def name_exchange(id: UUID, body: Carried, ctx: ContextDep, caller: Applicant) -> dict[str, Any]:  # noqa: A002
    """The hub opens the exchange and looks for the record as decided; what was confirmed is restored by it."""
    async with acting(ctx, caller) as session:
        await _may_apply(session, id, caller)
        return read(await suspension.name_exchange(session, id, body.exchange, _act(ctx, caller)))


def _act(ctx: Context, caller: StaffCaller) -> Act:
    return Act(caller.actor, ctx.recorder, ctx.clock())


async def _may_decide(session: AsyncSession, identifier: UUID, caller: StaffCaller) -> None:
    """The reform office decides, whichever organisation provides the list. Raises NotTheOffice, ChainMissing."""
    await suspension.find_suspension(session, identifier)
    office = await chains.find_reform_office(session)
    if not lists.power_suspension_decide(caller, office.id):
        raise NotTheOffice(office.name)


async def _may_apply(session: AsyncSession, identifier: UUID, caller: StaffCaller) -> None:
    found = await suspension.find_suspension(session, identifier)
    require(lists.power_suspension_apply, caller, found.provider_id)


def read(record: SuspensionRecord) -> dict[str, Any]:
    """A suspension as the API shows it."""
    row = record.suspension
    return present(
        id=row.id,
        resource=record.resource,
        power_code=row.power_code,
        ground=row.ground,
        reason=row.reason,
        state=row.state,
        document=row.document,
        refusal=row.refusal,
        applied_at=row.applied_at,
        decided_at=row.decided_at,
        suspended_in=row.suspended_in,
        resumption_reason=row.resumption_reason,
        resumption_at=row.resumption_at,
        confirmation=row.confirmation,
        confirmed_at=row.confirmed_at,
        restored_in=row.restored_in,
        restored_at=row.restored_at,
    )
