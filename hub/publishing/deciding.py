"""Steps that decide on what was submitted: return it, or publish it. None commits.

Publication is the last step of a review and changes what may be exchanged, so it holds the barrier first and bumps the
epoch last (I3). The version that it replaces takes payloads until an end that is set now; by then the provider's system and
the consumers' have changed over, and the organisations of both are told.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import service as catalog
from catalog import steps
from catalog.codes import ShareType
from catalog.items import Item, walk
from hub.audit.entry import Actor, instant
from hub.audit.service import Recorder
from hub.notices import service as notices
from hub.publishing import owing, repository
from hub.publishing.errors import BreakingUnconfirmed, GrantedByRule, GrantedNotShared
from hub.publishing.examining import compare_with_live
from hub.publishing.recording import finish, hold, refusing
from hub.publishing.repository import ResourceRecord
from hub.publishing.service import find_resource, find_version
from hub.publishing.stopping import organisations_concerned
from hub.registry.errors import InvalidField
from hub.reviewing import service as reviewing
from hub.reviewing.rounds import Verdict

REPLACED_FOR: Final = timedelta(days=30)
"""How long a replaced version goes on taking payloads where the reviewer sets no end: a month, for partners to change over."""

LONGEST_REPLACED: Final = timedelta(days=731)

PUBLISHED, RETURNED = "version-published", "version-returned"
"""Kinds of notices."""


async def return_to_draft(
    session: AsyncSession, resource_id: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> steps.VersionReturned:
    """Decide the step that waits by sending the version back to its editor; the round is over.

    Raises NotFound, NotSubmitted, OwnSubmission, SecondStep, InvalidInput.
    """
    record = await find_resource(session, str(resource_id))
    code = record.resource.code
    waiting = await reviewing.find_waiting(session, resource_id, code)
    step = await refusing(catalog.return_to_draft(session, resource_id, reason=reason, now=now))
    await reviewing.decide(session, waiting, code, Verdict.RETURNED, step.reason, actor=actor, now=now)
    facts = reviewing.facts(waiting)
    await notices.tell(session, record.provider.id, RETURNED, code, facts, now)
    await owing.drop_publication(session, code, actor=actor, recorder=recorder, now=now)
    await finish(session, "resource.returned", step, actor, recorder, **facts)
    return step


async def publish(
    session: AsyncSession,
    resource_id: UUID,
    *,
    confirm_breaking: bool = False,
    replaced_ends_at: datetime | None = None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> steps.VersionPublished:
    """Take the last step of the review: the version goes live, is pinned for every grant that is not revoked, and who is concerned is told.

    The version that was live ends at `replaced_ends_at`, by default `REPLACED_FOR` from now. Raises NotFound, NotSubmitted,
    StepsWaiting, OwnSubmission, SecondStep, BreakingUnconfirmed, GrantedNotShared, GrantedByRule, InvalidField, Conflict.
    """
    now = await hold(session, now)
    record = await find_resource(session, str(resource_id))
    code = record.resource.code
    waiting = await reviewing.find_publication(session, resource_id, code)
    await reviewing.decide(session, waiting, code, Verdict.APPROVED, None, actor=actor, now=now)
    breaking = (await compare_with_live(session, record.resource, waiting.version)).breaking
    if breaking and not confirm_breaking:
        raise BreakingUnconfirmed(code, breaking)
    await _refuse_what_is_not_shared(session, record, waiting.version)
    await _refuse_what_nobody_decided(session, record, waiting.version)
    ends_at = _end_of_replaced(record, replaced_ends_at, now)
    was = record.resource.share_type
    step = await refusing(catalog.publish(session, resource_id, now=now, replaced_ends_at=ends_at))
    assert step.version is not None
    assert step.schema_digest is not None
    pinned = await repository.pin(session, resource_id, step.version, step.schema_digest)
    facts: dict[str, int | str | None] = {"round": waiting.round}
    if ends_at is not None:
        facts |= {"replaced": step.replaced, "replaced_ends_at": instant(ends_at), "breaking": len(breaking)}
        facts["told"] = await _tell(session, record, step, ends_at, len(breaking))
        await session.refresh(record.resource)
        if record.resource.share_type > was:  # CAT-08: what narrows sharing is to be found in the log
            facts |= {"share_type": record.resource.share_type, "was_share_type": was}
    await owing.settle_publication(session, code, actor=actor, recorder=recorder, now=now)
    await finish(session, "resource.published", step, actor, recorder, grants=pinned, **facts)
    return step


async def _refuse_what_is_not_shared(session: AsyncSession, record: ResourceRecord, number: int) -> None:
    """Nothing, unless what the version does not share would leave by a grant that there is. Raises GrantedNotShared."""
    version = await find_version(session, record.resource.id, number)
    items = [Item.model_validate(item) for item in version.items]
    is_whole = version.description["share_type"] == ShareType.NOT_SHARED
    kept = [
        item.field_name
        for item in items
        if is_whole or any(one.share_type is ShareType.NOT_SHARED for _, one in walk([item]))
    ]
    if kept and (grants := await repository.delivering(session, record.resource.id, kept)):
        raise GrantedNotShared(record.resource.code, () if is_whole else kept, grants)


async def _refuse_what_nobody_decided(session: AsyncSession, record: ResourceRecord, number: int) -> None:
    """Nothing, unless a new conditional item would leave by a grant that the rule gave. Raises GrantedByRule."""
    if record.resource.live_version is None:
        return
    version, live = [
        [Item.model_validate(item) for item in (await find_version(session, record.resource.id, one)).items]
        for one in (number, record.resource.live_version)
    ]
    had = {place for item in live for place, _ in _places(item)}
    new = [
        item.field_name
        for item in version
        if any(one.share_type is ShareType.CONDITIONAL and place not in had for place, one in _places(item))
    ]
    if new and (grants := await repository.granted_by_rule(session, record.resource.id, new)):
        raise GrantedByRule(record.resource.code, new, grants)


def _places(item: Item, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Item]]:
    """The item and those within it, each with the names that lead to it."""
    here = (*above, item.field_name)
    yield here, item
    for one in item.items or ():
        yield from _places(one, here)


def _end_of_replaced(record: ResourceRecord, wanted: datetime | None, now: datetime) -> datetime | None:
    """When the version that is live now ends; None if there is none. Raises InvalidField."""
    if record.resource.live_version is None:
        if wanted is not None:
            raise InvalidField(
                "/replaced_ends_at",
                "这是首个版本，没有被替换的版本；请去掉 replaced_ends_at",
                "this is the first version and replaces none; leave replaced_ends_at out",
            )
        return None
    if wanted is None:
        return now + REPLACED_FOR
    if wanted.tzinfo is None or not now < wanted <= now + LONGEST_REPLACED:
        raise InvalidField(
            "/replaced_ends_at",
            f"旧版本的停用时间应带时区，晚于现在，且不超过 {LONGEST_REPLACED.days} 天",
            f"the end of the replaced version has its offset, lies ahead, and within {LONGEST_REPLACED.days} days",
        )
    return wanted.astimezone(UTC)


async def _tell(
    session: AsyncSession, record: ResourceRecord, step: steps.VersionPublished, ends_at: datetime, breaking: int
) -> int:
    """Tell the provider, its publishing system's organisation and the consumers'; returns how many were told."""
    concerned = await organisations_concerned(session, record)
    details = {
        "version": step.version,
        "schema_digest": step.schema_digest,
        "replaced": step.replaced,
        "replaced_ends_at": instant(ends_at),
        "breaking": breaking,
    }
    return len(await notices.tell_all(session, concerned, PUBLISHED, step.code, details, step.at))
