"""`/v1/corrections`: an error reported by who received it, verified and answered by the provider."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from hub.api import duty_forms
from hub.api.acting import acting
from hub.api.context import Context, ContextDep
from hub.api.guard import staff_may, system_or_staff
from hub.api.paging import MAX_LIMIT, Page
from hub.api.wire import Body, Reason, present
from hub.corrections import answering, service
from hub.corrections.codes import OPEN, State
from hub.corrections.errors import UnknownCorrection
from hub.corrections.repository import CorrectionRecord, Filter
from hub.corrections.service import Report, Reporter
from hub.duties import service as duties
from hub.duties.repository import OwedRecord
from hub.identity.callers import StaffCaller, SystemCaller
from hub.identity.permissions import require, sharing
from hub.registry.errors import InvalidField

router = APIRouter(prefix="/v1/corrections", tags=["校核 / corrections"])

Caller = SystemCaller | StaffCaller
Reader = Annotated[Caller, Depends(system_or_staff("correction_read"))]
Answerer = Annotated[StaffCaller, Depends(staff_may("correction_answer"))]

_WRONG, _RIGHT = "0198f0c2-6a00-7cc3-98c4-dc0c0c073998", "0198f0c2-6a00-7cc3-98c4-dc0c0c073999"
NEW_EXAMPLE: dict[str, Any] = {
    "exchange": _WRONG,
    "pointers": ["/records/9/deadline_anchor"],
    "believed": "应自公示结束后起算：公示须先满 10 个工作日",
}
EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "state": "corrected",
    "exchange": _WRONG,
    "resource": "306001000001/000042",
    "consumer": "lintao-subsite",
    "organisation": {"id": "0198f0c2-6a00-7cc3-98c4-dc0c0c073992", "name": "临洮县人民政府办公室"},
    "pointers": ["/records/9/deadline_anchor"],
    "believed": "应自公示结束后起算：公示须先满 10 个工作日",
    "correcting": _RIGHT,
    "answered_at": "2026-03-04T01:30:00.000000+00:00",
    "duties": [duty_forms.EXAMPLE | {"duty": "correct-data"}],
    "created_at": "2026-03-02T01:30:00.000000+00:00",
    "updated_at": "2026-03-04T01:30:00.000000+00:00",
}
_JSON = "application/json"
_LINE = {name: value for name, value in EXAMPLE.items() if name != "duties"}
_SUBMITTED = {name: value for name, value in EXAMPLE.items() if name not in ("correcting", "answered_at")} | {
    "state": "submitted"
}
_SHOWN: dict[int | str, dict[str, Any]] = {200: {"content": {_JSON: {"example": EXAMPLE}}}}
_LISTED: dict[int | str, dict[str, Any]] = {200: {"content": {_JSON: {"example": {"items": [_LINE], "next": None}}}}}


class NewCorrection(Body):
    """An error in something that was received."""

    model_config = ConfigDict(json_schema_extra={"examples": [NEW_EXAMPLE]})

    exchange: Annotated[UUID, Field(description="出错的交换 / the exchange that is wrong")]
    pointers: Annotated[
        list[str], Field(description="出错处，载荷中的 JSON 指针 / where, JSON pointers into the payload")
    ]
    believed: Annotated[
        str, Field(description="认为正确的内容，不进入日志 / what is believed right; the log has nothing of it")
    ]
    system: Annotated[
        str | None,
        Field(
            description="收到它的系统，本单位有几个系统收到时填写 / which of your systems received it, if several did"
        ),
    ] = None


class Corrected(Body):
    """Which exchange corrects it."""

    exchange: Annotated[
        UUID,
        Field(
            description="更正的交换，其 ref 为原信封的 jti / its `ref` is the wrong envelope's jti", examples=[_RIGHT]
        ),
    ]


@router.post(
    "",
    status_code=201,
    summary="提出校核 / report an error",
    responses={201: {"content": {_JSON: {"example": _SUBMITTED}}}},
)
async def submit(
    body: NewCorrection, ctx: ContextDep, caller: Annotated[Caller, Depends(system_or_staff("correction_create"))]
) -> dict[str, Any]:
    """By staff of the organisation that received the exchange, or by the system that did; the provider's days begin."""
    report = Report(body.exchange, body.pointers, body.believed, body.system)
    async with acting(ctx, caller) as session:
        now = ctx.clock()
        record = await service.submit(
            session, report, _reporter(caller), actor=caller.actor, recorder=ctx.recorder, now=now
        )
        return await _read(session, record, caller, ctx)


@router.get("", summary="校核列表 / list corrections", responses=_LISTED)
async def listing(
    ctx: ContextDep,
    page: Page,
    caller: Reader,
    box: Annotated[
        Literal["mine", "to-answer"] | None,
        Query(description="本单位提出的，或待本单位答复的 / ours, or for us to answer"),
    ] = None,
    state: Annotated[State | None, Query(description="状态 / state")] = None,
) -> dict[str, Any]:
    """Corrections that the caller may know of; a system's are those of what it received itself."""
    wanted = _wanted(caller, box, () if state is None else (state,))
    async with ctx.transaction() as session:
        records = await service.list_corrections(session, wanted, after=page.after_id(), limit=page.fetch)
    return page.page(records, lambda record: read(record, caller), lambda record: (record.correction.id,))


@router.get("/{id}", summary="一项校核 / one correction", responses=_SHOWN)
async def one(id: UUID, ctx: ContextDep, caller: Reader) -> dict[str, Any]:  # noqa: A002  the contract's name
    """The correction with its deadline and what came of it."""
    async with ctx.transaction() as session:
        return await _read(session, await _known(session, id, caller), caller, ctx)


@router.post("/{id}/take", summary="核实 / verify", responses=_SHOWN)
async def take(id: UUID, ctx: ContextDep, caller: Answerer) -> dict[str, Any]:  # noqa: A002
    """The provider says that it looks into it."""
    async with acting(ctx, caller) as session:
        await _to_answer(session, id, caller)
        record = await answering.take(session, id, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        return await _read(session, record, caller, ctx)


@router.post("/{id}/correct", summary="更正 / correct", responses=_SHOWN)
async def correct(
    id: UUID,  # noqa: A002
    body: Corrected,
    ctx: ContextDep,
    caller: Answerer,
) -> dict[str, Any]:
    """Name the exchange that corrects it; whoever else received what was wrong is told."""
    async with acting(ctx, caller) as session:
        await _to_answer(session, id, caller)
        record = await answering.correct(
            session, id, body.exchange, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return await _read(session, record, caller, ctx)


@router.post("/{id}/reject", summary="不予更正，说明理由 / reject", responses=_SHOWN)
async def reject(
    id: UUID,  # noqa: A002
    body: Reason,
    ctx: ContextDep,
    caller: Answerer,
) -> dict[str, Any]:
    """Say why nothing is wrong."""
    async with acting(ctx, caller) as session:
        await _to_answer(session, id, caller)
        record = await answering.reject(
            session, id, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return await _read(session, record, caller, ctx)


@router.post("/{id}/withdraw", summary="撤回校核 / withdraw", responses=_SHOWN)
async def withdraw(
    id: UUID,  # noqa: A002
    ctx: ContextDep,
    caller: Annotated[Caller, Depends(system_or_staff("correction_withdraw"))],
) -> dict[str, Any]:
    """Before it is answered, by who may report it."""
    async with acting(ctx, caller) as session:
        found = await _known(session, id, caller)
        if isinstance(caller, StaffCaller):
            require(sharing.correction_withdraw, caller, found.correction.organisation_id)
        record = await service.withdraw(session, id, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        return await _read(session, record, caller, ctx)


def read(record: CorrectionRecord, caller: Caller, owed: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A correction as the API shows it; where it stands in the provider's envelope is not for who has a projection of that."""
    row = record.correction
    is_reporter = isinstance(caller, SystemCaller) or caller.organisation_id == row.organisation_id
    return present(
        id=row.id,
        state=row.state,
        exchange=row.exchange_id,
        resource=record.resource,
        consumer=record.consumer,
        organisation={"id": str(row.organisation_id), "name": record.organisation},
        pointers=row.pointers,
        original_pointers=None if is_reporter else row.original_pointers,
        believed=record.believed,
        correcting=row.correcting_id,
        reason=row.reason,
        answered_at=row.answered_at,
        duties=owed,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def _read(session: AsyncSession, record: CorrectionRecord, caller: Caller, ctx: Context) -> dict[str, Any]:
    now, found = ctx.clock(), list[OwedRecord]()
    for closed in (True, False):
        found += await duties.list_for(
            session,
            None,
            now=now,
            closed=closed,
            subject=service.subject_of(record.correction.id),
            limit=MAX_LIMIT,
        )
    return read(record, caller, [duty_forms.read(one, now) for one in found])


async def _known(session: AsyncSession, identifier: UUID, caller: Caller) -> CorrectionRecord:
    """The correction, if the caller may know of it. Raises UnknownCorrection."""
    record = await service.find(session, identifier)
    row = record.correction
    if isinstance(caller, SystemCaller):
        is_known = caller.system_id == row.consumer_id
    else:
        is_known = sharing.correction_read(caller, row.organisation_id, record.provider_id)
    if not is_known:
        raise UnknownCorrection(identifier)
    return record


async def _to_answer(session: AsyncSession, identifier: UUID, caller: StaffCaller) -> None:
    """Raises UnknownCorrection, Forbidden."""
    record = await _known(session, identifier, caller)
    require(sharing.correction_answer, caller, record.provider_id)


def _reporter(caller: Caller) -> Reporter:
    if isinstance(caller, SystemCaller):
        return Reporter(caller.organisation_id, system_id=caller.system_id)
    assert caller.organisation_id is not None
    return Reporter(caller.organisation_id, staff_id=caller.id)


def _wanted(caller: Caller, box: str | None, states: tuple[State, ...]) -> Filter:
    if isinstance(caller, SystemCaller):
        return Filter(consumer_id=caller.system_id, states=states)
    own = caller.organisation_id
    if box is not None and own is None:
        raise InvalidField(
            "box", "您的账户没有所属机构，请不用 box", "your account is of no organisation; leave box out"
        )
    if box == "mine":
        return Filter(reported_by=own, states=states)
    if box == "to-answer":
        return Filter(about=own, states=OPEN)
    return Filter(party=None if sharing.sharing_oversee(caller) else own, states=states)
