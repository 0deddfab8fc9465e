"""`/v1/resources/{id}`, the part that decides: the review of what was submitted, step by step, to return or publication."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.compatibility import Finding
from hub.api.acting import acting, changing_rights
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.resource_forms import EXAMPLE, read
from hub.api.review_forms import DIFFERENCE_EXAMPLE, STEP_EXAMPLE, read_claim, read_difference, read_step
from hub.api.wire import Body, Reason, present
from hub.identity.callers import StaffCaller
from hub.identity.permissions import catalogue
from hub.identity.roles import Role
from hub.publishing import deciding, service
from hub.publishing.examining import examine
from hub.publishing.repository import ResourceRecord
from hub.registry import service as registry
from hub.reviewing import service as reviewing
from hub.reviewing.errors import NotYourStep
from hub.reviewing.models import Review

router = APIRouter(prefix="/v1/resources", tags=["审查审核 / reviews"])

REVIEWS_EXAMPLE: dict[str, Any] = {
    "items": [STEP_EXAMPLE],
    "next": None,
    "version": 2,
    "against": 1,
    "changes": [
        {"field": "/items/phone", "kind": "removed", "effect": "breaking", "zh": "信息项“咨询电话”：删除。…", "en": "item \"咨询电话\": removed. …"},
    ],
    "differences": [DIFFERENCE_EXAMPLE],
    "claims": [
        {
            "field_name": "item_name",
            "item": "事项名称",
            "key": False,
            "departments": [
                {"code": "11621124MB0000000U", "name": "临洮县示例局", "resource": "306001000001/000042", "resource_name": "办事指南"}
            ],
            "zh": "政务服务事项的“事项名称”已由 306001000001/000042 提供；请与提供部门协商，确定一个责任来源",
            "en": "事项名称 of matter of government service is provided by 306001000001/000042 already; …",
        }
    ],
}  # fmt: skip


class Opinion(Body):
    """What the reviewer says with the approval, if anything."""

    opinion: Annotated[
        str | None, Field(description="意见 / opinion", examples=["经审查不涉密 / nothing in it is a secret"])
    ] = None


class Publication(Body):
    """What publication takes along."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"confirm_breaking": True, "replaced_ends_at": "2026-06-01T00:00:00+08:00"}]}
    )

    confirm_breaking: Annotated[
        bool, Field(description="已知与现行版本不兼容，仍发布 / the breaks with the live version are known")
    ] = False
    replaced_ends_at: Annotated[
        AwareDatetime | None,
        Field(
            description="被替换的版本停用的时间，缺省 30 天后 / when the replaced version ends, 30 days from now if left out",
            examples=["2026-06-01T00:00:00+08:00"],
        ),
    ] = None


@router.get(
    "/{id:path}/reviews",
    summary="审查审核记录 / the review of a resource",
    dependencies=[Depends(staff_may("review_read"))],
    responses={200: {"content": {"application/json": {"example": REVIEWS_EXAMPLE}}}},
)
async def reviews(id: str, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002
    """Every step of every round, newest first; of the version not yet published, its changes and who claims its items.

    `changes` are judged by what payloads meet, `differences` are all that it says otherwise than the live version.
    `claims` follow the register of scattered powers 交叉分散情况登记表 (004 附件5): `item` 事项名称, `departments` 涉及部门,
    `zh` 交叉分散情况描述.
    """
    async with ctx.transaction() as session:
        record = await service.find_resource(session, id)
        rows = await reviewing.list_reviews(session, record.resource.id)
        found = await examine(session, record.resource)
    shown: dict[str, Any] = {"items": [read_step(row, organisation) for row, organisation in rows], "next": None}
    if found is None:
        return shown
    return shown | present(
        version=found.version,
        against=found.against,
        changes=[_read_change(change) for change in found.compatibility.findings],
        differences=[read_difference(one) for one in found.differences],
        claims=[read_claim(claim, found.departments) for claim in found.claims],
    )


@router.post(
    "/{id:path}/approve",
    summary="通过一步审查审核 / approve a step",
    responses={200: {"content": {"application/json": {"example": STEP_EXAMPLE}}}},
)
async def approve(
    id: str,  # noqa: A002
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("resource_review"))],
    body: Opinion | None = None,
) -> dict[str, Any]:
    """Approve the step whose turn it is; the next one's turn comes. The last step is taken by publishing."""
    async with acting(ctx, caller) as session:
        record = await service.find_resource(session, id)
        step = await _own_step(session, record, catalogue.resource_review, caller)
        await reviewing.approve(
            session,
            step,
            record.resource.code,
            opinion=None if body is None else body.opinion,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
        named = step.organisation_id and await registry.find_organisation(session, step.organisation_id)
        return read_step(step, named or None)


@router.post(
    "/{id:path}/return",
    summary="退回修改 / return to the editor",
    responses={200: {"content": {"application/json": {"example": EXAMPLE | {"status": "draft"}}}}},
)
async def return_to_draft(
    id: str,  # noqa: A002
    body: Reason,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("resource_return"))],
) -> dict[str, Any]:
    """Send the submitted version back to its editor: a decision of the step whose turn it is, which ends the round."""
    async with acting(ctx, caller) as session:
        record = await service.find_resource(session, id)
        await _own_step(session, record, catalogue.resource_return, caller)
        await deciding.return_to_draft(
            session,
            record.resource.id,
            reason=body.reason,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
        return read((await service.find_resource(session, str(record.resource.id))).shown)


@router.post(
    "/{id:path}/publish",
    summary="审核通过并发布 / approve and publish",
    responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def publish(
    id: str,  # noqa: A002
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("resource_publish"))],
    body: Publication | None = None,
) -> dict[str, Any]:
    """Make the submitted version the live one once every other step is approved; grants that are not revoked pin its schema."""
    wanted = body or Publication()
    ends_at: datetime | None = wanted.replaced_ends_at
    async with changing_rights(ctx, caller) as session:
        resource = (await service.find_resource(session, id)).resource
        await deciding.publish(
            session,
            resource.id,
            confirm_breaking=wanted.confirm_breaking,
            replaced_ends_at=ends_at,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
        return read((await service.find_resource(session, str(resource.id))).shown)


async def _own_step(
    session: AsyncSession, record: ResourceRecord, action: Callable[..., bool], caller: StaffCaller
) -> Review:
    """The step that waits, held until the transaction ends, if the caller may take it. Raises NotSubmitted, NotYourStep."""
    code = record.resource.code
    step = await reviewing.find_waiting(session, record.resource.id, code)
    if not action(caller, Role(step.role), step.organisation_id, record.provider.id):
        raise NotYourStep(code, step.position, step.kind, Role(step.role))
    return step


def _read_change(change: Finding) -> dict[str, Any]:
    return {
        "field": change.field,
        "kind": change.kind.value,
        "effect": change.effect.value,
        "zh": change.zh,
        "en": change.en,
    }
