"""`/v1/organisations`: the bodies whose systems take part, by what names they went, and who took over from whom."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from hub.api.acting import changing_rights
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, example, present
from hub.identity.callers import StaffCaller
from hub.registry import repository, service
from hub.registry.models import Organisation, OrganisationName
from hub.reorganisation import repository as changes
from hub.reorganisation.repository import Ending

router = APIRouter(prefix="/v1/organisations", tags=["机构 / organisations"])

EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "code": "11621124MB0000000U",
    "name": "临洮县示例局",
    "region": "621124",
    "is_example": True,
    "state": "active",
    "created_at": "2026-03-02T01:30:00.000000+00:00",
}

ENDED_EXAMPLE = EXAMPLE | {
    "state": "ended",
    "ended_at": "2026-09-01T02:00:00.000000+00:00",
    "ended_by": {"change": "0198f0c2-6a00-7cc3-98c4-dc0c0c0739a1", "kind": "merger"},
    "successors": [
        {"id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073990", "code": "11621124MB0000001X", "name": "临洮县示例二局"}
    ],
}

NAMES_EXAMPLE = {
    "items": [
        {
            "name": "临洮县示例办公室",
            "code": "11621124MB0000000U",
            "from": "2026-03-02T01:30:00.000000+00:00",
            "to": "2026-09-01T02:00:00.000000+00:00",
        },
        {"name": "临洮县示例局", "code": "11621124MB0000000U", "from": "2026-09-01T02:00:00.000000+00:00"},
    ]
}


class NewOrganisation(Body):
    """A body to register; without `code` it needs `parent`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{name: EXAMPLE[name] for name in ("name", "region", "code", "is_example")}]}
    )

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
    async with changing_rights(ctx, caller) as session:
        row = await service.register_organisation(
            session, new, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
    return read(row)


@router.get(
    "",
    summary="机构列表 / list organisations",
    dependencies=[Depends(staff_may("organisation_read"))],
    responses=example({"items": [EXAMPLE, ENDED_EXAMPLE], "next": None}),
)
async def listing(
    ctx: ContextDep,
    page: Page,
    region: Annotated[str | None, Query(pattern="^[0-9]{6}$", description="行政区划代码 / region")] = None,
    state: Annotated[Literal["active", "ended"] | None, Query(description="在册或已终止 / state")] = None,
    code: Annotated[
        str | None,
        Query(
            pattern="^[0-9A-Z]{18}$",
            description="统一社会信用代码，曾用的也能查到 / code, also one that the body had before",
        ),
    ] = None,
) -> dict[str, Any]:
    """Organisations in no particular order that stays the same from page to page; `former_code`: found by a code of before."""
    async with ctx.transaction() as session:
        rows = await repository.organisations(
            session, after=page.after_id(), limit=page.fetch, region=region, state=state, code=code
        )
        shown = await _with_successors(session, rows)
    return page.page(rows, lambda row: shown(row) | _former(row, code), lambda row: (row.id,))


@router.get(
    "/{id}",
    summary="一个机构 / one organisation",
    dependencies=[Depends(staff_may("organisation_read"))],
    responses=example(ENDED_EXAMPLE),
)
async def one(id: UUID, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002  the contract's name
    """The organisation of that id; one that ended with the change that ended it and its `successors`."""
    async with ctx.transaction() as session:
        row = await service.find_organisation(session, id)
        shown = await _with_successors(session, [row])
    return shown(row)


@router.get(
    "/{id}/names",
    summary="曾用名称和代码 / its names and codes",
    dependencies=[Depends(staff_may("organisation_read"))],
    responses=example(NAMES_EXAMPLE),
)
async def names(id: UUID, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002
    """What the organisation was called and which code it had, from the first to the present: who a receipt of then speaks of."""
    async with ctx.transaction() as session:
        await service.find_organisation(session, id)
        rows = await repository.names(session, id)
    following = [*(row.valid_from for row in rows[1:]), None]
    return {"items": [read_name(row, until) for row, until in zip(rows, following, strict=True)]}


async def _with_successors(
    session: AsyncSession, rows: Sequence[Organisation]
) -> Callable[[Organisation], dict[str, Any]]:
    endings = await changes.endings(session, [row.id for row in rows if row.state != "active"])
    return lambda row: read(row) | _ended_by(endings, row)


def _ended_by(endings: Mapping[UUID, Ending], row: Organisation) -> dict[str, Any]:
    ending = endings.get(row.id)
    if ending is None:
        return {}
    return {
        "ended_by": present(change=ending.change, kind=ending.kind),
        "successors": [named(body) for body in ending.successors],
    }


def _former(row: Organisation, asked: str | None) -> dict[str, Any]:
    return {} if asked in (None, row.code) else {"former_code": asked}


def named(row: Organisation) -> dict[str, Any]:
    """An organisation as other things name it."""
    return present(id=row.id, code=row.code, name=row.name)


def read_name(row: OrganisationName, until: object = None) -> dict[str, Any]:
    """What a body was called for a while."""
    return present(name=row.name, name_en=row.name_en or None, code=row.code, **{"from": row.valid_from, "to": until})


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
        state=row.state,
        ended_at=row.ended_at,
        created_at=row.created_at,
    )
