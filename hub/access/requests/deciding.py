"""What the authority and the provider do with a request: pass or return it, grant or refuse it. None commits.

Nobody reviews or decides on what they themselves handed in, now or before it was returned; and who reviewed a request does
not decide on it as well. Where one organisation asks itself (its subsite for its office's data), another person decides.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.codes import ShareType
from hub.access.requests import repository
from hub.access.requests.codes import Act, RefusalCode, moved
from hub.access.requests.errors import OwnRequest, ReviewedBefore
from hub.access.requests.granting import give
from hub.access.requests.moving import Move
from hub.access.requests.repository import RequestRecord
from hub.access.requests.service import find, held
from hub.access.texts import open_text
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.registry import barrier
from hub.registry.errors import InvalidField


async def forward(
    session: AsyncSession,
    identifier: UUID,
    *,
    opinion: str | None = None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> RequestRecord:
    """The authority finds that the request conforms: it goes to the provider. Raises UnknownRequest, WrongState, OwnRequest."""
    told = None if opinion is None else open_text("/opinion", opinion)
    record, move = await _begin(session, identifier, actor, recorder, now)
    moved(f"request {identifier}", Act.FORWARD, move.row.state)
    move.row.reviewer_id = UUID(actor.id)
    await move.take(Act.FORWARD, record, opinion=told)
    deadlines = move.deadlines(record.provider_id)
    await deadlines.end_review()
    await deadlines.begin_answer(ShareType.CONDITIONAL)
    await move.tell(record.provider_id, "access-request-received", record)
    return await find(session, identifier)


async def send_back(
    session: AsyncSession, identifier: UUID, *, opinion: str, actor: Actor, recorder: Recorder, now: datetime
) -> RequestRecord:
    """The authority returns it to the consumer, saying what is missing. Raises UnknownRequest, WrongState, OwnRequest, InvalidField."""
    told = open_text("/opinion", opinion)
    record, move = await _begin(session, identifier, actor, recorder, now)
    await move.take(Act.RETURN, record, opinion=told)
    await move.deadlines(record.provider_id).end_review()
    await move.tell(move.row.organisation_id, "access-request-returned", record)
    return await find(session, identifier)


async def grant(
    session: AsyncSession,
    identifier: UUID,
    *,
    opinion: str | None = None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> RequestRecord:
    """The provider agrees: the grant is made as it was asked for.

    Raises UnknownRequest, WrongState, OwnRequest, ReviewedBefore, and what `granting.give` raises.
    """
    told = None if opinion is None else open_text("/opinion", opinion)
    now = await barrier.hold(session, now)
    record, move = await _begin(session, identifier, actor, recorder, now, deciding=True)
    moved(f"request {identifier}", Act.GRANT, move.row.state)
    await give(move, record, opinion=told)
    await barrier.bump(session)
    return await find(session, identifier)


async def refuse(
    session: AsyncSession,
    identifier: UUID,
    *,
    code: int,
    text: str,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> RequestRecord:
    """The provider does not agree, by coded reason and text. Raises UnknownRequest, WrongState, OwnRequest, ReviewedBefore, InvalidField."""
    told = open_text("/text", text)
    if code not in set(RefusalCode):
        known = "；".join(f"{one.value} {one.zh}" for one in RefusalCode)
        raise InvalidField(
            "/code", f"原因代码须为：{known}", f"a reason is one of 1 to {len(RefusalCode)} (reject_type)"
        )
    record, move = await _begin(session, identifier, actor, recorder, now, deciding=True)
    moved(f"request {identifier}", Act.REFUSE, move.row.state)
    move.row.refusal_code, move.row.refusal_text = code, told
    await move.take(Act.REFUSE, record, opinion=told, code=code)
    await move.deadlines(record.provider_id).end_answer()
    await move.tell(move.row.organisation_id, "access-request-refused", record, code=code)
    return await find(session, identifier)


async def _begin(
    session: AsyncSession,
    identifier: UUID,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
    *,
    deciding: bool = False,
) -> tuple[RequestRecord, Move]:
    """The request, held, and the act on it. Raises UnknownRequest, OwnRequest, ReviewedBefore."""
    record = await held(session, identifier)
    if UUID(actor.id) in await repository.applicants(session, identifier):
        raise OwnRequest(identifier)
    if deciding and record.request.reviewer_id == UUID(actor.id):
        raise ReviewedBefore(identifier)
    return record, Move(session, record.request, actor, recorder, now)
