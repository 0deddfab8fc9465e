"""The bench of search: its mix, its made-up catalogue, and what voids a run."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from catalog.finding import Search
from hub.db.engine import Database
from hub.publishing import searching
from hub.settings import Settings
from tests.support.postgres import TestServer
from tools.bench import search
from tools.bench.county import County
from tools.bench.entries import entries, providers
from tools.bench.errors import VoidRun
from tools.bench.plan import SMOKE
from tools.bench.stand import Bench


def test_the_mix_has_queries_of_two_to_four_characters_of_every_kind() -> None:
    mix = search.read_mix(search.MIX)
    assert len(mix) >= 60
    assert {len(query) for query in mix} == {2, 3, 4}
    assert {"日期", "信息", "環境影響", "qydj", "306"} <= set(mix)


@pytest.mark.parametrize("wrong", ["信", "统一社会信用", "信息\n信息"])
def test_a_mix_with_another_query_is_refused(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "mix.txt").write_text(f"# 说明\n\n{wrong}\n", "utf-8")
    with pytest.raises(ValueError, match="characters"):
        search.read_mix(tmp_path / "mix.txt")


def test_the_same_seed_makes_the_same_entries_each_of_another_name() -> None:
    made = list(entries(2_000))
    assert made == list(entries(2_000))
    assert len({entry.name for entry in made}) == 2_000
    assert {entry.provider for entry in made} <= set(range(len(providers())))
    assert all(entry.items and len(entry.name) <= 100 for entry in made)


@pytest.fixture
def bench(postgres: TestServer, database_dsn: str, tmp_path: Path) -> Bench:
    """A bench on an empty hub, without county and processes."""
    nobody = cast(tuple[County, ProcessPoolExecutor], (None, None))
    return Bench(SMOKE, tmp_path, Settings(data=tmp_path), database_dsn, postgres.postgres.admin_dsn(), *nobody)


async def test_entries_are_found_once_they_are_filled_in_and_the_mix_is_judged(
    bench: Bench, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "ENTRIES_SMOKE", 300)
    mix = search.read_mix(search.MIX)
    indexed_s = await search._settle(bench, mix)
    assert indexed_s is not None
    assert await search._settle(bench, mix) is None  # they are there
    async with database.connection() as connection, connection.transaction():
        found = await searching.search(connection, Search("日期", for_systems=True))
    assert 30 < found.total < 300
    answers = await search._by_service(bench, mix, 0.0, with_facets=True)
    assert len(answers.every) == len(mix)
    assert answers.slowest in mix
    with pytest.raises(VoidRun, match="日期"):
        await search._settle(bench, [query for query in mix if query != "日期"])


async def test_an_answer_that_changes_voids_the_run() -> None:
    totals = iter(("1", "2"))

    async def ask(query: str) -> str:
        return next(totals)

    with pytest.raises(VoidRun, match="1, then 2"):
        await search._asked(ask, ["信息"], rounds=2)
