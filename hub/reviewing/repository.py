"""All SQL of review. Reads and adds rows; decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, false, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from catalog.codes import VersionState
from catalog.models import Resource, ResourceVersion
from hub.identity.roles import Role
from hub.registry.models import Organisation
from hub.reviewing.models import ApprovalChainStep, Review, VersionAuthor

_WAITING = (col(Review.opened_at).is_not(None), col(Review.verdict).is_(None))


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who asks what waits for them: `actor` as the log names them, their roles, and the organisation they act for."""

    actor: str
    roles: frozenset[Role]
    organisation_id: UUID | None


@dataclass(frozen=True, slots=True)
class WaitingStep:
    """A step whose turn it is, with the resource and the organisations that it names."""

    step: Review
    resource: Resource
    provider: Organisation
    organisation: Organisation | None


async def add_author(session: AsyncSession, resource: UUID, version: int, actor: str) -> None:
    """Note that this person had a hand in the version."""
    row = insert(VersionAuthor).values(resource_id=resource, version=version, actor=actor)
    await session.execute(row.on_conflict_do_nothing())


async def add_authors(session: AsyncSession, versions: Sequence[tuple[UUID, int]], actor: str) -> None:
    """Note that this person had a hand in each of these versions."""
    rows = [{"resource_id": resource, "version": version, "actor": actor} for resource, version in versions]
    await session.execute(insert(VersionAuthor).on_conflict_do_nothing(), rows)


async def authors(session: AsyncSession, resource: UUID, version: int) -> frozenset[str]:
    """Everybody who had a hand in the version."""
    query = select(col(VersionAuthor.actor)).where(
        col(VersionAuthor.resource_id) == resource, col(VersionAuthor.version) == version
    )
    return frozenset((await session.scalars(query)).all())


async def add(session: AsyncSession, rows: Sequence[Review] | Sequence[ApprovalChainStep]) -> None:
    """Insert the rows."""
    session.add_all(rows)
    await session.flush()


async def last_round(session: AsyncSession, resource: UUID, version: int) -> int:
    """The number of the version's newest round, 0 if it has had none."""
    query = select(func.coalesce(func.max(col(Review.round)), 0)).where(
        col(Review.resource_id) == resource, col(Review.version) == version
    )
    return int((await session.execute(query)).scalar_one())


async def waiting_step(session: AsyncSession, resource: UUID) -> Review | None:
    """The step of the resource whose turn it is, as it is now, held until this transaction ends; none of what was withdrawn."""
    query = (
        select(Review)
        .join(ResourceVersion, _of_version())
        .where(
            col(Review.resource_id) == resource, *_WAITING, col(ResourceVersion.state) == VersionState.SUBMITTED.value
        )
        .with_for_update(of=Review)
    )
    found: Review | None = await session.scalar(query, execution_options={"populate_existing": True})
    return found


async def round_of(session: AsyncSession, step: Review) -> Sequence[Review]:
    """All steps of the round that `step` belongs to, in order."""
    query = (
        select(Review)
        .where(
            col(Review.resource_id) == step.resource_id,
            col(Review.version) == step.version,
            col(Review.round) == step.round,
        )
        .order_by(col(Review.position))
    )
    return (await session.scalars(query)).all()


async def reviews(session: AsyncSession, resource: UUID) -> Sequence[tuple[Review, Organisation | None]]:
    """Every step of every round of the resource, each with the organisation that it names, newest version and round first."""
    query = (
        select(Review, Organisation)
        .outerjoin(Organisation, col(Review.organisation_id) == col(Organisation.id))
        .where(col(Review.resource_id) == resource)
        .order_by(col(Review.version).desc(), col(Review.round).desc(), col(Review.position))
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def waiting(
    session: AsyncSession, *, reviewer: Reviewer | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[WaitingStep]:
    """At most `limit` steps whose turn it is, longest waiting first, beyond `after`; those that `reviewer` may take."""
    named = aliased(Organisation)
    query = (
        select(Review, Resource, Organisation, named)
        .join(Resource, col(Review.resource_id) == col(Resource.id))
        .join(Organisation, col(Resource.provider_id) == col(Organisation.id))
        .join(ResourceVersion, _of_version())
        .outerjoin(named, col(Review.organisation_id) == named.id)
        .where(*_WAITING, col(ResourceVersion.state) == VersionState.SUBMITTED.value)
        .order_by(col(Review.opened_at), col(Review.resource_id))
        .limit(limit)
    )
    if reviewer is not None:
        query = query.where(*_is_for(reviewer))
    if after is not None:
        query = query.where(tuple_(col(Review.opened_at), col(Review.resource_id)) > tuple_(*after))
    return [WaitingStep(row[0], row[1], row[2], row[3]) for row in await session.execute(query)]


def _of_version() -> ColumnElement[bool]:
    return and_(
        col(ResourceVersion.resource_id) == col(Review.resource_id), col(ResourceVersion.number) == col(Review.version)
    )


def _is_for(reviewer: Reviewer) -> Sequence[ColumnElement[bool]]:
    """What `permissions.catalogue.resource_review` and `rounds.exclusion_of` say of a step, for the database."""
    own = reviewer.organisation_id
    held: list[ColumnElement[bool]] = [false()]
    if Role.SECRECY in reviewer.roles:
        of_own = col(Resource.provider_id) == own if own is not None else ~false()
        held.append(and_(col(Review.role) == Role.SECRECY.value, of_own))
    if Role.REVIEWER in reviewer.roles:
        of_own = col(Review.organisation_id).is_not_distinct_from(own)
        held.append(and_(col(Review.role) == Role.REVIEWER.value, of_own))
    if Role.DECIDER in reviewer.roles:
        owner = func.coalesce(col(Review.organisation_id), col(Resource.provider_id))
        held.append(and_(col(Review.role) == Role.DECIDER.value, owner == own))
    decided = aliased(Review)
    wrote = exists().where(
        col(VersionAuthor.resource_id) == col(Review.resource_id),
        col(VersionAuthor.version) == col(Review.version),
        col(VersionAuthor.actor) == reviewer.actor,
    )
    has_decided = exists().where(
        col(decided.resource_id) == col(Review.resource_id),
        col(decided.version) == col(Review.version),
        col(decided.round) == col(Review.round),
        col(decided.decided_by) == reviewer.actor,
    )
    return (or_(*held), ~wrote, ~has_decided)


async def chain(session: AsyncSession, list_type: str) -> Sequence[ApprovalChainStep]:
    """The chain of that list, in order; empty if there is none."""
    query = (
        select(ApprovalChainStep)
        .where(col(ApprovalChainStep.list_type) == list_type)
        .order_by(col(ApprovalChainStep.position))
    )
    return (await session.scalars(query)).all()


async def chains(session: AsyncSession) -> Sequence[tuple[ApprovalChainStep, Organisation | None]]:
    """Every step of every chain, with its organisation."""
    query = (
        select(ApprovalChainStep, Organisation)
        .outerjoin(Organisation, col(ApprovalChainStep.organisation_id) == col(Organisation.id))
        .order_by(col(ApprovalChainStep.list_type), col(ApprovalChainStep.position))
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def remove_chain(session: AsyncSession, list_type: str) -> None:
    """Delete the steps of that list's chain."""
    await session.execute(delete(ApprovalChainStep).where(col(ApprovalChainStep.list_type) == list_type))
