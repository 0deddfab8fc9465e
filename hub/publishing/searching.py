"""Finding resources by words and facets, and writing the index anew. What is shown is read from the resources themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import cursors, facets, finding, indexing
from catalog.errors import CatalogError
from catalog.facets import Facet, FacetValue
from catalog.finding import Counted, Search
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.publishing import repository
from hub.publishing.repository import ShownResource
from hub.registry.errors import InvalidField, from_catalog

MAX_VALUES: Final = 50
"""Values of one facet that are shown, the most frequent first; only providers have more."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found; `total` counts up to 1,000, `is_capped` says that there are more.

    `facets` is None where nobody asked for it. `has_words` is false for a query of signs alone, which finds nothing.
    """

    resources: Sequence[ShownResource]
    next: str | None
    total: int
    is_capped: bool
    facets: Mapping[Facet, Sequence[FacetValue]] | None
    has_words: bool


@dataclass(frozen=True, slots=True)
class Reindexed:
    """A part of the rebuild: what was looked at and changed, the cursor of the next part (None: done), `of` how many.

    Nothing checked, and a cursor: somebody is changing the next resource; ask again.
    """

    checked: int
    changed: int
    next: str | None
    of: int | None


async def search(connection: asyncpg.Connection, question: Search) -> Found:
    """What the question finds. Providers are named by code or id. Raises InvalidInput (query, cursor, provider).

    Within a transaction of its own: it changes the planner's settings for what is left of it.
    """
    named = question.filters.get(Facet.PROVIDER, ())
    if named:
        providers = tuple([str(await _provider(connection, name)) for name in named])
        question = replace(question, filters={**question.filters, Facet.PROVIDER: providers})
    try:
        found = await finding.find(connection, question)
    except CatalogError as error:
        raise from_catalog(error) from error
    shown = await repository.show_quickly(connection, found.resources)
    counted = await _labelled(connection, found.counts) if question.with_facets else None
    page = [shown[resource] for resource in found.resources]
    return Found(page, found.next, found.total, found.is_capped, counted, found.has_words)


async def reindex(
    session: AsyncSession, *, cursor: str | None, limit: int, actor: Actor, recorder: Recorder, now: datetime
) -> Reindexed:
    """Write the index anew for up to `limit` resources behind the cursor. Raises InvalidInput (cursor).

    Changes no rights and nothing that is shown, so it holds no barrier and bumps no epoch.
    """
    try:
        after = cursors.decode(cursor) if cursor else None
    except CatalogError as error:
        raise from_catalog(error) from error
    batch = await indexing.rebuild(session, after=after, limit=limit)
    if batch.checked and batch.last is not None:
        counts = {"checked": batch.checked, "changed": batch.changed}
        event = Event("resource.reindexed", actor, "resource", batch.last, details=counts)
        recorder.record(session, event, now=now)
    following = None if batch.last is None else cursors.encode(batch.last) if batch.last else ""
    return Reindexed(batch.checked, batch.changed, following, batch.of)


async def _provider(connection: asyncpg.Connection, named: str) -> UUID:
    try:
        return UUID(named)
    except ValueError:
        found = await repository.organisation_of_code(connection, named)
    if found is None:
        raise InvalidField(
            "provider",
            "没有登记过此代码的机构；provider 请填统一社会信用代码或机构 id",
            "no organisation of that code is registered; provider is its 18-character code or its id",
        )
    return found


async def _labelled(connection: asyncpg.Connection, counts: Sequence[Counted]) -> dict[Facet, Sequence[FacetValue]]:
    """Values with labels, the most frequent first, for each facet."""
    shown: dict[Facet, Sequence[FacetValue]] = {}
    for facet in Facet:
        values = sorted((one for one in counts if one.facet is facet), key=lambda one: (-one.count, one.value))
        if facet is Facet.PROVIDER:
            shown[facet] = await _named(connection, values[:MAX_VALUES])
        else:
            shown[facet] = [FacetValue(one.value, *facets.label(facet, one.value), one.count) for one in values]
    return shown


async def _named(connection: asyncpg.Connection, values: Sequence[Counted]) -> Sequence[FacetValue]:
    """Providers by the code that a filter takes; those without one by id."""
    found = await repository.organisations_quickly(connection, [UUID(one.value) for one in values])
    bodies = [(one, found[UUID(one.value)]) for one in values]
    return [FacetValue(body.code or one.value, body.name, body.name_en, one.count) for one, body in bodies]
