"""`/v1/organisations`: the bodies whose systems take part."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, present
from hub.identity.callers import StaffCaller
from hub.registry import repository, service
from hub.registry.models import Organisation

router = APIRouter(prefix="/v1/organisations", tags=["机构 / organisations"])

EXAMPLE = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "code": "11621124MB0000000U",
    "name": "临洮县示例局",
    "region": "621124",
    "is_example": True,
    "created_at": "2026-03-02T01:30:00.000000+00:00",
}


class NewOrganisation(Body):
    """A body to register; without `code` it needs `parent`."""

    name: Annotated[str, Field(description="机构名称 / name", examples=["临洮县示例局"])]
    region: Annotated[str, Field(description="行政区划代码 GB/T 2260 / region", examples=["621124"])]
    code: Annotated[str | None, Field(description="统一社会信用代码 GB 32100 / unified social credit code")] = None
    name_en: Annotated[str, Field(description="英文名称 / name in English")] = ""
    parent: Annotated[UUID | None, Field(description="上级机构的 id / id of the body above")] = None
    is_example: Annotated[bool, Field(description="示例数据 / made up for a demonstration")] = False


@router.post(
    "",
    status_code=201,
    summary="登记机构 / register an organisation",
    responses={201: {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def create(
    body: NewOrganisation, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("organisation_create"))]
) -> dict[str, Any]:
    """Register a body under its 统一社会信用代码, or, having none, under its parent."""
    new = service.NewOrganisation(**body.model_dump())
    async with ctx.transaction() as session:
        row = await service.register_organisation(
            session, new, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
    return read(row)


@router.get("", summary="机构列表 / list organisations", dependencies=[Depends(staff_may("organisation_read"))])
async def listing(
    ctx: ContextDep,
    page: Page,
    region: Annotated[str | None, Query(pattern="^[0-9]{6}$", description="行政区划代码 / region")] = None,
) -> dict[str, Any]:
    """Organisations in no particular order that stays the same from page to page."""
    async with ctx.transaction() as session:
        rows = await repository.organisations(session, after=page.after_id(), limit=page.fetch, region=region)
    return page.page(rows, read, lambda row: (row.id,))


@router.get("/{id}", summary="一个机构 / one organisation", dependencies=[Depends(staff_may("organisation_read"))])
async def one(id: UUID, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002  the contract's name
    """The organisation of that id."""
    async with ctx.transaction() as session:
        row = await service.find_organisation(session, id)
    return read(row)


def read(row: Organisation) -> dict[str, Any]:
    """An organisation as the API shows it."""
    return present(
        id=row.id,
        code=row.code,
        name=row.name,
        name_en=row.name_en or None,
        region=row.region,
        parent=row.parent_id,
        is_example=row.is_example,
        created_at=row.created_at,
    )
