"""What is owed: begun by an event, ended by the act it asks for, put off once if its rule allows it.

For the parts of the hub that make others owe something, four calls, each in the caller's own transaction (none commits):

* `owe(session, duty, subject, anchored_at=…)` when the event happens. `duty` is what is asked (`answer-conditional`), not a
  rule's code: which rule is in force decides by when, and who (its role) owes it. Owed already by the same debtor for the
  same subject: the first deadline stands, and that row is returned.
* `fulfil(session, subject, duty)` when the act is done; `cancel(session, subject)` when the subject is no more. Nothing open
  is nothing to do: both return what they closed, perhaps nothing.
* `list_for(session, reader)` for who asks what they owe.

`Subject("access-request", str(id))` names what it is about; `Debtor(organisation_id)` who owes it: roles of an organisation
(provider, consumer, responsible) need one, those of the hub (authority, operator, secrecy, …) take none, and `staff_id` makes
it one person's. Duties that the hub sees by itself, with their triggers: `answer-unconditional`, `answer-conditional`
(request.submitted), `provide-data` (request.approved), `correct-data` (correction.requested), `publish-catalogue`
(resource.submitted); `check-request` (request.submitted) has no rule until the authority adopts one: ask `rules.in_force`.

What is overdue is judged when it is read (`standing`); nothing runs in the background.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.duties import repository, rules
from hub.duties.calendar import beijing_date, end_of, last_day_of
from hub.duties.errors import DeadlinePassed
from hub.duties.models import Duty
from hub.duties.notices import work_calendar
from hub.duties.recording import record_duty
from hub.duties.repository import OwedRecord, Reader
from hub.duties.rule import Rule, rule_of
from hub.duties.terms import EARLIEST, LATEST, DebtorRole, Direction, Standing, deadline
from hub.registry.errors import InvalidField
from hub.registry.recording import fingerprint

OPEN, DONE, CANCELLED = "open", "done", "cancelled"

OF_AN_ORGANISATION = frozenset({DebtorRole.PROVIDER, DebtorRole.CONSUMER, DebtorRole.RESPONSIBLE})
"""Roles that many bodies have: somebody must be named."""

_TICK = timedelta(microseconds=1)


TODO = (Standing.OVERDUE, Standing.DUE, Standing.DUE_SOON)
"""今日待办: what wants doing now."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a duty is about: a kind of object (`access-request`) and its id, as outsiders know it."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Debtor:
    """Who owes it, beside the role that the rule says: the organisation, the person, or neither."""

    organisation_id: UUID | None = None
    staff_id: UUID | None = None


NOBODY_NAMED = Debtor()


async def owe(
    session: AsyncSession,
    duty: str,
    subject: Subject,
    *,
    debtor: Debtor = NOBODY_NAMED,
    anchored_at: datetime,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
    declared: bool = False,
) -> Duty:
    """The row of what is owed from now on, because of what happened (or takes effect) at `anchored_at`.

    Raises NoRule, DeadlinePassed, InvalidField (`/at`, `/organisation`).
    """
    check_anchor(anchored_at)
    await repository.share_days(session)
    row = await rules.kept(session, duty, beijing_date(anchored_at), now=now)
    rule = rule_of(row.terms)
    if rule.role in OF_AN_ORGANISATION and debtor == NOBODY_NAMED:
        raise InvalidField(
            "/organisation",
            f"规则 {rule.code} 由 {rule.role} 承担，须指明机构；请填写 organisation",
            f"rule {rule.code} is owed by a {rule.role}: name the organisation",
        )
    due = deadline(rule.terms, anchored_at, await work_calendar(session))
    if rule.terms.year is not None and due.due_at <= anchored_at:
        raise DeadlinePassed(rule.code, last_day_of(due.due_at))
    owed = Duty(
        id=new_id(now),
        rule_id=row.id,
        duty=duty,
        subject_kind=subject.kind,
        subject_id=subject.id,
        debtor_role=rule.role,
        debtor_organisation_id=debtor.organisation_id,
        debtor_staff_id=debtor.staff_id,
        declared=declared,
        anchored_at=anchored_at,
        first_due_at=due.due_at,
        due_at=due.due_at,
        soon_at=due.soon_at,
        provisional=due.provisional,
        state=OPEN,
        created_at=now,
    )
    while not await repository.add_duty(session, owed):
        if (there := await _open_one(session, owed)) is not None:
            return there
    record_duty(session, "duty.owed", owed, row, actor=actor, recorder=recorder, now=now)
    return owed


async def fulfil(
    session: AsyncSession, subject: Subject, duty: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> list[Duty]:
    """Close what is owed for the subject as done; what its rule repeats is owed again from its deadline on."""
    await repository.share_days(session)
    found = await repository.open_duties(session, subject.kind, subject.id, duty=duty)
    return [await close(session, one, DONE, actor=actor, recorder=recorder, now=now) for one in found]


async def cancel(
    session: AsyncSession,
    subject: Subject,
    duty: str | None = None,
    *,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> list[Duty]:
    """Close what is owed for the subject (of that duty, or all of it) because nobody needs it any more."""
    await repository.share_days(session)
    found = await repository.open_duties(session, subject.kind, subject.id, duty=duty)
    return [await close(session, one, CANCELLED, actor=actor, recorder=recorder, now=now) for one in found]


async def list_for(
    session: AsyncSession,
    reader: Reader | None,
    *,
    now: datetime,
    standings: Sequence[Standing] = (),
    closed: bool = False,
    subject: Subject | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> Sequence[OwedRecord]:
    """At most `limit` of what the reader owes (of what anybody owes, without one), the earliest deadline first.

    `standings`: only open ones that stand so; `closed`: done and cancelled ones instead of open ones; `after`: beyond the
    deadline and id of the last one shown.
    """
    return await repository.list_duties(
        session,
        reader=reader,
        states=(DONE, CANCELLED) if closed else (OPEN,),
        standings=standings,
        now=now,
        today_ends=end_of(beijing_date(now)),
        subject=None if subject is None else (subject.kind, subject.id),
        after=after,
        limit=limit,
    )


def check_anchor(moment: datetime) -> None:
    """Raises InvalidField (`/at`) for a moment that no deadline can be counted from."""
    if moment.tzinfo is None or not EARLIEST <= moment <= LATEST:
        raise InvalidField(
            "/at",
            f"时间须带时区，且在 {EARLIEST.year} 年至 {LATEST.year} 年之间；请更正",
            f"a time has its offset and lies between {EARLIEST.year} and {LATEST.year}; correct it",
        )


def standing(row: Duty, now: datetime) -> Standing:
    """How an open duty stands at `now`."""
    if row.due_at < now:
        return Standing.OVERDUE
    if row.due_at <= end_of(beijing_date(now)):
        return Standing.DUE
    return Standing.DUE_SOON if row.soon_at <= now else Standing.UPCOMING


async def close(
    session: AsyncSession,
    found: OwedRecord,
    state: str,
    *,
    reason: str | None = None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> Duty:
    """End one open duty as `DONE` or `CANCELLED`."""
    row = found.duty
    before = fingerprint(row)
    row.state, row.closed_at, row.closed_by, row.closed_reason = state, now, actor.id, reason
    event = "duty.fulfilled" if state == DONE else "duty.cancelled"
    record_duty(session, event, row, found.rule, before=before, actor=actor, recorder=recorder, now=now)
    await session.flush()
    if state == DONE:
        await _owe_again(session, row, rule_of(found.rule.terms), actor=actor, recorder=recorder, now=now)
    return row


async def _owe_again(
    session: AsyncSession, row: Duty, rule: Rule, *, actor: Actor, recorder: Recorder, now: datetime
) -> None:
    """The next one of a duty that repeats, if its successor is still in force: counted from the last day, however late it was."""
    if not rule.repeats or rule.terms.direction is Direction.BEFORE:
        return
    anchored_at = row.first_due_at - _TICK
    if await rules.in_force(session, row.duty, beijing_date(anchored_at)) is None:
        return
    await owe(
        session,
        row.duty,
        Subject(row.subject_kind, row.subject_id),
        debtor=Debtor(row.debtor_organisation_id, row.debtor_staff_id),
        anchored_at=anchored_at,
        actor=actor,
        recorder=recorder,
        now=now,
        declared=row.declared,
    )


async def _open_one(session: AsyncSession, owed: Duty) -> Duty | None:
    """The open row that kept `owed` from being added, unless it was closed meanwhile."""
    found = await repository.open_duties(session, owed.subject_kind, owed.subject_id, duty=owed.duty)
    same = (one.duty for one in found if one.duty.debtor_organisation_id == owed.debtor_organisation_id)
    return next(same, None)
