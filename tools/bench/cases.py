"""The cases: each starts gateways of its own, warms them up, measures, and is compared with floor and baseline."""

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pydantic import SecretStr

from tools.bench import floor, puller, pushes, sealing
from tools.bench import search as searches
from tools.bench.counts import check_acknowledged
from tools.bench.cpu import CpuTime, total
from tools.bench.figures import Figures
from tools.bench.plan import (
    ACCEPT_AND_DELIVER,
    ACCEPT_CONSUMERS,
    DELIVER,
    GATEWAYS,
    PULL_ACK,
    PULL_CONSUMERS,
    PULL_LIMIT,
    SEAL,
    SEARCH,
    SEARCH_FACETS,
)
from tools.bench.requests import Sending, envelopes
from tools.bench.servers import BASELINE, GATEWAY, WORKER, Servers, running
from tools.bench.stand import Bench, Posted, say

FIRST_GUESS = 12_000
"""Requests a second that a warm-up may take; if they run out it ends early, which harms nothing."""

BASELINE_GUESS = 4_000
"""Requests a second that the baseline will not reach."""

BASELINE_WARM_UP_S = 1
FLOOR_ENVELOPES = 2_000
"""Distinct envelopes that the floor goes through again and again."""

FIRST_BACKLOG = 4_000
"""Items for each consumer to warm up with."""

LEAST_BACKLOG = 2_000
"""Items that a consumer finds waiting at least, however slow the warm-up was."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One run of the consumers, and the processor time that it cost."""

    pulled: puller.Pulled
    cpu: CpuTime


def accept(bench: Bench, case: str) -> Figures:
    """Post distinct envelopes to the gateways; every 201 is compared with the rows. Raises VoidRun."""
    sending = bench.sending(case, bench.county.accepted)
    plan = bench.plan
    with running(bench.settings, bench.directory, *[GATEWAY] * GATEWAYS, WORKER) as servers:
        say(f"{case}: 预热 / warming up")
        file = bench.sign(sending, FIRST_GUESS * plan.warm_up_s)
        sample = envelopes(file, FLOOR_ENVELOPES)
        warm = bench.posted(servers, file, plan.warm_up_s, lanes=ACCEPT_CONSUMERS, may_run_out=True)
        say(f"{case}: 下限 / floor")
        lowest = floor.accept_floor(bench.pool, sending, sample, plan.floor_s)
        parts = floor.parts(bench.pool, sending, sample)
        runs: list[Posted] = []
        for number in range(plan.runs):
            fastest = max(run.load.per_second for run in (warm, *runs))
            file = bench.sign(sending, fastest * plan.run_s[case] * plan.margin)
            say(
                f"{case}: {number + 1}/{plan.runs}, {plan.run_s[case]} s, {file.count:,} 个已签名请求 / signed requests"
            )
            runs.append(bench.posted(servers, file, plan.run_s[case], lanes=ACCEPT_CONSUMERS))
            say(f"{case}: {runs[-1].load}")
        resident = servers.largest_resident_mib(GATEWAY)
    plain = _baseline(bench, case, sending)
    speed = statistics.median(run.load.per_second for run in runs)
    return Figures(
        per_second=speed,
        p50_ms=statistics.median(run.load.p50_ms for run in runs),
        p99_ms=statistics.median(run.load.p99_ms for run in runs),
        floor_ratio=speed / lowest,
        baseline_ratio=speed / plain,
        rss_mib=resident,
        runs=[run.load.per_second for run in runs],
        floor_per_second=lowest,
        baseline_per_second=plain,
        cpu_us=total([run.cpu for run in runs]).microseconds_each(sum(run.load.created for run in runs)),
        parts_us=parts,
    )


def _baseline(bench: Bench, case: str, sending: Sending) -> float:
    """Exchanges a second of the plain endpoint, under the same load, in the same tables."""
    say(f"{case}: 基线 / baseline")
    settings = bench.settings.model_copy(update={"database_url": SecretStr(bench.dsn)})
    with running(settings, bench.directory, *[BASELINE] * GATEWAYS) as servers:
        for seconds in (BASELINE_WARM_UP_S, bench.plan.baseline_s):
            file = bench.sign(sending, BASELINE_GUESS * seconds)
            load = bench.posted(servers, file, seconds, lanes=ACCEPT_CONSUMERS).load
    say(f"{case}: 基线 / baseline {load}")
    return load.per_second


def pull_ack(bench: Bench) -> Figures:
    """Let consumers pull and acknowledge what was posted before; the rows are compared. Raises VoidRun."""
    case, plan = PULL_ACK, bench.plan
    sending = bench.sending(case, bench.county.pulled)
    with running(bench.settings, bench.directory, *[GATEWAY] * GATEWAYS, WORKER) as servers:
        say(f"{case}: 下限 / floor")
        file = bench.sign(sending, PULL_LIMIT)
        sample = envelopes(file, PULL_LIMIT)
        lowest = floor.pull_floor(bench.pool, sending, sample, plan.floor_s)
        say(f"{case}: 预热 / warming up")
        bench.make_backlog(servers, sending, FIRST_BACKLOG, lanes=PULL_CONSUMERS)
        warm = _pull(bench, servers, plan.warm_up_s, may_run_out=True)
        runs: list[Taken] = []
        for number in range(plan.runs):
            fastest = max(run.pulled.per_second for run in (warm, *runs))
            needed = int(max(LEAST_BACKLOG, fastest * plan.run_s[case] * plan.margin / PULL_CONSUMERS))
            say(f"{case}: {number + 1}/{plan.runs}, 积压 / backlog {needed * PULL_CONSUMERS:,}")
            bench.make_backlog(servers, sending, needed, lanes=PULL_CONSUMERS)
            runs.append(_pull(bench, servers, plan.run_s[case]))
            say(f"{case}: {runs[-1].pulled}")
        resident = servers.largest_resident_mib(GATEWAY)
    speed = statistics.median(run.pulled.per_second for run in runs)
    return Figures(
        per_second=speed,
        p50_ms=statistics.median(run.pulled.percentile(50) for run in runs),
        p99_ms=statistics.median(run.pulled.percentile(99) for run in runs),
        floor_ratio=speed / lowest,
        baseline_ratio=None,
        rss_mib=resident,
        runs=[run.pulled.per_second for run in runs],
        floor_per_second=lowest,
        baseline_per_second=None,
        cpu_us=total([run.cpu for run in runs]).microseconds_each(sum(run.pulled.items for run in runs)),
        parts_us={},
        notes=("baseline_ratio is null: the plain version has no inbox",),
    )


def _pull(bench: Bench, servers: Servers, seconds: int, *, may_run_out: bool = False) -> Taken:
    """One run of all consumers; what they acknowledged is compared with what was moved. Raises VoidRun."""
    bench.checkpoint()
    before, idle = bench.counted(), bench.cpu(servers)
    pulled = asyncio.run(puller.pull(bench.settings, bench.county.pullers, seconds, may_run_out=may_run_out))
    spent = bench.cpu(servers).since(idle)
    servers.check_alive()
    check_acknowledged(pulled.items, bench.counted().since(before))
    return Taken(pulled, spent)


def measure(bench: Bench, case: str) -> Figures:
    """The figures of one case. Raises VoidRun."""
    other: dict[str, Callable[[Bench], Figures]] = {
        PULL_ACK: pull_ack,
        ACCEPT_AND_DELIVER: pushes.accept_and_deliver,
        DELIVER: pushes.deliver,
        SEAL: sealing.seal,
        SEARCH: partial(searches.search, case=SEARCH),
        SEARCH_FACETS: partial(searches.search, case=SEARCH_FACETS),
    }
    return other[case](bench) if case in other else accept(bench, case)
