"""Telling organisations, and what they have been told. Nothing commits here: a notice stands or falls with the act it tells of.

The log has the act that a notice tells of, and that the notice was read; the telling itself has no entry of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor, Event, instant
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.notices import repository
from hub.notices.errors import UnknownNotice
from hub.notices.models import Notice


async def tell(
    session: AsyncSession,
    organisation_id: UUID,
    kind: str,
    subject: str,
    details: Mapping[str, Any],
    now: datetime,
) -> Notice:
    """Tell the organisation; `kind` is small letters and hyphens, `subject` the code or id of what it is about.

    `details` holds codes, counts and times as JSON, never texts that people wrote nor personal data.
    """
    (told,) = await tell_all(session, [organisation_id], kind, subject, details, now)
    return told


async def tell_all(
    session: AsyncSession,
    organisations: Iterable[UUID],
    kind: str,
    subject: str,
    details: Mapping[str, Any],
    now: datetime,
) -> Sequence[Notice]:
    """Tell each of the organisations once; returns the notices in the order of the organisations' ids."""
    rows = [
        Notice(
            id=new_id(now),
            organisation_id=organisation,
            kind=kind,
            subject=subject,
            details=dict(details),
            created_at=now,
        )
        for organisation in sorted(set(organisations))
    ]
    await repository.add(session, rows)
    return rows


async def list_notices(
    session: AsyncSession, organisation_id: UUID, *, before: UUID | None, limit: int, unread: bool = False
) -> Sequence[Notice]:
    """At most `limit` notices to the organisation, newest first, those below the id `before`."""
    return await repository.notices(session, organisation_id, before=before, limit=limit, unread=unread)


async def mark_read(
    session: AsyncSession, organisation_id: UUID, identifier: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> Notice:
    """Note that somebody of the organisation has read it; the first time counts. Raises UnknownNotice."""
    row = await repository.notice(session, identifier)
    if row is None or row.organisation_id != organisation_id:
        raise UnknownNotice(identifier)
    if row.read_at is None:
        row.read_at = now
        details = {"kind": row.kind, "subject": row.subject, "told_at": instant(row.created_at)}
        recorder.record(session, Event("notice.read", actor, "notice", str(row.id), details=details), now=now)
    await session.flush()
    return row
