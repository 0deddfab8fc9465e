"""The life of a resource, step by step: draft → submitted → published ⇄ suspended → withdrawn, and its versions.

Every step works in the caller's session and never commits; it returns what happened, and the caller records it.
Who may take a step, and what else has to happen with it (log, rights, notices), is the caller's to know.

The published version stays live while its successor is a draft or under review (I7): items and schema belong to a
version, and publishing is the one moment at which another version becomes the live one. A version that has been
published never changes; the database sees to that as well.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import repository
from catalog.codes import ResourceStatus, VersionState
from catalog.compiler import check_schema_in_child
from catalog.errors import InvalidResource, InvalidTransition, UnknownVersion, Violation
from catalog.holding import Held, hold
from catalog.identifiers import RESOURCE_PREFIX_FORM
from catalog.items import Item, item_violations
from catalog.models import Resource, ResourceVersion
from catalog.rules import Description, check_reason, description_violations
from catalog.schema import derive_schema, digest_of
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
    description: Description,
    items: Sequence[Item],
    *,
    resource_id: UUID,
    classification: str,
    now: datetime,
) -> ResourceRegistered:
    """Register a resource with its first draft under the next code of its classification 类项目细目 (`306001000001`).

    Raises InvalidResource with every violation of description, classification and items, or SchemaRefused.
    """
    await _check(description, items, classification)
    sequence = await repository.next_sequence(session, classification)
    resource = Resource(
        id=resource_id,
        code=f"{classification}/{sequence:0{SEQUENCE_DIGITS}d}",
        **_columns(description),
        status=ResourceStatus.DRAFT.value,
        created_at=now,
        updated_at=now,
    )
    version = _draft(resource, 1, items, now)
    await repository.add(session, resource, version)
    return ResourceRegistered(**Held(resource, [version], before=None).facts(version, now))


async def edit_draft(
    session: AsyncSession,
    resource_id: UUID,
    *,
    description: Description | None = None,
    items: Sequence[Item] | None = None,
    now: datetime,
) -> DraftEdited:
    """Replace the draft's items, or the description of a resource that has never been published, or both.

    Raises UnknownResource, InvalidTransition, InvalidResource, SchemaRefused.
    """
    await _check(description, items)
    held = await hold(session, resource_id)
    version = held.open_version(VersionState.DRAFT)
    if description is not None:
        if held.resource.status != ResourceStatus.DRAFT:
            raise InvalidTransition(
                "资源已发布过，本版只能修改信息项；名称、共享类型等请在撤销后重新登记",
                "the resource has been published: only the items of its draft can change; to change name or share type,"
                " withdraw it and register another",
            )
        if held.resource.provider_id != description.provider_id:
            raise InvalidTransition(
                "资源的提供机构已因机构变更而改变；请重新打开草稿再修改",
                "the resource went to another provider meanwhile, as organisations changed; open the draft again",
                "/provider",
            )
        held.resource.sqlmodel_update(_columns(description))
    kept = [Item.model_validate(item) for item in version.items]
    _write_items(held.resource, version, kept if items is None else items)
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


async def publish(session: AsyncSession, resource_id: UUID, *, now: datetime) -> VersionPublished:
    """Make the draft or submitted version the live one; a version that was live goes on taking payloads until ended.

    Raises UnknownResource, InvalidTransition.
    """
    held = await hold(session, resource_id)
    if held.resource.status == ResourceStatus.SUSPENDED:
        raise InvalidTransition(
            "资源已暂停；请先恢复再发布新版本", "the resource is suspended; resume it before publishing a new version"
        )
    version = held.open_version(*_OPEN)
    version.state, version.published_at = VersionState.PUBLISHED.value, now
    replaced, held.resource.live_version = held.resource.live_version, version.number
    held.move_to(ResourceStatus.PUBLISHED)
    return VersionPublished(**await held.save(session, version, now), replaced=replaced)


async def new_version(
    session: AsyncSession, resource_id: UUID, *, items: Sequence[Item] | None = None, now: datetime
) -> VersionDrafted:
    """Begin a successor of the published version with `items`, or with a copy of the newest version's.

    Raises UnknownResource, InvalidTransition, InvalidResource, SchemaRefused.
    """
    await _check(None, items)
    held = await hold(session, resource_id)
    held.require(ResourceStatus.PUBLISHED, ResourceStatus.SUSPENDED)
    newest = held.versions[-1]
    if newest.state in _OPEN:
        raise InvalidTransition(
            f"已有未发布的版本 {newest.number}；请修改它",
            f"version {newest.number} is not yet published; edit that one",
        )
    copied = [Item.model_validate(item) for item in newest.items]
    version = _draft(held.resource, newest.number + 1, copied if items is None else items, now)
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


async def _check(
    description: Description | None, items: Sequence[Item] | None, classification: str | None = None
) -> None:
    """Raise InvalidResource with all violations, then SchemaRefused; before any row is locked, for a child judges."""
    violations: list[Violation] = []
    if classification is not None and RESOURCE_PREFIX_FORM.fullmatch(classification) is None:
        zh = "资源分类应为类(1位，1 至 3)、项(2位)、目(3位)和细目，如 306001000001"
        en = "a classification is class (1 to 3), item (2 digits), catalogue (3 digits) and detail: 306001000001"
        violations.append(Violation("/classification", "CODE", zh, en))
    if description is not None:
        violations.extend(description_violations(description))
    if items is not None:
        violations.extend(item_violations(items))
    if violations:
        raise InvalidResource(violations)
    if items is not None:  # title, code and number are only annotations: the schema is judged without them
        await asyncio.to_thread(check_schema_in_child, derive_schema(items, title="", code="", version=1))


def _columns(description: Description) -> dict[str, Any]:
    return {
        "name": description.name.strip(),
        "summary": description.summary.strip(),
        "provider_id": description.provider_id,
        "system_id": description.system_id,
        "share_type": description.share_type.value,
        "share_condition": description.share_condition,
        "no_share_basis": description.no_share_basis,
        "update_cycle": description.update_cycle.value,
        "is_example": description.is_example,
    }


def _draft(resource: Resource, number: int, items: Sequence[Item], now: datetime) -> ResourceVersion:
    version = ResourceVersion(
        resource_id=resource.id,
        number=number,
        items=[],
        payload_schema={},
        schema_digest="",
        state=VersionState.DRAFT.value,
        created_at=now,
    )
    _write_items(resource, version, items)
    return version


def _write_items(resource: Resource, version: ResourceVersion, items: Sequence[Item]) -> None:
    schema = derive_schema(items, title=resource.name, code=resource.code, version=version.number)
    version.items = [item.to_json() for item in items]
    version.payload_schema, version.schema_digest = schema, digest_of(schema)
