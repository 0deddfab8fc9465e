"""The deadline of publication (rule D6): the authority owes it from the submission on, until it is published or goes back."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.duties import rules, service
from hub.duties.calendar import beijing_date
from hub.duties.service import Subject

PUBLISH: Final = "publish-catalogue"


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
    """It went back to its editor, or the resource is withdrawn: nobody waits for it any more."""
    await service.cancel(session, _of(code), PUBLISH, actor=actor, recorder=recorder, now=now)


def _of(code: str) -> Subject:
    return Subject("resource", code)
