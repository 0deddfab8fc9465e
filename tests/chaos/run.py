"""One round of chaos: a fresh hub with two gateways and two workers, two sinks, proxies between all of them, load, faults and
changes of rights for a while; then everything settles, the tables are written down, and the checker judges."""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.db.engine import Database
from hub.registry.keyring import KeyRing
from hub.registry.masterkey import load_master_key
from tests.chaos.checker import Violation, figures, judge
from tests.chaos.clients import Clients, Posting
from tests.chaos.county import COMPROMISED, PARKING, SIGNING, PushCounty, make_county
from tests.chaos.faults import Faults
from tests.chaos.office import WHO, Office
from tests.chaos.proxy import Proxy
from tests.chaos.records import read
from tests.support.harness import Hub, Process, free_port, running_hub
from tests.support.nursery import CHECKOUT, unmeasured
from tests.support.world import HUB

LEASE_S = 4.0
TUNED = {
    "hub.delivery.claiming.LEASE_S": LEASE_S,
    "hub.delivery.claiming.CALL_S": 3.0,
    "hub.delivery.backoff.SHORTEST_S": 0.1,
    "hub.delivery.backoff.LONGEST_S": 1.5,
}
"""Leases and rests of the workers, in proportion: in service they are 45 s, 35 s, 5 s and 6 h."""

PROMISED = 3
"""Requests to each sink that are held beyond their lease whatever the dice say: a run without a late one shows nothing."""

REFUSALS = frozenset({"jti-reused", "certificate-revoked"})
"""What clients are told beside receipts: of a second envelope under one `jti`, and of a sender whose key was compromised."""

SHOWN = (
    "exchanges",
    "deliveries",
    "repeats",
    "refused_stale",
    "leases_run_out",
    "spans_closed",
    "cut",
    "held",
    "delayed",
)
"""Figures without which a run shows nothing."""

SETTLE_S = 120.0
"""By then everything that can be delivered is, once nobody does any more harm."""

DUMP = {
    "lane": "SELECT l.id, s.code AS consumer, t.policy FROM lane l JOIN system s ON s.id = l.consumer_id"
    " JOIN push_target t ON t.system_id = s.id",
    "attempt": """
SELECT a.lane_id AS lane, a.fence, first_sequence AS first, count, extract(epoch FROM started_at)::float AS started,
       extract(epoch FROM expires_at)::float AS expires, extract(epoch FROM ended_at)::float AS ended, a.outcome,
       extract(epoch FROM l.at)::float AS committed
FROM attempt a LEFT JOIN (
    SELECT object_id, (convert_from(leaf, 'UTF8')::jsonb -> 'details' ->> 'fence')::bigint AS fence,
           pg_xact_commit_timestamp(xmin) AS at
    FROM log_entry WHERE event = 'delivery.attempted'
) l ON l.object_id = a.lane_id::text AND l.fence = a.fence""",
    "delivered": "SELECT id AS delivery, lane_id AS lane, exchange_id AS exchange, sequence FROM delivered",
    "dead": "SELECT id AS delivery, lane_id AS lane, exchange_id AS exchange, sequence, kid, replayed_as FROM dead_letter",
    "waiting": "SELECT id AS delivery, lane_id AS lane, exchange_id AS exchange, sequence, kid FROM delivery",
}

UNSETTLED = """
SELECT EXISTS (
    SELECT FROM delivery WHERE kid <> ALL(ARRAY(SELECT kid FROM certificate WHERE revocation_reason = $1))
) OR EXISTS (SELECT FROM lane_lease WHERE expires_at > clock_timestamp())
"""
"""Whether anything waits that a revocation does not hold back, or is being handed over."""


class SinkProcess(Process):
    """A sink, started anew as often as it is killed."""

    __slots__ = ()

    def start(self) -> None:
        """Start it; does not wait."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.sink", *self.arguments],
                cwd=CHECKOUT,
                env=unmeasured(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round shall be: `seconds` of harm under the load of `clients`, each pausing `pause_s` after an envelope."""

    seed: int
    seconds: float
    clients: int = 6
    doomed: int = 2
    pause_s: float = 0.04
    between_faults_s: tuple[float, float] = (0.3, 1.2)


@dataclass(slots=True)
class Outcome:
    """What a round came to. `notes` are faults that the checker does not see."""

    seed: int
    counts: dict[str, int]
    faults: Counter[str]
    rights: Counter[str]
    network: Counter[str]
    refused: Counter[str]
    violations: list[Violation]
    settled_s: float
    last_words: list[str]
    notes: list[str] = field(default_factory=list)

    @property
    def lacking(self) -> list[str]:
        """What did not happen, so that the round shows nothing of it."""
        return [name for name in SHOWN if not (self.counts | self.network).get(name)]


def chaos(plan: Plan, folder: Path) -> Outcome:
    """One round, its records in `folder`. Blocks."""
    with running_hub(gateways=2, postgres_settings={"track_commit_timestamp": "on"}) as hub:
        for _ in range(2):
            hub.worker(tuned=TUNED)
        return asyncio.run(_round(hub, plan, folder))


async def _round(hub: Hub, plan: Plan, folder: Path) -> Outcome:
    moments = random.Random(plan.seed)
    await _note_commit_times_for_good(hub)
    await hub.ready()
    async with AsyncExitStack() as stack:
        doors = [await stack.enter_async_context(_proxy(port, moments)) for port in hub.ports]
        sinks = [free_port() for _ in range(2)]
        ways = [await stack.enter_async_context(_proxy(port, moments)) for port in sinks]
        bases = [f"http://127.0.0.1:{way.port}" for way in ways]
        database = Database(hub.dsn, application="office")
        stack.push_async_callback(database.dispose)
        county = await make_county(database, bases, doomed=plan.doomed, office=WHO)
        processes = [
            _sink(hub, folder, n, port, base, county, plan.seed)
            for n, (port, base) in enumerate(zip(sinks, bases, strict=True))
        ]
        stack.callback(_end, processes)
        async with database.session() as session:
            keyring = await KeyRing.load(session, load_master_key(hub.directory / "master.key"))
        (folder / "office.jsonl").touch()
        office = Office(county, database, keyring, folder / "office.jsonl", random.Random(moments.random()))
        faults = Faults(hub, processes, ways, LEASE_S, random.Random(moments.random()), plan.between_faults_s)
        clients = Clients(
            [door.port for door in doors], _share(county, plan.clients), folder / "clients.jsonl",
            random.Random(moments.random()), plan.pause_s,
        )  # fmt: skip
        for way in ways:
            way.hold_next = PROMISED
        async with clients:
            await _do_harm(faults, office, plan.seconds)
            (folder / "calm").touch()
            for proxy in (*doors, *ways):
                proxy.calm = True
            await clients.finish()
        began = time.monotonic()
        notes = [] if await _settle(hub) else [f"not settled within {SETTLE_S:.0f} s"]
        await asyncio.gather(*(way.drained() for way in ways))
        await _dump(hub, folder / "database.jsonl")
        records = read(folder)
        notes += [f"a client was told {slug}" for slug in sorted(clients.refused.keys() - REFUSALS)]
        notes += [f"ended in service: {words}" for words in faults.deaths]
        notes += hub.exceptions()
        return Outcome(
            plan.seed, figures(records), faults.done, office.done, sum((p.done for p in (*doors, *ways)), Counter()),
            clients.refused, judge(records), time.monotonic() - began, faults.last_words, notes,
        )  # fmt: skip


async def _note_commit_times_for_good(hub: Hub) -> None:
    """Have the server do so whoever starts it: after several kills it may be a gateway instead of us."""
    connection = await asyncpg.connect(hub.postgres.admin_dsn())
    try:
        await connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    finally:
        await connection.close()


async def _do_harm(faults: Faults, office: Office, seconds: float) -> None:
    """Faults and changes of rights side by side; an error of either ends both."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(faults.work(stop))
        group.create_task(office.work(stop))
        try:
            await asyncio.sleep(seconds)
        finally:
            stop.set()


@asynccontextmanager
async def _proxy(target: int, moments: random.Random) -> AsyncIterator[Proxy]:
    proxy = Proxy(target, random.Random(moments.random()))
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()


def _share(county: PushCounty, clients: int) -> Sequence[Posting]:
    """One posting for each client: each of the doomed once, the others share the rest."""
    doomed = set(map(id, county.doomed))
    steady = [posting for posting in county.postings if id(posting) not in doomed]
    return [*county.doomed, *(steady[number % len(steady)] for number in range(clients))]


def _sink(hub: Hub, folder: Path, number: int, port: int, base: str, county: PushCounty, seed: int) -> SinkProcess:
    """One sink, started."""
    signing = county.consumer(SIGNING).system
    key = signing.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    config = {
        "port": port,
        "base": base,
        "record": str(folder / f"sink-{number}.jsonl"),
        "calm": str(folder / "calm"),
        "trust": str(hub.directory / "trust"),
        "hub": HUB,
        "seed": seed + number,
        "signs": [f"/{SIGNING}"],
        "rejects": [f"/{PARKING}"],
        "signer": {"key": key, "kid": signing.kid, "code": signing.code},
    }
    place = folder / f"sink-{number}.json"
    place.write_text(json.dumps(config), encoding="utf-8")
    process = SinkProcess([str(place)], {}, folder / f"sink-{number}.log")
    process.start()
    return process


def _end(processes: Sequence[Process]) -> None:
    for process in processes:
        if process.is_running:
            process.terminate()
    for process in processes:
        process.end()


async def _settle(hub: Hub) -> bool:
    """Wait until nothing waits but what a revocation holds back; whether it came to that."""
    deadline = time.monotonic() + SETTLE_S
    connection = await hub.connect()
    try:
        while await connection.fetchval(UNSETTLED, COMPROMISED):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.1)
    finally:
        await connection.close()
    return True


async def _dump(hub: Hub, path: Path) -> None:
    connection = await hub.connect()
    try:
        with path.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"kind": "lease", "seconds": LEASE_S}) + "\n")
            for kind, query in DUMP.items():
                for row in await connection.fetch(query):
                    file.write(json.dumps({"kind": kind, **row}, default=str) + "\n")
    finally:
        await connection.close()
