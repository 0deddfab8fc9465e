"""The deadlines of a request, as duties: when each begins, who owes it, what ends it.

* `check-request` (D9): the authority, from the moment a request is handed in, or in again. No rule asks it until the
  authority adopts one; then there is no deadline, and the review goes on without.
* `answer-unconditional` (D1): the provider, from the same moment; the hub answers at once, by rule.
* `answer-conditional` (D2): the provider, from the moment the request reaches it, which is when the review has passed it.
* `provide-data` (D3): the provider, from the grant until something is in the consumer's lane (`hub.delivery.providing`).

Which rule is in force, and so by when, is the business of `hub.duties`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.codes import ShareType
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.duties import rules, service
from hub.duties.calendar import beijing_date
from hub.duties.service import NOBODY_NAMED, Debtor, Subject

SUBJECT_KIND: Final = "access-request"

REVIEW: Final = "check-request"
PROVIDE: Final = "provide-data"
ANSWERS: Final = {
    ShareType.UNCONDITIONAL: "answer-unconditional",
    ShareType.CONDITIONAL: "answer-conditional",
}


def subject_of(request: UUID) -> Subject:
    """What duties call a request."""
    return Subject(SUBJECT_KIND, str(request))


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The deadlines of one request, moved by one act in its transaction."""

    session: AsyncSession
    request: UUID
    provider_id: UUID
    actor: Actor
    recorder: Recorder
    now: datetime

    async def begin_review(self) -> None:
        """The authority owes its compliance review."""
        await self._owe(REVIEW, NOBODY_NAMED)

    async def end_review(self) -> None:
        """The review is done."""
        await self._fulfil(REVIEW)

    async def begin_answer(self, share_type: ShareType) -> None:
        """The provider owes its answer."""
        await self._owe(ANSWERS[share_type], Debtor(self.provider_id))

    async def end_answer(self) -> None:
        """The answer is given."""
        for duty in ANSWERS.values():
            await self._fulfil(duty)

    async def begin_providing(self) -> None:
        """The provider owes the data."""
        await self._owe(PROVIDE, Debtor(self.provider_id))

    async def cancel(self) -> None:
        """Nobody needs anything of it any more."""
        await service.cancel(
            self.session, subject_of(self.request), actor=self.actor, recorder=self.recorder, now=self.now
        )

    async def _owe(self, duty: str, debtor: Debtor) -> None:
        if await rules.in_force(self.session, duty, beijing_date(self.now)) is None:
            return
        await service.owe(
            self.session,
            duty,
            subject_of(self.request),
            debtor=debtor,
            anchored_at=self.now,
            actor=self.actor,
            recorder=self.recorder,
            now=self.now,
        )

    async def _fulfil(self, duty: str) -> None:
        await service.fulfil(
            self.session, subject_of(self.request), duty, actor=self.actor, recorder=self.recorder, now=self.now
        )
