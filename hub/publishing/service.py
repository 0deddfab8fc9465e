"""A step of the catalogue with all that belongs to it here: the log entry, the epoch, the pins of grants. None commits.

Two kinds of step. Those that change what may be exchanged (publish, end a version, suspend, resume, withdraw) hold the
barrier from their first statement (I3). Those that only prepare (register, edit, submit, return, begin a successor)
change nothing that is live (I7), so they hold nothing: new items are judged in a child process meanwhile, and every
acceptance of the hub would wait with them. They bump the epoch all the same, for the picture shows drafts too. As the
epoch's row is the last lock that any step takes, no two steps wait for each other.

The child runs before the step's first statement: call `register_resource`, `edit_draft` and `new_version` on a session
that has not begun a transaction, or its connection sits idle and the server ends it.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import queries, steps
from catalog import service as catalog
from catalog.codes import ResourceStatus, VersionState
from catalog.errors import CatalogError, UnknownResource
from catalog.items import Item, parse_items
from catalog.metadata import Metadata, parse_metadata
from catalog.models import ResourceVersion
from catalog.rules import Owner
from certs.header import is_resource_code
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.publishing import repository
from hub.publishing.errors import NotSubmitted, OwnSubmission, PublisherRetired
from hub.publishing.repository import ResourceRecord
from hub.registry import barrier
from hub.registry import repository as registry_rows
from hub.registry import service as registry
from hub.registry.errors import from_catalog
from hub.registry.models import Organisation, System

_Step = TypeVar("_Step", bound=steps.Step)
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Parties:
    """Who provides a resource and which system publishes it; `provider_code` is the provider's or its nearest parent's."""

    provider: Organisation
    provider_code: str
    system: System

    @property
    def owner(self) -> Owner:
        """What the catalogue's rules look at."""
        return Owner(self.provider.id, self.provider_code, self.system.id)


async def find_parties(session: AsyncSession, provider_id: UUID, system_code: str) -> Parties:
    """The parties of a description. Raises UnknownOrganisation, UnknownSystem, PublisherRetired."""
    provider = await registry.find_organisation(session, provider_id)
    system, _ = await registry.find_system(session, system_code)
    if system.state == "retired":
        raise PublisherRetired(system_code)
    return Parties(provider, await nearest_code(session, provider), system)


async def nearest_code(session: AsyncSession, organisation: Organisation) -> str:
    """The 统一社会信用代码 of an organisation, or of the nearest body above it that has one."""
    # A body without a code of its own stands under a parent (县审改办), which was there before it: the walk ends.
    coded = organisation
    while coded.code is None and coded.parent_id is not None:
        parent = await registry_rows.organisation(session, coded.parent_id)
        assert parent is not None
        coded = parent
    assert coded.code is not None
    return coded.code


async def register_resource(
    session: AsyncSession,
    metadata: Metadata,
    items: Sequence[Mapping[str, Any]],
    *,
    owner: Owner,
    classification: str,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> steps.ResourceRegistered:
    """Register a resource with its first draft. Raises InvalidInput with every fault of metadata and items."""
    parsed = _parsed(items)
    act = catalog.register_resource(
        session, metadata, parsed, owner=owner, resource_id=new_id(now), classification=classification, now=now
    )
    return await _take(session, "resource.registered", act, actor, recorder)


async def edit_draft(
    session: AsyncSession,
    resource_id: UUID,
    *,
    metadata: Metadata | None = None,
    items: Sequence[Mapping[str, Any]] | None = None,
    system_id: UUID | None = None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> steps.DraftEdited:
    """Replace the draft's metadata or items; what is left out stays. Raises NotFound, Conflict, InvalidInput."""
    parsed = None if items is None else _parsed(items)
    act = catalog.edit_draft(session, resource_id, metadata=metadata, items=parsed, system_id=system_id, now=now)
    return await _take(session, "resource.edited", act, actor, recorder)


async def new_version(
    session: AsyncSession,
    resource_id: UUID,
    *,
    metadata: Metadata | None = None,
    items: Sequence[Mapping[str, Any]] | None = None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> steps.VersionDrafted:
    """Begin a successor of the published version; that one stays live. Raises NotFound, Conflict, InvalidInput."""
    parsed = None if items is None else _parsed(items)
    act = catalog.new_version(session, resource_id, metadata=metadata, items=parsed, now=now)
    return await _take(session, "resource.drafted", act, actor, recorder)


async def submit(
    session: AsyncSession, resource_id: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> steps.VersionSubmitted:
    """Hand the draft in for review. Raises NotFound, Conflict."""
    act = catalog.submit(session, resource_id, now=now)
    return await _take(session, "resource.submitted", act, actor, recorder)


async def return_to_draft(
    session: AsyncSession, resource_id: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> steps.VersionReturned:
    """Send the submitted version back to its editor. Raises NotFound, Conflict, InvalidInput."""
    act = catalog.return_to_draft(session, resource_id, reason=reason, now=now)
    return await _take(session, "resource.returned", act, actor, recorder)


async def publish(
    session: AsyncSession, resource_id: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> steps.VersionPublished:
    """Make the submitted version the live one and pin it for every grant that is not revoked.

    Raises NotFound, Conflict, NotSubmitted, OwnSubmission.
    """
    now = await barrier.hold(session, now)
    await _check_review(session, resource_id, actor)
    step = await _refusing(catalog.publish(session, resource_id, now=now))
    assert step.version is not None
    assert step.schema_digest is not None
    pinned = await repository.pin(session, resource_id, step.version, step.schema_digest)
    await _finish(session, "resource.published", step, actor, recorder, grants=pinned)
    return step


async def end_version(
    session: AsyncSession, resource_id: UUID, number: int, *, actor: Actor, recorder: Recorder, now: datetime
) -> steps.VersionEnded:
    """Let a replaced version take no more payloads. Raises NotFound, Conflict."""
    now = await barrier.hold(session, now)
    act = catalog.end_version(session, resource_id, number, now=now)
    return await _take(session, "resource.version-ended", act, actor, recorder)


async def suspend(
    session: AsyncSession, resource_id: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> steps.ResourceSuspended:
    """Stop the exchange of a published resource. Raises NotFound, Conflict, InvalidInput."""
    now = await barrier.hold(session, now)
    act = catalog.suspend(session, resource_id, reason=reason, now=now)
    return await _take(session, "resource.suspended", act, actor, recorder)


async def resume(
    session: AsyncSession, resource_id: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> steps.ResourceResumed:
    """Let the exchange of a suspended resource go on. Raises NotFound, Conflict."""
    now = await barrier.hold(session, now)
    return await _take(session, "resource.resumed", catalog.resume(session, resource_id, now=now), actor, recorder)


async def withdraw(
    session: AsyncSession, resource_id: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> steps.ResourceWithdrawn:
    """End the resource and all its versions for good. Raises NotFound, Conflict, InvalidInput."""
    now = await barrier.hold(session, now)
    act = catalog.withdraw(session, resource_id, reason=reason, now=now)
    return await _take(session, "resource.withdrawn", act, actor, recorder)


async def find_resource(session: AsyncSession, reference: str) -> ResourceRecord:
    """The resource of that id or code. Raises NotFound."""
    if is_resource_code(reference):
        resource = await _refusing(queries.get_by_code(session, reference))
    else:
        resource = await _refusing(queries.get(session, _identifier(reference)))
    return (await repository.describe(session, [resource.id]))[resource.id]


async def list_resources(
    session: AsyncSession, *, cursor: str | None, limit: int, statuses: Sequence[ResourceStatus] = ()
) -> tuple[Sequence[ResourceRecord], str | None]:
    """A page of resources by code, with the cursor of the next page. Raises InvalidInput (cursor)."""
    page = await _refusing(queries.list_resources(session, cursor=cursor, limit=limit, statuses=statuses))
    described = await repository.describe(session, [resource.id for resource in page.items])
    return [described[resource.id] for resource in page.items], page.next


async def list_versions(session: AsyncSession, resource_id: UUID) -> Sequence[ResourceVersion]:
    """All versions, oldest first. Raises NotFound."""
    return await _refusing(queries.versions(session, resource_id))


async def find_version(session: AsyncSession, resource_id: UUID, number: int | None) -> ResourceVersion:
    """That version, or the live one. Raises NotFound."""
    return await _refusing(queries.version(session, resource_id, number))


async def _check_review(session: AsyncSession, resource_id: UUID, actor: Actor) -> None:
    """Only what is under review is published, and not by whoever put it there."""
    record = await find_resource(session, str(resource_id))
    waiting = [
        version
        for version in await list_versions(session, resource_id)
        if version.state == VersionState.SUBMITTED and version.submitted_at is not None
    ]
    if not waiting:
        raise NotSubmitted(record.resource.code)
    submitted_at = waiting[0].submitted_at
    assert submitted_at is not None
    if actor.id in await repository.submitters(session, record.resource.code, submitted_at):
        raise OwnSubmission(record.resource.code)


def _identifier(reference: str) -> UUID:
    try:
        return UUID(reference)
    except ValueError:
        raise from_catalog(UnknownResource()) from None


def read_metadata(raw: Mapping[str, Any]) -> Metadata:
    """The core metadata that JSON describes. Raises InvalidInput with every fault of form."""
    try:
        return parse_metadata(raw)
    except CatalogError as error:
        raise from_catalog(error) from error


def _parsed(items: Sequence[Mapping[str, Any]]) -> tuple[Item, ...]:
    try:
        return parse_items(items)
    except CatalogError as error:
        raise from_catalog(error) from error


async def _refusing(act: Awaitable[_Result]) -> _Result:
    try:
        return await act
    except CatalogError as error:
        raise from_catalog(error) from error


async def _take(session: AsyncSession, event: str, act: Awaitable[_Step], actor: Actor, recorder: Recorder) -> _Step:
    step = await _refusing(act)
    await _finish(session, event, step, actor, recorder)
    return step


async def _finish(
    session: AsyncSession, event: str, step: steps.Step, actor: Actor, recorder: Recorder, **counts: int
) -> None:
    recorder.record(session, event_of(event, step, actor, **counts), now=step.at)
    await barrier.bump(session)


def event_of(event: str, step: steps.Step, actor: Actor, **more: int | str) -> Event:
    """The log's event of a step of the catalogue."""
    details: dict[str, Any] = {"version": step.version, "schema_digest": step.schema_digest, **more}
    return Event(
        event,
        actor,
        "resource",
        step.code,
        before=step.before or "",
        after=step.after,
        details={name: value for name, value in details.items() if value is not None},
    )
