"""One act on one request: its new state, its step, its log entry, its deadlines, who is told. All in the act's transaction."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.access.deadlines import Deadlines
from hub.access.requests import repository
from hub.access.requests.codes import LIVE, MOVES, Act, moved
from hub.access.requests.models import AccessRequest, AccessRequestStep
from hub.access.requests.repository import RequestRecord
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.notices import service as notices
from hub.registry.recording import fingerprint, record_change

EVENTS = {
    Act.SUBMIT: "access-request.submitted",
    Act.RESUBMIT: "access-request.resubmitted",
    Act.RETURN: "access-request.returned",
    Act.FORWARD: "access-request.forwarded",
    Act.GRANT: "access-request.granted",
    Act.REFUSE: "access-request.refused",
    Act.WITHDRAW: "access-request.withdrawn",
}
"""What the log calls an act."""


@dataclass(slots=True)
class Move:
    """An act on the request `row`, which the caller holds; `before` is the row's fingerprint when the act began.

    `by_rule` steps have no person: the hub does what the catalogue's share type says.
    """

    session: AsyncSession
    row: AccessRequest
    actor: Actor
    recorder: Recorder
    now: datetime
    before: str | None = field(default=None)

    def __post_init__(self) -> None:
        """Fingerprint the row as it is, unless the caller has one from before."""
        if self.before is None:
            self.before = fingerprint(self.row)

    async def take(self, act: Act, record: RequestRecord, *, opinion: str | None = None, **details: Any) -> None:
        """A person's act, from a state that it starts from. Raises WrongState."""
        self.row.state = moved(f"request {self.row.id}", act, self.row.state)
        await self._close_and_note(act, record, opinion=opinion, by_rule=False, **details)

    async def settle(self, act: Act, record: RequestRecord, **details: Any) -> None:
        """What the rule does with a request in the moment it is handed in."""
        self.row.state = MOVES[act][1]
        await self._close_and_note(act, record, opinion=None, by_rule=True, **details)

    async def note(
        self, act: Act, record: RequestRecord, *, opinion: str | None = None, by_rule: bool = False, **details: Any
    ) -> None:
        """Keep the step and log it; the row has its new state."""
        await self.session.flush()
        self.session.add(
            AccessRequestStep(
                request_id=self.row.id,
                number=await repository.next_number(self.session, self.row.id),
                act=act,
                state=self.row.state,
                staff_id=None if by_rule else UUID(self.actor.id),
                role=None if by_rule else self.actor.role,
                opinion=opinion,
                at=self.now,
            )
        )
        codes = {
            "consumer": record.consumer,
            "resource": record.resource.code,
            "share_type": record.resource.share_type,
            "state": str(self.row.state),
        }
        record_change(
            self.session,
            EVENTS[act],
            str(self.row.id),
            self.row,
            before=self.before or "",
            actor=self.actor,
            recorder=self.recorder,
            now=self.now,
            details=codes | details,
        )
        self.before = fingerprint(self.row)

    def deadlines(self, provider_id: UUID) -> Deadlines:
        """The request's deadlines, moved by this act."""
        return Deadlines(self.session, self.row.id, provider_id, self.actor, self.recorder, self.now)

    async def tell(self, organisation_id: UUID, kind: str, record: RequestRecord, **details: Any) -> None:
        """Tell an organisation what became of the request."""
        codes = {"resource": record.resource.code, "consumer": record.consumer, "state": str(self.row.state)}
        await notices.tell(self.session, organisation_id, kind, str(self.row.id), codes | details, self.now)

    async def _close_and_note(
        self, act: Act, record: RequestRecord, *, opinion: str | None, by_rule: bool, **details: Any
    ) -> None:
        self.row.updated_at = self.now
        if self.row.state not in LIVE:
            self.row.closed_at = self.now
        await self.note(act, record, opinion=opinion, by_rule=by_rule, **details)
