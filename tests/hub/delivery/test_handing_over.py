"""What was handed over stays in the queue until its signed acknowledgement comes, or until it is time to hand it over again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.errors import Unreachable
from adapters.protocol import Batch, Outcome, Pushed
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.engine import Database
from hub.delivery import lanes, targets
from hub.delivery.settling import Settled
from hub.delivery.targets import NewTarget
from hub.registry.errors import WrongState
from hub.worker.deliveries import Deliveries
from tests.hub.delivery.conftest import Post, confirm, ids
from tests.support.world import HUB

STAFF = Actor(kind="staff", id="0193b5a0-0000-7000-8000-000000000000", role="operator")
HTTP = {"url": "https://sink.example/deliveries", "networks": ["10.1.0.0/16"]}
AGAIN_S = 3600.0


async def hand_over(_: Batch) -> Pushed:
    return Pushed(Outcome.HANDED_OVER, answer=b"SHUNIU_1.txt", again_after_s=AGAIN_S)


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    """A session, rolled back at the end unless the test commits."""
    async with database.session() as found:
        yield found


@pytest.fixture
def gateway(post: Post) -> Post:
    post.receiver.answer = hand_over
    return post


async def due(post: Post) -> list[UUID]:
    async def connect() -> asyncpg.Connection:
        return post.connection

    return [lane for lane, _ in await Deliveries(connect, post.pusher())._due(post.connection)]


async def acknowledge(post: Post, batch: Batch, count: int | None = None) -> None:
    named = [(str(item.delivery), item.digest) for item in batch.items[:count]]
    await post.acknowledging.acknowledge(post.consumer.ack(named), address="", request_id="r")


def how(post: Post) -> dict[str, Any]:
    return {"actor": STAFF, "recorder": Recorder(HUB), "now": post.clock()}


async def state(post: Post, session: AsyncSession) -> str:
    await session.rollback()
    (view,) = await lanes.list_lanes(session, after=None, limit=9, now=post.clock())
    return view.state


async def test_what_was_handed_over_is_not_delivered_and_waits(gateway: Post, session: AsyncSession) -> None:
    await gateway.publish(3)
    assert await gateway.pusher().push(gateway.lane) is Settled.HANDED_OVER
    assert await gateway.values("SELECT count(*) FROM delivery") == [3]
    assert await gateway.values("SELECT count(*) FROM delivered") == [0]
    assert await gateway.values("SELECT outcome FROM attempt") == ["handed-over"]
    assert await gateway.values("SELECT answer FROM attempt") == [b"SHUNIU_1.txt"]
    assert await gateway.events("delivery.") == ["delivery.attempted", "delivery.handed-over"]
    assert await state(gateway, session) == "awaiting"


async def test_later_deliveries_wait_with_it_so_that_nothing_overtakes(gateway: Post) -> None:
    await gateway.publish(1)
    await gateway.pusher().push(gateway.lane)
    await gateway.publish(2)
    assert await due(gateway) == []
    assert await gateway.pusher().push(gateway.lane) is None
    assert gateway.receiver.sequences == [[1]]


async def test_its_acknowledgement_settles_it_and_the_lane_goes_on_at_once(
    gateway: Post, session: AsyncSession
) -> None:
    await gateway.publish(2)
    await gateway.pusher().push(gateway.lane)
    await gateway.publish(1)
    await acknowledge(gateway, gateway.receiver.batches[0])
    assert await gateway.values("SELECT outcome FROM delivered") == ["acknowledged"] * 2
    assert await due(gateway) == [gateway.lane]
    assert await gateway.pusher().push(gateway.lane) is Settled.HANDED_OVER
    await acknowledge(gateway, gateway.receiver.batches[1])
    assert gateway.receiver.sequences == [[1, 2], [3]]
    assert await state(gateway, session) == "idle"


async def test_it_goes_again_with_the_same_ids_and_numbers_under_a_higher_fence_when_its_time_has_come(
    gateway: Post,
) -> None:
    await gateway.publish(2)
    await gateway.pusher().push(gateway.lane)
    (waits,) = await gateway.values(
        "SELECT extract(epoch FROM next_attempt_at - handed_over_at)::float FROM lane_lease"
    )
    assert waits == AGAIN_S
    await gateway.publish(1)
    await gateway.due_now()
    assert await due(gateway) == [gateway.lane]
    assert await gateway.pusher().push(gateway.lane) is Settled.HANDED_OVER
    first, second = gateway.receiver.batches
    assert ids([second])[0][:2] == ids([first])[0]
    assert gateway.receiver.sequences == [[1, 2], [1, 2, 3]]
    assert first.fence < second.fence
    assert await gateway.values("SELECT failures FROM lane_lease") == [0]


async def test_a_part_that_is_acknowledged_does_not_let_the_rest_be_overtaken(gateway: Post) -> None:
    await gateway.publish(3)
    await gateway.pusher().push(gateway.lane)
    await acknowledge(gateway, gateway.receiver.batches[0], 2)
    assert await due(gateway) == []
    assert await gateway.pusher().push(gateway.lane) is None
    await gateway.due_now()
    await gateway.pusher().push(gateway.lane)
    assert gateway.receiver.sequences[-1] == [3]


async def test_what_was_numbered_but_not_handed_over_again_does_not_hold_the_lane(gateway: Post) -> None:
    await gateway.publish(3)
    await gateway.pusher().push(gateway.lane)
    await gateway.connection.execute("UPDATE lane_lease SET batch_limit = 1")
    await gateway.due_now()
    await gateway.pusher().push(gateway.lane)
    assert gateway.receiver.sequences == [[1, 2, 3], [1]]
    await acknowledge(gateway, gateway.receiver.batches[1])
    assert await due(gateway) == [gateway.lane]
    await gateway.pusher().push(gateway.lane)
    assert gateway.receiver.sequences[-1] == [2, 3]


async def test_what_is_stopped_by_a_compromised_key_does_not_hold_the_lane(gateway: Post) -> None:
    await gateway.publish(1)
    await gateway.pusher().push(gateway.lane)
    await gateway.publish(1)
    await gateway.connection.execute("UPDATE delivery SET kid = $1 WHERE sequence IS NULL", gateway.consumer.kid)
    assert await due(gateway) == []
    await gateway.connection.execute(
        "UPDATE certificate SET state = 'revoked', revoked_at = now(), revocation_reason = 'keyCompromise' WHERE kid = $1",
        gateway.provider.kid,
    )
    assert await due(gateway) == [gateway.lane]
    assert await gateway.pusher().push(gateway.lane) is Settled.HANDED_OVER
    assert gateway.receiver.sequences == [[1], [2]]


async def test_an_acknowledgement_that_is_faster_than_the_settlement_counts(post: Post) -> None:
    async def acknowledged_meanwhile(batch: Batch) -> Pushed:
        await acknowledge(post, batch)
        return await hand_over(batch)

    post.receiver.answer = acknowledged_meanwhile
    await post.publish(2)
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    assert await post.values("SELECT outcome FROM delivered") == ["acknowledged"] * 2
    assert await post.values("SELECT outcome FROM attempt") == ["acknowledged"]
    assert await post.values("SELECT handed_over_at FROM lane_lease") == [None]


async def test_a_gateway_that_fails_rests_and_backs_off_like_any_other(gateway: Post) -> None:
    async def full(_: Batch) -> Pushed:
        raise Unreachable(reason="folder-full", zh="目录写不下", en="the folder is full")

    await gateway.publish(1)
    await gateway.pusher().push(gateway.lane)
    await gateway.due_now()
    gateway.receiver.answer = full
    assert await gateway.pusher().push(gateway.lane) is Settled.FAILED
    row = await gateway.connection.fetchrow("SELECT failures, failed_reason, handed_over_at FROM lane_lease")
    assert row is not None
    assert tuple(row) == (1, "folder-full", None)
    gateway.receiver.answer = hand_over
    await gateway.due_now()
    assert await gateway.pusher().push(gateway.lane) is Settled.HANDED_OVER
    assert await gateway.values("SELECT failures FROM lane_lease") == [0]


async def test_a_late_worker_hands_nothing_over_in_the_books(gateway: Post) -> None:
    async def slow(batch: Batch) -> Pushed:
        await gateway.run_out()
        return await hand_over(batch)

    gateway.receiver.answer = slow
    await gateway.publish(1)
    assert await gateway.pusher().push(gateway.lane) is Settled.LOST
    assert await gateway.values("SELECT handed_over_at FROM lane_lease") == [None]


async def test_an_operator_has_it_handed_over_again_at_once(gateway: Post, session: AsyncSession) -> None:
    await gateway.publish(1)
    await gateway.pusher().push(gateway.lane)
    await lanes.resume_lane(session, gateway.lane, **how(gateway))
    await session.commit()
    assert await gateway.pusher().push(gateway.lane) is Settled.HANDED_OVER
    assert gateway.receiver.sequences == [[1], [1]]
    await acknowledge(gateway, gateway.receiver.batches[1])
    await gateway.publish(1)
    gateway.receiver.answer = confirm
    await gateway.pusher().push(gateway.lane)
    with pytest.raises(WrongState):
        await lanes.resume_lane(session, gateway.lane, **how(gateway))


async def test_another_target_takes_what_was_handed_over_at_once(gateway: Post, session: AsyncSession) -> None:
    await gateway.publish(2)
    await gateway.pusher().push(gateway.lane)
    await targets.set_target(session, NewTarget("consumer-b", "http", HTTP), **how(gateway))
    await session.commit()
    gateway.receiver.answer = confirm
    assert await gateway.pusher().push(gateway.lane) is Settled.DELIVERED
    assert gateway.receiver.sequences == [[1, 2], [1, 2]]
