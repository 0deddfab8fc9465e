"""`/v1/resources`, the part that changes: register, edit, submit, suspend, resume, withdraw, versions.

A step that brings new items runs in a transaction of its own, begun after the caller was judged: the items are compiled
in a child process first, and no transaction may wait for that. So it has no barrier; it locks the resource (a new one: its
provider), which a change of organisations locks as well, and then the caller is judged again.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.metadata import Metadata
from hub.api.acting import acting, changing_rights, expect_standing
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.resource_forms import EXAMPLE, read
from hub.api.wire import Body, Reason
from hub.identity.callers import StaffCaller
from hub.identity.permissions import catalogue, require
from hub.publishing import service, stopping
from hub.registry.errors import InvalidField

router = APIRouter(prefix="/v1/resources", tags=["资源目录 / resources"])

_SHOWN: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": EXAMPLE}}}}

ITEMS_EXAMPLE: list[Any] = [
    {"field_name": "item_code", "name": "事项编码", "data_type": "C", "length": 31, "required": True, "key": True},
    {"field_name": "item_name", "name": "事项名称", "data_type": "C", "length": 200, "required": True},
]

DESCRIPTION_EXAMPLE: dict[str, Any] = {
    "name": "办事指南",
    "summary": "救助类事项的办事指南",
    "system": "lintao-approval",
    "format_class": 7,
    "format_type": "JSON",
    "share_type": 1,
    "share_mode_class": "platform",
    "share_mode_type": "interface",
    "is_open": 1,
    "update_cycle": 4,
    "network_zone": "extranet",
}

Items = Annotated[
    list[Mapping[str, Any]],
    Field(description="信息项 / information items", examples=[ITEMS_EXAMPLE]),
]


class DescriptionBody(Metadata):
    """What an editor says about a resource: its core metadata, and the system that publishes it."""

    model_config = ConfigDict(json_schema_extra={"examples": [DESCRIPTION_EXAMPLE]})

    system: Annotated[str, Field(description="发布数据的系统代码 / code of the system that publishes")]

    def metadata(self) -> Metadata:
        """The core metadata alone."""
        return Metadata.model_validate({name: getattr(self, name) for name in Metadata.model_fields})


class NewResource(DescriptionBody):
    """A resource to register, with the items of its first version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [DESCRIPTION_EXAMPLE | {"classification": "306001000001", "items": ITEMS_EXAMPLE}]
        }
    )

    classification: Annotated[
        str, Field(description="类项目细目，资源代码的前段 / front part of the code", examples=["306001000001"])
    ]
    provider: Annotated[
        UUID | None, Field(description="提供机构 id，缺省为本人机构 / provider, your own if left out")
    ] = None
    items: Items


class Edit(Body):
    """What a draft is to become; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": ITEMS_EXAMPLE}]})

    description: DescriptionBody | None = None
    items: Items | None = None


class Successor(Body):
    """What the next version says and carries; what is left out is a copy of the newest version's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": ITEMS_EXAMPLE}]})

    description: DescriptionBody | None = None
    items: Items | None = None


@router.post(
    "",
    status_code=201,
    summary="登记资源 / register a resource",
    responses={201: {"content": {"application/json": {"example": EXAMPLE | {"status": "draft"}}}}},
)
async def register(
    body: NewResource, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("resource_create"))]
) -> dict[str, Any]:
    """Register a resource as a draft under the next code of its classification."""
    provider_id = body.provider or caller.organisation_id
    if provider_id is None:
        raise InvalidField("/provider", "请指明提供机构 provider", "name the providing organisation in provider")
    require(catalogue.resource_create, caller, provider_id)
    async with ctx.transaction() as session:
        parties = await service.find_parties(session, provider_id, body.system)
    async with ctx.transaction() as session:
        step = await service.register_resource(
            session,
            body.metadata(),
            body.items,
            owner=parties.owner,
            classification=body.classification,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
        await expect_standing(session, caller)
        return await _read(session, step.resource_id)


@router.put("/{id:path}/draft", summary="修改草稿 / edit the draft", responses=_SHOWN)
async def edit(
    id: str,  # noqa: A002
    body: Edit,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("resource_edit"))],
) -> dict[str, Any]:
    """Replace the draft's metadata or items; what is left out stays, and what is live stays live."""
    async with ctx.transaction() as session:
        record = await service.find_resource(session, id)
        resource = record.resource
        require(catalogue.resource_edit, caller, resource.provider_id)
        system_id = None
        if body.description is not None:
            system_id = (await service.find_parties(session, resource.provider_id, body.description.system)).system.id
    async with ctx.transaction() as session:
        await service.edit_draft(
            session,
            resource.id,
            metadata=None if body.description is None else body.description.metadata(),
            items=body.items,
            system_id=system_id,
            provider_id=resource.provider_id,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
        await _expect_editor(session, caller, resource.id)
        return await _read(session, resource.id)


@router.post(
    "/{id:path}/versions", status_code=201, summary="起草新版本 / begin a new version", responses={201: _SHOWN[200]}
)
async def begin_version(
    id: str,  # noqa: A002
    body: Successor,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("resource_edit"))],
) -> dict[str, Any]:
    """Begin the successor of the published version, which stays live until the successor is published."""
    async with ctx.transaction() as session:
        record = await service.find_resource(session, id)
        resource = record.resource
        require(catalogue.resource_edit, caller, resource.provider_id)
    if body.description is not None and body.description.system != record.system:
        raise InvalidField(
            "/description/system",
            f"发布系统是 {record.system}，不能随新版本更换；请由安全管理员办理职责划转",
            f"the publishing system is {record.system}; it changes with a transfer of duties, not with a version",
        )
    async with ctx.transaction() as session:
        await service.new_version(
            session,
            resource.id,
            metadata=None if body.description is None else body.description.metadata(),
            items=body.items,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
        await _expect_editor(session, caller, resource.id)
        return await _read(session, resource.id)


@router.post("/{id:path}/versions/{number}/end", summary="停用旧版本 / end a replaced version", responses=_SHOWN)
async def end_version(
    id: str,  # noqa: A002
    number: Annotated[int, Path(ge=1, le=2**31 - 1)],
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("resource_withdraw"))],
) -> dict[str, Any]:
    """From the answer on, a version that a newer one has replaced takes no more payloads."""
    async with changing_rights(ctx, caller) as session:
        resource = (await service.find_resource(session, id)).resource
        await stopping.end_version(
            session, resource.id, number, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return await _read(session, resource.id)


@router.post("/{id:path}/submit", summary="提交审核 / submit for review", responses=_SHOWN)
async def submit(
    id: str,  # noqa: A002
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("resource_submit"))],
) -> dict[str, Any]:
    """Hand the draft in for review."""
    async with acting(ctx, caller) as session:
        resource = (await service.find_resource(session, id)).resource
        require(catalogue.resource_submit, caller, resource.provider_id)
        await service.submit(session, resource.id, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        return await _read(session, resource.id)


@router.post("/{id:path}/suspend", summary="暂停资源 / suspend a resource", responses=_SHOWN)
async def suspend(
    id: str,  # noqa: A002
    body: Reason,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("resource_suspend"))],
) -> dict[str, Any]:
    """From the answer on, nothing is accepted for the resource."""
    async with changing_rights(ctx, caller) as session:
        resource = (await service.find_resource(session, id)).resource
        await stopping.suspend(
            session, resource.id, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return await _read(session, resource.id)


@router.post("/{id:path}/resume", summary="恢复资源 / resume a resource", responses=_SHOWN)
async def resume(
    id: str,  # noqa: A002
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("resource_resume"))],
) -> dict[str, Any]:
    """Let the exchange of a suspended resource go on."""
    async with changing_rights(ctx, caller) as session:
        resource = (await service.find_resource(session, id)).resource
        await stopping.resume(session, resource.id, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        return await _read(session, resource.id)


@router.post("/{id:path}/withdraw", summary="撤销资源 / withdraw a resource", responses=_SHOWN)
async def withdraw(
    id: str,  # noqa: A002
    body: Reason,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("resource_withdraw"))],
) -> dict[str, Any]:
    """End the resource and all its versions for good; the code stays taken."""
    async with changing_rights(ctx, caller) as session:
        resource = (await service.find_resource(session, id)).resource
        await stopping.withdraw(
            session, resource.id, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return await _read(session, resource.id)


async def _read(session: AsyncSession, resource_id: UUID) -> dict[str, Any]:
    return read((await service.find_resource(session, str(resource_id))).shown)


async def _expect_editor(session: AsyncSession, caller: StaffCaller, resource_id: UUID) -> None:
    """Judge the caller again, now that the step holds the resource: compiling took its time. Raises SessionOver, Forbidden."""
    await expect_standing(session, caller)
    require(
        catalogue.resource_edit, caller, (await service.find_resource(session, str(resource_id))).resource.provider_id
    )
