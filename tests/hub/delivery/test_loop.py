"""The worker's loop on a real database: it finds what is due, is fair, survives faults and stops in good order."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from adapters.errors import Unreachable
from adapters.protocol import Batch, Outcome, Pushed
from hub.db.engine import Database
from hub.delivery.settling import Settled
from hub.worker import deliveries
from hub.worker.deliveries import Deliveries
from tests.hub.delivery.conftest import RES, Post, confirm
from tests.support.world import record


@asynccontextmanager
async def running(loop: Deliveries) -> AsyncIterator[asyncio.Event]:
    """The loop, for the length of the block; it must end when told to."""
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what must come true."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.01)


def pushed(post: Post) -> int:
    return sum(len(batch.items) for batch in post.receiver.batches)


async def test_what_is_accepted_is_pushed_soon(post: Post, database: Database) -> None:
    async with running(Deliveries(database.connect, post.pusher())):
        await post.publish(1)
        await until(lambda: pushed(post) == 1)
        began = time.monotonic()
        await post.publish(1)
        await until(lambda: pushed(post) == 2)
        assert time.monotonic() - began < 0.5


async def test_a_lane_that_fails_rests_and_is_found_again(post: Post, database: Database) -> None:
    async def refuse(_: Batch) -> Pushed:
        raise Unreachable(reason="unreachable", zh="连不上", en="nobody answers")

    post.receiver.answer = refuse
    await post.publish(1)
    async with running(Deliveries(database.connect, post.pusher())):
        await until(lambda: len(post.receiver.batches) == 1)
        await asyncio.sleep(0.3)
        assert len(post.receiver.batches) == 1
        post.receiver.answer = confirm
        await post.due_now()
        await until(lambda: len(post.receiver.batches) == 2)


async def test_two_workers_share_the_lanes_and_push_every_item_once(post: Post, database: Database) -> None:
    lanes = {post.lane}
    for number in range(5):
        system = await post.world.system(f"consumer-{number}")
        lanes.add((await post.push_lane(system, post.world.resources[RES]))[1])
        await post.target(system)
    async with (
        running(Deliveries(database.connect, post.pusher())),
        running(Deliveries(database.connect, post.pusher())),
    ):
        await post.publish(20)
        await until(lambda: pushed(post) >= 120)
        await asyncio.sleep(0.2)
    handed: dict[UUID, list[int]] = {lane: [] for lane in lanes}
    for batch in post.receiver.batches:
        handed[batch.lane] += [item.sequence for item in batch.items]
    assert list(handed.values()) == [list(range(1, 21))] * 6


async def test_dead_consumers_keep_to_the_few_places_of_failing_lanes(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MAX_OPEN", 3)
    monkeypatch.setattr(deliveries, "MAX_FAILING", 2)
    dead = set()
    for number in range(6):
        system = await post.world.system(f"dead-{number}")
        dead.add((await post.push_lane(system, post.world.resources[RES]))[1])
        await post.target(system, max_attempts=100)
    for lane in dead:
        await post.connection.execute(
            "INSERT INTO lane_lease (lane_id, fence, next_attempt_at, failures, failed_reason, batch_limit)"
            " VALUES ($1, 1, now(), 3, 'unreachable', 1)",
            lane,
        )
    hanging = 0

    async def hang_when_dead(batch: Batch) -> Pushed:
        nonlocal hanging
        if batch.lane not in dead:
            return await confirm(batch)
        hanging += 1
        try:
            await asyncio.sleep(60)
        finally:
            hanging -= 1
        raise AssertionError

    post.receiver.answer = hang_when_dead
    monkeypatch.setattr(deliveries, "GRACE_S", 0.1)
    await post.publish(1)
    async with running(Deliveries(database.connect, post.pusher())):
        await until(lambda: hanging == 2)
        for _ in range(3):
            await post.publish(1)
            await asyncio.sleep(0.1)
        healthy = [batch for batch in post.receiver.batches if batch.lane == post.lane]
        assert sum(len(batch.items) for batch in healthy) == 4
        assert hanging == 2


async def test_a_busy_lane_gives_its_place_up(post: Post, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "MAX_OPEN", 1)
    monkeypatch.setattr(deliveries, "SLICE_S", 0.05)
    other = await post.world.system("consumer-c")
    await post.push_lane(other, post.world.resources[RES])
    await post.target(other)

    async def endless(batch: Batch) -> Pushed:
        if batch.lane == post.lane:
            await post.publish(1)
        return await confirm(batch)

    post.receiver.answer = endless
    await post.publish(1)
    async with running(Deliveries(database.connect, post.pusher())):
        await until(lambda: len({batch.lane for batch in post.receiver.batches}) == 2)
        post.receiver.answer = confirm


async def test_a_worker_that_is_told_to_stop_lets_open_calls_end(post: Post, database: Database) -> None:
    begun = asyncio.Event()

    async def slow(batch: Batch) -> Pushed:
        begun.set()
        await asyncio.sleep(0.4)
        return await confirm(batch)

    post.receiver.answer = slow
    await post.publish(1)
    async with running(Deliveries(database.connect, post.pusher())):
        await asyncio.wait_for(begun.wait(), 5)
    assert await post.values("SELECT outcome FROM attempt") == ["transport-confirmed"]


async def test_a_call_that_outlasts_the_grace_is_cut_off_and_taken_again_after_its_lease(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "GRACE_S", 0.1)
    begun = asyncio.Event()

    async def hang(_: Batch) -> Pushed:
        begun.set()
        await asyncio.sleep(60)
        raise AssertionError

    post.receiver.answer = hang
    await post.publish(1)
    async with running(Deliveries(database.connect, post.pusher())):
        await asyncio.wait_for(begun.wait(), 5)
    assert await post.values("SELECT ended_at FROM attempt") == [None]
    await post.run_out()
    post.receiver.answer = confirm
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    assert post.receiver.sequences == [[1], [1]]


async def test_a_database_that_is_away_is_waited_for(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(deliveries, "AWAY_S", 0.05)
    answers = iter([ConnectionRefusedError(), None])

    async def connect() -> asyncpg.Connection:
        if (fault := next(answers, None)) is not None:
            raise fault
        return await database.connect()

    await post.publish(1)
    with caplog.at_level(logging.WARNING, deliveries.__name__):
        async with running(Deliveries(connect, post.pusher())):
            await until(lambda: pushed(post) == 1)
    assert [r.getMessage() for r in caplog.records] == ["deliveries put off"]


async def test_our_own_fault_in_one_lane_stops_neither_the_others_nor_comes_at_once_again(
    post: Post, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    other = await post.world.system("consumer-c")
    _, lane = await post.push_lane(other, post.world.resources[RES])
    await post.target(other)
    pusher = post.pusher()
    tries = 0

    class Broken:
        clock = pusher.clock

        async def push(self, wanted: UUID) -> Settled | None:
            nonlocal tries
            if wanted == lane:
                tries += 1
                raise ZeroDivisionError
            return await pusher.push(wanted)

    with caplog.at_level(logging.WARNING, deliveries.__name__):
        async with running(Deliveries(database.connect, Broken())):  # type: ignore[arg-type]
            await post.publish(2)
            await until(lambda: pushed(post) == 2)
            await asyncio.sleep(0.3)
    assert tries == 1
    assert [r.levelname for r in caplog.records] == ["ERROR"]


async def test_a_notification_wakes_an_idle_worker(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "POLL_S", 5.0)
    monkeypatch.setattr(deliveries, "IDLE_POLL_S", 30.0)
    async with running(Deliveries(database.connect, post.pusher())):
        await asyncio.sleep(0.3)
        await post.intake.accept(post.provider.exchange(RES, [record(1)]), address="", request_id="r")
        await post.connection.execute("SELECT pg_notify('shuniu_delivery', '')")
        await until(lambda: pushed(post) == 1, 2)


async def test_an_acknowledged_push_is_confirmed_by_its_signature(post: Post, database: Database) -> None:
    async def sign(batch: Batch) -> Pushed:
        named = [(str(item.delivery), item.digest) for item in batch.items]
        return Pushed(Outcome.ACKNOWLEDGED, acknowledgement=post.consumer.ack(named))

    post.receiver.answer = sign
    await post.publish(3)
    async with running(Deliveries(database.connect, post.pusher())):
        await until(lambda: pushed(post) == 3)
    assert await post.values("SELECT DISTINCT outcome FROM delivered") == ["acknowledged"]
