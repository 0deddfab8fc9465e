"""Responsible people 责任人 of an organisation: appointed, handed over, ended; every row is kept (000-A 九条, 001-A 十一条).

One role, one holder on any day, but for dedicated people (专人). No right of exchange hangs on them, so nothing holds the
barrier; acts on one organisation wait for each other at its row. Names, telephone numbers and notes are personal: they
stay in the rows, and the log has digests of the other columns. None commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import LOCAL_TIME, Actor, Event
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.identity import repository as identity
from hub.registry import repository as registry_rows
from hub.registry import service as registry
from hub.registry.errors import InvalidField
from hub.registry.fields import LONGEST_REASON, optional_text, required_text
from hub.registry.models import Organisation
from hub.registry.recording import fingerprint
from hub.responsibility import repository
from hub.responsibility.errors import PersonLeft, PlaceTaken, UnknownPerson
from hub.responsibility.models import REQUIRED, ResponsiblePerson, ResponsibleRole

PERSONAL = frozenset({"name", "phone", "note"})
"""Columns that no digest in the log covers: they can be guessed."""

LONGEST_PHONE = 40

FARTHEST = timedelta(days=366)
"""A day further away than this, in either direction of a term that begins, is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Particulars:
    """Who it is: a person, or for 主管股室 the section; `staff_id` is their account, if they have one."""

    name: str
    phone: str | None = None
    staff_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, where it is written down, and when."""

    actor: Actor
    recorder: Recorder
    now: datetime

    @property
    def today(self) -> date:
        """The day in Beijing."""
        return self.now.astimezone(LOCAL_TIME).date()

    def record(
        self, session: AsyncSession, event: str, row: ResponsiblePerson, *, before: str = "", **details: str
    ) -> None:
        """Log the act on that row, without anything personal."""
        told = {"organisation": str(row.organisation_id), "role": row.role, **details}
        self.recorder.record(
            session,
            Event(event, self.actor, "person", str(row.id), before=before, after=_fingerprint(row), details=told),
            now=self.now,
        )


@dataclass(frozen=True, slots=True)
class Gap:
    """An organisation with the roles that nobody holds there."""

    organisation: Organisation
    lacking: Sequence[ResponsibleRole]


async def appoint(
    session: AsyncSession,
    organisation_id: UUID,
    role: ResponsibleRole,
    who: Particulars,
    *,
    first_day: date | None = None,
    act: Act,
) -> ResponsiblePerson:
    """The new responsible person, from `first_day` (today) on.

    Raises InvalidField, UnknownOrganisation, OrganisationEnded, PlaceTaken.
    """
    first = first_day or act.today
    if abs(first - act.today) > FARTHEST:
        raise _too_far("/from")
    who = _checked(who)
    await _hold(session, organisation_id)
    await _check_account(session, who, organisation_id)
    if role is not ResponsibleRole.DEDICATED and await repository.overlapping(session, organisation_id, role, first):
        raise PlaceTaken(role)
    row = _row(organisation_id, role, who, first, act.now)
    await _add(session, row)
    act.record(session, "person.appointed", row)
    return row


async def hand_over(
    session: AsyncSession,
    organisation_id: UUID,
    identifier: UUID,
    who: Particulars,
    *,
    first_day: date | None = None,
    note: str,
    act: Act,
) -> ResponsiblePerson:
    """The successor, from `first_day` (today) on, when the one before ceases; `note` says what was handed over.

    Raises InvalidField, UnknownOrganisation, OrganisationEnded, UnknownPerson, PersonLeft.
    """
    first = first_day or act.today
    written = required_text("/note", note, longest=LONGEST_REASON)
    who = _checked(who)
    await _hold(session, organisation_id)
    await _check_account(session, who, organisation_id)
    row = await _open(session, organisation_id, identifier)
    successor = _row(organisation_id, ResponsibleRole(row.role), who, first, act.now, follows=row.id)
    await _close(session, row, first, written, act, successor=str(successor.id))
    await _add(session, successor)
    act.record(session, "person.appointed", successor)
    return successor


async def end(
    session: AsyncSession,
    organisation_id: UUID,
    identifier: UUID,
    *,
    day: date | None = None,
    note: str,
    act: Act,
) -> ResponsiblePerson:
    """The person, no longer responsible from `day` (today) on, and nobody in their place.

    Raises InvalidField, UnknownOrganisation, OrganisationEnded, UnknownPerson, PersonLeft.
    """
    written = required_text("/note", note, longest=LONGEST_REASON)
    await _hold(session, organisation_id)
    row = await _open(session, organisation_id, identifier)
    await _close(session, row, day or act.today, written, act)
    return row


async def move(
    session: AsyncSession, row: ResponsiblePerson, organisation_id: UUID | None, *, note: str, act: Act
) -> None:
    """Let an organisation's change end a row today, and begin it anew for another organisation if one is named."""
    last = max(row.valid_from, act.today)
    if organisation_id is None:
        await _close(session, row, last, row.note or note, act)
        return
    who = Particulars(row.name, row.phone, row.staff_id)
    successor = _row(organisation_id, ResponsibleRole(row.role), who, last, act.now, follows=row.id)
    await _close(session, row, last, note, act, successor=str(successor.id))
    await _add(session, successor)
    act.record(session, "person.appointed", successor)


async def gaps(
    session: AsyncSession, *, now: datetime, after: UUID | None, limit: int, region: str | None = None
) -> Sequence[Gap]:
    """At most `limit` active organisations beyond the id `after` that lack a leader, a section or a dedicated person."""
    day = now.astimezone(LOCAL_TIME).date()
    found = await repository.lacking(session, day=day, after=after, limit=limit, region=region, required=REQUIRED)
    return [Gap(row, [role for role in REQUIRED if role not in have]) for row, have in found]


async def _hold(session: AsyncSession, organisation_id: UUID) -> None:
    """The organisation, whose people nobody else changes until this transaction ends."""
    await registry.find_active_organisation(session, organisation_id)
    await registry_rows.lock_organisations(session, [organisation_id])


async def _open(session: AsyncSession, organisation_id: UUID, identifier: UUID) -> ResponsiblePerson:
    row = await repository.person(session, identifier)
    if row is None or row.organisation_id != organisation_id:
        raise UnknownPerson(identifier)
    if row.valid_to is not None:
        raise PersonLeft(identifier)
    return row


async def _close(
    session: AsyncSession, row: ResponsiblePerson, day: date, note: str, act: Act, *, successor: str = ""
) -> None:
    if day < row.valid_from:
        raise InvalidField(
            "/from" if successor else "/on",
            f"日期不能早于前任的起始日 {row.valid_from}；请更正",
            f"the day lies before {row.valid_from}, when the present one began; correct it",
        )
    if day - act.today > FARTHEST:
        raise _too_far("/from" if successor else "/on")
    before = _fingerprint(row)
    row.valid_to, row.note, row.updated_at = day, note, act.now
    await session.flush()
    if successor:
        act.record(session, "person.handed-over", row, before=before, successor=successor)
    else:
        act.record(session, "person.ended", row, before=before)


async def _add(session: AsyncSession, row: ResponsiblePerson) -> None:
    session.add(row)
    await session.flush()


async def _check_account(session: AsyncSession, who: Particulars, organisation_id: UUID) -> None:
    if who.staff_id is None:
        return
    account = await identity.staff(session, who.staff_id)
    if account is None or account.organisation_id not in (None, organisation_id):
        raise InvalidField(
            "/staff",
            "staff 不是本机构人员的账户；请核对账户 id，或去掉它",
            "staff is no account of this organisation's people; check the id, or leave it out",
        )


def _checked(who: Particulars) -> Particulars:
    phone = None if who.phone is None else optional_text("/phone", who.phone, longest=LONGEST_PHONE)
    return Particulars(required_text("/name", who.name), phone or None, who.staff_id)


def _row(
    organisation_id: UUID,
    role: ResponsibleRole,
    who: Particulars,
    first: date,
    now: datetime,
    *,
    follows: UUID | None = None,
) -> ResponsiblePerson:
    return ResponsiblePerson(
        id=new_id(now),
        organisation_id=organisation_id,
        role=role.value,
        name=who.name,
        phone=who.phone,
        staff_id=who.staff_id,
        valid_from=first,
        follows=follows,
        created_at=now,
        updated_at=now,
    )


def _too_far(pointer: str) -> InvalidField:
    return InvalidField(pointer, "日期离今天超过一年；请更正", "the day is more than a year from today; correct it")


def _fingerprint(row: ResponsiblePerson) -> str:
    return fingerprint(row, without=PERSONAL)
