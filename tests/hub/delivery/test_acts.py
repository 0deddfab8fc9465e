"""What an operator and a security officer do: targets, lanes, dead letters, replays; each act in the log."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.errors import Rejected, Unreachable
from adapters.protocol import Batch, Outcome, Pushed
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.engine import Database
from hub.delivery import backoff, dead_letters, lanes, targets
from hub.delivery.dead_letters import Selection
from hub.delivery.errors import AlreadyReplayed, CountHasChanged, UnknownDeadLetter, UnknownLane, UnknownTarget
from hub.delivery.repository import DELIVERY_CHANNEL
from hub.delivery.settling import Settled
from hub.delivery.targets import NewTarget
from hub.errors import Refused
from hub.registry.errors import InvalidField, UnknownSystem, WrongState
from tests.hub.delivery.conftest import RES, Post, confirm
from tests.support.world import HUB

STAFF = Actor(kind="staff", id="0193b5a0-0000-7000-8000-000000000000", role="operator")
HTTP = {"url": "https://sink.example/deliveries", "networks": ["10.1.0.0/16"]}


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    """A session, rolled back at the end unless the test commits."""
    async with database.session() as found:
        yield found


def how(post: Post) -> dict[str, Any]:
    return {"actor": STAFF, "recorder": Recorder(HUB), "now": post.clock()}


async def park(post: Post, count: int) -> None:
    """So many dead letters, in order."""

    async def refuse(_: Batch) -> Pushed:
        raise Rejected(reason="rejected", zh="不收", en="not taken")

    post.receiver.answer = refuse
    await post.publish(count)
    while len(await post.values("SELECT id FROM dead_letter WHERE replayed_as IS NULL")) < count:
        await post.due_now()
        await post.pusher().push(post.lane)
    await post.connection.execute("UPDATE lane_lease SET failures = 0, failed_reason = NULL, next_attempt_at = now()")
    post.receiver.answer = confirm
    post.receiver.batches.clear()


# dead letters


async def test_dead_letters_are_listed_with_their_reason_and_by_page(post: Post, session: AsyncSession) -> None:
    await park(post, 3)
    first = await dead_letters.list_dead_letters(session, Selection(), after=None, limit=2)
    rest = await dead_letters.list_dead_letters(session, Selection(), after=first[-1].id, limit=2)
    assert [letter.reason for letter in [*first, *rest]] == ["rejected"] * 3
    assert {letter.sequence for letter in [*first, *rest]} == {1, 2, 3}


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (Selection(), 2),
        (Selection(reason="rejected"), 2),
        (Selection(reason="unreachable"), 0),
        (Selection(consumer="consumer-b"), 2),
        (Selection(consumer="provider-a"), 0),
        (Selection(lane=UUID(int=1)), 0),
    ],
)
async def test_a_preview_counts_what_a_replay_would_take(
    post: Post, session: AsyncSession, selection: Selection, count: int
) -> None:
    await park(post, 2)
    assert await dead_letters.count_dead_letters(session, selection) == count
    replayed = await dead_letters.replay_many(session, selection, expected=count, **how(post))
    assert (replayed.count, replayed.left) == (count, 0)


async def test_a_replay_is_a_new_delivery_under_a_new_number(post: Post, session: AsyncSession) -> None:
    await park(post, 1)
    (letter,) = await dead_letters.list_dead_letters(session, Selection(lane=post.lane), after=None, limit=9)
    delivery = await dead_letters.replay_one(session, letter.id, **how(post))
    await session.commit()
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    (item,) = post.receiver.batches[0].items
    assert (item.delivery, item.exchange) == (delivery, letter.exchange_id)
    assert (letter.sequence, item.sequence) == (1, 2)
    assert delivery in (await post.values("SELECT deliveries FROM exchange"))[0]
    assert await dead_letters.count_dead_letters(session, Selection()) == 0
    (shown,) = await dead_letters.list_dead_letters(session, Selection(), after=None, limit=9, replayed=True)
    assert shown.replayed_as == delivery


async def test_a_letter_is_replayed_once(post: Post, session: AsyncSession) -> None:
    await park(post, 1)
    (letter,) = await dead_letters.list_dead_letters(session, Selection(), after=None, limit=9)
    await dead_letters.replay_one(session, letter.id, **how(post))
    with pytest.raises(AlreadyReplayed) as caught:
        await dead_letters.replay_one(session, letter.id, **how(post))
    assert caught.value.delivery == letter.replayed_as
    with pytest.raises(UnknownDeadLetter):
        await dead_letters.replay_one(session, uuid4(), **how(post))


async def test_many_are_replayed_in_the_order_that_they_had(post: Post, session: AsyncSession) -> None:
    await park(post, 12)
    letters = {letter.exchange_id: letter.sequence for letter in await all_letters(session)}
    await dead_letters.replay_many(session, Selection(), expected=12, **how(post))
    await session.commit()
    while await post.pusher().push(post.lane) is Settled.DELIVERED:
        pass
    items = [item for batch in post.receiver.batches for item in batch.items]
    assert [letters[item.exchange] for item in items] == list(range(1, 13))
    assert [item.sequence for item in items] == list(range(13, 25))


async def all_letters(session: AsyncSession) -> Any:
    return await dead_letters.list_dead_letters(session, Selection(), after=None, limit=500)


async def test_a_replay_of_another_number_than_previewed_replays_nothing(post: Post, session: AsyncSession) -> None:
    await park(post, 2)
    for expected in (1, 3):
        with pytest.raises(CountHasChanged):
            await dead_letters.replay_many(session, Selection(), expected=expected, **how(post))
    assert await dead_letters.count_dead_letters(session, Selection()) == 2


async def test_more_than_one_replay_may_take_are_replayed_in_several_in_order(
    post: Post, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "MOST_AT_ONCE", 5)
    await park(post, 12)
    letters = {letter.exchange_id: letter.sequence for letter in await all_letters(session)}
    left, done = 12, []
    while left:
        replayed = await dead_letters.replay_many(session, Selection(), expected=left, **how(post))
        await session.commit()
        left = replayed.left
        done.append((replayed.count, replayed.left))
    assert done == [(5, 7), (5, 2), (2, 0)]
    while await post.pusher().push(post.lane) is Settled.DELIVERED:
        pass
    items = [item for batch in post.receiver.batches for item in batch.items]
    assert [letters[item.exchange] for item in items] == list(range(1, 13))


async def test_a_replay_is_in_the_log_for_each_lane(post: Post, session: AsyncSession) -> None:
    await park(post, 2)
    await dead_letters.replay_many(session, Selection(), expected=2, **how(post))
    await session.commit()
    leaves = await post.values("SELECT leaf FROM log_entry WHERE event = 'delivery.replayed'")
    (leaf,) = map(orjson.loads, leaves)
    assert (leaf["rows"], leaf["object"]["id"], leaf["actor"]["id"]) == (2, str(post.lane), STAFF.id)


# lanes


async def test_a_paused_lane_keeps_what_it_has_until_it_resumes(post: Post, session: AsyncSession) -> None:
    await post.publish(1)
    await lanes.pause_lane(session, post.lane, reason="对方升级", **how(post))
    await session.commit()
    assert await post.pusher().push(post.lane) is None
    (view,) = await lanes.list_lanes(session, after=None, limit=9, now=post.clock())
    assert (view.state, view.reason, view.waiting, view.fence) == ("paused", "对方升级", 1, 0)
    await lanes.resume_lane(session, post.lane, **how(post))
    await session.commit()
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    assert await post.events("lane.") == ["lane.paused", "lane.resumed"]


async def test_resuming_lifts_a_rest_too(post: Post, session: AsyncSession) -> None:
    async def refuse(_: Batch) -> Pushed:
        raise Rejected(reason="rejected", zh="不收", en="not taken")

    await post.publish(2)
    post.receiver.answer = refuse
    await post.pusher(jitter=0.9).push(post.lane)
    (view,) = await lanes.list_lanes(session, after=None, limit=9, now=post.clock())
    assert (view.state, view.failures, view.reason) == ("resting", 1, "rejected")
    await lanes.resume_lane(session, post.lane, **how(post))
    await session.commit()
    post.receiver.answer = confirm
    assert await post.pusher().push(post.lane) is Settled.DELIVERED


async def test_a_lane_shows_what_it_is_doing(post: Post, session: AsyncSession) -> None:
    async def state() -> str:
        (view,) = await lanes.list_lanes(session, after=None, limit=9, now=post.clock())
        await session.rollback()
        return view.state

    assert await state() == "idle"
    await post.publish(1)
    states = []

    async def look(batch: Batch) -> Pushed:
        states.append(await state())
        return await confirm(batch)

    post.receiver.answer = look
    await post.pusher().push(post.lane)
    assert states == ["pushing"]
    assert await state() == "idle"
    await post.connection.execute("UPDATE lane_lease SET failures = 9, failed_reason = 'x', blocked_at = now()")
    assert await state() == "blocked"


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ("DELETE FROM push_target", "no-target"),
        ("UPDATE push_target SET state = 'paused', state_reason = 'x'", "target-paused"),
        ("UPDATE push_target SET holds = true", "holding"),
        ("UPDATE access_grant SET state = 'suspended'", "no-rights"),
        ("UPDATE access_grant SET valid_to = now()", "no-rights"),
        ("UPDATE system SET state = 'suspended' WHERE code = 'consumer-b'", "no-rights"),
        ("UPDATE resource SET status = 'suspended'", "no-rights"),
        ("UPDATE certificate SET not_after = now() WHERE subject = 'consumer-b'", "no-rights"),
    ],
)
async def test_a_lane_in_which_no_attempt_may_start_says_why(
    post: Post, session: AsyncSession, change: str, shown: str
) -> None:
    await post.publish(1)
    await post.world.change(change)
    (view,) = await lanes.list_lanes(session, after=None, limit=9, now=post.clock())
    assert (view.state, view.waiting) == (shown, 1)
    assert await post.pusher().push(post.lane) is None


async def test_steps_from_the_wrong_state_are_refused(post: Post, session: AsyncSession) -> None:
    with pytest.raises(WrongState):
        await lanes.resume_lane(session, post.lane, **how(post))
    await lanes.pause_lane(session, post.lane, reason="x", **how(post))
    with pytest.raises(WrongState):
        await lanes.pause_lane(session, post.lane, reason="x", **how(post))
    with pytest.raises(InvalidField):
        await lanes.pause_lane(session, post.lane, reason=" ", **how(post))
    with pytest.raises(UnknownLane):
        await lanes.pause_lane(session, uuid4(), reason="x", **how(post))
    await session.rollback()
    await post.connection.execute("UPDATE lane SET mode = 'inbox'")
    assert await lanes.list_lanes(session, after=None, limit=9, now=post.clock()) == []
    assert await lanes.list_lanes(session, after=post.lane, limit=9, now=post.clock()) == []


# targets


async def test_a_target_is_set_changed_paused_and_resumed(post: Post, session: AsyncSession) -> None:
    await post.connection.execute("DELETE FROM push_target")
    made = await targets.set_target(session, NewTarget("consumer-b", "http", HTTP), **how(post))
    assert (made.state, made.policy, made.set_by) == ("active", "block", STAFF.id)
    await targets.pause_target(session, "consumer-b", reason="核查", **how(post))
    changed = await targets.set_target(
        session, NewTarget("consumer-b", "http", HTTP, policy="park", max_attempts=5), **how(post)
    )
    assert (changed.state, changed.policy, changed.max_attempts) == ("paused", "park", 5)
    with pytest.raises(WrongState):
        await targets.pause_target(session, "consumer-b", reason="x", **how(post))
    await targets.resume_target(session, "consumer-b", **how(post))
    found = await targets.find_target(session, "consumer-b")
    await session.commit()
    assert (found.state, found.state_reason, found.settings) == ("active", None, HTTP)
    assert await post.events("target.") == ["target.set", "target.paused", "target.changed", "target.resumed"]


async def test_a_target_that_is_corrected_or_resumed_is_tried_at_once(
    post: Post, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "SHORTEST_S", 600.0)

    async def fail(_: Batch) -> Pushed:
        raise Unreachable(reason="no-connection", zh="连不上", en="nobody answers")

    async def correct() -> None:
        await targets.set_target(session, NewTarget("consumer-b", "http", HTTP), **how(post))

    async def pause_and_resume() -> None:
        await targets.pause_target(session, "consumer-b", reason="核查", **how(post))
        await targets.resume_target(session, "consumer-b", **how(post))

    await post.publish(1)
    post.receiver.answer = fail
    for repair in (correct, pause_and_resume):
        await post.due_now()
        assert await post.pusher().push(post.lane) is Settled.FAILED
        assert await post.pusher().push(post.lane) is None, "it rests"
        woken = asyncio.Event()
        await post.connection.add_listener(DELIVERY_CHANNEL, lambda *_, woken=woken: woken.set())
        await repair()
        await session.commit()
        await asyncio.wait_for(woken.wait(), 30)
        await post.connection.reset()
    assert await post.pusher().push(post.lane) is Settled.FAILED
    assert await post.values("SELECT failures FROM lane_lease") == [2], (
        "what failed at the old place does not count at the new"
    )


async def test_a_corrected_target_has_all_its_attempts(post: Post, session: AsyncSession) -> None:
    async def fail(_: Batch) -> Pushed:
        raise Unreachable(reason="no-connection", zh="连不上", en="nobody answers")

    await post.publish(1)
    post.receiver.answer = fail
    for _ in range(2):
        await targets.set_target(session, NewTarget("consumer-b", "http", HTTP, max_attempts=2), **how(post))
        await session.commit()
        await post.due_now()
        assert await post.pusher().push(post.lane) is Settled.FAILED
    await post.due_now()
    assert await post.pusher().push(post.lane) is Settled.BLOCKED


async def test_resuming_a_target_does_not_hand_over_again_what_waits_for_its_acknowledgement(
    post: Post, session: AsyncSession
) -> None:
    async def carry(_: Batch) -> Pushed:
        return Pushed(Outcome.HANDED_OVER, again_after_s=600)

    await post.publish(1)
    post.receiver.answer = carry
    assert await post.pusher().push(post.lane) is Settled.HANDED_OVER
    await targets.pause_target(session, "consumer-b", reason="核查", **how(post))
    await targets.resume_target(session, "consumer-b", **how(post))
    await session.commit()
    assert await post.pusher().push(post.lane) is None


async def test_a_change_of_the_target_moves_the_epoch(post: Post, session: AsyncSession) -> None:
    before = await post.values("SELECT epoch FROM registry_epoch")
    await targets.pause_target(session, "consumer-b", reason="核查", **how(post))
    await session.commit()
    assert await post.values("SELECT epoch FROM registry_epoch") == [before[0] + 1]


@pytest.mark.parametrize(
    ("new", "pointer"),
    [
        (NewTarget("consumer-b", "pigeon", {}), "/adapter"),
        (NewTarget("consumer-b", "http", {"networks": HTTP["networks"]}), "/settings/url"),
        (NewTarget("consumer-b", "http", HTTP | {"surplus": 1}), "/settings/surplus"),
        (NewTarget("consumer-b", "http", HTTP, policy="drop"), "/policy"),
        (NewTarget("consumer-b", "http", HTTP, max_attempts=0), "/max_attempts"),
        (NewTarget("consumer-b", "http", HTTP, max_attempts=101), "/max_attempts"),
    ],
)
async def test_a_target_that_cannot_be_is_refused(
    post: Post, session: AsyncSession, new: NewTarget, pointer: str
) -> None:
    with pytest.raises(Refused) as caught:
        await targets.set_target(session, new, **how(post))
    assert [error.pointer for error in caught.value.errors] == [pointer]


async def test_all_that_is_wrong_with_the_settings_is_named_at_once(post: Post, session: AsyncSession) -> None:
    new = NewTarget("consumer-b", "http", HTTP | {"connections": 0, "connect_s": 0, "surplus": 1})
    with pytest.raises(Refused) as caught:
        await targets.set_target(session, new, **how(post))
    assert [error.pointer for error in caught.value.errors] == [
        "/settings/connections",
        "/settings/connect_s",
        "/settings/surplus",
    ]


async def test_a_target_belongs_to_a_system(post: Post, session: AsyncSession) -> None:
    with pytest.raises(UnknownSystem):
        await targets.set_target(session, NewTarget("nobody", "http", HTTP), **how(post))
    with pytest.raises(UnknownTarget):
        await targets.find_target(session, "provider-a")
    assert RES in post.world.resources
