"""The catalogue as workbooks: the template to be filled in, and what there is, to be changed and imported again.

Registered before `/v1/resources`, whose `{id}` takes every path.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.resource_imports import XLSX, attachment
from hub.api.wire import answers
from hub.identity.callers import StaffCaller
from hub.publishing.imports import handing

router = APIRouter(prefix="/v1/resources", tags=["资源目录 / resources"])

Reader = Annotated[StaffCaller, Depends(staff_may("resource_export"))]

_WORKBOOK = answers(XLSX, described="工作簿（.xlsx）/ the workbook")


@router.get("/template.xlsx", summary="目录模板 / the template", response_class=Response, responses=_WORKBOOK)
async def template(caller: Reader, ctx: ContextDep) -> Response:
    """The workbook to be filled in: 说明, 目录, 信息项, 字典."""
    return attachment(await handing.template(), "shuniu-catalogue-template.xlsx")


@router.get("/export.xlsx", summary="导出目录 / export the catalogue", response_class=Response, responses=_WORKBOOK)
async def export(
    caller: Reader,
    ctx: ContextDep,
    provider: Annotated[
        str | None,
        Query(max_length=64, description="只要该机构的（id 或统一社会信用代码）/ of this organisation, by id or code"),
    ] = None,
) -> Response:
    """The newest version of every resource that is not withdrawn; imported unchanged it changes nothing."""
    async with ctx.transaction() as session:
        pieces = await handing.collect(session, provider)
    return attachment(await handing.export(pieces), "shuniu-catalogue.xlsx")
