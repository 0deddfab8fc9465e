"""`GET /v1/resources/catalogue.ttl` and `.jsonld`: what is published, as DCAT-AP, page by page."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.responses import Response

from catalog.dcat.pages import Place, Syntax
from hub.api.context import Context, ContextDep
from hub.api.guard import system_or_staff
from hub.api.paging import Page, Paging
from hub.identity.callers import StaffCaller, SystemCaller
from hub.publishing import service

router = APIRouter(prefix="/v1/resources", tags=["资源目录 / resources"])

Reader = Annotated[SystemCaller | StaffCaller, Depends(system_or_staff("resource_read"))]

TITLE = "政务信息资源目录"


@router.get(
    "/catalogue.ttl",
    summary="DCAT-AP 目录（Turtle）/ the catalogue as Turtle",
    response_class=Response,
    responses={200: {"content": {Syntax.TURTLE.value: {"example": "<…/v1/resources> a dcat:Catalog ."}}}},
)
async def turtle(caller: Reader, ctx: ContextDep, page: Page) -> Response:
    """Published resources by code; `hydra:next` names the next page."""
    return await _page(ctx, page, Syntax.TURTLE)


@router.get(
    "/catalogue.jsonld",
    summary="DCAT-AP 目录（JSON-LD）/ the catalogue as JSON-LD",
    response_class=Response,
    responses={200: {"content": {Syntax.JSON_LD.value: {"example": [{"@id": "…/v1/resources"}]}}}},
)
async def json_ld(caller: Reader, ctx: ContextDep, page: Page) -> Response:
    """Published resources by code; `hydra:next` names the next page."""
    return await _page(ctx, page, Syntax.JSON_LD)


async def _page(ctx: Context, page: Paging, syntax: Syntax) -> Response:
    async with ctx.transaction() as session:
        entries, following = await service.list_entries(session, cursor=page.cursor, limit=page.limit)
    base = ctx.settings.public_url.rstrip("/")
    address = f"{base}/v1/resources/catalogue.{syntax.suffix}"

    def at(cursor: str | None) -> str:
        return f"{address}?{urlencode({'limit': page.limit, **({} if cursor is None else {'cursor': cursor})})}"

    place = Place(
        base, ctx.settings.hub_id, TITLE, at(page.cursor), None if following is None else at(following), at(None)
    )
    from catalog.dcat.writing import write_page  # its library takes long to load

    return Response(write_page(entries, place, syntax), media_type=syntax.value)
