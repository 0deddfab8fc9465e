"""All SQL of harvesting; judges nothing. Comparison and application are one statement each, whatever their number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from catalog.dcat.pages import Harvested
from catalog.harvest.models import Harvest, HarvestEntry, UpstreamCatalogue, UpstreamResource

# Addresses at which the catalogue had something that could not be read are not gone.
_COMPARED = """
WITH found AS (SELECT uri, digest FROM harvest_entry WHERE harvest_id = :harvest),
     had AS (SELECT uri, digest, gone_at, edits FROM upstream_resource WHERE catalogue_id = :catalogue),
     unread AS (SELECT fault ->> 'uri' AS uri FROM harvest h, jsonb_array_elements(h.faults) AS fault WHERE h.id = :harvest)
SELECT coalesce(f.uri, h.uri) AS uri,
       CASE WHEN h.uri IS NULL THEN 'new'
            WHEN f.uri IS NULL THEN 'gone'
            WHEN h.gone_at IS NOT NULL THEN 'back'
            WHEN f.digest <> h.digest THEN 'changed'
            ELSE 'unchanged' END AS verdict
FROM found f FULL JOIN had h ON h.uri = f.uri
WHERE f.uri IS NOT NULL OR (h.gone_at IS NULL AND h.uri NOT IN (SELECT uri FROM unread))
"""
_COUNTS = text(f"SELECT verdict, count(*) FROM ({_COMPARED}) AS compared GROUP BY verdict")  # noqa: S608
_LISTED = text(
    f"SELECT uri, verdict FROM ({_COMPARED}) AS compared WHERE verdict <> 'unchanged' AND uri > :after"  # noqa: S608
    " ORDER BY uri LIMIT :limit"
)
_UPSERT = text("""
INSERT INTO upstream_resource
    (id, catalogue_id, uri, said, digest, edits, edited_over, first_seen_at, last_seen_at)
SELECT gen_random_uuid(), :catalogue, e.uri, e.said, e.digest, '{}', '{}', :now, :now
FROM harvest_entry e WHERE e.harvest_id = :harvest ORDER BY e.uri
ON CONFLICT (catalogue_id, uri) DO UPDATE
SET said = excluded.said, digest = excluded.digest, last_seen_at = excluded.last_seen_at, gone_at = NULL
""")
_GONE = text(f"""
UPDATE upstream_resource SET gone_at = :now
WHERE catalogue_id = :catalogue AND uri IN (SELECT uri FROM ({_COMPARED}) AS compared WHERE verdict = 'gone')
""")  # noqa: S608


@dataclass(frozen=True, slots=True)
class Compared:
    """An address of a harvest and what applying it would do: new, changed, back or gone."""

    uri: str
    verdict: str


async def catalogue(session: AsyncSession, name: str) -> UpstreamCatalogue | None:
    """The catalogue of that name, or None."""
    found: UpstreamCatalogue | None = await session.scalar(
        select(UpstreamCatalogue).where(col(UpstreamCatalogue.name) == name)
    )
    return found


async def catalogues(session: AsyncSession, after: str, limit: int) -> Sequence[UpstreamCatalogue]:
    """Up to `limit` catalogues by name, beginning after `after`."""
    query = select(UpstreamCatalogue).where(col(UpstreamCatalogue.name) > after)
    return (await session.scalars(query.order_by(col(UpstreamCatalogue.name)).limit(limit))).all()


async def locked_harvest(session: AsyncSession, identifier: UUID) -> Harvest | None:
    """The harvest as it is now, held against other acts on it, or None."""
    query = select(Harvest).where(col(Harvest.id) == identifier).with_for_update()
    found: Harvest | None = await session.scalar(query.execution_options(populate_existing=True))
    return found


async def open_harvest(session: AsyncSession, catalogue_id: UUID) -> Harvest | None:
    """The harvest of a catalogue that is under way, or None."""
    found: Harvest | None = await session.scalar(
        select(Harvest).where(col(Harvest.catalogue_id) == catalogue_id, col(Harvest.state) == "gathering")
    )
    return found


async def stage(session: AsyncSession, harvest: UUID, datasets: Sequence[Harvested]) -> None:
    """Put datasets into the staging of a harvest; one that is there already is replaced."""
    if not datasets:
        return
    rows = [{"harvest_id": harvest, "uri": d.uri, "said": dict(d.said), "digest": d.digest} for d in datasets]
    staged = insert(HarvestEntry)
    await session.execute(
        staged.on_conflict_do_update(
            index_elements=[col(HarvestEntry.harvest_id), col(HarvestEntry.uri)],
            set_={"said": staged.excluded.said, "digest": staged.excluded.digest},
        ),
        rows,
    )


async def counts(session: AsyncSession, harvest: Harvest) -> dict[str, int]:
    """How many addresses are new, changed, back, gone, unchanged."""
    found = await session.execute(_COUNTS, {"harvest": harvest.id, "catalogue": harvest.catalogue_id})
    return dict.fromkeys(("new", "changed", "back", "gone", "unchanged"), 0) | {row[0]: row[1] for row in found}


async def compared(session: AsyncSession, harvest: Harvest, after: str, limit: int) -> list[Compared]:
    """Up to `limit` addresses that applying would change, in their order, beginning after `after`."""
    values = {"harvest": harvest.id, "catalogue": harvest.catalogue_id, "after": after, "limit": limit}
    return [Compared(row[0], row[1]) for row in await session.execute(_LISTED, values)]


async def apply(session: AsyncSession, harvest: Harvest, now: datetime) -> None:
    """Write what the harvest found, and mark what it did not find any more; what people wrote stays."""
    values = {"harvest": harvest.id, "catalogue": harvest.catalogue_id, "now": now}
    await session.execute(_GONE, values)
    await session.execute(_UPSERT, values)


async def clear(session: AsyncSession, harvest: UUID) -> None:
    """Empty the staging of a harvest."""
    await session.execute(delete(HarvestEntry).where(col(HarvestEntry.harvest_id) == harvest))


async def locked_resource(session: AsyncSession, identifier: UUID) -> UpstreamResource | None:
    """The upstream resource as it is now, held against other edits, or None."""
    query = select(UpstreamResource).where(col(UpstreamResource.id) == identifier).with_for_update()
    found: UpstreamResource | None = await session.scalar(query.execution_options(populate_existing=True))
    return found


async def resources(
    session: AsyncSession, *, catalogue_id: UUID, gone: bool | None, after: str, limit: int
) -> Sequence[UpstreamResource]:
    """Up to `limit` resources of a catalogue by address, beginning after `after`; `gone`: only those gone or only those there."""
    query = select(UpstreamResource).where(
        col(UpstreamResource.catalogue_id) == catalogue_id, col(UpstreamResource.uri) > after
    )
    if gone is not None:
        query = query.where(
            col(UpstreamResource.gone_at).is_not(None) if gone else col(UpstreamResource.gone_at).is_(None)
        )
    return (await session.scalars(query.order_by(col(UpstreamResource.uri)).limit(limit))).all()


async def staged_count(session: AsyncSession, harvest: UUID) -> int:
    """How many datasets are staged."""
    found = await session.scalar(
        select(func.count()).select_from(HarvestEntry).where(col(HarvestEntry.harvest_id) == harvest)
    )
    return int(found or 0)
