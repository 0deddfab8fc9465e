"""Harvesting catalogues of others, with its log entries. None commits.

Nothing here touches what is exchanged, so no step holds the barrier of rights.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.dcat.pages import CataloguePage, Syntax
from catalog.errors import CatalogError
from catalog.harvest import repository, service
from catalog.harvest.models import Harvest, UpstreamCatalogue, UpstreamResource
from catalog.harvest.repository import Compared
from catalog.schema import digest_of
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.publishing.errors import (
    CatalogueTaken,
    HarvestOpen,
    UnknownHarvest,
    UnknownUpstreamCatalogue,
    UnknownUpstreamResource,
)
from hub.registry.errors import InvalidField, from_catalog
from hub.registry.fields import required_text

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


@dataclass(frozen=True, slots=True)
class Plan:
    """A harvest with what applying it would do: how many, and the addresses of a page of what would change."""

    harvest: Harvest
    counts: Mapping[str, int]
    changes: Sequence[Compared]


async def add_catalogue(
    session: AsyncSession, name: str, title: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> UpstreamCatalogue:
    """Register a catalogue under a short name of ours. Raises InvalidField, CatalogueTaken."""
    if _NAME.fullmatch(name) is None:
        raise InvalidField(
            "/name",
            "名称为 2 至 63 位小写字母、数字或连字符，以字母或数字开头；请更正",
            "a name has 2 to 63 lower-case letters, digits or hyphens and begins with a letter or digit",
        )
    shown = required_text("/title", title)
    if await repository.catalogue(session, name) is not None:
        raise CatalogueTaken(name)
    row = UpstreamCatalogue(id=new_id(now), name=name, title=shown, created_at=now)
    session.add(row)
    await session.flush()
    _record(session, "upstream-catalogue.registered", name, digest_of({"title": shown}), actor, recorder, now)
    return row


async def find_catalogue(session: AsyncSession, name: str) -> UpstreamCatalogue:
    """The catalogue of that name. Raises UnknownUpstreamCatalogue."""
    row = await repository.catalogue(session, name)
    if row is None:
        raise UnknownUpstreamCatalogue(name)
    return row


async def begin_harvest(
    session: AsyncSession, name: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> Harvest:
    """Begin to harvest a catalogue. Raises UnknownUpstreamCatalogue, HarvestOpen."""
    catalogue = await find_catalogue(session, name)
    if (running := await repository.open_harvest(session, catalogue.id)) is not None:
        raise HarvestOpen(running.id)
    row = service.begin(catalogue.id, harvest_id=new_id(now), now=now)
    session.add(row)
    await session.flush()
    _record(session, "harvest.begun", str(row.id), "", actor, recorder, now, {"catalogue": name})
    return row


def parse_page(content: bytes, syntax: Syntax) -> CataloguePage:
    """What one page of a catalogue says; takes seconds for a large one. Raises InvalidInput."""
    from catalog.dcat.reading import read_page  # its library takes long to load

    try:
        return read_page(content, syntax)
    except CatalogError as error:
        raise from_catalog(error) from error


async def add_page(session: AsyncSession, identifier: UUID, page: CataloguePage) -> Harvest:
    """Stage a page. Raises UnknownHarvest, Conflict."""
    harvest = await _harvest(session, identifier)
    try:
        await service.add_page(session, harvest, page)
    except CatalogError as error:
        raise from_catalog(error) from error
    await session.flush()
    return harvest


async def plan(session: AsyncSession, identifier: UUID, *, after: str, limit: int) -> Plan:
    """What applying the harvest would do, from the address `after` on. Raises UnknownHarvest."""
    harvest = await _harvest(session, identifier)
    if harvest.state != "gathering":
        return Plan(harvest, harvest.counts or {}, ())
    counts = await repository.counts(session, harvest)
    return Plan(harvest, counts, await repository.compared(session, harvest, after, limit))


async def apply_harvest(
    session: AsyncSession, identifier: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> Harvest:
    """Take over what was found, in this one transaction. Raises UnknownHarvest, Conflict."""
    harvest = await _harvest(session, identifier)
    try:
        counts = await service.apply(session, harvest, now=now)
    except CatalogError as error:
        raise from_catalog(error) from error
    await session.flush()
    _record(session, "harvest.applied", str(harvest.id), digest_of(counts), actor, recorder, now, counts)
    return harvest


async def abandon_harvest(
    session: AsyncSession, identifier: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> Harvest:
    """Give a harvest up. Raises UnknownHarvest, Conflict."""
    harvest = await _harvest(session, identifier)
    try:
        await service.abandon(session, harvest, now=now)
    except CatalogError as error:
        raise from_catalog(error) from error
    await session.flush()
    _record(session, "harvest.abandoned", str(harvest.id), "", actor, recorder, now)
    return harvest


async def edit_resource(
    session: AsyncSession,
    identifier: UUID,
    edits: Mapping[str, Any],
    *,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> UpstreamResource:
    """Write over what the catalogue says of a resource. Raises UnknownUpstreamResource, InvalidInput."""
    row = await repository.locked_resource(session, identifier)
    if row is None:
        raise UnknownUpstreamResource(identifier)
    before = service.state_digest(row)
    try:
        service.edit(row, edits, now=now)
    except CatalogError as error:
        raise from_catalog(error) from error
    await session.flush()
    after = service.state_digest(row)
    _record(session, "upstream-resource.edited", str(row.id), after, actor, recorder, now, before=before)
    return row


async def _harvest(session: AsyncSession, identifier: UUID) -> Harvest:
    row = await repository.locked_harvest(session, identifier)
    if row is None:
        raise UnknownHarvest(identifier)
    return row


def _record(
    session: AsyncSession,
    event: str,
    object_id: str,
    after: str,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
    details: Mapping[str, Any] | None = None,
    *,
    before: str = "",
) -> None:
    kind = event.partition(".")[0]
    recorder.record(
        session, Event(event, actor, kind, object_id, before=before, after=after, details=details or {}), now=now
    )
