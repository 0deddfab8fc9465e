"""What lists make their providers owe, where a rule says by when. No rule in force: nothing is owed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.duties import rules, service
from hub.duties.calendar import beijing_date, last_day_of, start_of
from hub.duties.models import Duty
from hub.duties.service import Debtor, Subject
from hub.lists import repository
from hub.lists.act import Act


async def owe_from(
    session: AsyncSession,
    duty: str,
    subject: Subject,
    provider_id: UUID,
    anchor: datetime | date,
    act: Act,
) -> Duty | None:
    """What the provider owes from that moment, or day in Beijing, on; None if no rule asks it."""
    moment = anchor if isinstance(anchor, datetime) else start_of(anchor)
    if await rules.in_force(session, duty, beijing_date(moment)) is None:
        return None
    return await service.owe(
        session,
        duty,
        subject,
        debtor=Debtor(provider_id),
        anchored_at=moment,
        actor=act.actor,
        recorder=act.recorder,
        now=act.now,
    )


async def is_owed(session: AsyncSession, duty: str, subject: Subject) -> bool:
    """Whether that is owed for the subject, by whatever day."""
    return any(row.duty == duty for row in await repository.open_duties(session, subject.kind, [subject.id]))


async def is_due_by(session: AsyncSession, duty: str, subject: Subject, year: int) -> bool:
    """Whether that is owed for the subject with a last day in that year or before."""
    found = await repository.open_duties(session, subject.kind, [subject.id])
    return any(row.duty == duty and last_day_of(row.due_at).year <= year for row in found)


async def settle(session: AsyncSession, duty: str, subject: Subject, act: Act) -> None:
    """Close what is owed for the subject as done; nothing open is nothing to do."""
    await service.fulfil(session, subject, duty, actor=act.actor, recorder=act.recorder, now=act.now)
