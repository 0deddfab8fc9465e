"""Grants 授权: decided, suspended, resumed, revoked. A revoked grant never comes back; its lane stays for the next one.

Every act holds the barrier from its first statement, is recorded with the digests of the row before and after, and bumps
the epoch last (I3); none commits. Purposes, bases and reasons stay in the rows; the log has their digests only, but for
purpose and basis of a grant, which an audit of sharing asks for by name.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.codes import ShareType
from catalog.models import Resource
from certs.header import is_resource_code
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
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.registry import barrier
from hub.registry import service as registry
from hub.registry.errors import InvalidField, WrongState
from hub.registry.fields import LONGEST_REASON, required_text
from hub.registry.recording import fingerprint, record_change

INBOX = "inbox"
"""The consumer pulls and acknowledges."""

PUSH = "push"
"""The hub hands over by the adapter of the consumer's push target."""

MODES = (INBOX, PUSH)

POLICIES = ("park", "block")
"""What becomes of an item that cannot be delivered: it makes way for the rest, or the lane keeps its order and waits."""

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""Terms that every zone can write: at the ends of the calendar a moment has no form in UTC."""


@dataclass(frozen=True, slots=True)
class NewGrant:
    """What a decision says: which consumer (system code) may have which resource (code), what for, on what basis, when.

    `policy` is for pushes: one of `POLICIES`, or None to leave it to the consumer's push target.
    """

    consumer: str
    resource: str
    purpose: str
    basis: str
    valid_from: datetime
    valid_to: datetime
    mode: str = INBOX
    policy: str | None = None


async def create_grant(
    session: AsyncSession, new: NewGrant, *, actor: Actor, recorder: Recorder, now: datetime
) -> GrantRecord:
    """Grant, opening the lane or taking it up again, and pin the schema digest of every published version.

    Raises InvalidField, UnknownSystem, NoSuchResource, ConsumerRetired, NotShared, NothingPublished, GrantExists.
    """
    purpose = required_text("/purpose", new.purpose)
    basis = required_text("/basis", new.basis, longest=LONGEST_REASON)
    _check_terms(new, now)
    now = await barrier.hold(session, now)
    consumer, _ = await registry.find_system(session, new.consumer)
    if consumer.state == "retired":
        raise ConsumerRetired(consumer.code)
    resource = await _grantable(session, new.resource)
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
        state="active",
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    for version in await repository.published_versions(session, resource.id):
        session.add(GrantVersion(grant_id=row.id, version=version.number, schema_digest=version.schema_digest))
    record = GrantRecord(row, consumer.code, resource.code, resource.provider_id)
    _record(session, "grant.created", record, recorder, actor, now)
    await barrier.bump(session)
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
    return await _move(session, identifier, "revoked", ("active", "suspended"), reason, actor, recorder, now)


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


def _check_terms(new: NewGrant, now: datetime) -> None:
    if new.mode not in MODES:
        raise InvalidField("/mode", f"mode 须为 {' 或 '.join(MODES)}", f"mode is {' or '.join(MODES)}")
    if new.policy is not None and (new.mode != PUSH or new.policy not in POLICIES):
        raise InvalidField(
            "/policy",
            f"policy 须为 {' 或 '.join(POLICIES)}，且只用于推送（mode 为 {PUSH}）；自取的授权请去掉它",
            f"policy is {' or '.join(POLICIES)}, and for pushes only (mode {PUSH}); leave it out of a grant to pull",
        )
    for pointer, moment in (("/valid_from", new.valid_from), ("/valid_to", new.valid_to)):
        if moment.tzinfo is None:
            raise InvalidField(
                pointer,
                f"{pointer} 缺少时区；请写成 RFC 3339，如 2026-01-01T00:00:00+08:00",
                f"{pointer} lacks its offset; write RFC 3339, such as 2026-01-01T00:00:00+08:00",
            )
        if not EARLIEST <= moment <= LATEST:
            raise InvalidField(
                pointer,
                f"{pointer} 须在 {EARLIEST.year} 年至 {LATEST.year} 年之间；请更正",
                f"{pointer} lies between the years {EARLIEST.year} and {LATEST.year}; correct it",
            )
    if new.valid_to <= max(new.valid_from, now):
        raise InvalidField(
            "/valid_to",
            "授权截止时间须晚于起始时间和当前时间；请更正",
            "a grant ends after it begins and after this moment; correct it",
        )


async def _grantable(session: AsyncSession, code: str) -> Resource:
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
    _record(session, _EVENTS[target], record, recorder, actor, now, before=before)
    await barrier.bump(session)
    return record


def _record(
    session: AsyncSession,
    event: str,
    record: GrantRecord,
    recorder: Recorder,
    actor: Actor,
    now: datetime,
    *,
    before: str = "",
) -> None:
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
        details={"consumer": record.consumer, "resource": record.resource, "lane": str(row.lane_id)},
    )
