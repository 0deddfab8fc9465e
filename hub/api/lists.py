"""`/v1/lists`: published lists, for the sub-site that shows them: what to load, what changed and why, and that it is online.

`{id}` is the resource's id or its code, slash and all. Staff of the provider declare publications; the sub-site's system says
with its token that it loaded one and at which address the public reads it. What the public reads is the sub-site's to show.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from hub.api.acting import acting
from hub.api.context import ContextDep
from hub.api.guard import SystemTokenNow, staff_may, system_or_staff
from hub.api.paging import Page
from hub.api.wire import Body, present
from hub.duties.calendar import beijing_date
from hub.duties.service import standing
from hub.identity.callers import StaffCaller, SystemCaller
from hub.identity.permissions import lists, require
from hub.lists import publication, repository
from hub.lists.act import Act
from hub.lists.models import ListPublication
from hub.lists.publication import NewPublication
from hub.lists.repository import ListRecord

router = APIRouter(prefix="/v1/lists", tags=["清单发布 / published lists"])

PUBLICATION_EXAMPLE: dict[str, Any] = {
    "number": 2,
    "kind": "change",
    "explanation": "投资额度由 186.40 万元调整为 190.00 万元，依据示例〔2026〕4号",
    "occurred_on": "2026-06-01",
    "period_from": "2026-01-05",
    "period_to": "2027-01-05",
    "exchange": {"id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f", "digest": "sha-256:…"},
    "declared_at": "2026-06-01T01:30:00.000000+00:00",
    "loaded": [{"system": "lintao-subsite", "loaded_at": "2026-06-02T01:30:00.000000+00:00"}],
}
_PUBLICATION: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": PUBLICATION_EXAMPLE}}}
}
_PUBLICATIONS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": {"items": [PUBLICATION_EXAMPLE], "next": None}}}}
}

LIST_EXAMPLE = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073990",
    "code": "308001000001/000001",
    "name": "扶贫项目清单",
    "list_type": "poverty-projects",
    "provider": {"name": "临洮县扶贫开发办公室"},
    "status": "published",
    "publication": PUBLICATION_EXAMPLE,
    "owed": [{"duty": "update-relief-project", "due_at": "2026-06-16T16:00:00.000000+00:00", "standing": "upcoming"}],
}

Reader = Annotated[SystemCaller | StaffCaller, Depends(system_or_staff("list_read"))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="第几次发布 / which publication")]
Declarer = Annotated[StaffCaller, Depends(staff_may("list_declare"))]


class Declaration(Body):
    """A publication of the list."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "change",
                    "explanation": PUBLICATION_EXAMPLE["explanation"],
                    "occurred_on": "2026-06-01",
                    "exchange": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
                }
            ]
        }
    )

    kind: Annotated[
        Literal["whole", "change"],
        Field(description="整体发布（新公告期）或变更 / the whole list (a new period), or a change of it"),
    ]
    explanation: Annotated[
        str | None,
        Field(
            description="变更了什么、为什么；首次发布之外必填 / what changed and why; required but for the first",
            examples=["投资额度由 186.40 万元调整为 190.00 万元，依据示例〔2026〕4号"],
        ),
    ] = None
    occurred_on: Annotated[
        date | None,
        Field(description="批准或变更发生之日，时限由此起算，缺省为今天 / when it happened, today if left out"),
    ] = None
    period_from: Annotated[date | None, Field(description="公告期起，缺省为今天 / period from")] = None
    period_to: Annotated[date | None, Field(description="公告期止（不含），缺省按清单类型 / period to, exclusive")] = (
        None
    )
    exchange: Annotated[
        UUID | None, Field(description="载有数据的交换编号，可后补 / exchange that carries the data; may follow later")
    ] = None


class Carried(Body):
    """The exchange that carries the data."""

    exchange: Annotated[
        UUID,
        Field(
            description="交换编号，见凭证 / the exchange, as on its receipt",
            examples=["0198f0c2-6a00-7cc3-98c4-dc0c0c07398f"],
        ),
    ]


class Online(Body):
    """Where the public reads it."""

    url: Annotated[
        str, Field(description="公众可访问的网址 / public address", examples=["https://lintao.example/lists/poverty"])
    ]


@router.get(
    "",
    summary="已发布的清单 / published lists",
    responses={200: {"content": {"application/json": {"example": {"items": [LIST_EXAMPLE], "next": None}}}}},
)
async def listing(ctx: ContextDep, page: Page, caller: Reader) -> dict[str, Any]:
    """Lists by code, each with its last publication, what the caller's system did with it, and what is owed for it."""
    async with ctx.transaction() as session:
        records = await repository.lists(session, after_code=page.after_text(), limit=page.fetch)
        shown = await _shown(session, records, caller, ctx.clock())
    return page.page(records, lambda record: shown[record.resource.id], lambda record: (record.resource.code,))


@router.get("/{id:path}/publications", summary="清单的各次发布 / publications of a list", responses=_PUBLICATIONS)
async def publications(id: str, ctx: ContextDep, page: Page, caller: Reader) -> dict[str, Any]:  # noqa: A002
    """All publications, oldest first, with the explanation of each change."""
    async with ctx.transaction() as session:
        record = await publication.find_list(session, id)
        rows = await repository.publications(session, record.resource.id, after=page.after_number(), limit=page.fetch)
        shown = await _publications(session, rows, caller)
    return page.page(rows, lambda row: shown[row.id], lambda row: (row.number,))


@router.post(
    "/{id:path}/publications",
    status_code=201,
    summary="登记发布或变更 / declare a publication or a change",
    responses={201: {"content": {"application/json": {"example": PUBLICATION_EXAMPLE}}}},
)
async def declare(id: str, body: Declaration, ctx: ContextDep, caller: Declarer) -> dict[str, Any]:  # noqa: A002
    """The provider declares a publication; what the list's documents ask by a deadline is owed from `occurred_on` on."""
    said = body.model_dump()
    new = NewPublication(**said | {"exchange_id": said.pop("exchange")})
    async with acting(ctx, caller) as session:
        record = await publication.find_list(session, id)
        require(lists.list_declare, caller, record.resource.provider_id)
        row = await publication.declare(session, record, new, Act(caller.actor, ctx.recorder, ctx.clock()))
        return (await _publications(session, [row], caller))[row.id]


@router.post(
    "/{id:path}/publications/{number}/exchange",
    summary="登记数据的交换编号 / name the exchange",
    responses=_PUBLICATION,
)
async def name_exchange(
    id: str,  # noqa: A002
    number: Number,
    body: Carried,
    ctx: ContextDep,
    caller: Declarer,
) -> dict[str, Any]:
    """The provider says which exchange carries the data of the publication."""
    async with acting(ctx, caller) as session:
        record = await publication.find_list(session, id)
        require(lists.list_declare, caller, record.resource.provider_id)
        act = Act(caller.actor, ctx.recorder, ctx.clock())
        row = await publication.name_exchange(session, record, number, body.exchange, act)
        return (await _publications(session, [row], caller))[row.id]


@router.post(
    "/{id:path}/publications/{number}/loaded", summary="子站：已加载 / the sub-site loaded it", responses=_PUBLICATION
)
async def loaded(id: str, number: Number, ctx: ContextDep, caller: SystemTokenNow) -> dict[str, Any]:  # noqa: A002
    """The caller's system has loaded the data of the last publication; saying so again changes nothing."""
    async with acting(ctx, caller) as session:
        record = await publication.find_list(session, id)
        act = Act(caller.actor, ctx.recorder, ctx.clock())
        row = await publication.mark_loaded(session, record, number, caller.system_id, act)
        return (await _publications(session, [row], caller))[row.id]


@router.post(
    "/{id:path}/publications/{number}/online",
    summary="子站：确认上线 / the sub-site has it online",
    responses=_PUBLICATION,
)
async def online(
    id: str,  # noqa: A002
    number: Number,
    body: Online,
    ctx: ContextDep,
    caller: SystemTokenNow,
) -> dict[str, Any]:
    """The public reads the last publication at that address; what was owed for it is done."""
    async with acting(ctx, caller) as session:
        record = await publication.find_list(session, id)
        act = Act(caller.actor, ctx.recorder, ctx.clock())
        row = await publication.confirm_online(session, record, number, caller.system_id, body.url, act)
        return (await _publications(session, [row], caller))[row.id]


@router.get(
    "/{id:path}",
    summary="一个清单 / one list",
    responses={200: {"content": {"application/json": {"example": LIST_EXAMPLE}}}},
)
async def one(id: str, ctx: ContextDep, caller: Reader) -> dict[str, Any]:  # noqa: A002
    """The list of that resource id or code."""
    async with ctx.transaction() as session:
        record = await publication.find_list(session, id)
        return (await _shown(session, [record], caller, ctx.clock()))[record.resource.id]


async def _shown(
    session: AsyncSession, records: Sequence[ListRecord], caller: SystemCaller | StaffCaller, now: datetime
) -> dict[UUID, dict[str, Any]]:
    newest = await repository.newest_publications(session, [record.resource.id for record in records])
    last = await _publications(session, list(newest.values()), caller)
    owed = await repository.open_duties(session, "list", [record.resource.code for record in records])
    shown = {}
    for record in records:
        row = newest.get(record.resource.id)
        due = [one for one in owed if one.subject_id == record.resource.code]
        over = row is not None and row.period_to is not None and row.period_to <= beijing_date(now)
        shown[record.resource.id] = present(
            id=record.resource.id,
            code=record.resource.code,
            name=record.resource.name,
            list_type=record.list_type.key,
            provider=present(code=record.provider.code, name=record.provider.name),
            system=record.system,
            status=record.resource.status,
            publication=None if row is None else last[row.id],
            period_over=True if over else None,
            owed=[present(duty=one.duty, due_at=one.due_at, standing=standing(one, now)) for one in due] or None,
        )
    return shown


async def _publications(
    session: AsyncSession, rows: Sequence[ListPublication], caller: SystemCaller | StaffCaller
) -> dict[UUID, dict[str, Any]]:
    """The publications as the caller may know them: a system sees its own loading, and data that went to it."""
    named = [row.exchange_id for row in rows if row.exchange_id is not None]
    found = await repository.exchanges(session, named)
    loadings = await repository.loadings(session, [row.id for row in rows])
    if isinstance(caller, SystemCaller):
        theirs = await repository.delivered_to(session, caller.system_id, named)
        found = {identifier: said for identifier, said in found.items() if identifier in theirs}
        loadings = [one for one in loadings if one.system == caller.code]
    shown = {}
    for row in rows:
        exchange = None if row.exchange_id is None else found.get(row.exchange_id)
        loaded = [one for one in loadings if one.loading.publication_id == row.id]
        shown[row.id] = present(
            number=row.number,
            kind=row.kind,
            explanation=row.explanation,
            occurred_on=row.occurred_on,
            period_from=row.period_from,
            period_to=row.period_to,
            exchange=None
            if exchange is None
            else present(id=row.exchange_id, digest=exchange[0], accepted_at=exchange[1]),
            declared_at=row.declared_at,
            loaded=[
                present(
                    system=one.system,
                    loaded_at=one.loading.loaded_at,
                    online_at=one.loading.online_at,
                    url=one.loading.url,
                )
                for one in loaded
            ],
        )
    return shown
