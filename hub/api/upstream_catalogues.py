"""`/v1/upstream-catalogues`, `/v1/harvests`, `/v1/upstream-resources`: catalogues of others, harvested in stages.

A page of a catalogue comes as the body, Turtle or JSON-LD by its media type; the hub fetches nothing by itself.
"""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from catalog.dcat.pages import Syntax
from catalog.harvest import repository
from catalog.harvest.models import Harvest, UpstreamCatalogue, UpstreamResource
from catalog.harvest.service import conflicts, shown
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, present
from hub.errors import InvalidInput
from hub.identity.callers import StaffCaller
from hub.publishing import harvesting

router = APIRouter(prefix="/v1", tags=["上游目录 / upstream catalogues"])

Steward = Annotated[StaffCaller, Depends(staff_may("upstream_harvest"))]

CATALOGUE_EXAMPLE = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "name": "dingxi",
    "title": "定西市政务信息资源目录",
    "created_at": "2026-03-02T01:30:00.000000+00:00",
}
HARVEST_EXAMPLE = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "state": "gathering",
    "pages": 2,
    "is_complete": True,
    "faults": [{"uri": "https://up.example/d/9", "zh": "没有名称（dct:title），请上游补上", "en": "has no dct:title"}],
    "began_at": "2026-03-02T01:30:00.000000+00:00",
}
COUNTS_EXAMPLE = {"counts": {"new": 1, "changed": 1, "back": 0, "gone": 1, "unchanged": 97}}
LOOKED_AT_EXAMPLE = (
    HARVEST_EXAMPLE | COUNTS_EXAMPLE | {"changes": [{"uri": "https://up.example/d/1", "verdict": "new"}], "next": None}
)
ENDED_EXAMPLE = {"ended_at": "2026-03-02T01:40:00.000000+00:00"}
APPLIED_EXAMPLE = HARVEST_EXAMPLE | COUNTS_EXAMPLE | ENDED_EXAMPLE | {"state": "applied"}
ABANDONED_EXAMPLE = HARVEST_EXAMPLE | ENDED_EXAMPLE | {"state": "abandoned"}
RESOURCE_EXAMPLE = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "uri": "https://up.example/d/1",
    "shown": {"name": "办事指南", "summary": "省级办事指南", "share_type": 1},
    "said": {"name": "办事指南（省）", "summary": "省级办事指南", "share_type": 1},
    "edits": {"name": "办事指南"},
    "conflicts": [],
    "first_seen_at": "2026-03-02T01:30:00.000000+00:00",
    "last_seen_at": "2026-03-02T01:30:00.000000+00:00",
}

TURTLE_EXAMPLE = """@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
<https://up.example/d/1> a dcat:Dataset ; dct:title "办事指南"@zh ; dct:description "省级办事指南"@zh .
"""
JSON_LD_EXAMPLE = {
    "@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/"},
    "@id": "https://up.example/d/1",
    "@type": "dcat:Dataset",
    "dct:title": {"@value": "办事指南", "@language": "zh"},
    "dct:description": {"@value": "省级办事指南", "@language": "zh"},
}


def _example(value: dict[str, Any], status: int = 200) -> dict[int | str, dict[str, Any]]:
    return {status: {"content": {"application/json": {"example": value}}}}


class NewCatalogue(Body):
    """A catalogue to harvest."""

    name: Annotated[str, Field(description="本枢纽对它的简称 / what this hub calls it", examples=["dingxi"])]
    title: Annotated[str, Field(description="目录名称 / its title", examples=["定西市政务信息资源目录"])]


class Edits(Body):
    """What our people write over it; null takes a word back."""

    edits: Annotated[
        dict[str, Any],
        Field(
            description="要改的项 / fields to write over", examples=[{"name": "办事指南", "note": "与我县 306001 同源"}]
        ),
    ]


@router.post(
    "/upstream-catalogues",
    status_code=201,
    summary="登记上游目录 / register an upstream catalogue",
    responses=_example(CATALOGUE_EXAMPLE, 201),
)
async def add_catalogue(body: NewCatalogue, ctx: ContextDep, caller: Steward) -> dict[str, Any]:
    """Register a catalogue under a short name."""
    async with ctx.transaction() as session:
        row = await harvesting.add_catalogue(
            session, body.name, body.title, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
    return _catalogue(row)


@router.get(
    "/upstream-catalogues",
    summary="上游目录列表 / list upstream catalogues",
    dependencies=[Depends(staff_may("upstream_read"))],
    responses=_example({"items": [CATALOGUE_EXAMPLE], "next": None}),
)
async def list_catalogues(ctx: ContextDep, page: Page) -> dict[str, Any]:
    """Upstream catalogues by name."""
    async with ctx.transaction() as session:
        rows = await repository.catalogues(session, page.after_text() or "", page.fetch)
    return page.page(rows, _catalogue, lambda row: (row.name,))


@router.post(
    "/upstream-catalogues/{name}/harvests",
    status_code=201,
    summary="开始收割 / begin a harvest",
    responses=_example(HARVEST_EXAMPLE | {"pages": 0, "is_complete": False, "faults": []}, 201),
)
async def begin(name: str, ctx: ContextDep, caller: Steward) -> dict[str, Any]:
    """Begin a harvest; a catalogue has one at a time."""
    async with ctx.transaction() as session:
        row = await harvesting.begin_harvest(session, name, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        return _harvest(row)


@router.post(
    "/harvests/{id}/pages",
    summary="加入一页 / add a page",
    responses=_example(HARVEST_EXAMPLE | {"next_page": None}),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                Syntax.TURTLE.value: {"schema": {"type": "string"}, "example": TURTLE_EXAMPLE},
                Syntax.JSON_LD.value: {"schema": {"type": ["object", "array"]}, "example": JSON_LD_EXAMPLE},
            },
        }
    },
)
async def add_page(id: UUID, request: Request, ctx: ContextDep, caller: Steward) -> dict[str, Any]:  # noqa: A002
    """Stage one page of the catalogue, Turtle or JSON-LD; pages may come in any order, and again."""
    syntax = _syntax(request.headers.get("content-type", ""))
    content = await request.body()
    page = await asyncio.to_thread(harvesting.parse_page, content, syntax)
    async with ctx.transaction() as session:
        row = await harvesting.add_page(session, id, page)
        return _harvest(row) | {"next_page": page.following}


@router.get(
    "/harvests/{id}",
    summary="收割的比对结果 / what a harvest would change",
    dependencies=[Depends(staff_may("upstream_read"))],
    responses=_example(LOOKED_AT_EXAMPLE),
)
async def look(id: UUID, ctx: ContextDep, page: Page) -> dict[str, Any]:  # noqa: A002
    """The harvest, and while it is open what applying it would change, by address."""
    async with ctx.transaction() as session:
        found = await harvesting.plan(session, id, after=page.after_text() or "", limit=page.fetch)
        changes = page.page(
            found.changes, lambda change: {"uri": change.uri, "verdict": change.verdict}, lambda change: (change.uri,)
        )
        return _harvest(found.harvest) | {
            "counts": dict(found.counts),
            "changes": changes["items"],
            "next": changes["next"],
        }


@router.post("/harvests/{id}/apply", summary="应用收割 / apply a harvest", responses=_example(APPLIED_EXAMPLE))
async def apply(id: UUID, ctx: ContextDep, caller: Steward) -> dict[str, Any]:  # noqa: A002
    """Take over what was found; what is gone is marked, what people wrote stays."""
    async with ctx.transaction() as session:
        row = await harvesting.apply_harvest(session, id, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        return _harvest(row)


@router.post("/harvests/{id}/abandon", summary="放弃收割 / give a harvest up", responses=_example(ABANDONED_EXAMPLE))
async def abandon(id: UUID, ctx: ContextDep, caller: Steward) -> dict[str, Any]:  # noqa: A002
    """Give the harvest up; nothing changes."""
    async with ctx.transaction() as session:
        row = await harvesting.abandon_harvest(session, id, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        return _harvest(row)


@router.get(
    "/upstream-resources",
    summary="上游资源列表 / list upstream resources",
    dependencies=[Depends(staff_may("upstream_read"))],
    responses=_example({"items": [RESOURCE_EXAMPLE], "next": None}),
)
async def list_resources(
    ctx: ContextDep,
    page: Page,
    catalogue: Annotated[str, Query(max_length=63, description="上游目录简称 / name of the catalogue")],
    gone: Annotated[bool | None, Query(description="只看上游已删除的 / only those gone, or only those there")] = None,
) -> dict[str, Any]:
    """Resources of one upstream catalogue by address."""
    async with ctx.transaction() as session:
        owner = await harvesting.find_catalogue(session, catalogue)
        rows = await repository.resources(
            session, catalogue_id=owner.id, gone=gone, after=page.after_text() or "", limit=page.fetch
        )
    return page.page(rows, _resource, lambda row: (row.uri,))


@router.post(
    "/upstream-resources/{id}/edit",
    summary="修订上游资源的说法 / write over an upstream resource",
    responses=_example(RESOURCE_EXAMPLE),
)
async def edit(id: UUID, body: Edits, ctx: ContextDep, caller: Steward) -> dict[str, Any]:  # noqa: A002
    """Write over what the catalogue says; later harvests keep what was written and show where it has changed beneath."""
    async with ctx.transaction() as session:
        row = await harvesting.edit_resource(
            session, id, body.edits, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return _resource(row)


def _syntax(media_type: str) -> Syntax:
    essence = media_type.partition(";")[0].strip().lower()
    try:
        return Syntax(essence)
    except ValueError:
        known = "、".join(syntax.value for syntax in Syntax)
        raise InvalidInput(
            f"Content-Type 应为 {known}；请按文件的格式填写", f"Content-Type is {known}; name the one of the file"
        ) from None


def _catalogue(row: UpstreamCatalogue) -> dict[str, Any]:
    return present(id=row.id, name=row.name, title=row.title, created_at=row.created_at)


def _harvest(row: Harvest) -> dict[str, Any]:
    return present(
        id=row.id,
        state=row.state,
        pages=row.pages,
        is_complete=row.is_complete,
        faults=row.faults,
        counts=row.counts,
        began_at=row.began_at,
        ended_at=row.ended_at,
    )


def _resource(row: UpstreamResource) -> dict[str, Any]:
    return present(
        id=row.id,
        uri=row.uri,
        shown=shown(row),
        said=row.said,
        edits=row.edits,
        conflicts=list(conflicts(row)),
        edited_at=row.edited_at,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        gone_at=row.gone_at,
    )
