"""Which rule a duty is owed under: the authority's own, or the one that a profile brings; both stay as they were once used.

A rule that the authority sets or adopts is in force from its `valid_from` on, until a younger one is, and comes before those
of the profiles. Among the profiles the youngest is in force that is not for reference. The day that counts is that of the
event, in Beijing. What was owed before a rule was set stays owed under the rule that it was owed under.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from certs.canonical import canonical
from certs.digests import digest
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.duties import profiles, repository
from hub.duties.calendar import beijing_date
from hub.duties.errors import NoRule, RuleRefused, UnknownRule
from hub.duties.models import DutyRule
from hub.duties.rule import Rule, faults, rule_of
from hub.errors import FieldError
from hub.registry.recording import record_change

SHIPPED, SET = "shipped", "set"

OWN_PROFILE = "own"
"""The profile of rules that the authority writes itself."""


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule with where it comes from; `in_force` for an event of the day that was asked about."""

    rule: Rule
    origin: str
    version: int | None
    in_force: bool
    set_at: datetime | None = None


async def in_force(session: AsyncSession, duty: str, on: date) -> Rule | None:
    """The rule of a duty for an event of that day; None if nobody asks it."""
    row = await repository.set_rule_in_force(session, duty, on)
    return profiles.in_force(duty, on) if row is None else rule_of(row.terms)


async def kept(session: AsyncSession, duty: str, on: date, *, now: datetime) -> DutyRule:
    """The row of the rule in force, copied from its profile when it is first used. Raises NoRule."""
    row = await repository.set_rule_in_force(session, duty, on)
    if row is not None:
        return row
    rule = profiles.in_force(duty, on)
    if rule is None:
        raise NoRule(duty, on)
    fingerprint = _digest(rule)
    if (copy := await repository.shipped_rule(session, rule.code, fingerprint)) is not None:
        return copy
    await repository.hold_rules(session)
    if (copy := await repository.shipped_rule(session, rule.code, fingerprint)) is not None:
        return copy
    return await _add(session, rule, origin=SHIPPED, set_by=SHIPPED, now=now)


async def triggered_by(session: AsyncSession, event: str, on: date) -> list[Rule]:
    """The rules in force whose duty that event brings about, in the order of their duties."""
    chosen = _chosen(await repository.set_rules(session), on)
    duties = sorted({rule.duty for rule in profiles.shipped()} | set(chosen))
    found = [rule_of(chosen[duty].terms) if duty in chosen else profiles.in_force(duty, on) for duty in duties]
    return [rule for rule in found if rule is not None and rule.trigger == event]


async def set_rule(session: AsyncSession, rule: Rule, *, actor: Actor, recorder: Recorder, now: datetime) -> DutyRule:
    """Put a rule of the authority's own in force from its `valid_from` on. Raises RuleRefused."""
    if found := faults(rule) or _faults_of_begun(rule):
        raise RuleRefused(found)
    await repository.hold_rules(session)
    row = await _add(session, rule, origin=SET, set_by=actor.id, now=now)
    details = {"duty": row.duty, "rule": row.code, "version": row.version, "digest": row.digest}
    record_change(session, "duty-rule.set", str(row.id), row, actor=actor, recorder=recorder, now=now, details=details)
    return row


def _faults_of_begun(rule: Rule) -> list[FieldError]:
    """What a rule says otherwise than the hub, which begins the duty itself, at its own moment and for its own debtor."""
    begun = next((one for one in profiles.shipped() if one.duty == rule.duty and not one.declared), None)
    if begun is None:
        return []
    said = [
        ("role", rule.role, begun.role),
        ("trigger", rule.trigger, begun.trigger),
        ("declared", rule.declared, False),
    ]
    return [
        FieldError(
            f"/{name}",
            f"{rule.duty} 由系统在办理时自动起算，这里须为 {json.dumps(needed)}；期限可以另定",
            f"the hub begins {rule.duty} itself, so this is {json.dumps(needed)}; the time allowed may differ",
        )
        for name, given, needed in said
        if given != needed
    ]


async def adopt(
    session: AsyncSession, code: str, *, valid_from: date, actor: Actor, recorder: Recorder, now: datetime
) -> DutyRule:
    """Put a profile's rule in force from that day on, also one for reference. Raises UnknownRule."""
    rule = profiles.named(code)
    if rule is None:
        raise UnknownRule(code)
    adopted = replace(rule, valid_from=valid_from, reference=False)
    return await set_rule(session, adopted, actor=actor, recorder=recorder, now=now)


async def listed(session: AsyncSession, *, now: datetime) -> list[ListedRule]:
    """Every rule of the profiles, then every one that was set, and whether it is in force for an event of today."""
    today = beijing_date(now)
    rows = await repository.set_rules(session)
    chosen = _chosen(rows, today)
    found = [
        ListedRule(rule, SHIPPED, None, rule.duty not in chosen and profiles.in_force(rule.duty, today) is rule)
        for rule in profiles.shipped()
    ]
    return found + [_listed(row, in_force=chosen.get(row.duty) is row) for row in rows]


async def listed_one(session: AsyncSession, row: DutyRule, *, now: datetime) -> ListedRule:
    """A rule that was set, as lists show it."""
    chosen = await repository.set_rule_in_force(session, row.duty, beijing_date(now))
    return _listed(row, in_force=chosen is row)


def _chosen(rows: Sequence[DutyRule], on: date) -> dict[str, DutyRule]:
    """Of the rules that were set, the one in force for each duty on that day: the youngest, then the last set."""
    found = sorted((row for row in rows if row.valid_from <= on), key=lambda row: (row.valid_from, row.version))
    return {row.duty: row for row in found}


def _listed(row: DutyRule, *, in_force: bool) -> ListedRule:
    return ListedRule(rule_of(row.terms), row.origin, row.version, in_force, row.set_at)


async def _add(session: AsyncSession, rule: Rule, *, origin: str, set_by: str, now: datetime) -> DutyRule:
    row = DutyRule(
        id=new_id(now),
        duty=rule.duty,
        version=await repository.next_version(session, rule.duty),
        code=rule.code,
        origin=origin,
        terms=rule.as_data(),
        digest=_digest(rule),
        valid_from=rule.valid_from,
        set_by=set_by,
        set_at=now,
    )
    session.add(row)
    await session.flush()
    return row


def _digest(rule: Rule) -> str:
    return digest(canonical(rule.as_data()))
