"""`/v1/objections`: raised by an organisation, answered by the authority or the provider, rated by who raised it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from hub.api.acting import acting
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, present
from hub.identity.callers import StaffCaller
from hub.identity.permissions import require, sharing
from hub.objections import service
from hub.objections.codes import BY_AUTHORITY, OPEN, Detail, Kind, State, Subject
from hub.objections.errors import UnknownObjection
from hub.objections.repository import Filter, ObjectionRecord
from hub.registry.errors import InvalidField

router = APIRouter(prefix="/v1/objections", tags=["异议 / objections"])

Reader = Annotated[StaffCaller, Depends(staff_may("objection_read"))]
Answerer = Annotated[StaffCaller, Depends(staff_may("objection_answer"))]

NEW_EXAMPLE: dict[str, Any] = {
    "kind": "quality",
    "detail": "data",
    "about": {"kind": "exchange", "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073998"},
    "text": "环节时限与公示时限前后不一致，请核实",
}
EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "state": "answered",
    "kind": {"code": "quality", "type": 3, "zh": "质量异议", "en": "the quality of data"},
    "detail": {"code": "data", "zh": "数据质量", "en": "the data"},
    "about": {"kind": "exchange", "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073998"},
    "resource": "306001000001/000042",
    "organisation": {"id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073992", "name": "临洮县人民政府办公室"},
    "answered_by": "provider",
    "text": "环节时限与公示时限前后不一致，请核实",
    "answer": "已核实，将发布更正",
    "answered_at": "2026-03-04T01:30:00.000000+00:00",
    "created_at": "2026-03-02T01:30:00.000000+00:00",
    "updated_at": "2026-03-04T01:30:00.000000+00:00",
}
_JSON = "application/json"
_SUBMITTED = {name: value for name, value in EXAMPLE.items() if name not in ("answer", "answered_at")} | {
    "state": "submitted"
}
_SHOWN: dict[int | str, dict[str, Any]] = {200: {"content": {_JSON: {"example": EXAMPLE}}}}
_LISTED: dict[int | str, dict[str, Any]] = {200: {"content": {_JSON: {"example": {"items": [EXAMPLE], "next": None}}}}}


class About(Body):
    """What the objection is about."""

    kind: Annotated[
        Subject, Field(description="resource 资源（代码）、access-request 申请、grant 授权、exchange 交换（id）")
    ]
    id: Annotated[str, Field(description="编号：资源代码，或 id / the code of a resource, else an id")]


class NewObjection(Body):
    """An objection."""

    model_config = ConfigDict(json_schema_extra={"examples": [NEW_EXAMPLE]})

    kind: Annotated[
        Kind,
        Field(description="目录 catalogue、审批 approval、质量 quality、使用 use"),
    ]
    detail: Annotated[
        Detail | None,
        Field(
            description="细类：审批 duration 时长、opinion 意见、other；质量 data；使用 response 服务响应、other；目录不填"
        ),
    ] = None
    about: About
    text: Annotated[str, Field(description="异议内容 / what is objected to")]


class Answer(Body):
    """The answer to an objection."""

    answer: Annotated[str, Field(description="答复 / the answer", examples=["已核实，将发布更正"])]


class Rating(Body):
    """How good the answer was."""

    rating: Annotated[int, Field(description="评分 1–5 / 1 to 5", examples=[5])]


@router.post(
    "",
    status_code=201,
    summary="提出异议 / raise an objection",
    responses={201: {"content": {_JSON: {"example": _SUBMITTED}}}},
)
async def submit(
    body: NewObjection, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("objection_create"))]
) -> dict[str, Any]:
    """The authority answers about the catalogue and approvals, the provider about quality and use."""
    assert caller.organisation_id is not None
    new = service.NewObjection(body.kind, body.about.kind, body.about.id, body.text, body.detail)
    async with acting(ctx, caller) as session:
        record = await service.submit(
            session,
            new,
            organisation_id=caller.organisation_id,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
    return read(record)


@router.get("", summary="异议列表 / list objections", responses=_LISTED)
async def listing(
    ctx: ContextDep,
    page: Page,
    caller: Reader,
    box: Annotated[
        Literal["mine", "to-answer"] | None, Query(description="本单位提出的，或待我答复的 / ours, or for me to answer")
    ] = None,
    state: Annotated[State | None, Query(description="状态 / state")] = None,
    kind: Annotated[Kind | None, Query(description="类别 / kind")] = None,
) -> dict[str, Any]:
    """Objections that the caller may know of."""
    wanted = _wanted(caller, box, () if state is None else (state,), kind)
    async with ctx.transaction() as session:
        records = await service.list_objections(session, wanted, after=page.after_id(), limit=page.fetch)
    return page.page(records, read, lambda record: (record.objection.id,))


@router.get("/{id}", summary="一项异议 / one objection", responses=_SHOWN)
async def one(id: UUID, ctx: ContextDep, caller: Reader) -> dict[str, Any]:  # noqa: A002  the contract's name
    """The objection with its answer and its rating."""
    async with ctx.transaction() as session:
        return read(await _known(session, id, caller))


@router.post("/{id}/take", summary="受理异议 / take in hand", responses=_SHOWN)
async def take(id: UUID, ctx: ContextDep, caller: Answerer) -> dict[str, Any]:  # noqa: A002
    """Whoever answers it says that they look into it."""
    async with acting(ctx, caller) as session:
        await _to_answer(session, id, caller)
        record = await service.take(session, id, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        return read(record)


@router.post("/{id}/answer", summary="答复异议 / answer", responses=_SHOWN)
async def answer(
    id: UUID,  # noqa: A002
    body: Answer,
    ctx: ContextDep,
    caller: Answerer,
) -> dict[str, Any]:
    """Who raised it is told, and rates the answer."""
    async with acting(ctx, caller) as session:
        await _to_answer(session, id, caller)
        record = await service.answer(
            session, id, body.answer, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return read(record)


@router.post("/{id}/rate", summary="评价答复 / rate the answer", responses=_SHOWN)
async def rate(
    id: UUID,  # noqa: A002
    body: Rating,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("objection_rate"))],
) -> dict[str, Any]:
    """Once, by the organisation that raised it."""
    async with acting(ctx, caller) as session:
        found = await _known(session, id, caller)
        require(sharing.objection_rate, caller, found.objection.organisation_id)
        record = await service.rate(
            session, id, body.rating, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return read(record)


@router.post("/{id}/withdraw", summary="撤回异议 / withdraw", responses=_SHOWN)
async def withdraw(
    id: UUID,  # noqa: A002
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("objection_withdraw"))],
) -> dict[str, Any]:
    """Before it is answered, by the organisation that raised it."""
    async with acting(ctx, caller) as session:
        found = await _known(session, id, caller)
        require(sharing.objection_withdraw, caller, found.objection.organisation_id)
        record = await service.withdraw(session, id, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        return read(record)


def read(record: ObjectionRecord) -> dict[str, Any]:
    """An objection as the API shows it."""
    row = record.objection
    kind = Kind(row.kind)
    detail = None if row.detail is None else Detail(row.detail)
    by_authority = kind in BY_AUTHORITY
    return present(
        id=row.id,
        state=row.state,
        kind={"code": str(kind), "type": kind.number, "zh": kind.zh, "en": kind.en},
        detail=None if detail is None else {"code": str(detail), "zh": detail.zh, "en": detail.en},
        about={"kind": row.subject_kind, "id": str(row.subject_id)},
        resource=record.resource,
        organisation={"id": str(row.organisation_id), "name": record.organisation},
        answered_by="authority" if by_authority else "provider",
        text=row.text,
        answer=row.answer,
        answered_at=row.answered_at,
        rating=row.rating,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def _known(session: AsyncSession, identifier: UUID, caller: StaffCaller) -> ObjectionRecord:
    """The objection, if the caller may know of it. Raises UnknownObjection."""
    record = await service.find(session, identifier)
    if not sharing.objection_read(caller, record.objection.organisation_id, record.provider_id):
        raise UnknownObjection(identifier)
    return record


async def _to_answer(session: AsyncSession, identifier: UUID, caller: StaffCaller) -> None:
    """Raises UnknownObjection, Forbidden."""
    record = await _known(session, identifier, caller)
    by_authority = Kind(record.objection.kind) in BY_AUTHORITY
    require(sharing.objection_answer, caller, record.provider_id, by_authority=by_authority)


def _wanted(caller: StaffCaller, box: str | None, states: tuple[State, ...], kind: Kind | None) -> Filter:
    own, kinds = caller.organisation_id, None if kind is None else frozenset({kind})
    asked = frozenset(Kind) if kinds is None else kinds
    if box == "to-answer" and sharing.objection_answer(caller, by_authority=True):
        return Filter(kinds=asked & BY_AUTHORITY, states=OPEN)
    if box is not None and own is None:
        raise InvalidField(
            "box", "您的账户没有所属机构，请不用 box", "your account is of no organisation; leave box out"
        )
    if box == "mine":
        return Filter(raised_by=own, states=states, kinds=kinds)
    if box == "to-answer":
        return Filter(about=own, kinds=asked - BY_AUTHORITY, states=OPEN)
    return Filter(party=None if sharing.sharing_oversee(caller) else own, states=states, kinds=kinds)
