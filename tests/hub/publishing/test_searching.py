"""The index follows every step, is no second source of truth, and is written anew beside the work that goes on."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import indexing
from catalog.facets import Facet
from catalog.finding import Search
from hub.app.upkeep import migrate_and_prepare
from hub.db.engine import Database
from hub.errors import Conflict, InvalidInput
from hub.publishing import deciding, searching, service, stopping
from hub.publishing.searching import Found, Reindexed
from hub.registry.models import Organisation, System
from hub.settings import Settings
from tests.catalog.registered import driver_connection
from tests.support.publishing import (
    CLASSIFICATION,
    EDITOR,
    ITEMS,
    MORE_ITEMS,
    REVIEWER,
    clear,
    describe,
    owned,
    published,
)
from tests.support.registry import NOW, OFFICER, RECORDER, make_organisation, make_system

INDEX = (
    "SELECT to_jsonb(s) - 'tokens' || jsonb_build_object('tokens', tsvector_to_array(s.tokens)) FROM {} s"
    " ORDER BY resource_id, for_systems"
)


async def index_of(session: AsyncSession) -> list[list[Any]]:
    """Everything that the index holds."""
    return [
        list(await session.scalars(text(INDEX.format(table)))) for table in ("resource_search", "resource_search_body")
    ]


async def rebuild(session: AsyncSession) -> Reindexed:
    """All of it in one part."""
    return await searching.reindex(session, cursor=None, limit=500, actor=OFFICER, recorder=RECORDER, now=NOW)


class Desk:
    """An editor and a reviewer who take whatever step comes to their minds."""

    def __init__(self, session: AsyncSession, provider: Organisation, system: System, seed: int) -> None:
        self.session, self.provider, self.system = session, provider, system
        self.chance = random.Random(seed)
        self.resources: list[UUID] = []

    async def _approve(self, resource: UUID) -> None:
        await clear(self.session, await service.find_resource(self.session, str(resource)))

    def said(self) -> Any:
        words = ("救助", "环保", "许可", "名单", "信息")
        return describe(
            name="".join(self.chance.choices(words, k=3)),
            summary="".join(self.chance.choices(words, k=4)),
            share_type=2,
            share_condition="行政依据",
            update_cycle=self.chance.randrange(1, 9),
        )

    async def step(self) -> str:
        """One step, or an attempt at one that the state refuses."""
        act = {"actor": EDITOR, "recorder": RECORDER, "now": NOW}
        review = act | {"actor": REVIEWER}
        if len(self.resources) < 2 or self.chance.random() < 0.1:
            made = await service.register_resource(
                self.session,
                self.said(),
                ITEMS,
                owner=owned(self.provider, self.system),
                classification=CLASSIFICATION,
                **act,  # type: ignore[arg-type]
            )
            self.resources.append(made.resource_id)
            return "register"
        resource = self.chance.choice(self.resources)
        said, items = self.said(), self.chance.choice((ITEMS, MORE_ITEMS))
        steps: dict[str, Any] = {
            "edit": lambda: service.edit_draft(self.session, resource, metadata=said, items=items, **act),  # type: ignore[arg-type]
            "submit": lambda: service.submit(self.session, resource, **act),  # type: ignore[arg-type]
            "return": lambda: deciding.return_to_draft(self.session, resource, reason="改", **review),  # type: ignore[arg-type]
            "approve": lambda: self._approve(resource),
            "publish": lambda: deciding.publish(self.session, resource, confirm_breaking=True, **review),  # type: ignore[arg-type]
            "draft": lambda: service.new_version(self.session, resource, metadata=said, **act),  # type: ignore[arg-type]
            "suspend": lambda: stopping.suspend(self.session, resource, reason="停", **review),  # type: ignore[arg-type]
            "resume": lambda: stopping.resume(self.session, resource, **review),  # type: ignore[arg-type]
            "end": lambda: stopping.end_version(self.session, resource, 1, **review),  # type: ignore[arg-type]
            "withdraw": lambda: stopping.withdraw(self.session, resource, reason="撤", **review),  # type: ignore[arg-type]
        }
        name = self.chance.choices(list(steps), weights=(4, 6, 1, 6, 8, 4, 2, 3, 1, 0.2))[0]
        try:
            async with self.session.begin_nested():
                await steps[name]()
        except (Conflict, InvalidInput):
            return f"{name} refused"
        return name


@pytest.mark.parametrize("seed", [1, 2])
async def test_after_any_steps_the_index_is_what_a_rebuild_writes(session: AsyncSession, seed: int) -> None:
    provider = await make_organisation(session)
    desk = Desk(session, provider, await make_system(session, "provider", provider), seed)
    taken = [await desk.step() for _ in range(120)]
    assert {"edit", "submit", "publish", "draft", "suspend"} <= set(taken)
    kept = await index_of(session)
    assert all(kept)
    assert (await rebuild(session)).changed == 0
    for table in ("resource_search", "resource_search_body"):
        await session.execute(text(f"DELETE FROM {table}"))
    done = await rebuild(session)
    assert (done.checked, done.changed) == (len(desk.resources), len(desk.resources))
    assert await index_of(session) == kept


async def test_what_is_shown_is_read_from_the_resource_whatever_the_index_says(session: AsyncSession) -> None:
    provider = await make_organisation(session)
    record = await published(session, provider, await make_system(session, "provider", provider), name="救助名单")
    await session.execute(text("UPDATE resource_search SET text = '环保', tokens = array_to_tsvector('{环保,保}')"))
    await session.execute(
        text("UPDATE resource_search_body SET name = '环保', tokens = array_to_tsvector('{环保,保}')")
    )

    async def search(query: str) -> Found:
        return await searching.search(await driver_connection(session), Search(query, with_facets=True))

    wrong = await search("环保")
    assert [found.name for found in wrong.resources] == ["救助名单"]
    done = await rebuild(session)
    assert (done.checked, done.changed, done.next, done.of) == (1, 1, "MzA2MDAxMDAwMDAxLzAwMDAwMQ", 1)
    assert (await search("环保")).resources == []
    found = await search("救助")
    assert [found.id for found in found.resources] == [record.resource.id]
    assert found.facets is not None
    assert [(one.value, one.zh, one.count) for one in found.facets[Facet.PROVIDER]] == [
        (provider.code, provider.name, 1)
    ]
    assert [(one.value, one.zh) for one in found.facets[Facet.STATUS]] == [("published", "已发布")]
    leaf = await session.scalar(text("SELECT leaf FROM log_entry WHERE event = 'resource.reindexed'"))
    assert orjson.loads(leaf)["details"] == {"checked": 1, "changed": 1}


async def test_a_provider_is_named_by_code_or_id(session: AsyncSession) -> None:
    provider = await make_organisation(session)
    await published(session, provider, await make_system(session, "provider", provider))

    async def named(*providers: str) -> Sequence[Any]:
        return (
            await searching.search(await driver_connection(session), Search(filters={Facet.PROVIDER: providers}))
        ).resources

    assert provider.code is not None
    assert len(await named(provider.code)) == len(await named(str(provider.id))) == 1
    assert len(await named(str(UUID(int=5)), provider.code)) == 1
    assert await named(str(UUID(int=5))) == []
    with pytest.raises(InvalidInput) as refused:
        await named("91110000000000000X")
    assert refused.value.errors[0].pointer == "provider"
    with pytest.raises(InvalidInput):
        await searching.search(await driver_connection(session), Search("办事", cursor="x"))


async def test_a_rebuild_stops_before_a_resource_that_a_step_holds_and_waits_for_nobody(
    database: Database, session: AsyncSession
) -> None:
    provider = await make_organisation(session)
    system = await make_system(session, "provider", provider)
    _, second = [(await published(session, provider, system)).resource for _ in range(2)]
    await session.commit()
    async with database.session() as editing, editing.begin():
        await stopping.suspend(editing, second.id, reason="停", actor=REVIEWER, recorder=RECORDER, now=NOW)
        part = await rebuild(session)
        assert (part.checked, part.changed, part.of) == (1, 0, 2)
        again = await searching.reindex(session, cursor=part.next, limit=500, actor=OFFICER, recorder=RECORDER, now=NOW)
        assert (again.checked, again.next) == (0, part.next)
        await session.rollback()
    last = await searching.reindex(session, cursor=part.next, limit=500, actor=OFFICER, recorder=RECORDER, now=NOW)
    assert (last.checked, last.changed) == (1, 0)
    end = await searching.reindex(session, cursor=last.next, limit=500, actor=OFFICER, recorder=RECORDER, now=NOW)
    assert (end.checked, end.next) == (0, None)
    with pytest.raises(InvalidInput):
        await searching.reindex(session, cursor="?", limit=1, actor=OFFICER, recorder=RECORDER, now=NOW)


async def test_a_rebuild_goes_by_parts_of_five_hundred_at_most(session: AsyncSession) -> None:
    assert await indexing.rebuild(session, after=None, limit=9) == indexing.Batch(0, 0, None, 0)


async def test_an_upgrade_indexes_what_was_registered_before(
    database_dsn: str, session: AsyncSession, tmp_path: Path
) -> None:
    provider = await make_organisation(session)
    system = await make_system(session, "provider", provider)
    for name in ("救助名单", "救助信息"):
        await published(session, provider, system, name=name)
    kept = await index_of(session)
    await session.execute(text("DELETE FROM resource_search"))
    await session.execute(text("DELETE FROM resource_search_body"))
    await session.commit()
    assert await migrate_and_prepare(Settings(data=tmp_path, hub_id="lintao-hub"), database_dsn) == []
    assert await index_of(session) == kept
