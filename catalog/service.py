"""The life of a resource, step by step: draft → submitted → published ⇄ suspended → withdrawn, and its versions.

Every step works in the caller's session and never commits; it returns what happened, and the caller records it.
Who may take a step, and what else has to happen with it (log, rights, notices), is the caller's to know.

The published version stays live while its successor is a draft or under review (I7): metadata, items and schema belong
to a version, and publishing is the one moment at which another version becomes the live one. A version that has been
published never changes; the database sees to that as well.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import drafting, repository
from catalog.classification import class_violations
from catalog.codes import ResourceStatus, VersionState
from catalog.compiler import check_schema_in_child
from catalog.errors import InvalidResource, InvalidTransition, UnknownVersion, Violation
from catalog.holding import Held, hold
from catalog.identifiers import RESOURCE_PREFIX_FORM
from catalog.items import Item, item_violations
from catalog.metadata import Metadata
from catalog.models import Resource, ResourceVersion
from catalog.rules import Owner, Registration, check_reason, registration_violations
from catalog.schema import derive_schema
from catalog.steps import (
    DraftEdited,
    ResourceRegistered,
    ResourceResumed,
    ResourceSuspended,
    ResourceWithdrawn,
    VersionDrafted,
    VersionEnded,
    VersionPublished,
    VersionReturned,
    VersionSubmitted,
)

SEQUENCE_DIGITS: Final = 6  # what vendors pad to (§1.3); the sequence may outgrow it

_OPEN: Final = (VersionState.DRAFT, VersionState.SUBMITTED)


async def register_resource(
    session: AsyncSession,
    metadata: Metadata,
    items: Sequence[Item],
    *,
    owner: Owner,
    resource_id: UUID,
    classification: str,
    now: datetime,
) -> ResourceRegistered:
    """Register a resource with its first draft under the next code of its classification 类项目细目 (`306001000001`), an active one.

    Raises InvalidResource with every violation of metadata, classification and items, or SchemaRefused.
    """
    registration = Registration(classification, metadata, owner.provider_code, items)
    if not any(_violations(registration)):
        await _compile(items)
    formed = RESOURCE_PREFIX_FORM.fullmatch(classification) is not None
    judge(registration, await class_violations(session, classification) if formed else ())
    sequence = await repository.next_sequence(session, classification)
    resource = Resource(
        id=resource_id,
        code=f"{classification}/{sequence:0{SEQUENCE_DIGITS}d}",
        provider_id=owner.provider_id,
        system_id=owner.system_id,
        status=ResourceStatus.DRAFT.value,
        created_at=now,
        updated_at=now,
        **drafting.shown(metadata),
    )
    version = drafting.draft(resource, 1, metadata, items, now)
    await repository.add(session, resource, version)
    return ResourceRegistered(**Held(resource, [version], before=None).facts(version, now))


async def edit_draft(
    session: AsyncSession,
    resource_id: UUID,
    *,
    metadata: Metadata | None = None,
    items: Sequence[Item] | None = None,
    system_id: UUID | None = None,
    provider_id: UUID | None = None,
    now: datetime,
) -> DraftEdited:
    """Replace the draft's metadata, its items or its publishing system; what is left out stays, and so does what is live (I7).

    The publishing system changes this way only until the first version is published. `provider_id` is whose resource the
    caller takes it for: if it went to another provider meanwhile, nothing changes.
    Raises UnknownResource, InvalidTransition, InvalidResource, SchemaRefused.
    """
    await _compile(items)
    held = await hold(session, resource_id)
    held.require_provider(provider_id)
    version = held.open_version(VersionState.DRAFT)
    said, carried = _edited(held, version, metadata, items)
    if system_id is not None and system_id != held.resource.system_id:
        _move_system(held, system_id)
    if held.resource.live_version is None:
        held.resource.sqlmodel_update(drafting.shown(said))
    drafting.write(held.resource, version, said, carried)
    return DraftEdited(**await held.save(session, version, now))


async def submit(session: AsyncSession, resource_id: UUID, *, now: datetime) -> VersionSubmitted:
    """Send the draft to review. Raises UnknownResource, InvalidTransition."""
    held = await hold(session, resource_id)
    version = held.open_version(VersionState.DRAFT)
    version.state, version.submitted_at = VersionState.SUBMITTED.value, now
    if held.resource.status == ResourceStatus.DRAFT:
        held.move_to(ResourceStatus.SUBMITTED)
    return VersionSubmitted(**await held.save(session, version, now))


async def return_to_draft(session: AsyncSession, resource_id: UUID, *, reason: str, now: datetime) -> VersionReturned:
    """Send the submitted version back to its editor. Raises UnknownResource, InvalidTransition, InvalidResource."""
    why = check_reason(reason)
    held = await hold(session, resource_id)
    version = held.open_version(VersionState.SUBMITTED)
    version.state, version.submitted_at = VersionState.DRAFT.value, None
    if held.resource.status == ResourceStatus.SUBMITTED:
        held.move_to(ResourceStatus.DRAFT, why)
    return VersionReturned(**await held.save(session, version, now), reason=why)


async def publish(
    session: AsyncSession, resource_id: UUID, *, now: datetime, replaced_ends_at: datetime | None = None
) -> VersionPublished:
    """Make the draft or submitted version the live one; the one that was live takes payloads until `replaced_ends_at`.

    Without that moment it does so until it is ended. Raises UnknownResource, InvalidTransition.
    """
    held = await hold(session, resource_id)
    if held.resource.status == ResourceStatus.SUSPENDED:
        raise InvalidTransition(
            "资源已暂停；请先恢复再发布新版本", "the resource is suspended; resume it before publishing a new version"
        )
    version = held.open_version(*_OPEN)
    version.state, version.published_at = VersionState.PUBLISHED.value, now
    if (live := held.live()) is not None:
        live.ends_at = replaced_ends_at
    replaced, held.resource.live_version = held.resource.live_version, version.number
    held.resource.sqlmodel_update(drafting.shown(Metadata.model_validate(version.description)))
    held.move_to(ResourceStatus.PUBLISHED)
    return VersionPublished(**await held.save(session, version, now), replaced=replaced)


async def new_version(
    session: AsyncSession,
    resource_id: UUID,
    *,
    metadata: Metadata | None = None,
    items: Sequence[Item] | None = None,
    now: datetime,
) -> VersionDrafted:
    """Begin a successor of the published version; what is left out is copied from the newest version.

    Raises UnknownResource, InvalidTransition, InvalidResource, SchemaRefused.
    """
    await _compile(items)
    held = await hold(session, resource_id)
    held.require(ResourceStatus.PUBLISHED, ResourceStatus.SUSPENDED)
    newest = held.versions[-1]
    if newest.state in _OPEN:
        raise InvalidTransition(
            f"已有未发布的版本 {newest.number}；请修改它",
            f"version {newest.number} is not yet published; edit that one",
        )
    said, carried = _edited(held, newest, metadata, items)
    version = drafting.draft(held.resource, newest.number + 1, said, carried, now)
    held.versions.append(version)
    await repository.add(session, version)
    return VersionDrafted(**await held.save(session, version, now))


async def end_version(session: AsyncSession, resource_id: UUID, number: int, *, now: datetime) -> VersionEnded:
    """Let a published version that another has replaced take no more payloads.

    Raises UnknownResource, UnknownVersion, InvalidTransition.
    """
    held = await hold(session, resource_id)
    version = next((version for version in held.versions if version.number == number), None)
    if version is None:
        raise UnknownVersion(number)
    if version.state != VersionState.PUBLISHED or number == held.resource.live_version:
        raise InvalidTransition(
            "只能停用已被新版本替换的已发布版本；要停止现行版本请暂停或撤销资源",
            "only a published version that a newer one has replaced can be ended; suspend or withdraw the resource instead",
            "/version",
        )
    version.state, version.ended_at = VersionState.ENDED.value, now
    return VersionEnded(**await held.save(session, version, now))


async def suspend(session: AsyncSession, resource_id: UUID, *, reason: str, now: datetime) -> ResourceSuspended:
    """Stop the exchange of a published resource. Raises UnknownResource, InvalidTransition, InvalidResource."""
    why = check_reason(reason)
    held = await hold(session, resource_id)
    held.require(ResourceStatus.PUBLISHED)
    held.move_to(ResourceStatus.SUSPENDED, why)
    return ResourceSuspended(**await held.save(session, held.live(), now), reason=why)


async def resume(session: AsyncSession, resource_id: UUID, *, now: datetime) -> ResourceResumed:
    """Let the exchange of a suspended resource go on. Raises UnknownResource, InvalidTransition."""
    held = await hold(session, resource_id)
    held.require(ResourceStatus.SUSPENDED)
    held.move_to(ResourceStatus.PUBLISHED)
    return ResourceResumed(**await held.save(session, held.live(), now))


async def withdraw(session: AsyncSession, resource_id: UUID, *, reason: str, now: datetime) -> ResourceWithdrawn:
    """End the resource and all its versions for good. Raises UnknownResource, InvalidTransition, InvalidResource."""
    why = check_reason(reason)
    held = await hold(session, resource_id)
    held.move_to(ResourceStatus.WITHDRAWN, why)
    for version in held.versions:
        if version.state != VersionState.ENDED:
            version.state, version.ended_at = VersionState.ENDED.value, now
    return ResourceWithdrawn(**await held.save(session, held.live(), now), reason=why)


def judge(registration: Registration, found: Sequence[Violation] = ()) -> None:
    """Raise InvalidResource with every rule that the registration and its items break, after what was `found` already."""
    if violations := [*found, *_violations(registration)]:
        raise InvalidResource(violations)


def _violations(registration: Registration) -> Iterator[Violation]:
    yield from registration_violations(registration)
    yield from item_violations(registration.items)


async def _compile(items: Sequence[Item] | None) -> None:
    """Raise SchemaRefused for items that make no schema; before any row is locked, for a child judges.

    Items that break rules are left to `judge`, which names all their faults together with those of the metadata.
    """
    if items is not None and not any(item_violations(items)):
        # Title, code and number are only annotations: the schema is judged without them.
        await asyncio.to_thread(check_schema_in_child, derive_schema(items, title="", code="", version=1))


def _edited(
    held: Held,
    base: ResourceVersion,
    metadata: Metadata | None,
    items: Sequence[Item] | None,
) -> tuple[Metadata, Sequence[Item]]:
    """What the version `base` says and carries with these changes. Raises InvalidResource unless the rules allow it."""
    said = Metadata.model_validate(base.description) if metadata is None else metadata
    carried = [Item.model_validate(item) for item in base.items] if items is None else items
    if metadata is not None or items is not None:
        live = held.live()
        published = None if live is None else Metadata.model_validate(live.description)
        published_items = [] if live is None else [Item.model_validate(item) for item in live.items]
        judge(Registration(held.classification, said, None, carried, published, published_items))
    return said, carried


def _move_system(held: Held, system_id: UUID) -> None:
    if held.resource.live_version is not None:
        raise InvalidTransition(
            "资源已发布过，不能随草稿更换发布系统；请办理职责划转",
            "the resource has been published: its publishing system does not change with a draft, but with a transfer",
            "/system",
        )
    held.resource.system_id = system_id
