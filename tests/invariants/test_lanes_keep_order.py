"""I4: two gateways, two pullers of one inbox, crashes of everything: no lane shows B before A when A's receipt was issued
before B was posted; a lane's numbers have no gaps and stay with their deliveries."""

import asyncio
import os
import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.invariants.county import County
from tests.support.load import Held, Load, missing
from tests.support.puller import Puller
from tests.support.wire import Connection

pytestmark = [pytest.mark.process, pytest.mark.chaos, pytest.mark.timeout(380)]

ROUNDS = 8
WRITERS = 16
PAUSE_S = 0.03
LIMIT = 100

SEED = int(os.environ.get("SHUNIU_TEST_SEED") or random.SystemRandom().randrange(1 << 32))


@dataclass(slots=True)
class Inboxes:
    """What consumers have been shown, by lane: the number of each delivery, and the order in which numbers first came."""

    numbers: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    exchanges: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    acknowledged: dict[str, float] = field(default_factory=dict)
    """When (monotonic seconds) the answer came that a delivery is acknowledged."""

    faults: list[str] = field(default_factory=list)
    repeats: int = 0

    def show(self, items: Sequence[dict[str, Any]], asked_at: float) -> None:
        """Note one answer to a pull that was sent at `asked_at`."""
        last: dict[str, int] = {}
        for item in items:
            lane, delivery, sequence = item["lane"], item["delivery"], item["sequence"]
            self.repeats += delivery in self.numbers[lane]
            known = self.numbers[lane].setdefault(delivery, sequence)
            if known != sequence:
                self.faults.append(f"{delivery} was {known} and is {sequence}")
            if sequence <= last.get(lane, 0):
                self.faults.append(f"{lane}: {sequence} after {last[lane]} in one answer")
            if self.acknowledged.get(delivery, asked_at) < asked_at:
                self.faults.append(f"{delivery} came again after it was acknowledged")
            last[lane] = sequence
            self.exchanges[lane].setdefault(item["exchange"], delivery)

    def order(self, lane: str) -> list[str]:
        """The lane's exchanges in the order of their numbers."""
        numbers = self.numbers[lane]
        return sorted(self.exchanges[lane], key=lambda exchange: numbers[self.exchanges[lane][exchange]])


async def keep_pulling(
    puller: Puller, ports: Sequence[int], inboxes: Inboxes, moments: random.Random, done: asyncio.Event
) -> None:
    """Pull from one gateway after the other; acknowledge a part, in any order; now and then go away without a word."""
    turn = 0
    while True:
        turn += 1
        try:
            async with Connection(ports[turn % len(ports)]) as connection:
                for _ in range(moments.randrange(1, 20)):
                    is_last, asked_at = done.is_set(), time.monotonic()
                    answer = await puller.pull(connection, limit=LIMIT)
                    if answer.status != 200:
                        assert answer.status == 503, answer.body
                        await asyncio.sleep(0.05)
                        continue
                    items = answer.json()["items"]
                    inboxes.show(items, asked_at)
                    if not items and is_last:
                        return
                    await acknowledge_some(puller, connection, items, inboxes, moments, everything=done.is_set())
        except TimeoutError:
            raise
        except OSError:
            await asyncio.sleep(0.05)


async def acknowledge_some(
    puller: Puller,
    connection: Connection,
    items: Sequence[dict[str, Any]],
    inboxes: Inboxes,
    moments: random.Random,
    *,
    everything: bool,
) -> None:
    some = list(items) if everything else moments.sample(items, k=moments.randint(0, len(items)))
    if not some:
        await asyncio.sleep(0.01)
        return
    answer = await puller.acknowledge(connection, some)
    if answer.status == 200:
        for item in some:  # what another puller had asked for before may be on its way to it
            inboxes.acknowledged.setdefault(item["delivery"], time.monotonic())
    else:
        assert answer.status == 503, answer.body


def overtaken(order: Sequence[str], held: Mapping[str, Held]) -> list[str]:
    """The exchanges whose receipt was issued before one that stands in front of them was even posted."""
    faults = []
    latest = 0.0
    for exchange in order:
        one = held.get(exchange)
        if one is None:
            continue
        if one.answered_at < latest:
            faults.append(exchange)
        latest = max(latest, one.sent_at)
    return faults


async def crash(found: County, moments: random.Random) -> None:
    """Kill a gateway, or the database."""
    if moments.random() < 0.5:
        victim = moments.choice(found.hub.gateways)
        victim.kill()
        victim.start()
        await victim.ready()
    else:
        await found.hub.kill_database(moments)


async def lanes_keep_their_order(found: County, rounds: int) -> None:
    print(f"seed {SEED}: SHUNIU_TEST_SEED={SEED} repeats it")
    moments = random.Random(SEED)
    inboxes, done = Inboxes(), asyncio.Event()
    pullers = [
        asyncio.create_task(keep_pulling(Puller(consumer), found.hub.ports, inboxes, random.Random(SEED + n), done))
        for n, consumer in enumerate([*found.consumers, *found.consumers])
    ]
    async with Load(found.hub.ports, found.envelopes(), connections=WRITERS, pause_s=PAUSE_S) as load:
        for _ in range(rounds):
            await asyncio.sleep(moments.uniform(0.2, 1.0))
            await crash(found, moments)
            await load.flows()
    done.set()
    began = time.monotonic()
    await asyncio.wait_for(asyncio.gather(*pullers), 200)
    connection = await found.hub.connect()
    try:
        assert await missing(connection, load.held) == []
        rows = await connection.fetch(
            "SELECT lane_id, array_agg(sequence ORDER BY sequence) AS s FROM delivered GROUP BY 1"
        )
    finally:
        await connection.close()
    assert inboxes.faults == []
    assert inboxes.repeats > 0
    held = {str(one.payload["exchange"]): one for one in load.held}
    for row in rows:
        lane = str(row["lane_id"])
        assert row["s"] == list(range(1, len(row["s"]) + 1)), "numbers have gaps"
        assert set(held) <= set(inboxes.exchanges[lane])
        assert overtaken(inboxes.order(lane), held) == []
    assert {row["lane_id"] for row in rows} == set(found.lanes)
    print(f"{len(held)} receipts, {inboxes.repeats} shown again, drained in {time.monotonic() - began:.1f} s")


async def test_no_lane_shows_b_before_a_while_everything_crashes(mortal: County) -> None:
    await lanes_keep_their_order(mortal, ROUNDS)
