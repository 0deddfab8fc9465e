"""Writes what was prepared of a workbook, many resources at a time, in the caller's transaction; computes nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import repository
from catalog.codes import VersionState
from catalog.models import Resource, ResourceVersion
from catalog.sheets.known import Existing
from catalog.sheets.preparing import DRAFTED, EDITED, REGISTERED, Prepared
from catalog.steps import DraftEdited, ResourceRegistered, Step, VersionDrafted

_STEPS: Final = {REGISTERED: ResourceRegistered, EDITED: DraftEdited, DRAFTED: VersionDrafted}
_AT_ONCE: Final = 200
"""Resources that one statement asks for."""


class Moved(Exception):
    """A resource is not any more what it was when the workbook was judged."""


async def find_existing(session: AsyncSession, codes: Sequence[str], systems: Mapping[UUID, str]) -> list[Existing]:
    """Return the resources of these codes with their versions; `systems` are the codes of systems by their ids."""
    found: list[Existing] = []
    for start in range(0, len(codes), _AT_ONCE):
        resources = await repository.with_codes(session, codes[start : start + _AT_ONCE])
        versions: dict[UUID, list[dict[str, Any]]] = {resource.id: [] for resource in resources}
        for identifier, number, said, items, digest, state in await repository.versions_without_schema(
            session, list(versions)
        ):
            shown = {"number": number, "description": said, "items": items, "schema_digest": digest, "state": state}
            versions[identifier].append(shown)
        for resource in resources:
            row = resource.model_dump(mode="json")
            found.append(
                Existing(resource=row, system=systems[resource.system_id], versions=tuple(versions[resource.id]))
            )
            session.expunge(resource)
    return found


async def reserve(session: AsyncSession, needed: Mapping[str, int]) -> dict[str, int]:
    """Return the first of so many sequences below each classification; what is not used stays unused for ever."""
    return {front: await repository.next_sequence(session, front, needed[front]) for front in sorted(needed)}


async def store(session: AsyncSession, prepared: Sequence[Prepared], *, now: datetime) -> list[Step]:
    """Write these resources; returns a step for each. Raises Moved where one has changed since it was judged."""
    fences = {one.resource_id: one.fence for one in prepared if one.fence is not None}
    if fences and await repository.locked_times(session, list(fences)) != fences:
        raise Moved
    new = [one for one in prepared if one.step == REGISTERED]
    await repository.insert_rows(
        session, Resource, [dict(one.resource) | {"created_at": now, "updated_at": now} for one in new]
    )
    changed: dict[frozenset[str], list[dict[str, Any]]] = {}
    for one in prepared:
        if one.step != REGISTERED:
            row = {"id": one.resource_id, "updated_at": now, **one.resource}
            changed.setdefault(frozenset(row), []).append(row)
    for rows in changed.values():  # one statement for each set of columns
        await repository.update_rows(session, Resource, rows)
    begun = [_version(one) | _begun(now) for one in prepared if one.step != EDITED]
    await repository.insert_rows(session, ResourceVersion, begun)
    await repository.update_rows(session, ResourceVersion, [_version(one) for one in prepared if one.step == EDITED])
    return [_step(one, now) for one in prepared]


def _version(one: Prepared) -> dict[str, Any]:
    return {
        "resource_id": one.resource_id,
        "number": one.number,
        "description": one.said,
        "items": one.items,
        "payload_schema": one.payload_schema,
        "schema_digest": one.schema_digest,
        "claims": list(one.claims),
    }


def _begun(now: datetime) -> dict[str, Any]:
    return {"state": VersionState.DRAFT.value, "created_at": now}


def _step(one: Prepared, now: datetime) -> Step:
    return _STEPS[one.step](
        resource_id=one.resource_id,
        code=one.code,
        version=one.number,
        schema_digest=one.schema_digest,
        at=now,
        before=one.before,
        after=one.after,
    )
