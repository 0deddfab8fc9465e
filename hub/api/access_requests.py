"""`/v1/access-requests`: asked for by a consumer, reviewed by the authority, decided by the provider."""

from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from hub.access.deadlines import subject_of
from hub.access.requests import deciding, repository, service
from hub.access.requests.codes import State
from hub.access.requests.errors import UnknownRequest
from hub.access.requests.repository import Filter, RequestRecord
from hub.api.access_request_forms import (
    EXAMPLE,
    GRANTED_EXAMPLE,
    LINE_EXAMPLE,
    REFUSED_EXAMPLE,
    AskedBody,
    Decision,
    NewRequest,
    Review,
    read,
    read_line,
)
from hub.api.acting import acting, changing_rights
from hub.api.context import Context, ContextDep
from hub.api.guard import staff_may
from hub.api.paging import MAX_LIMIT, Page
from hub.api.wire import Reason
from hub.duties import service as duties
from hub.identity.callers import StaffCaller
from hub.identity.permissions import require, sharing
from hub.registry import service as registry
from hub.registry.errors import InvalidField

router = APIRouter(prefix="/v1/access-requests", tags=["共享申请 / access requests"])

Reader = Annotated[StaffCaller, Depends(staff_may("access_request_read"))]
Applicant = Annotated[StaffCaller, Depends(staff_may("access_request_create"))]

_JSON = "application/json"
_SHOWN: dict[int | str, dict[str, Any]] = {200: {"content": {_JSON: {"example": EXAMPLE}}}}
_GRANTED_OR_REFUSED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            _JSON: {
                "examples": {
                    "granted": {"summary": "同意 / granted", "value": GRANTED_EXAMPLE},
                    "refused": {"summary": "不同意 / refused", "value": REFUSED_EXAMPLE},
                }
            }
        }
    }
}
_LISTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {_JSON: {"example": {"items": [LINE_EXAMPLE], "next": None}}}}
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "附件的字节 / the file's bytes", "content": {"application/pdf": {"example": "%PDF-1.7 …"}}}
}


@router.post(
    "",
    status_code=201,
    summary="申请共享 / ask for access",
    responses={201: {"content": {_JSON: {"example": EXAMPLE | {"state": "in-review"}}}}},
)
async def submit(body: NewRequest, ctx: ContextDep, caller: Applicant) -> dict[str, Any]:
    """Unconditional: granted at once. Conditional: to the authority's review. Not shared: refused with its basis."""
    now = ctx.clock()
    asked = body.asked(now)
    async with ctx.transaction() as session:
        begin = changing_rights if await service.may_grant_at_once(session, body.resource) else acting
    async with begin(ctx, caller) as session:
        consumer, _ = await registry.find_system(session, body.consumer)
        require(sharing.access_request_create, caller, consumer.organisation_id)
        record = await service.submit(
            session,
            body.consumer,
            body.resource,
            asked,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=now,
        )
        return await _read(session, record, ctx)


@router.get("", summary="申请列表 / list requests", responses=_LISTED)
async def listing(
    ctx: ContextDep,
    page: Page,
    caller: Reader,
    box: Annotated[
        Literal["mine", "to-review", "to-decide"] | None,
        Query(description="本单位提出的、待审查的、待本单位审批的 / ours, to be reviewed, for us to decide"),
    ] = None,
    state: Annotated[State | None, Query(description="状态 / state")] = None,
    consumer: Annotated[str | None, Query(pattern="^[a-z0-9-]{1,63}$", description="使用方系统代码 / consumer")] = None,
    resource: Annotated[str | None, Query(pattern="^[0-9A-Za-z/]{1,64}$", description="资源代码 / resource")] = None,
) -> dict[str, Any]:
    """Requests that the caller may know of: all for those who oversee sharing, else those of the caller's organisation."""
    wanted = _wanted(caller, box, state, consumer, resource)
    async with ctx.transaction() as session:
        records = await service.list_requests(session, wanted, after=page.after_id(), limit=page.fetch)
    return page.page(records, read_line, lambda record: (record.request.id,))


@router.get("/{id}", summary="一项申请 / one request", responses=_SHOWN)
async def one(id: UUID, ctx: ContextDep, caller: Reader) -> dict[str, Any]:  # noqa: A002  the contract's name
    """The request with its steps, its deadlines, and what became of it."""
    async with ctx.transaction() as session:
        return await _read(session, await _known(session, id, caller), ctx)


@router.put("/{id}", summary="补正后再次提交 / hand in again", responses=_SHOWN)
async def resubmit(
    id: UUID,  # noqa: A002
    body: AskedBody,
    ctx: ContextDep,
    caller: Applicant,
) -> dict[str, Any]:
    """What was returned, as it is asked for now; without an attachment the earlier one stays."""
    now = ctx.clock()
    asked = body.asked(now)
    async with ctx.transaction() as session:
        code = (await _known(session, id, caller)).resource.code
        begin = changing_rights if await service.may_grant_at_once(session, code) else acting
    async with begin(ctx, caller) as session:
        found = await _known(session, id, caller)
        require(sharing.access_request_create, caller, found.request.organisation_id)
        record = await service.resubmit(session, id, asked, actor=caller.actor, recorder=ctx.recorder, now=now)
        return await _read(session, record, ctx)


@router.post("/{id}/review", summary="符合性审查 / review", responses=_SHOWN)
async def review(
    id: UUID,  # noqa: A002
    body: Review,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("access_request_review"))],
) -> dict[str, Any]:
    """The authority passes it to the provider, or returns it to the consumer with an opinion."""
    async with acting(ctx, caller) as session:
        await _known(session, id, caller)
        actor, recorder, now = caller.actor, ctx.recorder, ctx.clock()
        if body.verdict == "pass":
            told = body.opinion
            record = await deciding.forward(session, id, opinion=told, actor=actor, recorder=recorder, now=now)
        else:
            why = body.opinion or ""
            record = await deciding.send_back(session, id, opinion=why, actor=actor, recorder=recorder, now=now)
        return await _read(session, record, ctx)


@router.post("/{id}/decide", summary="提供部门审批 / decide", responses=_GRANTED_OR_REFUSED)
async def decide(
    id: UUID,  # noqa: A002
    body: Decision,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("access_request_decide"))],
) -> dict[str, Any]:
    """The provider grants it as it was asked for, or refuses it by coded reason and text."""
    _check_decision(body)
    async with changing_rights(ctx, caller) as session:
        found = await _known(session, id, caller)
        require(sharing.access_request_decide, caller, found.provider_id)
        actor, recorder, now = caller.actor, ctx.recorder, ctx.clock()
        if body.code is None or body.text is None:
            told = body.opinion
            record = await deciding.grant(session, id, opinion=told, actor=actor, recorder=recorder, now=now)
        else:
            code, why = body.code, body.text
            record = await deciding.refuse(session, id, code=code, text=why, actor=actor, recorder=recorder, now=now)
        return await _read(session, record, ctx)


@router.post("/{id}/withdraw", summary="撤回申请 / withdraw", responses=_SHOWN)
async def withdraw(
    id: UUID,  # noqa: A002
    body: Reason,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("access_request_withdraw"))],
) -> dict[str, Any]:
    """The consumer ends what nobody has answered yet."""
    async with acting(ctx, caller) as session:
        found = await _known(session, id, caller)
        require(sharing.access_request_withdraw, caller, found.request.organisation_id)
        record = await service.withdraw(
            session, id, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return await _read(session, record, ctx)


@router.get("/{id}/attachment", summary="申请的附件 / its attachment", response_class=Response, responses=_FILE)
async def attachment(id: UUID, ctx: ContextDep, caller: Reader) -> Response:  # noqa: A002
    """The file as it came, to be saved and not shown by a browser."""
    async with ctx.transaction() as session:
        await _known(session, id, caller)
        kept = await service.find_attachment(session, id)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(kept.name, safe='')}",
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(kept.content, media_type=kept.media_type, headers=headers)


async def _known(session: AsyncSession, identifier: UUID, caller: StaffCaller) -> RequestRecord:
    """The request, if the caller may know of it. Raises UnknownRequest."""
    record = await service.find(session, identifier)
    if not sharing.access_request_read(caller, record.request.organisation_id, record.provider_id):
        raise UnknownRequest(identifier)
    return record


def _wanted(
    caller: StaffCaller, box: str | None, state: State | None, consumer: str | None, resource: str | None
) -> Filter:
    own = caller.organisation_id
    party = None if sharing.sharing_oversee(caller) else own
    states = () if state is None else (state,)
    if box in ("mine", "to-decide") and own is None:
        raise InvalidField(
            "box", "您的账户没有所属机构，请不用 box", "your account is of no organisation; leave box out"
        )
    match box:
        case "mine":
            return Filter(asking=own, states=states, consumer=consumer, resource=resource)
        case "to-review":
            return Filter(party=party, states=(State.IN_REVIEW,), consumer=consumer, resource=resource)
        case "to-decide":
            return Filter(asked=own, states=(State.WITH_PROVIDER,), consumer=consumer, resource=resource)
        case _:
            return Filter(party=party, states=states, consumer=consumer, resource=resource)


def _check_decision(body: Decision) -> None:
    """A refusal has its code and text, a grant has neither. Raises InvalidField."""
    refuses = body.verdict == "refuse"
    for name, value in (("code", body.code), ("text", body.text)):
        if (value is not None) != refuses:
            zh = "不同意须写明原因代码 code 和说明 text；同意请用 opinion"
            en = "a refusal has its code and its text; a grant has an opinion at most"
            raise InvalidField(f"/{name}", zh, en)


async def _read(session: AsyncSession, record: RequestRecord, ctx: Context) -> dict[str, Any]:
    identifier, now = record.request.id, ctx.clock()
    owed = [
        found
        for closed in (True, False)
        for found in await duties.list_for(
            session, None, now=now, closed=closed, subject=subject_of(identifier), limit=MAX_LIMIT
        )
    ]
    return read(
        record,
        await repository.steps(session, identifier),
        await repository.attachment_line(session, identifier),
        sorted(owed, key=lambda found: found.duty.id),
        now,
    )
