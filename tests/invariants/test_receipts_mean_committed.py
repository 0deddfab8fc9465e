"""I1: kill -9 of any process at any moment under load; every receipt that a client holds is in the database."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.invariants.county import County
from tests.support.harness import START_S
from tests.support.load import Load, missing

pytestmark = [pytest.mark.process, pytest.mark.chaos, pytest.mark.timeout(380)]

CLIENT_PAUSE_S = 0.02
"""Between two envelopes of one of the 64 clients: leaves the machine time to start what was killed."""

SEED = int(os.environ.get("SHUNIU_TEST_SEED") or random.SystemRandom().randrange(1 << 32))

Killer = Callable[[County, random.Random], Awaitable[None]]


async def kill_gateway(found: County, moments: random.Random) -> None:
    """Kill one gateway and start it again; the others serve on."""
    deadline = time.monotonic() + START_S
    while not (serving := [gateway for gateway in found.hub.gateways if await gateway.is_ready()]):
        assert time.monotonic() < deadline, "no gateway is ready"
        await asyncio.sleep(0.05)
    victim = moments.choice(serving)
    victim.kill()
    victim.start()


async def kill_worker(found: County, _: random.Random) -> None:
    """Kill the worker and start it again."""
    (victim,) = found.hub.workers
    victim.kill()
    victim.start()


async def kill_database(found: County, moments: random.Random) -> None:
    """Kill the postmaster, a backend, or both; its supervisor starts it again, the gateways find it again."""
    await found.hub.kill_database(moments)


async def chaos(found: County, killer: Killer, rounds: int, seed: int, pause_s: float) -> None:
    """`rounds` kills at random moments under load; then every receipt must be there."""
    print(f"seed {seed}: SHUNIU_TEST_SEED={seed} repeats it")
    moments = random.Random(seed)
    async with Load(found.hub.ports, found.envelopes(), pause_s=CLIENT_PAUSE_S) as load:
        await load.flows()
        for _ in range(rounds):
            await asyncio.sleep(moments.uniform(0.05, pause_s))
            await killer(found, moments)
            await load.flows()
    assert not load.refused
    assert len(load.held) == len({one.envelope for one in load.held})
    connection = await found.hub.connect()
    try:
        assert await missing(connection, load.held) == []
    finally:
        await connection.close()
    print(f"{len(load.held)} receipts, {load.broken} broken connections, {load.busy} times 503")


@pytest.mark.parametrize(
    ("victim", "rounds", "pause_s"), [("gateway", 20, 1.5), ("worker", 20, 0.6), ("database", 20, 0.6)]
)
async def test_every_receipt_survives_the_kill_of_a_process_under_load(
    mortal: County, victim: str, rounds: int, pause_s: float
) -> None:
    killer = {"gateway": kill_gateway, "worker": kill_worker, "database": kill_database}[victim]
    await chaos(mortal, killer, rounds, SEED, pause_s)
