"""Overload: bounded queues answer early with 503 and leave nothing half-done; clients that are slow, mute or mad cost a socket.

The gateways here have shorter times than in service, so that the tests need not wait for them.
"""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from hub.db.engine import Database
from hub.db.locks import REGISTRY_BARRIER, hold_barrier
from tests.invariants.county import RES, County
from tests.support.harness import Process
from tests.support.wire import Answer, Connection
from tests.support.world import record

pytestmark = pytest.mark.process

QUEUE = 8
PATIENT = {"hub.db.engine.LOCK_MS": 25_000}
"""A gateway waits so long for the barrier before it gives up; in service it gives up after 8 s."""

HELD_UP_S = 20.0
"""Nothing is answered within this time because the barrier is held."""

HEAD_S, BODY_S = 1.0, 2.0
PAUSE_S = 8.0
"""The machine may pause for so long; a gateway that had the times of service would take longer than both together."""

SLOW = {"hub.app.protocol.HEAD_TIMEOUT_S": HEAD_S, "hub.app.protocol.BODY_TIMEOUT_S": BODY_S}


WAITING = f"""
SELECT EXISTS (
    SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted AND l.mode = 'ShareLock'
    AND (l.classid::bigint << 32) | l.objid::bigint = {REGISTRY_BARRIER}
)
"""


@asynccontextmanager
async def one_more_gateway(
    found: County, *, tuned: Mapping[str, float] | None = None, **settings: object
) -> AsyncIterator[Process]:
    """A gateway with settings of its own, for the length of the block."""
    gateway = found.hub.gateway(tuned=tuned, **settings)
    try:
        await gateway.ready()
        yield gateway
    finally:
        found.hub.gateways.remove(gateway)
        if gateway.is_running:
            gateway.terminate()
            await gateway.ended()


@asynccontextmanager
async def nothing_commits(found: County) -> AsyncIterator[asyncpg.Connection]:
    """Hold the barrier, so that every acceptance waits, for the length of the block."""
    async with Database(found.hub.dsn, application="barrier").connection() as connection:
        # the server otherwise ends a barrier that is held without a word for 5 s
        await connection.execute("SET idle_in_transaction_session_timeout = 0")
        async with connection.transaction():
            await hold_barrier(connection)
            yield connection


async def until_one_waits(found: County) -> None:
    """Return when an acceptance waits for the barrier."""
    deadline = time.monotonic() + HELD_UP_S
    while not await found.connection.fetchval(WAITING):
        assert time.monotonic() < deadline, "nobody waits for the barrier"
        await asyncio.sleep(0.02)


async def until_read(port: int) -> None:
    """Return when the gateway has read what was sent to it before: it reads its connections in the order in which something came."""
    async with Connection(port) as connection:
        assert (await connection.request("GET", "/livez")).status == 200


async def open_connections(stack: AsyncExitStack, port: int, count: int) -> list[Connection]:
    return [await stack.enter_async_context(Connection(port)) for _ in range(count)]


async def all_but(
    count: int, tasks: Sequence[asyncio.Task[Answer]]
) -> tuple[set[asyncio.Task[Answer]], set[asyncio.Task[Answer]]]:
    """Those that are answered and those that wait, once no more than `count` wait, and a moment later."""
    waiting, deadline = set(tasks), time.monotonic() + HELD_UP_S
    while len(waiting) > count and (left := deadline - time.monotonic()) > 0:
        _, waiting = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
    return await asyncio.wait(tasks, timeout=0.3)


async def test_a_full_queue_answers_early_and_leaves_nothing_half_done(calm: County) -> None:
    envelopes = [calm.provider.exchange(RES, [record(n)]) for n in range(5 * QUEUE)]
    async with one_more_gateway(calm, tuned=PATIENT, max_queue=QUEUE) as gateway, AsyncExitStack() as stack:
        connections = await open_connections(stack, gateway.port, len(envelopes))
        async with nothing_commits(calm):
            # one envelope is on its way into the database, QUEUE of them wait behind it
            first = asyncio.create_task(connections[0].post(envelopes[0]))
            await until_one_waits(calm)
            rest = [asyncio.create_task(c.post(e)) for c, e in zip(connections[1:], envelopes[1:], strict=True)]
            done, waiting = await all_but(QUEUE, rest)
            early = [task.result() for task in done]
            assert len(waiting) == QUEUE
            assert {(answer.status, answer.slug) for answer in early} == {(503, "unavailable")}
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in early)
            assert await calm.connection.fetchval("SELECT count(*) FROM acceptance") == 0
        accepted = [await first, *[await task for task in waiting]]
        assert {answer.status for answer in accepted} == {201}
        for table in ("acceptance", "exchange"):
            assert await calm.connection.fetchval(f"SELECT count(*) FROM {table}") == 1 + QUEUE
        again = await asyncio.gather(*(c.post(e) for c, e in zip(connections[:QUEUE], envelopes[-QUEUE:], strict=True)))
        assert {answer.status for answer in again} <= {200, 201}


async def test_what_a_gateway_cannot_hold_is_turned_away_before_it_is_read(calm: County) -> None:
    tuned = PATIENT | {"hub.api.exchanges.MAX_IN_FLIGHT": 4}
    async with one_more_gateway(calm, tuned=tuned) as gateway, AsyncExitStack() as stack:
        connections = await open_connections(stack, gateway.port, 12)
        async with nothing_commits(calm):
            tasks = [asyncio.create_task(c.post(calm.provider.exchange(RES))) for c in connections]
            done, waiting = await all_but(4, tasks)
            assert {task.result().status for task in done} == {503}
            assert len(waiting) == 4
        assert {(await task).status for task in waiting} == {201}


async def drip_head(port: int) -> float:
    """Send a head a byte at a time; returns the seconds until the gateway hangs up."""
    async with Connection(port) as connection:
        began = time.monotonic()
        for byte in b"POST /v1/exchanges HTTP/1.1\r\nx-long: " + b"x" * 1000:
            connection.send(bytes([byte]))
            if await connection.closed_by_peer(0.05):
                break
        return time.monotonic() - began


async def never_end(port: int, beginning: bytes, drip: bytes) -> float:
    """Send a beginning, then drip on for ever; returns the seconds until the gateway hangs up."""
    async with Connection(port) as connection:
        began = time.monotonic()
        connection.send(beginning)
        while not await connection.closed_by_peer(0.1):
            if drip:
                connection.send(drip)
            assert time.monotonic() - began < 60, beginning
        return time.monotonic() - began


HEAD = b"POST /v1/exchanges HTTP/1.1\r\ncontent-type: application/jose\r\ncontent-length: 100000\r\n\r\n"
JSON_HEAD = b"POST /v1/session HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n"
REFUSED_HEAD = b"POST /v1/exchanges HTTP/1.1\r\ncontent-type: text/html\r\ncontent-length: 100000\r\n\r\n"
CHUNKED = b"POST /v1/exchanges HTTP/1.1\r\ncontent-type: application/jose\r\ntransfer-encoding: chunked\r\n\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"

NEVER_ENDING = {
    "no head at all": (b"", b"", HEAD_S),
    "a head without an end": (b"GET /livez HTTP/1.1\r\nhost:", b"x", HEAD_S),
    "empty lines after an answer": (LIVEZ, b"\r\n", HEAD_S),
    "no body": (HEAD, b"", BODY_S),
    "a body a byte at a time": (HEAD, b"a", BODY_S),
    "a body in chunks without a last": (CHUNKED, b"1\r\na\r\n", BODY_S),
    "a JSON body that stops": (JSON_HEAD + b"{", b"", BODY_S),
    "a body that was refused at its head": (REFUSED_HEAD, b"a", BODY_S),
}


async def test_connections_that_come_to_no_end_are_closed_in_time(calm: County) -> None:
    async with one_more_gateway(calm, tuned=SLOW) as gateway:
        kinds = list(NEVER_ENDING.items())
        seconds = await asyncio.gather(*(never_end(gateway.port, begin, drip) for _, (begin, drip, _) in kinds))
        for (what, (_, _, limit)), took in zip(kinds, seconds, strict=True):
            assert took < limit + PAUSE_S, what


async def test_a_head_that_is_too_large_is_refused_and_an_envelope_behind_its_head_is_not(calm: County) -> None:
    port = calm.hub.ports[0]
    async with Connection(port) as connection:
        connection.send(b"GET /livez HTTP/1.1\r\n" + b"x-filler: " + b"x" * (40 << 10))
        answer = await connection.answer()
        assert answer.status == 431
        assert await connection.closed_by_peer(PAUSE_S)
    many = [record(n, note="备注" * 400) for n in range(100)]
    envelope = calm.provider.exchange(RES, many)
    assert len(envelope) > 200 << 10
    head = b"POST /v1/exchanges HTTP/1.1\r\ncontent-type: application/jose\r\ncontent-length: %d\r\n\r\n" % len(
        envelope
    )
    async with Connection(port) as connection:
        for byte in head[:-1]:  # the end of the head arrives together with the body
            connection.send(bytes([byte]))
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        connection.send(head[-1:] + envelope)
        assert (await connection.answer()).status == 201


GARBAGE = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n" * 50 + b"\x16\x03\x01\x02 not HTTP at all \x00\xff" * 20


async def pelt(port: int, until: asyncio.Event, counts: Counter[str]) -> None:
    """Open connections without a pause, send pipelined requests that turn into garbage, read nothing."""
    while not until.is_set():
        async with Connection(port) as connection:
            connection.send(GARBAGE)
            counts["closed" if await connection.closed_by_peer(PAUSE_S) else "left open"] += 1


async def latencies(found: County, port: int, count: int) -> float:
    """The median of the seconds that an honest client waits for a receipt."""
    times = []
    async with Connection(port) as connection:
        for number in range(count):
            envelope = found.provider.exchange(RES, [record(number)])
            began = time.monotonic()
            assert (await connection.post(envelope)).status == 201
            times.append(time.monotonic() - began)
    return statistics.median(times)


async def test_slow_and_mad_clients_do_not_disturb_an_honest_one(calm: County) -> None:
    async with one_more_gateway(calm) as gateway:
        quiet = await latencies(calm, gateway.port, 50)
        over, counts = asyncio.Event(), Counter[str]()
        async with AsyncExitStack() as stack:
            for beginning in (b"", b"GET /livez HTTP/1.1\r\nhost:", HEAD, HEAD + b"a" * 50_000):
                for connection in await open_connections(stack, gateway.port, 100):
                    connection.send(beginning)
            dripping = [asyncio.create_task(drip_head(gateway.port)) for _ in range(50)]
            pelting = [asyncio.create_task(pelt(gateway.port, over, counts)) for _ in range(4)]
            await asyncio.sleep(0.5)
            disturbed = await latencies(calm, gateway.port, 100)
            over.set()
            await asyncio.gather(*pelting)
            for task in dripping:
                task.cancel()
            await asyncio.gather(*dripping, return_exceptions=True)
        print(f"median {quiet * 1000:.1f} ms alone, {disturbed * 1000:.1f} ms among 450 slow clients; {counts}")
        assert set(counts) == {"closed"}
        assert disturbed < 10 * quiet + 1.0
        async with Connection(gateway.port) as connection:
            assert (await connection.request("GET", "/readyz")).status == 200
