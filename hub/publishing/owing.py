"""The deadline of publication (rule D6): the authority owes it from the submission on, until it is published or goes back.

And what is owed about a resource, by whomever, when the resource is withdrawn: nobody owes it any more.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.duties import rules, service
from hub.duties.calendar import beijing_date
from hub.duties.service import Subject

PUBLISH: Final = "publish-catalogue"

_ABOUT: Final = text("""
SELECT DISTINCT subject_kind, subject_id FROM duty WHERE state = 'open' AND (subject_kind, subject_id) IN (
    VALUES ('resource', :code), ('list', :code)
    UNION ALL SELECT 'power-suspension', id::text FROM power_suspension WHERE resource_id = :resource)
ORDER BY subject_kind, subject_id
""")
"""Tables of floors above are named here and not imported."""


async def owe_publication(session: AsyncSession, code: str, *, actor: Actor, recorder: Recorder, now: datetime) -> None:
    """The authority owes the publication of what was submitted; nothing, if no rule asks it."""
    if await rules.in_force(session, PUBLISH, beijing_date(now)) is not None:
        await service.owe(session, PUBLISH, _of(code), anchored_at=now, actor=actor, recorder=recorder, now=now)


async def settle_publication(
    session: AsyncSession, code: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> None:
    """It is published."""
    await service.fulfil(session, _of(code), PUBLISH, actor=actor, recorder=recorder, now=now)


async def drop_publication(
    session: AsyncSession, code: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> None:
    """It went back to its editor: nobody waits for it any more."""
    await service.cancel(session, _of(code), PUBLISH, actor=actor, recorder=recorder, now=now)


async def drop_all(
    session: AsyncSession, resource_id: UUID, code: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> None:
    """The resource is withdrawn: its publication, its upkeep as a list and the restoration of its powers are owed no more.

    Requests and corrections are still to be answered. What was to be provided the worker looks after.
    """
    found = await session.execute(_ABOUT, {"resource": resource_id, "code": code})
    for kind, identifier in found.all():
        await service.cancel(session, Subject(kind, identifier), actor=actor, recorder=recorder, now=now)


def _of(code: str) -> Subject:
    return Subject("resource", code)
