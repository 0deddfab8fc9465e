"""The cases: each starts gateways of its own, warms them up, measures, and is compared with floor and baseline."""

import asyncio
import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from hub.db.engine import Database
from hub.settings import Settings
from tools.bench import floor, puller
from tools.bench.counts import check_acknowledged, check_committed, count
from tools.bench.county import County
from tools.bench.figures import Figures
from tools.bench.load import Load, post
from tools.bench.plan import (
    ACCEPT_CONSUMERS,
    CONNECTIONS,
    GATEWAYS,
    PAYLOAD_BYTES,
    PULL_ACK,
    PULL_CONSUMERS,
    PULL_LIMIT,
    Plan,
)
from tools.bench.requests import RequestFile, Sending, envelopes, write_requests
from tools.bench.servers import BASELINE, GATEWAY, WORKER, running

FIRST_GUESS = 12_000
"""Requests a second that a warm-up may take; if they run out it ends early, which harms nothing."""

BASELINE_GUESS = 4_000
"""Requests a second that the baseline will not reach."""

BASELINE_WARM_UP_S = 1
MARGIN = 1.6
"""Requests signed for a run, against those that the fastest run so far would take."""

FLOOR_ENVELOPES = 2_000
"""Distinct envelopes that the floor goes through again and again."""

BACKLOG_S = 120
"""A backlog is posted within that, or there is something wrong."""

FIRST_BACKLOG = 4_000
"""Items for each consumer to warm up with."""

LEAST_BACKLOG = 2_000
"""Items that a consumer finds waiting at least, however slow the warm-up was."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A hub with its county, ready to be measured."""

    plan: Plan
    directory: Path
    settings: Settings
    dsn: str
    county: County
    pool: ProcessPoolExecutor

    def sending(self, case: str, resource: str) -> Sending:
        """The provider's messages of that case."""
        provider = self.county.provider
        return Sending(
            self.settings.hub_id, provider.code, provider.kid, provider.key_pem, resource, PAYLOAD_BYTES[case]
        )

    def sign(self, sending: Sending, requests: float) -> RequestFile:
        """At least so many requests, signed now: `iat` must not be older than the hub allows when they arrive."""
        path = self.directory / "post.requests"
        return write_requests(self.pool, GATEWAYS, sending, path, int(requests) + CONNECTIONS)

    def posted(self, file: RequestFile, seconds: int, *, lanes: int, may_run_out: bool = False) -> Load:
        """A load on whoever listens, its 201 answers compared with the rows. Raises VoidRun."""
        database = Database(self.dsn, application="bench")
        before = asyncio.run(count(database))
        try:
            load = post(self.settings.port, file, seconds, may_run_out=may_run_out)
        finally:
            file.path.unlink()
        check_committed(load.created, asyncio.run(count(database)).since(before), lanes)
        return load


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def median(runs: Sequence[Load], of: Callable[[Load], float]) -> float:
    """The median of one figure over the runs."""
    return statistics.median([of(run) for run in runs])


def accept(bench: Bench, case: str) -> Figures:
    """Post distinct envelopes to the gateways; every 201 is compared with the rows. Raises VoidRun."""
    sending = bench.sending(case, bench.county.accepted)
    plan = bench.plan
    with running(bench.settings, bench.directory, *[GATEWAY] * GATEWAYS, WORKER) as servers:
        say(f"{case}: 预热 / warming up")
        file = bench.sign(sending, FIRST_GUESS * plan.warm_up_s)
        sample = envelopes(file, FLOOR_ENVELOPES)
        fastest = bench.posted(file, plan.warm_up_s, lanes=ACCEPT_CONSUMERS, may_run_out=True).per_second
        say(f"{case}: 下限 / floor")
        lowest = floor.accept_floor(bench.pool, sending, sample, plan.floor_s)
        runs: list[Load] = []
        for number in range(plan.runs):
            file = bench.sign(sending, fastest * plan.run_s[case] * MARGIN)
            say(
                f"{case}: {number + 1}/{plan.runs}, {plan.run_s[case]} s, {file.count:,} 个已签名请求 / signed requests"
            )
            runs.append(bench.posted(file, plan.run_s[case], lanes=ACCEPT_CONSUMERS))
            servers.check_alive()
            say(f"{case}: {runs[-1].per_second:,.0f}/s, p50 {runs[-1].p50_ms:.1f} ms, p99 {runs[-1].p99_ms:.1f} ms")
            fastest = max(fastest, runs[-1].per_second)
        resident = servers.largest_resident_mib(GATEWAY)
    plain = _baseline(bench, case, sending)
    speed = median(runs, lambda run: run.per_second)
    return Figures(
        per_second=speed,
        p50_ms=median(runs, lambda run: run.p50_ms),
        p99_ms=median(runs, lambda run: run.p99_ms),
        floor_ratio=speed / lowest,
        baseline_ratio=speed / plain,
        rss_mib=resident,
        runs=[run.per_second for run in runs],
        floor_per_second=lowest,
        baseline_per_second=plain,
    )


def _baseline(bench: Bench, case: str, sending: Sending) -> float:
    """Exchanges a second of the plain endpoint, under the same load, in the same tables."""
    say(f"{case}: 基线 / baseline")
    settings = bench.settings.model_copy(update={"database_url": SecretStr(bench.dsn)})
    with running(settings, bench.directory, *[BASELINE] * GATEWAYS):
        for seconds in (BASELINE_WARM_UP_S, bench.plan.baseline_s):
            file = bench.sign(sending, BASELINE_GUESS * seconds)
            load = bench.posted(file, seconds, lanes=ACCEPT_CONSUMERS)
    say(f"{case}: 基线 / baseline {load.per_second:,.0f}/s, p99 {load.p99_ms:.1f} ms")
    return load.per_second


def pull_ack(bench: Bench) -> Figures:
    """Let consumers pull and acknowledge what was posted before; the rows are compared. Raises VoidRun."""
    case, plan = PULL_ACK, bench.plan
    sending = bench.sending(case, bench.county.pulled)
    with running(bench.settings, bench.directory, *[GATEWAY] * GATEWAYS, WORKER) as servers:
        say(f"{case}: 下限 / floor")
        file = bench.sign(sending, PULL_LIMIT)
        sample = envelopes(file, PULL_LIMIT)
        file.path.unlink()
        lowest = floor.pull_floor(bench.pool, sending, sample, plan.floor_s)
        say(f"{case}: 预热 / warming up")
        _make_backlog(bench, sending, FIRST_BACKLOG)
        fastest = _pull(bench, plan.warm_up_s, may_run_out=True).per_second
        runs: list[puller.Pulled] = []
        for number in range(plan.runs):
            needed = max(LEAST_BACKLOG, fastest * plan.run_s[case] * MARGIN / PULL_CONSUMERS)
            say(f"{case}: {number + 1}/{plan.runs}, 积压 / backlog {needed * PULL_CONSUMERS:,.0f}")
            _make_backlog(bench, sending, int(needed))
            runs.append(_pull(bench, plan.run_s[case]))
            servers.check_alive()
            say(f"{case}: {runs[-1].per_second:,.0f}/s, p50 {runs[-1].percentile(50):.1f} ms")
            fastest = max(fastest, runs[-1].per_second)
        resident = servers.largest_resident_mib(GATEWAY)
    speed = statistics.median(run.per_second for run in runs)
    return Figures(
        per_second=speed,
        p50_ms=statistics.median(run.percentile(50) for run in runs),
        p99_ms=statistics.median(run.percentile(99) for run in runs),
        floor_ratio=speed / lowest,
        baseline_ratio=None,
        rss_mib=resident,
        runs=[run.per_second for run in runs],
        floor_per_second=lowest,
        baseline_per_second=None,
        notes=("baseline_ratio is null: the plain version has no inbox",),
    )


def _make_backlog(bench: Bench, sending: Sending, items: int) -> None:
    """Post so many exchanges, each of which puts one item before every consumer."""
    file = bench.sign(sending, items)
    bench.posted(file, BACKLOG_S, lanes=PULL_CONSUMERS, may_run_out=True)


def _pull(bench: Bench, seconds: int, *, may_run_out: bool = False) -> puller.Pulled:
    """One run of all consumers; what they acknowledged is compared with what was moved. Raises VoidRun."""
    database = Database(bench.dsn, application="bench")
    before = asyncio.run(count(database))
    pulled = asyncio.run(puller.pull(bench.settings, bench.county.pullers, seconds, may_run_out=may_run_out))
    check_acknowledged(pulled.items, asyncio.run(count(database)).since(before))
    return pulled


def measure(bench: Bench, case: str) -> Figures:
    """The figures of one case. Raises VoidRun."""
    return pull_ack(bench) if case == PULL_ACK else accept(bench, case)
