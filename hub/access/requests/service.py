"""Asking for access 共享申请: handed in, handed in again after a return, withdrawn; and what the rule answers at once.

What is shared unconditionally (1) is granted in the transaction of the request, and the provider is told. What is conditional
(2), or has an item in its scope that is, waits for the authority's compliance review and then for the provider (`deciding`).
What is not shared (3) is refused with the basis that the catalogue states; a scope that names an item which is not shared is
not taken down, for the rest can be asked for. None commits. Texts stay in the rows; the log has digests and codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.codes import ShareType
from catalog.models import Resource
from hub.access import repository as grants
from hub.access import service as access
from hub.access.errors import ConsumerRetired, GrantExists, NothingPublished
from hub.access.requests import repository
from hub.access.requests.asked import Asked, checked
from hub.access.requests.codes import BY_RULE, Act, RefusalCode, State, moved
from hub.access.requests.errors import NoAttachment, RequestExists, UnknownRequest
from hub.access.requests.granting import give
from hub.access.requests.models import AccessRequest, AccessRequestAttachment
from hub.access.requests.moving import Move
from hub.access.requests.repository import Filter, RequestRecord
from hub.access.scope import check_scope, check_shared, columns_of, share_type_of
from hub.access.terms import columns_of_frequency
from hub.access.texts import open_text
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.registry import barrier
from hub.registry import service as registry
from hub.registry.errors import InvalidField
from hub.registry.models import System
from hub.registry.recording import fingerprint


@dataclass(frozen=True, slots=True)
class _Parties:
    """Who asks for what, and the time of the act."""

    consumer: System
    resource: Resource
    now: datetime


async def submit(
    session: AsyncSession,
    consumer: str,
    resource: str,
    asked: Asked,
    *,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> RequestRecord:
    """Ask for a resource (code) in the name of a consumer (system code).

    Raises UnknownSystem, ConsumerRetired, NoSuchResource, NothingPublished, InvalidField, ScopeRefused, GrantExists,
    RequestExists, Refused `classified-content`.
    """
    asked = checked(asked, now)
    parties = await _parties(session, consumer, resource, now)
    await _check_free(session, parties, asked)
    version = parties.resource.live_version
    assert version is not None
    row = AccessRequest(
        id=new_id(parties.now),
        consumer_id=parties.consumer.id,
        organisation_id=parties.consumer.organisation_id,
        resource_id=parties.resource.id,
        version=version,
        applicant_id=UUID(actor.id),
        **_columns(asked),
        state=State.IN_REVIEW,
        created_at=parties.now,
        updated_at=parties.now,
    )
    session.add(row)
    await session.flush()
    return await _place(session, row, asked, Act.SUBMIT, parties, actor, recorder)


async def resubmit(
    session: AsyncSession, identifier: UUID, asked: Asked, *, actor: Actor, recorder: Recorder, now: datetime
) -> RequestRecord:
    """Hand in again, as it is now asked, what the authority returned. Raises as `submit`, and UnknownRequest, WrongState."""
    asked = checked(asked, now)
    seen = await find(session, identifier)
    parties = await _parties(session, seen.consumer, seen.resource.code, now)
    row = (await held(session, identifier)).request
    moved(f"request {identifier}", Act.RESUBMIT, row.state)
    await _check_free(session, parties, asked, itself=identifier)
    assert parties.resource.live_version is not None
    before = fingerprint(row)
    row.version, row.applicant_id, row.reviewer_id = parties.resource.live_version, UUID(actor.id), None
    for name, value in _columns(asked).items():
        setattr(row, name, value)
    row.state = State.IN_REVIEW
    return await _place(session, row, asked, Act.RESUBMIT, parties, actor, recorder, before=before)


async def may_grant_at_once(session: AsyncSession, resource_code: str) -> bool:
    """Whether a request for the resource may be granted by the rule, which changes rights. Raises NoSuchResource."""
    return (await access.find_resource(session, resource_code)).share_type == ShareType.UNCONDITIONAL


async def withdraw(
    session: AsyncSession, identifier: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> RequestRecord:
    """End a request that nobody has answered yet. Raises UnknownRequest, WrongState, InvalidField."""
    told = open_text("/reason", reason)
    record = await held(session, identifier)
    was = record.request.state
    move = Move(session, record.request, actor, recorder, now)
    await move.take(Act.WITHDRAW, record, opinion=told)
    await move.deadlines(record.provider_id).cancel()
    if was == State.WITH_PROVIDER:
        await move.tell(record.provider_id, "access-request-withdrawn", record)
    return await find(session, identifier)


async def find(session: AsyncSession, identifier: UUID) -> RequestRecord:
    """The request of that id. Raises UnknownRequest."""
    return _there(identifier, await repository.request(session, identifier))


async def held(session: AsyncSession, identifier: UUID) -> RequestRecord:
    """The same, kept from others until the transaction ends. Raises UnknownRequest."""
    return _there(identifier, await repository.request(session, identifier, lock=True))


async def list_requests(
    session: AsyncSession, wanted: Filter, *, after: UUID | None, limit: int
) -> Sequence[RequestRecord]:
    """At most `limit` requests beyond the id `after`."""
    return await repository.requests(session, wanted, after=after, limit=limit)


async def find_attachment(session: AsyncSession, identifier: UUID) -> AccessRequestAttachment:
    """The file that came with the request. Raises NoAttachment."""
    found = await repository.attachment(session, identifier)
    if found is None:
        raise NoAttachment(identifier)
    return found


def _there(identifier: UUID, record: RequestRecord | None) -> RequestRecord:
    if record is None:
        raise UnknownRequest(identifier)
    return record


async def _parties(session: AsyncSession, consumer_code: str, resource_code: str, now: datetime) -> _Parties:
    """Both ends as they are now, read for good under the barrier: held where the rule may grant at once, else shared."""
    if await may_grant_at_once(session, resource_code):
        now = await barrier.hold(session, now)
    else:
        await barrier.share(session)
    resource = await access.find_resource(session, resource_code)
    consumer, _ = await registry.find_system(session, consumer_code)
    if consumer.state == "retired":
        raise ConsumerRetired(consumer.code)
    if resource.live_version is None or resource.status == "withdrawn":
        raise NothingPublished(resource.code, resource.status)
    if resource.system_id == consumer.id:
        raise InvalidField(
            "/consumer",
            f"系统 {consumer.code} 就是该资源的发布系统，无须申请",
            f"the system {consumer.code} publishes this resource and needs no access to it",
        )
    return _Parties(consumer, resource, now)


async def _check_free(session: AsyncSession, parties: _Parties, asked: Asked, *, itself: UUID | None = None) -> None:
    """The scope fits, and neither a grant nor another request is in the way; nobody else asks for this consumer meanwhile."""
    items = await grants.live_items(session, parties.resource)
    if not asked.scope.is_whole:
        check_scope(asked.scope, items)
    if parties.resource.share_type != ShareType.NOT_SHARED:
        check_shared(asked.scope, items)
    await repository.hold_consumer(session, parties.consumer.id)
    lane = (parties.consumer.id, parties.resource.id, asked.purpose, asked.mode)
    if (grant := await grants.live_grant_for(session, *lane)) is not None:
        raise GrantExists(grant)
    if (holder := await repository.live_request(session, *lane)) not in (None, itself):
        raise RequestExists(holder)


async def _place(
    session: AsyncSession,
    row: AccessRequest,
    asked: Asked,
    act: Act,
    parties: _Parties,
    actor: Actor,
    recorder: Recorder,
    *,
    before: str = "",
) -> RequestRecord:
    """Take the request down, with its file and its deadlines, and do at once what the rule says of its share type."""
    now, attached = parties.now, dict[str, Any]()
    if asked.attachment is not None:
        file = asked.attachment
        kept = AccessRequestAttachment(
            request_id=row.id,
            name=file.name,
            media_type=file.media_type,
            digest=file.digest,
            content=file.content,
            added_at=now,
        )
        await repository.keep_attachment(session, kept)
        attached = {"attachment": kept.digest}
    row.updated_at = now
    await session.flush()
    record = await find(session, row.id)
    move = Move(session, row, actor, recorder, now, before)
    await move.note(act, record, **attached)
    items = await grants.live_items(session, parties.resource)
    await _answer_by_rule(move, record, share_type_of(asked.scope, items, parties.resource.share_type))
    return await find(session, row.id)


async def _answer_by_rule(move: Move, record: RequestRecord, share_type: ShareType) -> None:
    deadlines = move.deadlines(record.provider_id)
    match BY_RULE.get(share_type):
        case Act.GRANT:
            await deadlines.begin_answer(share_type)
            await give(move, record)
            await barrier.bump(move.session)
        case Act.REFUSE:
            move.row.refusal_code = RefusalCode.LAW
            move.row.refusal_text = record.resource.no_share_basis or RefusalCode.LAW.zh
            await move.settle(Act.REFUSE, record)
        case _:
            await deadlines.begin_review()


def _columns(asked: Asked) -> dict[str, Any]:
    """What is asked for, as the columns of a request."""
    return {
        "basis": asked.basis,
        "scene": asked.scene,
        "purpose": asked.purpose,
        "mode": asked.mode,
        "valid_from": asked.valid_from,
        "valid_to": asked.valid_to,
        **columns_of(asked.scope),
        **columns_of_frequency(asked.frequency),
    }
