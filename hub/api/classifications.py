"""`/v1/classifications`: the classes 类、项、目、细目 that codes of resources begin with; the authority maintains them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from catalog.models import Classification
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, present
from hub.identity.callers import StaffCaller
from hub.publishing import classes

router = APIRouter(prefix="/v1/classifications", tags=["资源分类 / classification"])

EXAMPLE = {
    "code": "306001000001",
    "parent": "306001",
    "name": "行政权力事项",
    "state": "active",
    "created_at": "2026-03-02T01:30:00.000000+00:00",
    "changed_at": "2026-03-02T01:30:00.000000+00:00",
}

_ONE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": EXAMPLE}}}}

Name = Annotated[str, Field(description="名称 / name", examples=["行政权力事项"])]


class NewClass(Body):
    """A class to add; its code says below which it stands."""

    code: Annotated[
        str,
        Field(
            description="类 1 位、项 2 位、目 3 位、细目 / class, item, catalogue, detail", examples=["306001000001"]
        ),
    ]
    name: Name


class OfLists(Body):
    """For which types of lists."""

    list_types: Annotated[
        tuple[str, ...],
        Field(
            max_length=100,
            description="清单类型，缺省为全部 / types of lists, by default all",
            examples=[["power-list"]],
        ),
    ] = ()


class Renamed(Body):
    """Another name."""

    name: Name


@router.get(
    "",
    summary="分类列表 / list classes",
    dependencies=[Depends(staff_may("class_read"))],
    responses={200: {"content": {"application/json": {"example": {"items": [EXAMPLE], "next": None}}}}},
)
async def listing(
    ctx: ContextDep,
    page: Page,
    parent: Annotated[
        str | None, Query(pattern="^[0-9A-Za-z]{1,38}$", description="只要其直接下级 / those right below it")
    ] = None,
) -> dict[str, Any]:
    """Classes by code, ended ones too."""
    async with ctx.transaction() as session:
        rows = await classes.list_classes(session, parent=parent, after=page.after_text(), limit=page.fetch)
    return page.page(rows, read, lambda row: (row.code,))


@router.post("", status_code=201, summary="增设分类 / add a class", responses={201: _ONE[200]})
async def add(
    body: NewClass, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("class_add"))]
) -> dict[str, Any]:
    """Add a class below one that is active."""
    async with ctx.transaction() as session:
        row = await classes.add_class(
            session, body.code, body.name, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return read(row)


@router.post(
    "/lists",
    status_code=201,
    summary="增设清单类型建议的分类 / add the classes that types of lists propose",
    responses={201: {"content": {"application/json": {"example": {"items": [EXAMPLE], "next": None}}}}},
)
async def add_of_lists(
    body: OfLists, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("class_add"))]
) -> dict[str, Any]:
    """Add those that are not there, with what stands above them; answers with the classes that were added."""
    async with ctx.transaction() as session:
        rows = await classes.add_list_classes(
            session, body.list_types, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return {"items": [read(row) for row in rows], "next": None}


@router.put("/{code}", summary="分类改名 / rename a class", responses=_ONE)
async def rename(
    code: str, body: Renamed, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("class_rename"))]
) -> dict[str, Any]:
    """Give the class another name; its code, and every code that begins with it, stays."""
    async with ctx.transaction() as session:
        row = await classes.rename_class(
            session, code, body.name, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return read(row)


@router.post("/{code}/end", summary="停用分类 / end a class", responses=_ONE)
async def end(
    code: str, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("class_end"))]
) -> dict[str, Any]:
    """From the answer on, nothing is registered under the class; what has its code keeps it."""
    async with ctx.transaction() as session:
        return read(await classes.end_class(session, code, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()))


@router.post("/{code}/reopen", summary="恢复分类 / reopen a class", responses=_ONE)
async def reopen(
    code: str, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("class_reopen"))]
) -> dict[str, Any]:
    """Let resources be registered under the class again."""
    async with ctx.transaction() as session:
        return read(
            await classes.reopen_class(session, code, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        )


def read(row: Classification) -> dict[str, Any]:
    """A class as the API shows it."""
    return present(
        code=row.code,
        parent=row.parent,
        name=row.name,
        state=row.state,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
