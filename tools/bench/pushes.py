"""Deliveries that are pushed to a sink on loopback: a backlog as fast as it goes, and exchanges from posting to arrival."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hub.db.engine import Database
from tools.bench import floor
from tools.bench.county import aim, pause, resume
from tools.bench.cpu import CpuTime, total
from tools.bench.errors import VoidRun
from tools.bench.figures import Figures, percentile
from tools.bench.pacing import post_at
from tools.bench.plan import ACCEPT_AND_DELIVER, DELIVER, GATEWAYS, PACED_PER_SECOND, PUSH_BATCH, PUSH_CONSUMERS
from tools.bench.requests import RequestFile, Sending, envelopes
from tools.bench.servers import GATEWAY, WORKER, Servers, free_port, running
from tools.bench.sink import Sink
from tools.bench.stand import Bench, say

FIRST_GUESS = 12_000
"""Requests a second that a warm-up may take."""

FIRST_BACKLOG = 2_000
LEAST_BACKLOG = 2_000
"""Items of each lane to warm up with, and that are waiting at least, however slow the warm-up was."""

LOOK_S = 0.1
ARRIVE_S = 60.0
"""What was accepted has arrived within that, or there is something wrong."""

ATTEMPTS = """
SELECT extract(epoch FROM ended_at - started_at)::float8 * 1000 FROM attempt
WHERE ended_at IS NOT NULL AND outcome = 'transport-confirmed' AND started_at > now() - make_interval(secs => $1)
"""


@dataclass(frozen=True, slots=True)
class Drained:
    """One run: what reached the sink in how many seconds, how long attempts took, and the processor time it cost."""

    items: int
    seconds: float
    attempts_ms: Sequence[float]
    cpu: CpuTime

    @property
    def per_second(self) -> float:
        """Deliveries in a second."""
        return self.items / self.seconds

    def __str__(self) -> str:
        return f"{self.per_second:,.0f}/s, p50 {percentile(self.attempts_ms, 50):.1f} ms"


def deliver(bench: Bench) -> Figures:
    """Push what was posted before, in batches, eight lanes at once. Raises VoidRun."""
    plan, sink = bench.plan, Sink(free_port())
    sending = bench.sending(DELIVER, bench.county.pushed)
    systems = [puller.code for puller in bench.county.pullers]
    asyncio.run(aim(bench.settings, bench.dsn, systems, sink.url))
    asyncio.run(pause(bench.settings, bench.dsn, systems))
    with running(bench.settings, bench.directory, *[GATEWAY] * GATEWAYS, WORKER, sink.program) as servers:
        say(f"{DELIVER}: 下限 / floor")
        sample = envelopes(bench.sign(sending, PUSH_BATCH), PUSH_BATCH)
        lowest = floor.push_floor(bench.pool, sending, sample, plan.floor_s)
        say(f"{DELIVER}: 预热 / warming up")
        bench.make_backlog(servers, sending, FIRST_BACKLOG, lanes=PUSH_CONSUMERS)
        warm = _drain(bench, servers, sink, systems, plan.warm_up_s)
        runs: list[Drained] = []
        for number in range(plan.runs):
            fastest = max(run.per_second for run in (warm, *runs))
            needed = int(max(LEAST_BACKLOG, fastest * plan.run_s[DELIVER] * plan.margin / PUSH_CONSUMERS))
            say(f"{DELIVER}: {number + 1}/{plan.runs}, 积压 / backlog {needed * PUSH_CONSUMERS:,}")
            bench.make_backlog(servers, sending, needed, lanes=PUSH_CONSUMERS)
            runs.append(_drain(bench, servers, sink, systems, plan.run_s[DELIVER]))
            say(f"{DELIVER}: {runs[-1]}")
        resident = servers.largest_resident_mib(WORKER)
    speed = statistics.median(run.per_second for run in runs)
    return Figures(
        per_second=speed,
        p50_ms=statistics.median(percentile(run.attempts_ms, 50) for run in runs),
        p99_ms=statistics.median(percentile(run.attempts_ms, 99) for run in runs),
        floor_ratio=speed / lowest,
        baseline_ratio=None,
        rss_mib=resident,
        runs=[run.per_second for run in runs],
        floor_per_second=lowest,
        baseline_per_second=None,
        cpu_us=total([run.cpu for run in runs]).microseconds_each(sum(run.items for run in runs)),
        parts_us={},
        notes=("latencies are those of an attempt with its batch, from claim to settlement",),
    )


def _drain(bench: Bench, servers: Servers, sink: Sink, systems: Sequence[str], seconds: int) -> Drained:
    """Let the lanes go for `seconds` after the first push, or until nothing is left. Raises VoidRun."""
    bench.checkpoint()
    before, had = bench.counted(), sink.items()
    waiting = asyncio.run(_waiting(bench))
    idle = bench.cpu(servers)
    asyncio.run(resume(bench.settings, bench.dsn, systems))
    began = time.monotonic()
    while (came := sink.items() - had) < waiting and time.monotonic() - began < seconds:
        if came == 0:
            began, idle = time.monotonic(), bench.cpu(servers)
        time.sleep(LOOK_S)
    ended = time.monotonic() if came < waiting else sink.last() or time.monotonic()
    spent = bench.cpu(servers).since(idle)
    asyncio.run(pause(bench.settings, bench.dsn, systems))
    servers.check_alive()
    moved = bench.counted().since(before)
    arrived = sink.arrivals(had)
    if (
        len({delivery for delivery, _, _ in arrived}) != len(arrived)
        or not len(arrived) == moved.delivered == -moved.waiting
    ):
        raise VoidRun(
            f"接收端收到 {len(arrived)} 项，库中却有 {moved}；本次作废",
            f"{len(arrived)} items reached the sink, but the database holds {moved}; this run is void",
        )
    counted = sum(began <= moment <= ended for _, _, moment in arrived)
    return Drained(counted, ended - began, asyncio.run(_attempts(bench, ended - began + 1)), spent)


async def _waiting(bench: Bench) -> int:
    database = Database(bench.dsn, application="bench")
    async with database.connection() as connection:
        return int(
            await connection.fetchval(
                "SELECT count(*) FROM delivery d JOIN lane l ON l.id = d.lane_id WHERE l.mode = 'push'"
            )
        )


async def _attempts(bench: Bench, seconds: float) -> list[float]:
    database = Database(bench.dsn, application="bench")
    async with database.connection() as connection:
        return [row[0] for row in await connection.fetch(ATTEMPTS, seconds)]


@dataclass(frozen=True, slots=True)
class Relayed:
    """One run under full load: exchanges that were accepted and reached the sink within it."""

    items: int
    seconds: float
    cpu: CpuTime

    @property
    def per_second(self) -> float:
        """Exchanges in a second, from posting to arrival."""
        return self.items / self.seconds


def accept_and_deliver(bench: Bench) -> Figures:
    """Post as fast as it goes while a worker pushes, then at a fixed rate for the latency. Raises VoidRun."""
    case, plan, sink = ACCEPT_AND_DELIVER, bench.plan, Sink(free_port())
    sending = bench.sending(case, bench.county.relayed)
    asyncio.run(aim(bench.settings, bench.dsn, [bench.county.relay.code], sink.url))
    with running(bench.settings, bench.directory, *[GATEWAY] * GATEWAYS, WORKER, sink.program) as servers:
        say(f"{case}: 预热 / warming up")
        file = bench.sign(sending, FIRST_GUESS * plan.warm_up_s)
        sample = envelopes(file, PUSH_BATCH)
        fastest = bench.posted(servers, file, plan.warm_up_s, lanes=1, may_run_out=True).load.per_second
        say(f"{case}: 下限 / floor")
        lowest = floor.accept_floor(bench.pool, sending, sample, plan.floor_s)
        runs: list[Relayed] = []
        for number in range(plan.runs):
            file = bench.sign(sending, fastest * plan.run_s[case] * plan.margin)
            say(f"{case}: {number + 1}/{plan.runs}, {plan.run_s[case]} s")
            runs.append(_relay(bench, servers, sink, file, plan.run_s[case]))
            say(f"{case}: {runs[-1].per_second:,.0f}/s")
        latencies = _latencies(bench, sink, sending, plan.run_s[case])
        say(f"{case}: {PACED_PER_SECOND:,}/s, p50 {percentile(latencies, 50):.1f} ms")
        resident = servers.largest_resident_mib(WORKER)
    speed = statistics.median(run.per_second for run in runs)
    return Figures(
        per_second=speed,
        p50_ms=percentile(latencies, 50),
        p99_ms=percentile(latencies, 99),
        floor_ratio=speed / lowest,
        baseline_ratio=None,
        rss_mib=resident,
        runs=[run.per_second for run in runs],
        floor_per_second=lowest,
        baseline_per_second=None,
        cpu_us=total([run.cpu for run in runs]).microseconds_each(sum(run.items for run in runs)),
        parts_us={},
        notes=(f"latencies are from the moment of sending to arrival at the sink, at {PACED_PER_SECOND:,} a second",),
    )


def _relay(bench: Bench, servers: Servers, sink: Sink, file: RequestFile, seconds: int) -> Relayed:
    """One run of the load generator; what arrived while it ran counts, and everything has to arrive. Raises VoidRun."""
    had = sink.items()
    posted = bench.posted(servers, file, seconds, lanes=1)
    ended = posted.began + posted.load.seconds
    _await_arrival(sink, had + posted.load.created)
    moments = [moment for _, _, moment in sink.arrivals(had)]
    return Relayed(sum(moment <= ended for moment in moments), posted.load.seconds, posted.cpu)


def _latencies(bench: Bench, sink: Sink, sending: Sending, seconds: int) -> Sequence[float]:
    """Milliseconds from sending to arrival of each exchange, at `PACED_PER_SECOND`. Raises VoidRun."""
    bench.checkpoint()
    had = sink.items()
    file = bench.sign(sending, PACED_PER_SECOND * seconds)
    try:
        paced = asyncio.run(post_at(bench.settings.port, file, PACED_PER_SECOND, seconds))
    finally:
        file.path.unlink()
    _await_arrival(sink, had + len(paced.due))
    arrived = {digest: moment for _, digest, moment in sink.arrivals(had)}
    if arrived.keys() != paced.due.keys():
        raise VoidRun("送达的与发送的不一致", "what has arrived is not what was sent")
    return [(arrived[digest] - due) * 1000 for digest, due in paced.due.items()]


def _await_arrival(sink: Sink, items: int) -> None:
    deadline = time.monotonic() + ARRIVE_S
    while sink.items() < items:
        if time.monotonic() > deadline:
            raise VoidRun(
                f"{ARRIVE_S:.0f} 秒后仍有已接收的交换没有送达",
                f"{ARRIVE_S:.0f} s later some accepted exchanges have not arrived",
            )
        time.sleep(LOOK_S)
