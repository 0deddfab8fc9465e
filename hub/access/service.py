"""Grants 授权: decided, suspended, resumed, renewed, revoked. A revoked grant never comes back; its lane stays for the next one.

Every act holds the barrier from its first statement, is recorded with the digests of the row before and after, and bumps
the epoch last (I3); none commits. Purposes, bases and reasons stay in the rows; the log has their digests only, but for
purpose and basis of a grant, which an audit of sharing asks for by name.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.codes import ShareType
from catalog.models import Resource
from certs.header import is_resource_code
from certs.masks import write_masks
from hub.access import repository
from hub.access.errors import (
    ConsumerRetired,
    GrantExists,
    NoSuchResource,
    NothingPublished,
    NotShared,
    UnknownGrant,
)
from hub.access.models import AccessGrant, GrantVersion, Lane
from hub.access.repository import GrantRecord
from hub.access.scope import WHOLE, Scope, check_scope, check_shared, columns_of
from hub.access.terms import (
    INBOX,
    Frequency,
    check_frequency,
    check_mode,
    check_period,
    check_policy,
    columns_of_frequency,
)
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.registry import barrier
from hub.registry import service as registry
from hub.registry.errors import WrongState
from hub.registry.fields import LONGEST_REASON, required_text
from hub.registry.recording import fingerprint, record_change

ACTIVE = "active"

LIVING = (ACTIVE, "suspended")
"""States of a grant that is not revoked."""


@dataclass(frozen=True, slots=True)
class NewGrant:
    """What a decision says: which consumer (system code) may have which resource (code), what for, on what basis, when.

    `policy` is for pushes: one of `POLICIES`, or None to leave it to the consumer's push target. `request`: the access
    request that it answers, for the log.
    """

    consumer: str
    resource: str
    purpose: str
    basis: str
    valid_from: datetime
    valid_to: datetime
    mode: str = INBOX
    policy: str | None = None
    scope: Scope = WHOLE
    frequency: Frequency | None = None
    request: UUID | None = None


async def create_grant(
    session: AsyncSession, new: NewGrant, *, actor: Actor, recorder: Recorder, now: datetime
) -> GrantRecord:
    """Grant, opening the lane or taking it up again, and pin the schema digest of every published version.

    Raises InvalidField, UnknownSystem, NoSuchResource, ConsumerRetired, NotShared, NothingPublished, ScopeRefused, GrantExists.
    """
    _check_terms(new, now)
    now = await barrier.hold(session, now)
    record = await add_grant(session, new, actor=actor, recorder=recorder, now=now)
    await barrier.bump(session)
    return record


async def add_grant(
    session: AsyncSession, new: NewGrant, *, actor: Actor, recorder: Recorder, now: datetime
) -> GrantRecord:
    """The same for who holds the barrier, and bumps the epoch when all is written."""
    purpose, basis = _check_terms(new, now)
    consumer, _ = await registry.find_system(session, new.consumer)
    if consumer.state == "retired":
        raise ConsumerRetired(consumer.code)
    resource = await grantable(session, new.resource)
    items = await repository.live_items(session, resource)
    if not new.scope.is_whole:
        check_scope(new.scope, items)
    check_shared(new.scope, items)
    lane = await repository.lane(
        session,
        Lane(
            id=new_id(now),
            consumer_id=consumer.id,
            resource_id=resource.id,
            purpose=purpose,
            mode=new.mode,
            created_at=now,
        ),
    )
    if (holder := await repository.live_grant(session, lane.id)) is not None:
        raise GrantExists(holder)
    row = AccessGrant(
        id=new_id(now),
        lane_id=lane.id,
        consumer_id=consumer.id,
        resource_id=resource.id,
        purpose=purpose,
        basis=basis,
        mode=new.mode,
        policy=new.policy,
        valid_from=new.valid_from.astimezone(UTC),
        valid_to=new.valid_to.astimezone(UTC),
        **columns_of(new.scope),
        **columns_of_frequency(new.frequency),
        state=ACTIVE,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    for version in await repository.published_versions(session, resource.id):
        session.add(GrantVersion(grant_id=row.id, version=version.number, schema_digest=version.schema_digest))
    record = GrantRecord(row, consumer.code, resource.code, resource.provider_id)
    told: dict[str, Any] = {} if new.request is None else {"request": str(new.request)}
    if new.scope.masks:
        told["masks"] = write_masks({one.item: one.mask for one in new.scope.masks})
    record_grant(session, "grant.created", record, recorder, actor, now, **told)
    return record


async def suspend_grant(
    session: AsyncSession, identifier: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> GrantRecord:
    """Stop handing out for now; what was accepted waits in its lane. Raises UnknownGrant, WrongState."""
    return await _move(session, identifier, "suspended", ("active",), reason, actor, recorder, now)


async def resume_grant(
    session: AsyncSession, identifier: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> GrantRecord:
    """Hand out again. Raises UnknownGrant, WrongState."""
    return await _move(session, identifier, "active", ("suspended",), None, actor, recorder, now)


async def revoke_grant(
    session: AsyncSession, identifier: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> GrantRecord:
    """End a grant for good. Raises UnknownGrant, WrongState."""
    return await _move(session, identifier, "revoked", LIVING, reason, actor, recorder, now)


async def find_grant(session: AsyncSession, identifier: UUID) -> GrantRecord:
    """The grant of that id. Raises UnknownGrant."""
    record = await repository.grant(session, identifier)
    if record is None:
        raise UnknownGrant(identifier)
    return record


async def find_resource(session: AsyncSession, code: str) -> Resource:
    """The resource of that code, so that its provider can be asked for. Raises NoSuchResource."""
    row = await repository.resource_by_code(session, code) if is_resource_code(code) else None
    if row is None:
        raise NoSuchResource(code)
    return row


def _check_terms(new: NewGrant, now: datetime) -> tuple[str, str]:
    """Purpose and basis without outer blanks. Raises InvalidField."""
    purpose = required_text("/purpose", new.purpose)
    basis = required_text("/basis", new.basis, longest=LONGEST_REASON)
    check_mode(new.mode)
    check_policy(new.policy, new.mode)
    check_period(new.valid_from, new.valid_to, now)
    check_frequency(new.frequency)
    return purpose, basis


async def grantable(session: AsyncSession, code: str) -> Resource:
    """The resource of that code, which is shared and published. Raises NoSuchResource, NotShared, NothingPublished."""
    resource = await find_resource(session, code)
    if resource.share_type == ShareType.NOT_SHARED:
        raise NotShared(code, resource.no_share_basis or "—")
    if resource.live_version is None or resource.status == "withdrawn":
        raise NothingPublished(code, resource.status)
    return resource


_EVENTS = {"suspended": "grant.suspended", "active": "grant.resumed", "revoked": "grant.revoked"}


async def _move(
    session: AsyncSession,
    identifier: UUID,
    target: str,
    origins: tuple[str, ...],
    reason: str | None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> GrantRecord:
    if reason is not None:
        reason = required_text("/reason", reason, longest=LONGEST_REASON)
    now = await barrier.hold(session, now)
    record = await find_grant(session, identifier)
    row = record.grant
    if row.state not in origins:
        raise WrongState(f"grant {identifier}", row.state, "/".join(origins))
    before = fingerprint(row)
    row.state, row.state_reason, row.updated_at = target, reason, now
    record_grant(session, _EVENTS[target], record, recorder, actor, now, before=before)
    await barrier.bump(session)
    return record


def record_grant(
    session: AsyncSession,
    event: str,
    record: GrantRecord,
    recorder: Recorder,
    actor: Actor,
    now: datetime,
    *,
    before: str = "",
    **also: Any,
) -> None:
    """Log `event` on a grant with purpose and basis, its ends, its lane, and what is `also` told in details."""
    row = record.grant
    record_change(
        session,
        event,
        str(row.id),
        row,
        actor=actor,
        recorder=recorder,
        now=now,
        before=before,
        purpose=row.purpose,
        basis=row.basis,
        details={"consumer": record.consumer, "resource": record.resource, "lane": str(row.lane_id), **also},
    )
