"""A change of organisations from its plan to its confirmation: security proposes, a reviewer, another person, confirms.

A proposal changes nothing but its own row. Confirming holds the barrier, makes the plan anew from what is there by then,
and carries it out only if its digest is still that of the plan that both have read (I3): all of it, in one transaction.
Texts that people write (the basis, reasons) stay in the row; the log has its digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import indexing
from hub.audit.entry import LOCAL_TIME, Event
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.identity.callers import StaffCaller
from hub.registry import barrier
from hub.registry import service as registry
from hub.registry.errors import WrongState
from hub.registry.fields import LONGEST_REASON, required_text
from hub.registry.recording import fingerprint
from hub.reorganisation import reading, repository
from hub.reorganisation.carrying_out import Work
from hub.reorganisation.change import Change, checked, from_json
from hub.reorganisation.errors import (
    NotYetEffective,
    OtherPlan,
    OwnChange,
    PlanBlocked,
    PlanOutdated,
    UnknownChange,
)
from hub.reorganisation.models import OrganisationChange, OrganisationChangeParty
from hub.reorganisation.plan import Plan
from hub.reorganisation.planning import make_plan

PROPOSED = "proposed"
CONFIRMED = "confirmed"
REFUSED = "refused"
WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, where it is written down, and when."""

    caller: StaffCaller
    recorder: Recorder
    now: datetime

    @property
    def today(self) -> date:
        """The day in Beijing."""
        return self.now.astimezone(LOCAL_TIME).date()

    def record(
        self, session: AsyncSession, event: str, row: OrganisationChange, *, before: str = "", **more: Any
    ) -> None:
        """Log the step of that change."""
        details: Mapping[str, Any] = {"kind": row.kind, "plan": row.plan_digest, **more}
        self.recorder.record(
            session,
            Event(
                event,
                self.caller.actor,
                "reorganisation",
                str(row.id),
                before=before,
                after=fingerprint(row),
                details=details,
            ),
            now=self.now,
        )


async def plan(session: AsyncSession, asked: Change, *, now: datetime) -> Plan:
    """What the change would move if it were confirmed now, and what stands in its way; changes nothing.

    Raises InvalidInput, UnknownOrganisation.
    """
    return await _plan(session, checked(asked), now.astimezone(LOCAL_TIME).date())


async def propose(session: AsyncSession, asked: Change, *, act: Act) -> tuple[OrganisationChange, Plan]:
    """The proposed change with its plan. Raises InvalidInput, UnknownOrganisation, PlanBlocked."""
    wanted = checked(asked)
    found = await _plan(session, wanted, act.today)
    if found.blockers:
        raise PlanBlocked(found.blockers)
    row = OrganisationChange(
        id=new_id(act.now),
        kind=wanted.kind.value,
        basis=wanted.basis,
        effective_on=wanted.effective_on,
        request=wanted.to_json(),
        plan_digest=found.digest,
        state=PROPOSED,
        proposed_by=act.caller.id,
        proposed_at=act.now,
    )
    session.add(row)
    await session.flush()
    for side, named in (("from", wanted.sources), ("to", wanted.targets)):
        for one in named:
            ends = side == "from" and one in wanted.ends
            session.add(OrganisationChangeParty(change_id=row.id, organisation_id=one, side=side, ends=ends))
    act.record(session, "reorganisation.proposed", row)
    return row, found


async def confirm(session: AsyncSession, identifier: UUID, *, digest: str, act: Act) -> OrganisationChange:
    """Carry the change out, all of it; `digest` is that of the plan which the caller has read.

    Raises UnknownChange, WrongState, OwnChange, NotYetEffective, OtherPlan, PlanBlocked, PlanOutdated.
    """
    await indexing.ready()
    act = Act(act.caller, act.recorder, await barrier.hold(session, act.now))
    row = await _open(session, identifier)
    if act.caller.id == row.proposed_by:
        raise OwnChange
    if row.effective_on > act.today:
        raise NotYetEffective(row.effective_on)
    if digest != row.plan_digest:
        raise OtherPlan(row.plan_digest)
    found = await _plan(session, from_json(row.request), act.today, lock=True)
    if found.blockers:
        raise PlanBlocked(found.blockers)
    if found.digest != row.plan_digest:
        raise PlanOutdated(found.digest)
    before = fingerprint(row)
    row.state, row.decided_by, row.decided_at = CONFIRMED, act.caller.id, act.now
    await session.flush()
    await Work(session, row.id, found, act.caller, act.recorder, act.now).carry_out()
    act.record(session, "reorganisation.confirmed", row, before=before, moved=found.counts())
    await barrier.bump(session)
    return row


async def refuse(session: AsyncSession, identifier: UUID, *, reason: str, act: Act) -> OrganisationChange:
    """The proposed change, refused for good. Raises InvalidField, UnknownChange, WrongState."""
    return await _drop(session, identifier, REFUSED, "reorganisation.refused", reason, act)


async def withdraw(session: AsyncSession, identifier: UUID, *, reason: str, act: Act) -> OrganisationChange:
    """The proposed change, taken back. Raises InvalidField, UnknownChange, WrongState."""
    return await _drop(session, identifier, WITHDRAWN, "reorganisation.withdrawn", reason, act)


async def find_change(session: AsyncSession, identifier: UUID) -> OrganisationChange:
    """The change of that id. Raises UnknownChange."""
    row = await repository.change(session, identifier)
    if row is None:
        raise UnknownChange(identifier)
    return row


async def present_plan(session: AsyncSession, identifier: UUID, *, now: datetime) -> Plan:
    """What a proposed change would move now; its digest tells whether it is still what was proposed.

    Raises UnknownChange, WrongState.
    """
    row = await find_change(session, identifier)
    _expect_open(row)
    return await _plan(session, from_json(row.request), now.astimezone(LOCAL_TIME).date())


async def _plan(session: AsyncSession, change: Change, day: date, *, lock: bool = False) -> Plan:
    for one in (*change.sources, *change.targets):
        await registry.find_organisation(session, one)
    return make_plan(change, await reading.situation(session, change, day=day, lock=lock))


async def _open(session: AsyncSession, identifier: UUID) -> OrganisationChange:
    row = await repository.change(session, identifier, lock=True)
    if row is None:
        raise UnknownChange(identifier)
    _expect_open(row)
    return row


def _expect_open(row: OrganisationChange) -> None:
    if row.state != PROPOSED:
        raise WrongState(f"机构变更 {row.id}", row.state, PROPOSED)


async def _drop(
    session: AsyncSession, identifier: UUID, state: str, event: str, reason: str, act: Act
) -> OrganisationChange:
    why = required_text("/reason", reason, longest=LONGEST_REASON)
    row = await _open(session, identifier)
    before = fingerprint(row)
    row.state, row.state_reason, row.decided_by, row.decided_at = state, why, act.caller.id, act.now
    await session.flush()
    act.record(session, event, row, before=before)
    return row
