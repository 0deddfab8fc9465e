"""The worker's loop on a real database: it finds what is due, is fair, survives faults and stops in good order."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import pytest

from adapters.errors import Unreachable
from adapters.protocol import Batch, Outcome, Pushed
from hub.app import wiring
from hub.db.engine import Database
from hub.delivery import backoff
from hub.delivery.settling import Settled
from hub.worker import deliveries
from hub.worker.deliveries import Deliveries
from tests.hub.delivery.conftest import RES, Post, confirm
from tests.support.talks import served
from tests.support.world import record

FAIL = """
INSERT INTO lane_lease (lane_id, fence, claimed_at, next_attempt_at, failures, failed_reason, batch_limit)
SELECT lane, 1, now(), now(), 3, 'unreachable', 1 FROM unnest($1::uuid[]) AS lane
"""


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


async def until(holds: Callable[[], bool], seconds: float = 30) -> None:
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
        took = []
        for number in (2, 3, 4):
            began = time.monotonic()
            await post.publish(1)
            await until(lambda number=number: pushed(post) == number)  # type: ignore[misc]
            took.append(time.monotonic() - began)
    assert min(took) < 3, "the machine may stand still once, not each time"


async def test_a_lane_that_fails_rests_and_is_found_again(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "SHORTEST_S", 600.0)

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

    def handed() -> Counter[UUID]:
        return Counter(batch.lane for batch in post.receiver.batches for _ in batch.items)

    post.receiver.answer = hang_when_dead
    monkeypatch.setattr(deliveries, "GRACE_S", 0.1)
    await post.publish(1)
    async with running(Deliveries(database.connect, post.pusher())):
        await until(lambda: hanging == 2)
        await post.publish(3)
        await until(lambda: handed()[post.lane] == 4)
        assert hanging == 2


async def test_the_failing_lanes_of_one_consumer_leave_places_to_those_of_others(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MAX_FAILING_OF_ONE", 2)
    monkeypatch.setattr(deliveries, "GRACE_S", 0.1)
    others = [await post.world.resource(f"306001000001/{n:06d}", post.provider) for n in range(2, 7)]
    many = {(await post.push_lane(post.consumer, resource))[1] for resource in others}
    system = await post.world.system("another")
    _, other = await post.push_lane(system, post.world.resources[RES])
    await post.target(system)
    await post.connection.execute(FAIL, [*many, other])
    hanging: list[UUID] = []

    async def hang(batch: Batch) -> Pushed:
        hanging.append(batch.lane)
        await asyncio.sleep(60)
        raise AssertionError

    post.receiver.answer = hang
    await post.publish(1)
    await post.connection.execute(
        "INSERT INTO delivery (id, lane_id, exchange_id, kid, digest)"
        " SELECT gen_random_uuid(), lane, exchange_id, kid, digest FROM delivery, unnest($1::uuid[]) AS lane WHERE lane_id = $2",
        list(many),
        other,
    )
    await post.connection.execute("UPDATE lane SET mode = 'inbox' WHERE id = $1", post.lane)
    async with running(Deliveries(database.connect, post.pusher())):
        await until(lambda: len(hanging) == 3)
        await asyncio.sleep(0.3)
    assert other in hanging
    assert len(hanging) == 3


async def test_a_failing_lane_is_tried_again_though_others_always_have_something(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MAX_OPEN", 1)
    monkeypatch.setattr(deliveries, "SLICE_S", 0.05)
    lanes = [post.lane]
    for name in ("consumer-c", "consumer-d"):
        system = await post.world.system(name)
        lanes.append((await post.push_lane(system, post.world.resources[RES]))[1])
        await post.target(system)
    await post.connection.execute(FAIL, [post.lane])

    async def endless(batch: Batch) -> Pushed:
        await post.publish(1)
        return await confirm(batch)

    post.receiver.answer = endless
    await post.publish(1)
    async with running(Deliveries(database.connect, post.pusher())):
        await until(lambda: post.lane in {batch.lane for batch in post.receiver.batches})
        post.receiver.answer = confirm


@pytest.mark.parametrize(("failing", "most"), [(0, 3), (8, 2), (4, 3)], ids=["fresh", "failing", "mixed"])
async def test_a_consumer_with_many_lanes_keeps_to_its_own_places(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch, failing: int, most: int
) -> None:
    monkeypatch.setattr(deliveries, "MAX_OPEN", 6)
    monkeypatch.setattr(deliveries, "MAX_FAILING", 5)
    monkeypatch.setattr(deliveries, "MAX_OF_CONSUMER", 3)
    monkeypatch.setattr(deliveries, "GRACE_S", 0.1)
    system = await post.world.system("slow")
    await post.target(system, max_attempts=100)
    resource = post.world.resources[RES]
    slow = [(await post.push_lane(system, resource, purpose=f"用途 {number}"))[1] for number in range(8)]
    await post.connection.execute(FAIL, slow[:failing])
    hanging: set[UUID] = set()

    async def hang_when_slow(batch: Batch) -> Pushed:
        if batch.lane in slow:
            hanging.add(batch.lane)
            await asyncio.sleep(60)
        return await confirm(batch)

    post.receiver.answer = hang_when_slow
    await post.publish(1)
    async with running(Deliveries(database.connect, post.pusher())):
        await until(lambda: len(hanging) == most and pushed(post) > most)
        await post.publish(1)
        await until(lambda: pushed(post) == most + 2)
        assert len(hanging) == most


class Hole:
    """A way to the database on which everything that was said on the `cut` connection is swallowed, and nothing closed."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self.cut: set[int] = set()
        self.opened = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        number = self.opened
        behind, beyond = await asyncio.open_unix_connection(self.socket)

        async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(1 << 16):
                    if number in self.cut:
                        continue
                    target.write(data)
                target.close()

        try:
            await asyncio.gather(pass_on(reader, beyond), pass_on(behind, writer))
        finally:
            beyond.transport.abort()


@pytest.mark.sockets
async def test_a_database_that_goes_away_without_a_word_is_noticed(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(wiring, "COMMAND_TIMEOUT_S", 1.0)
    monkeypatch.setattr(deliveries, "AWAY_S", 0.1)
    query = parse_qs(urlsplit(database.dsn).query)
    host, name = query["host"][0], f".s.PGSQL.{query['port'][0]}"
    hole = Hole(f"{host}/{name}")
    through = Database(database.dsn.replace(host, str(tmp_path)))
    async with (
        served(hole.talk, tmp_path / name),
        running(Deliveries(wiring.watched_connect(through), post.pusher())) as stop,
    ):
        await post.publish(1)
        await until(lambda: pushed(post) == 1)
        hole.cut.add(1)
        await post.publish(1)
        await until(lambda: pushed(post) == 2)
        hole.cut.add(hole.opened)
        stop.set()


async def test_a_busy_lane_gives_its_place_up(post: Post, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "MAX_OPEN", 1)
    monkeypatch.setattr(deliveries, "SLICE_S", 0.05)
    monkeypatch.setattr(deliveries, "WORTH_IT", 1)
    other = await post.world.system("consumer-c")
    await post.push_lane(other, post.world.resources[RES])

    async def endless(batch: Batch) -> Pushed:
        if batch.lane == post.lane:
            await post.publish(1)
        return await confirm(batch)

    post.receiver.answer = endless
    await post.publish(1)
    async with running(Deliveries(database.connect, post.pusher())):
        await until(lambda: len(post.receiver.batches) > 3)
        await post.target(other)
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
        await asyncio.wait_for(begun.wait(), 30)
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
        await asyncio.wait_for(begun.wait(), 30)
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

        async def push(self, wanted: UUID, *, at_least: int = 1) -> Settled | None:
            nonlocal tries
            if wanted == lane:
                tries += 1
                raise ZeroDivisionError
            return await pusher.push(wanted, at_least=at_least)

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
    monkeypatch.setattr(deliveries, "POLL_S", 60.0)
    monkeypatch.setattr(deliveries, "IDLE_POLL_S", 60.0)
    async with running(Deliveries(database.connect, post.pusher())):
        await asyncio.sleep(0.3)
        await post.intake.accept(post.provider.exchange(RES, [record(1)]), address="", request_id="r")
        await post.connection.execute("SELECT pg_notify('shuniu_delivery', '')")
        await until(lambda: pushed(post) == 1)


async def test_an_acknowledged_push_is_confirmed_by_its_signature(post: Post, database: Database) -> None:
    async def sign(batch: Batch) -> Pushed:
        named = [(str(item.delivery), item.digest) for item in batch.items]
        return Pushed(Outcome.ACKNOWLEDGED, acknowledgement=post.consumer.ack(named))

    post.receiver.answer = sign
    await post.publish(3)
    async with running(Deliveries(database.connect, post.pusher())):
        await until(lambda: pushed(post) == 3)
    assert await post.values("SELECT DISTINCT outcome FROM delivered") == ["acknowledged"]


async def stop_what_is_queued(post: Post) -> None:
    """What is in the queue was signed by somebody whose key is compromised."""
    other = await post.world.system("compromised")
    await post.connection.execute("UPDATE delivery SET kid = $1", other.kid)
    await post.world.change(
        "UPDATE certificate SET state = 'revoked', revoked_at = now(), revocation_reason = 'keyCompromise' WHERE kid = $1",
        other.kid,
    )


async def test_what_lies_behind_a_compromised_signers_items_is_found(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MOST_PASSED", 2)
    monkeypatch.setattr(deliveries, "DEEP_EVERY_S", 0.2)
    await post.publish(5)
    await stop_what_is_queued(post)
    async with running(Deliveries(database.connect, post.pusher())):
        await post.publish(1)
        await until(lambda: pushed(post) == 1)
        await post.publish(1)
        await until(lambda: pushed(post) == 2)
    assert [len(batch.items) for batch in post.receiver.batches] == [1, 1]


@pytest.mark.parametrize(("every_s", "share"), [(60.0, 0), (0.0, 1_000_000)], ids=["every", "share"])
async def test_a_compromised_signers_backlog_is_read_seldom(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch, every_s: float, share: int
) -> None:
    monkeypatch.setattr(deliveries, "MOST_PASSED", 2)
    monkeypatch.setattr(deliveries, "DEEP_EVERY_S", every_s)
    monkeypatch.setattr(deliveries, "DEEP_SHARE", share)
    bounds: list[int | None] = []

    async def connect() -> asyncpg.Connection:
        connection = await database.connect()
        connection.add_query_logger(
            lambda asked: bounds.append(asked.args[-1]) if "of_its_kind" in asked.query else None
        )
        return connection

    await post.publish(5)
    await stop_what_is_queued(post)
    await post.publish(1)
    async with running(Deliveries(connect, post.pusher())):
        await until(lambda: pushed(post) == 1)
        await post.publish(1)
        await until(lambda: len(bounds) > 8)
    assert (bounds[0], set(bounds[1:])) == (None, {2})
    assert pushed(post) == 1, "it is found by the next look that goes past all"


async def test_a_trickle_gathers_until_the_next_look(
    post: Post, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "POLL_S", 60.0)

    async def confirm_while_another_comes(batch: Batch) -> Pushed:
        await post.publish(1)
        return await confirm(batch)

    post.receiver.answer = confirm_while_another_comes
    await post.publish(1)
    loop = Deliveries(database.connect, post.pusher())
    async with running(loop):
        await until(lambda: pushed(post) == 1)
        await until(lambda: not loop._open)
        await asyncio.sleep(0.3)
        assert len(post.receiver.batches) == 1, "a push for each would be a claim and a settlement for each"
        await post.publish(2)
        await post.connection.execute("SELECT pg_notify('shuniu_delivery', '')")
        await until(lambda: pushed(post) == 4)
    assert [len(batch.items) for batch in post.receiver.batches] == [1, 3]
