"""Review, step by step: a round is laid down at submission and walked in order. Nothing commits here.

Whoever decides first holds the step that waits (`find_waiting`), judges the caller by it, and then decides it, all in one
transaction: two people who press the button at once do not take two steps. The order of locks is step before resource.
A catalogue step that follows from a decision (return, publication) is `hub.publishing`'s.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.registry.fields import LONGEST_REASON, required_text
from hub.registry.models import Organisation
from hub.registry.recording import fingerprint, record_change
from hub.reviewing import chains, repository, rounds
from hub.reviewing.errors import NotSubmitted, OwnSubmission, PublishInstead, SecondStep, StepsWaiting
from hub.reviewing.models import Review
from hub.reviewing.repository import Reviewer, WaitingStep
from hub.reviewing.rounds import Excluded, Kind, Verdict


async def add_author(session: AsyncSession, resource_id: UUID, version: int, actor: Actor) -> None:
    """Note that this person registered, edited or submitted the version: they take no step of its review."""
    await repository.add_author(session, resource_id, version, actor.id)


async def add_authors(session: AsyncSession, versions: Sequence[tuple[UUID, int]], actor: Actor) -> None:
    """The same for several versions at once."""
    if versions:
        await repository.add_authors(session, versions, actor.id)


async def lay_down(
    session: AsyncSession, resource_id: UUID, version: int, *, list_type: str | None, now: datetime
) -> Sequence[Review]:
    """Begin a round for the version that was submitted: its steps, the first of them waiting. Raises ChainMissing."""
    number = await repository.last_round(session, resource_id, version) + 1
    steps = rounds.plan(await chains.approvals_for(session, list_type))
    rows = [
        Review(
            resource_id=resource_id,
            version=version,
            round=number,
            position=position,
            kind=step.kind.value,
            organisation_id=step.organisation_id,
            role=step.role.value,
            basis=step.basis,
            opened_at=now if position == 1 else None,
        )
        for position, step in enumerate(steps, start=1)
    ]
    await repository.add(session, rows)
    return rows


async def find_waiting(session: AsyncSession, resource_id: UUID, code: str) -> Review:
    """The step of the resource that waits, held until this transaction ends. Raises NotSubmitted."""
    step = await repository.waiting_step(session, resource_id)
    if step is None:
        raise NotSubmitted(code)
    return step


async def find_publication(session: AsyncSession, resource_id: UUID, code: str) -> Review:
    """The same, if it is publication. Raises NotSubmitted, StepsWaiting."""
    step = await find_waiting(session, resource_id, code)
    if step.kind != Kind.PUBLICATION:
        raise StepsWaiting(code, step.position, step.kind)
    return step


async def approve(
    session: AsyncSession,
    step: Review,
    code: str,
    *,
    opinion: str | None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> Review:
    """Approve the step that waits, so that the next one's turn comes. Raises PublishInstead, OwnSubmission, SecondStep, InvalidField."""
    if step.kind == Kind.PUBLICATION:
        raise PublishInstead(code)
    said = None if opinion is None else required_text("/opinion", opinion, longest=LONGEST_REASON)
    before = fingerprint(step)
    await decide(session, step, code, Verdict.APPROVED, said, actor=actor, now=now)
    details = facts(step)
    record_change(
        session, "review.approved", code, step, actor=actor, recorder=recorder, now=now, before=before, details=details
    )
    return step


async def decide(
    session: AsyncSession,
    step: Review,
    code: str,
    verdict: Verdict,
    opinion: str | None,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Note the decision, which its caller records, and open the next step. Raises OwnSubmission, SecondStep."""
    authors = await repository.authors(session, step.resource_id, step.version)
    steps = await repository.round_of(session, step)
    deciders = {other.decided_by for other in steps if other.decided_by is not None}
    match rounds.exclusion_of(actor.id, authors=authors, deciders=deciders):
        case Excluded.AUTHOR:
            raise OwnSubmission(code)
        case Excluded.DECIDER:
            raise SecondStep(code)
    step.verdict, step.opinion = verdict.value, opinion
    step.decided_by, step.decided_at = actor.id, now
    await session.flush()  # the index of what waits takes one step of a resource at a time
    if verdict is Verdict.APPROVED and step.position < len(steps):
        steps[step.position].opened_at = now
        await session.flush()


def facts(step: Review) -> dict[str, str | int]:
    """What the log says of a step: codes and numbers, no opinion."""
    said: dict[str, str | int] = {
        "version": step.version,
        "round": step.round,
        "position": step.position,
        "kind": step.kind,
        "role": step.role,
    }
    return said if step.organisation_id is None else said | {"organisation": str(step.organisation_id)}


async def list_reviews(session: AsyncSession, resource_id: UUID) -> Sequence[tuple[Review, Organisation | None]]:
    """Every step of every round of a resource with the organisation it names, newest version and round first."""
    return await repository.reviews(session, resource_id)


async def list_waiting(
    session: AsyncSession, *, reviewer: Reviewer | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[WaitingStep]:
    """At most `limit` steps whose turn it is, longest waiting first; with `reviewer`, those that this person may take."""
    return await repository.waiting(session, reviewer=reviewer, after=after, limit=limit)
