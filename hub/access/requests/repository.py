"""All SQL of access requests. Reads, adds and locks rows; decides nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from catalog.models import Resource
from hub.access.models import AccessGrant
from hub.access.requests.codes import LIVE, Act, State
from hub.access.requests.models import AccessRequest, AccessRequestAttachment, AccessRequestStep
from hub.registry.models import Organisation, System

_AS_IT_IS_NOW = {"populate_existing": True}
_PROVIDER = aliased(Organisation)


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request with the codes and names of its parties, and the state of the grant that came of it."""

    request: AccessRequest
    consumer: str
    organisation: str
    resource: Resource
    provider: str
    grant_state: str | None

    @property
    def provider_id(self) -> UUID:
        """Whose data are asked for."""
        return self.resource.provider_id


@dataclass(frozen=True, slots=True)
class AttachmentLine:
    """An attachment without its content."""

    name: str
    media_type: str
    size: int
    digest: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """Which requests are listed; all of them are, where nothing is named.

    `party`: of this organisation, asking or asked; `asking`, `asked`: on that side.
    """

    party: UUID | None = None
    asking: UUID | None = None
    asked: UUID | None = None
    states: Collection[State] = ()
    consumer: str | None = None
    resource: str | None = None


async def request(session: AsyncSession, identifier: UUID, *, lock: bool = False) -> RequestRecord | None:
    """The request of that id as it is now; locked until the transaction ends, if asked."""
    query = _records().where(col(AccessRequest.id) == identifier)
    if lock:
        query = query.with_for_update(of=AccessRequest)
    row = (await session.execute(query, execution_options=_AS_IT_IS_NOW)).one_or_none()
    return None if row is None else RequestRecord(*row)


async def requests(session: AsyncSession, wanted: Filter, *, after: UUID | None, limit: int) -> Sequence[RequestRecord]:
    """At most `limit` requests beyond the id `after`."""
    query = _records().where(*_conditions(wanted)).order_by(col(AccessRequest.id)).limit(limit)
    if after is not None:
        query = query.where(col(AccessRequest.id) > after)
    return [RequestRecord(*row) for row in await session.execute(query)]


async def hold_consumer(session: AsyncSession, system_id: UUID) -> None:
    """Let nobody else ask for this consumer until the transaction ends."""
    await session.execute(select(col(System.id)).where(col(System.id) == system_id).with_for_update(key_share=True))


async def live_request(
    session: AsyncSession, consumer_id: UUID, resource_id: UUID, purpose: str, mode: str
) -> UUID | None:
    """The request, not answered yet, of that consumer for that."""
    query = select(col(AccessRequest.id)).where(
        col(AccessRequest.consumer_id) == consumer_id,
        col(AccessRequest.resource_id) == resource_id,
        col(AccessRequest.purpose) == purpose,
        col(AccessRequest.mode) == mode,
        col(AccessRequest.state).in_(LIVE),
    )
    found: UUID | None = await session.scalar(query)
    return found


async def steps(session: AsyncSession, identifier: UUID) -> Sequence[AccessRequestStep]:
    """The steps of a request, in their order."""
    query = select(AccessRequestStep).where(col(AccessRequestStep.request_id) == identifier)
    return (await session.scalars(query.order_by(col(AccessRequestStep.number)))).all()


async def next_number(session: AsyncSession, identifier: UUID) -> int:
    """The number that the next step of a request takes."""
    query = select(func.max(col(AccessRequestStep.number))).where(col(AccessRequestStep.request_id) == identifier)
    last: int | None = await session.scalar(query)
    return (last or 0) + 1


async def applicants(session: AsyncSession, identifier: UUID) -> frozenset[UUID]:
    """Everybody who handed the request in, once or again."""
    query = select(col(AccessRequestStep.staff_id)).where(
        col(AccessRequestStep.request_id) == identifier,
        col(AccessRequestStep.act).in_((Act.SUBMIT, Act.RESUBMIT)),
    )
    return frozenset(found for found in await session.scalars(query) if found is not None)


async def keep_attachment(session: AsyncSession, row: AccessRequestAttachment) -> None:
    """Keep the file of a request in the place of an earlier one."""
    values = row.model_dump()
    kept = insert(AccessRequestAttachment).values(values)
    await session.execute(kept.on_conflict_do_update(index_elements=["request_id"], set_=values))


async def attachment(session: AsyncSession, identifier: UUID) -> AccessRequestAttachment | None:
    """The file of a request."""
    found: AccessRequestAttachment | None = await session.get(
        AccessRequestAttachment, identifier, populate_existing=True
    )
    return found


async def attachment_line(session: AsyncSession, identifier: UUID) -> AttachmentLine | None:
    """What there is to say of the file of a request without reading it."""
    kept = AccessRequestAttachment
    query = select(
        col(kept.name), col(kept.media_type), func.octet_length(col(kept.content)), col(kept.digest), col(kept.added_at)
    ).where(col(kept.request_id) == identifier)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else AttachmentLine(*row)


def _records() -> "Select[AccessRequest, str, str, Resource, str, str | None]":
    return (
        select(
            AccessRequest,
            col(System.code),
            col(Organisation.name),
            Resource,
            col(_PROVIDER.name),
            col(AccessGrant.state),
        )
        .join(System, col(AccessRequest.consumer_id) == col(System.id))
        .join(Organisation, col(AccessRequest.organisation_id) == col(Organisation.id))
        .join(Resource, col(AccessRequest.resource_id) == col(Resource.id))
        .join(_PROVIDER, col(Resource.provider_id) == col(_PROVIDER.id))
        .outerjoin(AccessGrant, col(AccessRequest.grant_id) == col(AccessGrant.id))
    )


def _conditions(wanted: Filter) -> "list[ColumnElement[bool]]":
    asking, asked = col(AccessRequest.organisation_id), col(Resource.provider_id)
    found: list[ColumnElement[bool]] = []
    if wanted.party is not None:
        found.append(or_(asking == wanted.party, asked == wanted.party))
    if wanted.asking is not None:
        found.append(asking == wanted.asking)
    if wanted.asked is not None:
        found.append(asked == wanted.asked)
    if wanted.states:
        found.append(col(AccessRequest.state).in_(wanted.states))
    if wanted.consumer is not None:
        found.append(col(System.code) == wanted.consumer)
    if wanted.resource is not None:
        found.append(col(Resource.code) == wanted.resource)
    return found
