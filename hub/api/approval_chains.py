"""`/v1/approval-chains`: whose approvals the resources of a list 清单 need before they are published."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.review_forms import read_organisation
from hub.api.wire import Body, present
from hub.identity.callers import StaffCaller
from hub.identity.roles import Role
from hub.registry import service as registry
from hub.reviewing import chains
from hub.reviewing.chains import ChainStep
from hub.reviewing.rounds import Approval

router = APIRouter(prefix="/v1/approval-chains", tags=["审查审核 / reviews"])

EXAMPLE: dict[str, Any] = {
    "list_type": "special-funds",
    "steps": [
        {
            "position": 1,
            "role": "reviewer",
            "organisation": {"id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073990", "code": "11621124DEM0000574", "name": "临洮县财政局"},
            "basis": "《甘肃政务服务网临洮子站建设运行管理办法（试行）》第十条（二）",
        },
        {"position": 2, "role": "decider", "basis": "《临洮县县级财政专项资金管理清单上网发布管理办法（试行）》第三条"},
    ],
}  # fmt: skip


class Step(Body):
    """An approval: by a reviewer of the organisation, or, without one, by the decider of the provider (主管部门)."""

    organisation: Annotated[
        str | None,
        Field(
            max_length=200,
            description="机构的 id、统一社会信用代码，或本区划内的名称；不写则由提供方的审批人办理 / "
            "organisation by id, code, or name in this region; the provider's decider if left out",
            examples=["临洮县财政局"],
        ),
    ] = None
    basis: Annotated[str, Field(description="依据 / basis", examples=["《示例办法》第十条"])]


class Chain(Body):
    """The approvals of a list, in order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "steps": [
                        {"organisation": "临洮县财政局", "basis": EXAMPLE["steps"][0]["basis"]},
                        {"basis": EXAMPLE["steps"][1]["basis"]},
                    ]
                }
            ]
        }
    )

    steps: list[Step]


_ONE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": EXAMPLE}}}}


@router.get(
    "",
    summary="审批链列表 / list chains",
    dependencies=[Depends(staff_may("chain_read"))],
    responses={200: {"content": {"application/json": {"example": {"items": [EXAMPLE], "next": None}}}}},
)
async def listing(ctx: ContextDep) -> dict[str, Any]:
    """Every chain by its list; there are as many as kinds of lists, so they come on one page."""
    async with ctx.transaction() as session:
        found = await chains.list_chains(session)
    return {"items": [_read(list_type, steps) for list_type, steps in found.items()], "next": None}


@router.get(
    "/{list_type}",
    summary="一条审批链 / one chain",
    dependencies=[Depends(staff_may("chain_read"))],
    responses=_ONE,
)
async def one(list_type: str, ctx: ContextDep) -> dict[str, Any]:
    """The chain of that list."""
    async with ctx.transaction() as session:
        return _read(list_type, await chains.find_chain(session, list_type))


@router.put("/{list_type}", summary="设置审批链 / set a chain", responses=_ONE)
async def replace(
    list_type: str,
    body: Chain,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("chain_replace"))],
) -> dict[str, Any]:
    """Give the list this chain; what is under review keeps the steps that it was submitted with."""
    async with ctx.transaction() as session:
        steps = await chains.replace_chain(
            session,
            list_type,
            [await _approval(session, step, ctx.settings.region) for step in body.steps],
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
        return _read(list_type, steps)


async def _approval(session: AsyncSession, step: Step, region: str) -> Approval:
    if step.organisation is None:
        return Approval(Role.DECIDER, None, step.basis)
    named = await registry.find_named(session, step.organisation, region=region)
    return Approval(Role.REVIEWER, named.id, step.basis)


def _read(list_type: str, steps: Sequence[ChainStep]) -> dict[str, Any]:
    return {
        "list_type": list_type,
        "steps": [
            present(
                position=step.position,
                role=step.role,
                organisation=None if organisation is None else read_organisation(organisation),
                basis=step.basis,
            )
            for step, organisation in steps
        ],
    }
