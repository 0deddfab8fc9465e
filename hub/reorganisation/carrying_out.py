"""A plan carried out: every move made, written down in the history and in the log. The caller holds the barrier.

Children, systems, accounts, people, resources; then bodies end, for what is done before asks that they live. Certificates
and grants need no change of their own: they belong to a system or a resource, and the history says whose they were.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import indexing
from catalog.transfer import Destination, transfer_resources
from hub.audit.entry import Event
from hub.audit.service import Recorder
from hub.identity import staff
from hub.identity.callers import StaffCaller
from hub.registry import repository as registry_rows
from hub.registry import service as registry
from hub.registry.models import Organisation, System
from hub.registry.recording import fingerprint, record_change
from hub.reorganisation import repository
from hub.reorganisation.handing_on import follow_resources, follow_system, hand_on
from hub.reorganisation.models import Kind, OrganisationChangeMove, What
from hub.reorganisation.plan import DISABLED, Move, Plan
from hub.responsibility import repository as people_rows
from hub.responsibility import service as people

ENDED = "ended"

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Work:
    """One confirmed change being carried out in the session's transaction."""

    session: AsyncSession
    change_id: UUID
    plan: Plan
    caller: StaffCaller
    recorder: Recorder
    now: datetime

    async def carry_out(self) -> None:
        """Make every move of a plan without blockers, end what ends, and keep the history."""
        make: dict[What, Callable[[Move], Awaitable[None]]] = {
            What.ORGANISATION: self._organisation,
            What.SYSTEM: self._system,
            What.STAFF: self._account,
            What.PERSON: self._person,
        }
        if self.plan.change.kind is Kind.RENAMING:
            await self._rename()
        for move in self.plan.moves:
            if move.what in make:
                await make[move.what](move)
        await self._resources([move for move in self.plan.moves if move.what is What.RESOURCE])
        for body in sorted(self.plan.change.ends):
            await self._end(body)
        for number, move in enumerate(self.plan.moves, start=1):
            self.session.add(
                OrganisationChangeMove(
                    change_id=self.change_id,
                    number=number,
                    what=move.what.value,
                    object_id=move.object_id,
                    from_id=move.from_id,
                    to_id=move.to_id,
                    before=move.before,
                    after=move.after,
                )
            )
        await self.session.flush()

    async def _rename(self) -> None:
        change = self.plan.change
        row = await registry.find_organisation(self.session, change.sources[0])
        await registry.rename_organisation(
            self.session,
            row,
            name=change.name or row.name,
            name_en=row.name_en if change.name_en is None else change.name_en,
            code=change.code or row.code,
            actor=self.caller.actor,
            recorder=self.recorder,
            now=self.now,
        )
        await indexing.index(self.session, await repository.provided(self.session, row.id))

    async def _organisation(self, move: Move) -> None:
        row = await registry.find_organisation(self.session, UUID(move.object_id))
        before = fingerprint(row)
        row.parent_id = move.to_id
        self._record("organisation.moved", str(row.id), row, before, move)

    async def _system(self, move: Move) -> None:
        row, _ = await registry.find_system(self.session, move.object_id)
        before = fingerprint(row)
        row.organisation_id, row.updated_at = _given(move.to_id), self.now
        await follow_system(self.session, row.id, _given(move.to_id))
        self._record("system.transferred", row.code, row, before, move)

    async def _resources(self, moves: Sequence[Move]) -> None:
        """All resources at once: there may be thousands, and everybody waits."""
        ids = await repository.resource_ids(self.session, [move.object_id for move in moves])
        publishers = await registry_rows.system_ids(self.session, {move.after for move in moves if move.after})
        by_code = {move.object_id: move for move in moves}
        destinations = {
            ids[code]: Destination(_given(move.to_id), publishers[_given(move.after)]) for code, move in by_code.items()
        }
        for step in await transfer_resources(self.session, destinations, now=self.now):
            move = by_code[step.code]
            event = Event(
                "resource.transferred",
                self.caller.actor,
                "resource",
                step.code,
                before=step.before or "",
                after=step.after,
                details={**self._details(move), "system": _given(move.after)},
            )
            self.recorder.record(self.session, event, now=self.now)
        passed: dict[tuple[UUID, UUID], list[UUID]] = {}
        for move in moves:
            passed.setdefault((move.from_id, _given(move.to_id)), []).append(ids[move.object_id])
        for (giver, taker), resources in passed.items():
            await follow_resources(self.session, resources, giver, taker)
        await indexing.index(self.session, list(destinations))

    async def _account(self, move: Move) -> None:
        named = UUID(move.object_id)
        if move.after == DISABLED:
            await staff.disable(self.session, named, caller=self.caller, recorder=self.recorder, now=self.now)
        else:
            await staff.move(self.session, named, move.to_id, caller=self.caller, recorder=self.recorder, now=self.now)

    async def _person(self, move: Move) -> None:
        row = await people_rows.person(self.session, UUID(move.object_id))
        assert row is not None
        act = people.Act(self.caller.actor, self.recorder, self.now)
        await people.move(self.session, row, move.to_id, note=f"机构变更 {self.change_id}", act=act)

    async def _end(self, identifier: UUID) -> None:
        row = await registry.find_organisation(self.session, identifier)
        before = fingerprint(row)
        row.state, row.ended_at = ENDED, self.now
        # A split names several: what is open goes to the first, and its people hand on what is not theirs.
        heir = self.plan.change.targets[0] if self.plan.change.targets else row.parent_id
        handed_on = {}
        if heir is not None:
            handed_on = await hand_on(self.session, row.id, heir, actor=self.caller.actor, now=self.now)
        record_change(
            self.session,
            "organisation.ended",
            str(row.id),
            row,
            actor=self.caller.actor,
            recorder=self.recorder,
            now=self.now,
            before=before,
            details={"change": str(self.change_id), "to": [str(one) for one in self.plan.change.targets], **handed_on},
        )

    def _record(self, event: str, named: str, row: Organisation | System, before: str, move: Move) -> None:
        record_change(
            self.session,
            event,
            named,
            row,
            actor=self.caller.actor,
            recorder=self.recorder,
            now=self.now,
            before=before,
            details=self._details(move),
        )

    def _details(self, move: Move) -> dict[str, str]:
        told = {"change": str(self.change_id), "from": str(move.from_id)}
        return told if move.to_id is None else told | {"to": str(move.to_id)}


def _given(value: _Value | None) -> _Value:
    """What a plan has of every move of that kind."""
    assert value is not None
    return value
