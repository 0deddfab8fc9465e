"""`/v1/resources`: the catalogue. Partner systems read what was published; staff take the steps of a resource's life.

`{id}` is the resource's id or its code, slash and all: `/v1/resources/306001000001/000042/schema`.
"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from catalog.indexing import FOUND_BY_SYSTEMS
from catalog.schema import DIALECT
from catalog.upstream import latest
from certs.canonical import canonical
from hub.api import resource_dcat, resource_reviews, resource_search, resource_steps, resource_upstream
from hub.api.context import ContextDep
from hub.api.guard import system_or_staff
from hub.api.paging import Page
from hub.api.resource_forms import EXAMPLE, read_upstream, read_version, read_with_freshness
from hub.api.resource_search import EXAMPLES, Narrowed, read_found
from hub.api.review_forms import DIFFERENCE_EXAMPLE, read_difference
from hub.api.wire import SCHEMA_TYPE
from hub.errors import Forbidden, NotFound
from hub.identity.callers import StaffCaller, SystemCaller
from hub.publishing import searching, service
from hub.publishing.examining import differences_between
from hub.publishing.repository import ResourceRecord
from hub.publishing.upstream import list_upstream

reading = APIRouter(prefix="/v1/resources", tags=["资源目录 / resources"])

VERSION_EXAMPLE = {
    "version": 1,
    "state": "published",
    "schema_digest": EXAMPLE["schema_digest"],
    "metadata": resource_steps.DESCRIPTION_EXAMPLE,
    "items": resource_steps.ITEMS_EXAMPLE,
    "created_at": "2026-03-02T01:30:00.000000+00:00",
    "submitted_at": "2026-03-02T02:00:00.000000+00:00",
    "published_at": "2026-03-04T02:00:00.000000+00:00",
}

DIFFERENCES_EXAMPLE = {"from": 1, "to": 2, "items": [DIFFERENCE_EXAMPLE], "next": None}

Reader = Annotated[SystemCaller | StaffCaller, Depends(system_or_staff("resource_read"))]


@reading.get(
    "",
    summary="资源列表与检索 / list and search resources",
    responses={200: {"content": {"application/json": {"examples": EXAMPLES}}}},
)
async def listing(
    caller: Reader,
    ctx: ContextDep,
    page: Page,
    search: Narrowed,
    code: Annotated[str | None, Query(max_length=64, description="只要此代码的资源 / the one of this code")] = None,
    overdue: Annotated[
        bool, Query(description="只要逾期未更新的，限工作人员 / those whose data are late, for staff")
    ] = False,
) -> dict[str, Any]:
    """Resources by code; partner systems see those that were published.

    With `q`, those found: first by the beginning of their code, then by name, then by all else, in each case by code; the
    first 1,000 are shown and counted, and more than that are "1000+". Filters narrow a list and a search alike.
    """
    now = ctx.clock()
    if search is not None and code is None and not overdue:
        question = replace(search, for_systems=isinstance(caller, SystemCaller))
        async with ctx.acquire() as connection, connection.transaction():
            return read_found(await searching.search(connection, question), now)
    async with ctx.transaction() as session:
        if code is not None:
            return {"items": [_shown(await _visible(session, code, caller), now)], "next": None}
        if overdue:
            _only_staff(caller)
            records, following = await service.list_overdue(session, cursor=page.cursor, limit=page.limit, at=now)
        else:
            statuses = FOUND_BY_SYSTEMS if isinstance(caller, SystemCaller) else ()
            records, following = await service.list_resources(
                session, cursor=page.cursor, limit=page.limit, statuses=statuses
            )
    return {"items": [_shown(record, now) for record in records], "next": following}


@reading.get(
    "/{id:path}/schema",
    summary="载荷的 JSON Schema / schema of payloads",
    response_class=Response,
    responses={200: {"content": {SCHEMA_TYPE: {"example": {"$schema": DIALECT, "title": "办事指南", "$defs": {}}}}}},
)
async def schema(
    id: str,  # noqa: A002
    caller: Reader,
    ctx: ContextDep,
    ver: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="版本，缺省为现行版本 / the live one if left out")
    ] = None,
) -> Response:
    """The JSON Schema (2020-12) of that version's payload, in its RFC 8785 form: its SHA-256 is the `schema_digest`."""
    async with ctx.transaction() as session:
        record = await _visible(session, id, caller)
        version = await service.find_version(session, record.resource.id, ver)
    if isinstance(caller, SystemCaller) and version.published_at is None:
        raise _nothing()
    return Response(
        canonical(version.payload_schema), media_type=SCHEMA_TYPE, headers={"ETag": f'"{version.schema_digest}"'}
    )


@reading.get(
    "/{id:path}/versions",
    summary="资源的版本 / versions of a resource",
    responses={200: {"content": {"application/json": {"example": {"items": [VERSION_EXAMPLE], "next": None}}}}},
)
async def versions(id: str, caller: Reader, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002
    """All versions, oldest first, with their items; partner systems see those that were published."""
    async with ctx.transaction() as session:
        record = await _visible(session, id, caller)
        rows = await service.list_versions(session, record.resource.id)
    shown = [row for row in rows if isinstance(caller, StaffCaller) or row.published_at is not None]
    return {"items": [read_version(row, ctx.clock()) for row in shown], "next": None}


@reading.get(
    "/{id:path}/differences",
    summary="两个版本的差别 / differences between two versions",
    responses={200: {"content": {"application/json": {"example": DIFFERENCES_EXAMPLE}}}},
)
async def differences(
    id: str,  # noqa: A002
    caller: Reader,
    ctx: ContextDep,
    old: Annotated[
        int | None,
        Query(alias="from", ge=1, le=2**31 - 1, description="版本，缺省为之前的一版 / by default the one before"),
    ] = None,
    new: Annotated[
        int | None, Query(alias="to", ge=1, le=2**31 - 1, description="版本，缺省为最新一版 / by default the newest")
    ] = None,
) -> dict[str, Any]:
    """What one version says otherwise than another, any two of them, in words; partner systems see published versions."""
    async with ctx.transaction() as session:
        record = await _visible(session, id, caller)
        rows = await service.list_versions(session, record.resource.id)
    shown = {row.number: row for row in rows if isinstance(caller, StaffCaller) or row.published_at is not None}
    newer = max(shown) if new is None else new
    older = max((number for number in shown if number < newer), default=newer) if old is None else old
    if newer not in shown or older not in shown:
        raise _nothing()
    found = [] if older == newer else differences_between(shown[older], shown[newer])
    return {"from": older, "to": newer, "items": [read_difference(one) for one in found], "next": None}


@reading.get(
    "/{id:path}",
    summary="一个资源 / one resource",
    responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def one(id: str, caller: Reader, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002
    """The resource of that id or code, with where its registration with catalogues above stands."""
    async with ctx.transaction() as session:
        record = await _visible(session, id, caller)
        states = await list_upstream(session, record.resource.id)
    shown = _shown(record, ctx.clock())
    present_states = latest(states).values()
    return shown | ({"upstream": [read_upstream(row) for row in present_states]} if states else {})


def _shown(record: ResourceRecord, now: datetime) -> dict[str, Any]:
    return read_with_freshness(record.shown, now)


def _only_staff(caller: SystemCaller | StaffCaller) -> None:
    if isinstance(caller, SystemCaller):
        raise Forbidden(
            "逾期清单只供工作人员查询；请去掉 overdue", "only staff ask for what is overdue; leave overdue out"
        )


async def _visible(session: AsyncSession, reference: str, caller: SystemCaller | StaffCaller) -> ResourceRecord:
    record = await service.find_resource(session, reference)
    if isinstance(caller, SystemCaller) and record.resource.live_version is None:
        raise _nothing()
    return record


def _nothing() -> NotFound:
    # In the words of a resource that does not exist: a draft is nobody's business.
    return NotFound(
        "没有这个资源或版本；请核对资源标识或资源代码", "there is no such resource or version; check its id or code"
    )


router = APIRouter()
# `/{id:path}` takes every path below: what is more special comes first.
router.include_router(resource_dcat.router)
router.include_router(resource_reviews.router)
router.include_router(resource_upstream.router)
router.include_router(reading)
router.include_router(resource_search.rebuilding)
router.include_router(resource_steps.router)
