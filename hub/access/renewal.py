"""Renewing grants 续期: a new end of the period, perhaps another frequency 频次变更; nothing else of a grant changes."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.access import repository
from hub.access.errors import ConsumerRetired
from hub.access.repository import GrantRecord
from hub.access.scope import check_shared, scope_of
from hub.access.service import LIVING, find_grant, grantable, record_grant
from hub.access.terms import Frequency, check_asked_period, check_frequency
from hub.audit.entry import Actor, instant
from hub.audit.service import Recorder
from hub.registry import barrier
from hub.registry import service as registry
from hub.registry.errors import InvalidField, WrongState
from hub.registry.fields import LONGEST_REASON, required_text
from hub.registry.recording import fingerprint


async def renew_grant(
    session: AsyncSession,
    identifier: UUID,
    *,
    valid_to: datetime,
    reason: str,
    frequency: Frequency | None = None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> GrantRecord:
    """Let a grant last longer 续期, expired or not, and expect another frequency 频次变更 if one is given.

    Raises UnknownGrant, WrongState, InvalidField, ConsumerRetired, NotShared, NothingPublished, ScopeRefused.
    """
    told = required_text("/reason", reason, longest=LONGEST_REASON)
    check_frequency(frequency)
    check_asked_period(now, valid_to, now)
    now = await barrier.hold(session, now)
    record = await find_grant(session, identifier)
    row = record.grant
    if row.state not in LIVING:
        raise WrongState(f"grant {identifier}", row.state, "/".join(LIVING))
    if valid_to <= row.valid_to:
        raise InvalidField(
            "/valid_to",
            f"续期后的截止时间须晚于现在的 {instant(row.valid_to)}；要提前结束请撤销授权",
            f"a renewed grant ends later than now ({instant(row.valid_to)}); to end it earlier, revoke it",
        )
    await _check_parties(session, record)
    before, was = fingerprint(row), instant(row.valid_to)
    row.valid_to, row.renewal_reason, row.updated_at = valid_to.astimezone(UTC), told, now
    if frequency is not None:
        row.frequency_average, row.frequency_peak = frequency.average, frequency.peak
    ends = {"was_valid_to": was, "valid_to": instant(row.valid_to)}
    record_grant(session, "grant.renewed", record, recorder, actor, now, before=before, **ends)
    await barrier.bump(session)
    return record


async def _check_parties(session: AsyncSession, record: GrantRecord) -> None:
    """Nothing, if what is granted could be granted today, to that consumer."""
    resource = await grantable(session, record.resource)
    scope = scope_of(record.grant.items, record.grant.rows)
    check_shared(scope, await repository.live_items(session, resource))
    consumer, _ = await registry.find_system(session, record.consumer)
    if consumer.state == "retired":
        raise ConsumerRetired(consumer.code)
