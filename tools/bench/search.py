"""Search over a catalogue of 200,000 entries: a fixed mix of queries, one after the other, by the service and over HTTP."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import orjson
import uvloop

from catalog.finding import Search
from hub.db.engine import Database
from hub.publishing import searching
from tools.bench.catalogue import fill
from tools.bench.errors import VoidRun
from tools.bench.figures import Figures, percentile
from tools.bench.plan import SEARCH_FACETS
from tools.bench.puller import Connection, fetch_token
from tools.bench.servers import GATEWAY, running
from tools.bench.stand import Bench, say

ENTRIES = 200_000
ENTRIES_SMOKE = 2_000

LIMIT = 20
"""Resources of one page, as a page of search shows them."""

WARM_UP_ROUNDS = 2
HTTP_ROUNDS = 5

MIX = Path(__file__).with_name("search_queries.txt")

FILLED = "SELECT count(*) FROM resource_search WHERE for_systems"
MOST_FREQUENT = """
SELECT word FROM ts_stat('SELECT tokens FROM resource_search_body WHERE for_systems')
WHERE char_length(word) = 2 AND left(word, 1) <> '#' ORDER BY ndoc DESC, word LIMIT 1
"""

Ask = Callable[[str], Awaitable[str]]
"""Asks one query and returns the total."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Milliseconds of every answer, and for each query how long it takes as a rule."""

    every: Sequence[float]
    usual: dict[str, float]

    def percentile(self, percent: int) -> float:
        """The time that `percent` of all answers do not exceed, in milliseconds."""
        return percentile(self.every, percent)

    @property
    def slowest(self) -> str:
        """The query that takes longest as a rule."""
        return max(self.usual, key=lambda query: self.usual[query])


def search(bench: Bench, case: str) -> Figures:
    """Ask the mix in rounds, by the service on one connection, then over HTTP. Raises VoidRun."""
    queries = read_mix(MIX)
    with_facets = case == SEARCH_FACETS
    indexed_s = asyncio.run(_settle(bench, queries))
    runs: list[Answers] = []
    for number in range(bench.plan.runs):
        run = _by_service(bench, queries, bench.plan.run_s[case], with_facets=with_facets)
        runs.append(uvloop.run(run))  # as a gateway does
        say(f"{case}: {number + 1}/{bench.plan.runs}, p95 {runs[-1].percentile(95):.2f} ms, {runs[-1].slowest}")
    with running(bench.settings, bench.directory, GATEWAY) as servers:
        over_http = asyncio.run(_over_http(bench, queries, with_facets=with_facets))
        resident = servers.largest_resident_mib(GATEWAY)
    middle = statistics.median_low([run.percentile(95) for run in runs])
    shown = next(run for run in runs if run.percentile(95) == middle)
    speeds = [1000 / statistics.fmean(run.every) for run in runs]
    return Figures(
        per_second=statistics.median(speeds),
        p50_ms=shown.percentile(50),
        p95_ms=middle,
        p99_ms=shown.percentile(99),
        max_ms=max(shown.every),
        http_p95_ms=over_http.percentile(95),
        floor_ratio=None,
        baseline_ratio=None,
        rss_mib=resident,
        runs=speeds,
        floor_per_second=None,
        baseline_per_second=None,
        cpu_us={},
        parts_us={},
        notes=(
            f"{len(queries)} queries of tools/bench/search_queries.txt one after the other, {LIMIT} resources a page",
            f"slowest as a rule: {shown.slowest}, {shown.usual[shown.slowest]:.2f} ms",
            *([] if indexed_s is None else [f"the index of all entries was written in {indexed_s:.0f} s"]),
        ),
    )


def read_mix(path: Path) -> Sequence[str]:
    """The queries of the file. Raises ValueError for one that is not of 2 to 4 characters, or is there twice."""
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    queries = [line for line in lines if line and not line.startswith("#")]
    wrong = [query for query in queries if not 2 <= len(query) <= 4 or queries.count(query) > 1]
    if wrong:
        raise ValueError(f"{path}: 应为 2 至 4 个字且不重复 / 2 to 4 characters, once each: {', '.join(wrong)}")
    return queries


async def _settle(bench: Bench, queries: Sequence[str]) -> float | None:
    """Have the entries there; returns the seconds of indexing, None where they were there before. Raises VoidRun."""
    database = Database(bench.dsn, application="bench")
    indexed_s = None
    count = ENTRIES_SMOKE if bench.plan.is_smoke else ENTRIES
    try:
        async with database.connection() as connection:
            present = await connection.fetchval(FILLED)
        if present < count // 2:  # the other cases have a handful
            say(f"{count:,} 个目录条目 / entries")
            indexed_s = await fill(database, count)
        async with database.connection() as connection:
            await connection.execute("SET statement_timeout = 0")
            frequent = await connection.fetchval(MOST_FREQUENT)
    finally:
        await database.dispose()
    if frequent not in queries:
        raise VoidRun(f"词表缺少最常见的两个字：{frequent}", f"the mix lacks the most frequent bigram: {frequent}")
    return indexed_s


async def _by_service(bench: Bench, queries: Sequence[str], seconds: float, *, with_facets: bool) -> Answers:
    async with Database(bench.dsn, application="bench").connection() as connection:

        async def ask(query: str) -> str:
            question = Search(query, for_systems=True, limit=LIMIT, with_facets=with_facets)
            async with connection.transaction():
                found = await searching.search(connection, question)
            return f"{found.total}{'+' if found.is_capped else ''}"

        await _asked(ask, queries, rounds=WARM_UP_ROUNDS)
        return await _asked(ask, queries, seconds=seconds)


async def _over_http(bench: Bench, queries: Sequence[str], *, with_facets: bool) -> Answers:
    connection = await Connection.open(bench.settings.port)
    try:
        token = await fetch_token(connection, bench.settings, bench.county.pullers[0])
        bearer = {"Authorization": f"Bearer {token}"}

        async def ask(query: str) -> str:
            asked = {"q": query, "limit": LIMIT, "facets": "true" if with_facets else "false"}
            answer = orjson.loads(await connection.ask("GET", f"/v1/resources?{urlencode(asked)}", bearer))
            return str(answer["total"])

        await _asked(ask, queries, rounds=WARM_UP_ROUNDS)
        return await _asked(ask, queries, rounds=HTTP_ROUNDS)
    finally:
        await connection.close()


async def _asked(ask: Ask, queries: Sequence[str], *, rounds: int = 1, seconds: float = 0.0) -> Answers:
    """Whole rounds of the mix: at least `rounds`, and for at least `seconds`. Raises VoidRun if an answer changes."""
    times: dict[str, list[float]] = {query: [] for query in queries}
    totals: dict[str, str] = {}
    end = time.perf_counter() + seconds
    while rounds > 0 or time.perf_counter() < end:
        rounds -= 1
        for query in queries:
            began = time.perf_counter()
            total = await ask(query)
            times[query].append((time.perf_counter() - began) * 1000)
            if totals.setdefault(query, total) != total:
                raise VoidRun(
                    f"{query}：先后找到 {totals[query]} 和 {total} 项", f"{query}: {totals[query]}, then {total}"
                )
    usual = {query: statistics.median(found) for query, found in times.items()}
    return Answers([one for found in times.values() for one in found], usual)
