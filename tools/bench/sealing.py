"""The sealer by itself, as fast as it goes; and a real worker that seals while entries keep coming, for the delay."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from certs.tiles import TileWriter
from hub.audit import repository as audit
from hub.audit.entry import Actor, Entry, Event, make_entry
from hub.audit.sealer import Sealer
from hub.db.engine import Database
from hub.registry.keyring import KeyRing
from hub.registry.masterkey import load_master_key
from tools.bench.errors import VoidRun
from tools.bench.figures import Figures, percentile
from tools.bench.plan import SEAL, SEAL_PER_SECOND
from tools.bench.servers import WORKER, running
from tools.bench.stand import Bench, say

ALONE = 100_000
ALONE_SMOKE = 10_000
"""Entries of one run of the sealer by itself."""

CHUNK = 1_000
TICK_S = 0.02
LOOK_S = 0.05
SEAL_S = 30.0
"""Everything is sealed by then, or there is something wrong."""

SHOWN = "SELECT checkpoint_size FROM tree_head"


@dataclass(frozen=True, slots=True)
class Sealed:
    """Entries a second of the sealer alone, and of the tree's mathematics alone."""

    per_second: float
    floor: float


def seal(bench: Bench) -> Figures:
    """Seal a backlog, then seal while `SEAL_PER_SECOND` entries come in. Raises VoidRun."""
    plan = bench.plan
    count = ALONE_SMOKE if plan.is_smoke else ALONE
    runs: list[Sealed] = []
    for number in range(plan.runs):
        runs.append(asyncio.run(_alone(bench, count)))
        say(f"{SEAL}: {number + 1}/{plan.runs}, {runs[-1].per_second:,.0f}/s")
    with running(bench.settings, bench.directory, WORKER) as servers:
        delays = asyncio.run(_while_they_come(bench, plan.run_s[SEAL], may_be_late=plan.is_smoke))
        resident = servers.largest_resident_mib(WORKER)
    say(f"{SEAL}: {SEAL_PER_SECOND:,}/s, p50 {percentile(delays, 50):.0f} ms, max {max(delays):.0f} ms")
    speed = statistics.median(run.per_second for run in runs)
    lowest = statistics.median(run.floor for run in runs)
    return Figures(
        per_second=speed,
        p50_ms=percentile(delays, 50),
        p99_ms=percentile(delays, 99),
        max_ms=max(delays),
        floor_ratio=speed / lowest,
        baseline_ratio=None,
        rss_mib=resident,
        runs=[run.per_second for run in runs],
        floor_per_second=lowest,
        baseline_per_second=None,
        cpu_us={},
        parts_us={},
        notes=(
            f"latencies are from an entry's commit to the checkpoint that holds it, at {SEAL_PER_SECOND:,} a second",
        ),
    )


def _entries(count: int) -> list[Entry]:
    """Entries like those of an acceptance, each with a leaf of its own."""
    actor = Actor("system", "bench-provider", address="127.0.0.1")
    now = datetime.now(UTC)
    return [
        make_entry(
            Event("exchange.accepted", actor, "exchange", f"bench-{number}", details={"jti": f"{number:032x}"}),
            hub="bench-hub",
            now=now,
        )
        for number in range(count)
    ]


async def _alone(bench: Bench, count: int) -> Sealed:
    database = Database(bench.dsn, application="bench")
    async with database.session() as session:
        keyring = await KeyRing.load(session, load_master_key(bench.settings.master_key_path))
    await database.dispose()
    sealer = Sealer.of(keyring.signer("log"), keyring.log_verifier_key(bench.settings.hub_id))
    entries = _entries(count)
    async with database.connection() as connection:
        while (await sealer.round(connection)).entries:
            pass
        await _write(connection, entries)
        began = time.perf_counter()
        sealed = 0
        while done := (await sealer.round(connection)).entries:
            sealed += done
        elapsed = time.perf_counter() - began
    if sealed != count:
        raise VoidRun(f"写入 {count} 条，封存 {sealed} 条", f"{count} entries were written and {sealed} sealed")
    return Sealed(count / elapsed, count / _mathematics([entry.leaf_hash for entry in entries]))


def _mathematics(hashes: Sequence[bytes]) -> float:
    """Seconds that the tree of these leaves takes by itself."""
    began = time.perf_counter()
    TileWriter().extend(hashes)
    return time.perf_counter() - began


async def _write(connection: asyncpg.Connection, entries: Sequence[Entry]) -> None:
    for first in range(0, len(entries), CHUNK):
        await audit.insert(connection, entries[first : first + CHUNK])


async def _while_they_come(bench: Bench, seconds: int, *, may_be_late: bool) -> list[float]:
    """Milliseconds from commit to checkpoint, one figure for each batch of entries. Raises VoidRun.

    Entries that come more slowly than they should void the run, unless nothing is judged by it.
    """
    database = Database(bench.dsn, application="bench")
    each = int(SEAL_PER_SECOND * TICK_S)
    entries = _entries(SEAL_PER_SECOND * seconds)
    committed: list[tuple[int, float]] = []
    shown: list[tuple[int, float]] = []
    async with database.connection() as writer, database.connection() as reader:
        base = await _quiet(reader)

        async def look() -> None:
            while not committed or shown[-1][0] < base + len(entries):
                size = await reader.fetchval(SHOWN)
                shown.append((size, time.perf_counter()))
                await asyncio.sleep(LOOK_S)

        shown.append((base, time.perf_counter()))
        looking = asyncio.create_task(look())
        began = time.perf_counter()
        for tick in range(len(entries) // each):
            await asyncio.sleep(max(0.0, began + tick * TICK_S - time.perf_counter()))
            await audit.insert(writer, entries[tick * each : (tick + 1) * each])
            committed.append((base + (tick + 1) * each, time.perf_counter()))
        late = time.perf_counter() - began - seconds
        await asyncio.wait_for(looking, SEAL_S)
    if late > seconds * 0.1 and not may_be_late:
        raise VoidRun(
            f"每秒 {SEAL_PER_SECOND} 条写不进去，慢了 {late:.1f} 秒",
            f"{SEAL_PER_SECOND} entries a second could not be written: {late:.1f} s late",
        )
    return [1000 * (next(at for size, at in shown if size >= number) - moment) for number, moment in committed]


async def _quiet(reader: asyncpg.Connection) -> int:
    """The size shown once nothing waits to be sealed. Raises VoidRun."""
    for _ in range(int(SEAL_S / LOOK_S)):
        row = await reader.fetchrow("SELECT size, checkpoint_size, EXISTS (SELECT FROM log_pending) FROM tree_head")
        assert row is not None
        size, shown, waiting = row
        if shown == size and not waiting:
            return int(size)
        await asyncio.sleep(LOOK_S)
    raise VoidRun("封存停不下来", "sealing does not come to an end")
