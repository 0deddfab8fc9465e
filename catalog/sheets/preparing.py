"""Drafts as the rows that they become, ready to be written in one transaction that computes nothing.

The same rows, digests and schemas as the steps of `catalog.service` make, one resource at a time. Whoever writes them sees to
it that each resource still is what it was (`fence`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from catalog import drafting
from catalog.codes import ResourceStatus, VersionState
from catalog.holding import Held, held
from catalog.metadata import Metadata
from catalog.models import Resource, ResourceVersion
from catalog.schema import Schema
from catalog.service import SEQUENCE_DIGITS
from catalog.sheets.examining import Fate, Judged
from catalog.sheets.judging import Draft
from catalog.sheets.known import Existing

REGISTERED: Final = "registered"
EDITED: Final = "edited"
DRAFTED: Final = "drafted"

_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)  # times are the writer's, and no digest knows them


class Prepared(BaseModel):
    """What is to be written for one resource: `step` is one of `REGISTERED`, `EDITED`, `DRAFTED`.

    `resource` are the columns of its row, all of a new one, else those that change; `version` those of the version that is
    written. `fence` is the `updated_at` that the resource must still have.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    resource_id: UUID
    code: str
    resource: Mapping[str, Any]
    number: int
    said: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]
    payload_schema: Schema
    schema_digest: str
    claims: Sequence[str]
    before: str | None
    after: str
    fence: datetime | None


class Reserved(BaseModel):
    """What new resources are given: the first sequence below each classification, and an id for each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: Mapping[str, int]
    ids: Sequence[UUID]


def needed(judged: Sequence[Judged]) -> dict[str, int]:
    """Return how many sequences below which classifications the new resources need."""
    return dict(
        Counter(one.settled.classification for one in judged if one.fate is Fate.NEW and one.settled is not None)
    )


def prepare(judged: Sequence[Judged], reserved: Reserved, provider: UUID) -> Iterator[tuple[Judged, Prepared]]:
    """Yield what is to be written, new resources first, then changed ones in the order of their ids, in which they are locked."""
    sequences, ids = dict(reserved.first), iter(reserved.ids)
    for one in judged:
        if one.fate is Fate.NEW:
            assert one.settled is not None
            front = one.settled.classification
            code = f"{front}/{sequences[front]:0{SEQUENCE_DIGITS}d}"
            sequences[front] += 1
            yield one, _registered(one, code, next(ids), provider)
    changed = [one for one in judged if one.fate is Fate.CHANGED]
    for one in sorted(changed, key=lambda changed: UUID(_existing(changed).resource["id"]).int):
        yield one, _changed(one)


def _registered(one: Judged, code: str, identifier: UUID, provider: UUID) -> Prepared:
    metadata, draft = _said(one)
    assert one.settled is not None
    resource = Resource(
        id=identifier,
        code=code,
        provider_id=provider,
        system_id=UUID(one.settled.system_id),
        status=ResourceStatus.DRAFT.value,
        created_at=_NO_TIME,
        updated_at=_NO_TIME,
        **drafting.shown(metadata),
    )
    version = drafting.draft(resource, 1, metadata, draft.items, _NO_TIME)
    columns = resource.model_dump(mode="json", exclude={"created_at", "updated_at"})
    return _prepared(REGISTERED, Held(resource, [version], before=None), version, columns, None)


def _changed(one: Judged) -> Prepared:
    existing = _existing(one)
    metadata, draft = _said(one)
    assert one.settled is not None
    resource = Resource.model_validate(existing.resource)
    rows = held(resource, [_version(resource, version) for version in existing.versions])
    columns: dict[str, Any] = {}
    newest = rows.versions[-1]
    if newest.state == VersionState.DRAFT:
        step = EDITED
        if existing.system != one.settled.system:
            columns["system_id"] = one.settled.system_id
            resource.system_id = UUID(one.settled.system_id)
        if resource.live_version is None:
            columns |= drafting.shown(metadata)
            resource.sqlmodel_update(drafting.shown(metadata))
        drafting.write(resource, newest, metadata, draft.items)
    else:
        step = DRAFTED
        newest = drafting.draft(resource, newest.number + 1, metadata, draft.items, _NO_TIME)
        rows.versions.append(newest)
    return _prepared(step, rows, newest, columns, existing)


def _prepared(
    step: str, rows: Held, version: ResourceVersion, columns: Mapping[str, Any], existing: Existing | None
) -> Prepared:
    facts = rows.facts(version, _NO_TIME)
    return Prepared(
        step=step,
        resource_id=rows.resource.id,
        code=rows.resource.code,
        resource=columns,
        number=version.number,
        said=version.description,
        items=version.items,
        payload_schema=version.payload_schema,
        schema_digest=version.schema_digest,
        claims=version.claims,
        before=facts["before"],
        after=facts["after"],
        fence=None if existing is None else existing.resource["updated_at"],
    )


def _version(resource: Resource, row: Mapping[str, Any]) -> ResourceVersion:
    return ResourceVersion(
        resource_id=resource.id,
        number=row["number"],
        description=dict(row["description"]),
        items=list(row["items"]),
        payload_schema={},
        schema_digest=row["schema_digest"],
        state=row["state"],
        created_at=_NO_TIME,
    )


def _existing(one: Judged) -> Existing:
    assert one.settled is not None
    assert one.settled.existing is not None
    return one.settled.existing


def _said(one: Judged) -> tuple[Metadata, Draft]:
    assert one.draft is not None
    return one.draft.metadata, one.draft
