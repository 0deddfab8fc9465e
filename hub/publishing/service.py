"""A step of the catalogue with all that belongs to it here: the log entry, the epoch, who wrote it. None commits.

Steps that decide on what was submitted (return, publish) are in `deciding`, those that stop the exchange in `stopping`. Two
kinds of step. Those that change what may be exchanged (publish, end a version, suspend, resume, withdraw) hold the barrier
from their first statement (I3). Those that only prepare (register, edit, submit, return, begin a successor) change nothing
that is live (I7), so they hold nothing: new items are judged in a child process meanwhile, and every acceptance of the hub
would wait with them. They bump the epoch all the same, for the picture shows drafts too. As the epoch's row is the last lock
that any step takes, and the step of a review is locked before its resource, no two steps wait for each other.

The child runs before the step's first statement: call `register_resource`, `edit_draft` and `new_version` on a session
that has not begun a transaction, or its connection sits idle and the server ends it.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import cursors, queries, steps
from catalog import service as catalog
from catalog.codes import ResourceStatus
from catalog.dcat.pages import Entry
from catalog.errors import CatalogError, UnknownResource
from catalog.items import Item, formed_items
from catalog.metadata import Metadata, parse_metadata
from catalog.models import ResourceVersion
from catalog.rules import Owner
from certs.header import is_resource_code
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.publishing import owing, repository
from hub.publishing.errors import PublisherRetired
from hub.publishing.recording import finish, refusing
from hub.publishing.repository import ResourceRecord
from hub.registry import repository as registry_rows
from hub.registry import service as registry
from hub.registry.errors import from_catalog
from hub.registry.models import Organisation, System
from hub.reviewing import service as reviewing

_Step = TypeVar("_Step", bound=steps.Step)


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
    """The parties of a description. Raises UnknownOrganisation, OrganisationEnded, UnknownSystem, PublisherRetired."""
    provider = await registry.find_active_organisation(session, provider_id)
    system, _ = await registry.find_system(session, system_code)
    if system.state == "retired":
        raise PublisherRetired(system_code)
    return Parties(provider, await nearest_code(session, provider), system)


async def nearest_code(session: AsyncSession, organisation: Organisation) -> str:
    """The 统一社会信用代码 of an organisation, or of the nearest body above it that has one."""
    # A body without a code of its own stands under a parent (县审改办), and no body ever stands under itself: the walk ends.
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
    """Register a resource with its first draft.

    Raises InvalidInput with every fault of metadata and items, UnknownOrganisation, OrganisationEnded.
    """
    parsed = _parsed(items)
    step = await refusing(
        catalog.register_resource(
            session, metadata, parsed, owner=owner, resource_id=new_id(now), classification=classification, now=now
        )
    )
    # Asked once more, now that it cannot end before this commits: the child took its time.
    await registry.find_active_organisation(session, owner.provider_id)
    await _note(session, "resource.registered", step, actor, recorder)
    return step


async def edit_draft(
    session: AsyncSession,
    resource_id: UUID,
    *,
    metadata: Metadata | None = None,
    items: Sequence[Mapping[str, Any]] | None = None,
    system_id: UUID | None = None,
    provider_id: UUID | None = None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> steps.DraftEdited:
    """Replace the draft's metadata or items; what is left out stays. Raises NotFound, Conflict, InvalidInput."""
    parsed = None if items is None else _parsed(items)
    act = catalog.edit_draft(
        session, resource_id, metadata=metadata, items=parsed, system_id=system_id, provider_id=provider_id, now=now
    )
    return await _written(session, "resource.edited", act, actor, recorder)


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
    return await _written(session, "resource.drafted", act, actor, recorder)


async def submit(
    session: AsyncSession, resource_id: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> steps.VersionSubmitted:
    """Hand the draft in for review, whose steps its list decides. Raises NotFound, Conflict, ChainMissing."""
    step = await refusing(catalog.submit(session, resource_id, now=now))
    assert step.version is not None
    await reviewing.add_author(session, resource_id, step.version, actor)
    said = (await find_version(session, resource_id, step.version)).description
    laid = await reviewing.lay_down(session, resource_id, step.version, list_type=said.get("list_type"), now=now)
    await owing.owe_publication(session, step.code, actor=actor, recorder=recorder, now=step.at)
    await finish(session, "resource.submitted", step, actor, recorder, round=laid[0].round, steps=len(laid))
    return step


async def find_resource(session: AsyncSession, reference: str) -> ResourceRecord:
    """The resource of that id or code. Raises NotFound."""
    if is_resource_code(reference):
        resource = await refusing(queries.get_by_code(session, reference))
    else:
        resource = await refusing(queries.get(session, _identifier(reference)))
    return (await repository.describe(session, [resource.id]))[resource.id]


async def list_resources(
    session: AsyncSession, *, cursor: str | None, limit: int, statuses: Sequence[ResourceStatus] = ()
) -> tuple[Sequence[ResourceRecord], str | None]:
    """A page of resources by code, with the cursor of the next page. Raises InvalidInput (cursor)."""
    page = await refusing(queries.list_resources(session, cursor=cursor, limit=limit, statuses=statuses))
    described = await repository.describe(session, [resource.id for resource in page.items])
    return [described[resource.id] for resource in page.items], page.next


async def list_entries(session: AsyncSession, *, cursor: str | None, limit: int) -> tuple[Sequence[Entry], str | None]:
    """A page of what is published, as DCAT writes it, with the cursor of the next page. Raises InvalidInput (cursor)."""
    records, following = await list_resources(session, cursor=cursor, limit=limit, statuses=(ResourceStatus.PUBLISHED,))
    live = await repository.live_versions(session, [record.resource.id for record in records])
    names = await repository.class_names(session, [record.resource.code.partition("/")[0] for record in records])
    return [_entry(record, live[record.resource.id], names) for record in records], following


async def list_overdue(
    session: AsyncSession, *, cursor: str | None, limit: int, at: datetime
) -> tuple[Sequence[ResourceRecord], str | None]:
    """A page of the resources that are overdue at that moment, by code, with the cursor of the next. Raises InvalidInput."""
    after = None if cursor is None else _decoded(cursor)
    found = await repository.overdue(session, at, after_code=after, limit=limit + 1)
    described = await repository.describe(session, found[:limit])
    records = [described[identifier] for identifier in found[:limit]]
    return records, cursors.encode(records[-1].resource.code) if len(found) > limit else None


async def list_versions(session: AsyncSession, resource_id: UUID) -> Sequence[ResourceVersion]:
    """All versions, oldest first. Raises NotFound."""
    return await refusing(queries.versions(session, resource_id))


async def find_version(session: AsyncSession, resource_id: UUID, number: int | None) -> ResourceVersion:
    """That version, or the live one. Raises NotFound."""
    return await refusing(queries.version(session, resource_id, number))


def _decoded(cursor: str) -> str:
    try:
        return cursors.decode(cursor)
    except CatalogError as error:
        raise from_catalog(error) from error


def _entry(record: ResourceRecord, version: ResourceVersion, class_names: Mapping[str, str]) -> Entry:
    assert version.published_at is not None
    return Entry(
        code=record.resource.code,
        metadata=Metadata.model_validate(version.description),
        provider_name=record.provider.name,
        provider_code=record.provider.code,
        version=version.number,
        published_at=version.published_at,
        updated_at=record.resource.updated_at,
        item_names=[item["name"] for item in version.items],
        class_name=class_names.get(record.resource.code.partition("/")[0]),
    )


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
    """The items; their rules are judged together with those of the metadata, so that all faults are named at once."""
    try:
        return formed_items(items)
    except CatalogError as error:
        raise from_catalog(error) from error


async def _written(session: AsyncSession, event: str, act: Awaitable[_Step], actor: Actor, recorder: Recorder) -> _Step:
    """Take a step that writes a version, and note who wrote it."""
    step = await refusing(act)
    await _note(session, event, step, actor, recorder)
    return step


async def _note(session: AsyncSession, event: str, step: steps.Step, actor: Actor, recorder: Recorder) -> None:
    """Record a step that wrote a version, and who wrote it."""
    assert step.version is not None
    await reviewing.add_author(session, step.resource_id, step.version, actor)
    await finish(session, event, step, actor, recorder)
