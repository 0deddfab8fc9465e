"""The index of search: what a resource is found by, written with every step, and all of it anew by one command.

The index is derived and answers nothing: it gives ids and their order, and what is shown is read from the resources.
Whatever changes a resource, its versions or its provider's name calls `index` in the same transaction.

I7 holds for finding too. Partner systems find a resource by what its live version says, never by a word that only a
draft holds; staff find it by the live version and the newest one.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import facets
from catalog import indexing_repository as repository
from catalog.codes import ResourceStatus
from catalog.facets import Facet
from catalog.indexing_repository import Said, Source
from catalog.search_repository import SAMPLE
from catalog.search_text import Wording, word_resource

FOUND_BY_SYSTEMS: Final = (ResourceStatus.PUBLISHED, ResourceStatus.SUSPENDED)
"""A withdrawn resource can still be read by who knows its id."""

MAX_BATCH: Final = 500
"""Resources that one transaction of a rebuild holds against steps: for about a second."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of a rebuild: how many resources were looked at, for how many the index changed, and where to go on.

    `last` is the code of the last one, None after the last of all. Nothing `checked` with a `last`: a step held the next
    resource; ask again. `of` counts all resources, in the first batch only.
    """

    checked: int
    changed: int
    last: str | None
    of: int | None = None


async def ready() -> None:
    """Have the dictionaries loaded that `index` needs: 0.2 s for the first call of a process, nothing after that."""
    await asyncio.to_thread(word_resource, ("示例",), ())


async def index(session: AsyncSession, resources: Sequence[UUID]) -> int:
    """Write what these resources are found by, from their rows as they are now; returns for how many that changed."""
    found = await repository.sources(session, resources)
    # In a thread, for a large batch takes a while.
    rows = await asyncio.to_thread(lambda: [row for source in found for row in _rows(source)])
    return len(await repository.write(session, resources, rows))


async def index_unknown(session: AsyncSession) -> int:
    """Write what up to 500 resources are found by of which the index knows nothing; returns how many there were.

    Those are what was registered before this release.
    """
    unknown = await repository.unindexed(session, MAX_BATCH)
    return await index(session, unknown) if unknown else 0


async def rebuild(session: AsyncSession, *, after: str | None, limit: int) -> Batch:
    """Write the index anew for up to `limit` (≤ 500) resources beyond the code `after`; searches go on meanwhile.

    Holds the resources against steps until the transaction ends, and never waits for a step: where one holds a resource,
    the batch ends before it.
    """
    due = await repository.after(session, after, max(1, min(limit, MAX_BATCH)))
    of = await repository.count(session) if after is None else None
    if not due:
        return Batch(0, 0, None, of)
    free = await repository.hold_free(session, [resource for resource, _ in due])
    taken = list(takewhile(lambda one: one[0] in free, due))
    if not taken:
        return Batch(0, 0, after or "", of)
    changed = await index(session, [resource for resource, _ in taken])
    return Batch(len(taken), changed, taken[-1][1], of)


def _rows(source: Source) -> Iterator[dict[str, Any]]:
    """Yield the rows of a resource: one for systems where they may find it, one of their own for staff where that differs."""
    shown = source.newest if source.live is None else source.live
    of_systems = source.live is not None and source.resource.status in FOUND_BY_SYSTEMS
    if of_systems:
        yield _row(source, shown, [shown], for_systems=True, for_staff=source.is_newest_live)
    if not (of_systems and source.is_newest_live):
        yield _row(source, shown, [shown, source.newest], for_systems=False, for_staff=True)


def _row(source: Source, shown: Said, said: Sequence[Said], *, for_systems: bool, for_staff: bool) -> dict[str, Any]:
    resource = source.resource
    wording = _wording(source.provider, said)
    values = {
        Facet.STATUS: resource.status,
        Facet.SHARE_TYPE: shown.description["share_type"],
        Facet.CLASS: resource.code[:1],
        Facet.PROVIDER: str(resource.provider_id),
        Facet.UPDATE_CYCLE: shown.description["update_cycle"],
        Facet.FORMAT_CLASS: shown.description.get("format_class"),
    }
    marks = {facets.token(facet, value) for facet, value in values.items() if value is not None}
    return {
        "resource_id": str(resource.id),
        "for_systems": for_systems,
        "for_staff": for_staff,
        "is_sample": resource.id.int % SAMPLE == 0,
        "code": resource.code,
        "status": resource.status,
        "share_type": values[Facet.SHARE_TYPE],
        "provider_id": str(resource.provider_id),
        "update_cycle": values[Facet.UPDATE_CYCLE],
        "format_class": values[Facet.FORMAT_CLASS],
        "name": wording.name,
        "others": wording.others,
        "name_tokens": list(wording.name_tokens | marks),
        "tokens": list(wording.tokens | marks),
    }


def _wording(provider: str, said: Sequence[Said]) -> Wording:
    names = [one.description["name"] for one in said]
    others = [provider]
    for one in said:
        others.append(one.description.get("provider_sub_unit", ""))
        others.extend(_item_names(one.items))
        others.append(one.description["summary"])
    return word_resource(names, others)


def _item_names(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the names of the items of all levels."""
    for item in items:
        yield item["name"]
        yield from _item_names(item.get("items", ()))
