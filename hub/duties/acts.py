"""What people do to duties: declare an event that the hub does not see, put a deadline off, say that something is done.

What an act of the hub asks for, that act ends: only what was declared is said to be done, or cancelled, by a person.
"""

import re
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.duties import repository, rules
from hub.duties.calendar import beijing_date
from hub.duties.errors import DutyClosed, NoDeclaredRule, NotDeclared, NotExtensible, UnknownDuty
from hub.duties.models import Duty
from hub.duties.notices import work_calendar
from hub.duties.recording import record_duty
from hub.duties.repository import OwedRecord
from hub.duties.rule import Rule, rule_of
from hub.duties.service import (
    CANCELLED,
    DONE,
    OF_AN_ORGANISATION,
    OPEN,
    Debtor,
    Subject,
    check_anchor,
    close,
    owe,
)
from hub.duties.terms import Deadline, Direction, Extension, extended
from hub.registry.errors import InvalidField
from hub.registry.fields import LONGEST_REASON, required_text
from hub.registry.recording import fingerprint
from hub.registry.service import find_active_organisation

_KIND = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
LONGEST_KIND = 64


async def find(session: AsyncSession, identifier: UUID, *, lock: bool = False) -> OwedRecord:
    """What is owed under that id; locked for a change, if asked. Raises UnknownDuty."""
    if lock:
        await repository.share_days(session)
    found = await repository.duty(session, identifier, lock=lock)
    if found is None:
        raise UnknownDuty(identifier)
    return found


async def declare(
    session: AsyncSession,
    event: str,
    subject: Subject,
    *,
    at: datetime,
    organisation_id: UUID | None,
    duty: str | None = None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> list[Duty]:
    """What is owed because a person declares that `event` happened at `at`; of that duty only, if one is named.

    `organisation_id` owes what its rule lays on an organisation. What is counted back from an event may lie ahead, any other
    has happened. Raises NoDeclaredRule, InvalidField, UnknownOrganisation, OrganisationEnded, DeadlinePassed.
    """
    _check_subject(subject)
    check_anchor(at)
    on = beijing_date(at)
    found = [
        rule for rule in await rules.triggered_by(session, event, on) if rule.declared and duty in (None, rule.duty)
    ]
    if not found:
        raise NoDeclaredRule(event, on)
    for rule in found:
        _check_has_happened(rule, at, now)
    if organisation_id is not None:
        await find_active_organisation(session, organisation_id)
    return [
        await owe(
            session,
            rule.duty,
            subject,
            debtor=Debtor(organisation_id if rule.role in OF_AN_ORGANISATION else None),
            anchored_at=at,
            actor=actor,
            recorder=recorder,
            now=now,
            declared=True,
        )
        for rule in found
    ]


async def extend(
    session: AsyncSession,
    identifier: UUID,
    *,
    basis: str,
    amount: int | None = None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> OwedRecord:
    """Put a deadline off, once, by as much as its rule allows or by `amount` of the same unit, on a basis.

    Raises UnknownDuty, DutyClosed, NotExtensible, InvalidField (`/basis`, `/amount`).
    """
    basis = required_text("/basis", basis, longest=LONGEST_REASON)
    found = await find(session, identifier, lock=True)
    row, terms = found.duty, rule_of(found.rule.terms).terms
    extension = _extension_of(found, terms.extension, now)
    granted = extension.amount if amount is None else amount
    if not 1 <= granted <= extension.amount:
        raise InvalidField(
            "/amount",
            f"规则 {found.rule.code} 最多延长 {extension.amount}（{extension.unit}）；请更正",
            f"rule {found.rule.code} allows at most {extension.amount} ({extension.unit}); correct it",
        )
    before, was_due_at = fingerprint(row), row.due_at
    due = Deadline(row.due_at, row.soon_at, row.provisional)
    later = extended(terms, row.anchored_at, due, granted, await work_calendar(session))
    row.due_at, row.soon_at, row.provisional = later.due_at, later.soon_at, later.provisional
    row.extended_at, row.extended_amount, row.extension_basis = now, granted, basis
    record_duty(
        session,
        "duty.extended",
        row,
        found.rule,
        actor=actor,
        recorder=recorder,
        now=now,
        before=before,
        was_due_at=was_due_at,
    )
    return found


async def finish(
    session: AsyncSession, identifier: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> OwedRecord:
    """Say that what was declared is done. Raises UnknownDuty, DutyClosed, NotDeclared."""
    found = await _declared_and_open(session, identifier)
    await close(session, found, DONE, actor=actor, recorder=recorder, now=now)
    return found


async def withdraw(
    session: AsyncSession, identifier: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> OwedRecord:
    """Cancel what was declared by mistake, or is needed no more. Raises UnknownDuty, DutyClosed, NotDeclared, InvalidField."""
    reason = required_text("/reason", reason, longest=LONGEST_REASON)
    found = await _declared_and_open(session, identifier)
    await close(session, found, CANCELLED, reason=reason, actor=actor, recorder=recorder, now=now)
    return found


async def _declared_and_open(session: AsyncSession, identifier: UUID) -> OwedRecord:
    found = await find(session, identifier, lock=True)
    if found.duty.state != OPEN:
        raise DutyClosed(identifier, found.duty.state)
    if not found.duty.declared:
        raise NotDeclared(identifier)
    return found


def _extension_of(found: OwedRecord, extension: Extension | None, now: datetime) -> Extension:
    row = found.duty
    if row.state != OPEN:
        raise DutyClosed(row.id, row.state)
    if extension is None:
        raise NotExtensible(f"规则 {found.rule.code} 没有延期的规定", f"rule {found.rule.code} knows no extension")
    if row.extended_at is not None:
        raise NotExtensible("已延期一次", "it was extended once")
    if row.due_at < now:
        raise NotExtensible(
            "已逾期；延期须在期限届满前批准", "it is overdue; an extension is approved before the deadline"
        )
    return extension


def _check_subject(subject: Subject) -> None:
    if len(subject.kind) > LONGEST_KIND or not _KIND.fullmatch(subject.kind):
        raise InvalidField(
            "/subject/kind",
            f"事项类别为不超过 {LONGEST_KIND} 位的小写英文和连字符，如 resource、disaster",
            f"a kind of subject is lower-case words with hyphens, at most {LONGEST_KIND} characters: resource, disaster",
        )
    if not _ID.fullmatch(subject.id):
        raise InvalidField(
            "/subject/id",
            "事项编号为 1 至 64 位字母、数字或 . _ : / -，不得填写个人信息",
            "a subject's id has 1 to 64 letters, digits or . _ : / -, and never names a person",
        )


def _check_has_happened(rule: Rule, at: datetime, now: datetime) -> None:
    if rule.terms.direction is Direction.AFTER and at > now:
        raise InvalidField(
            "/at",
            f"规则 {rule.code} 从已发生的事件起算，时间不能晚于现在；请更正",
            f"rule {rule.code} is counted from what has happened: the time is not after this moment; correct it",
        )
