"""A target that holds: its lanes that push are fetched from the inbox, under the numbers that they have, and nobody pushes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from adapters import registry
from adapters.mailbox import MailboxAdapter
from adapters.protocol import Batch, Capability, Pushed
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.engine import Database
from hub.delivery import targets
from hub.delivery.settling import Settled
from hub.delivery.targets import NewTarget
from hub.errors import Refused
from hub.exchange.inbox import Inbox, Item
from hub.identity.callers import SystemCaller
from hub.worker.deliveries import Deliveries
from tests.hub.delivery.conftest import Post, confirm
from tests.support.world import HUB

STAFF = Actor(kind="staff", id="0193b5a0-0000-7000-8000-000000000000", role="security")
HTTP = {"url": "https://sink.example/deliveries", "networks": ["10.1.0.0/16"]}


@dataclass
class Consumer:
    """A consumer whose target a security officer changes, and its inbox."""

    post: Post
    inbox: Inbox
    database: Database

    async def target(self, adapter: str) -> None:
        settings = HTTP if adapter == "http" else {}
        async with self.database.session() as session:
            await self.change(session, adapter, settings)
            await session.commit()

    async def change(self, session: AsyncSession, adapter: str, settings: dict[str, Any]) -> None:
        new = NewTarget("consumer-b", adapter, settings, policy="park", max_attempts=3)
        await targets.set_target(session, new, actor=STAFF, recorder=Recorder(HUB), now=self.post.clock())

    async def pull(self, limit: int = 100) -> Sequence[Item]:
        who = self.post.consumer
        organisation = next(iter(self.post.world.organisations.values()))
        caller = SystemCaller(who.id, who.code, organisation, who.kid, Actor("system", who.code))
        return await self.inbox.pull(caller, limit=limit, wait_s=0, request_id="r")

    async def due(self) -> bool:
        return bool(await Deliveries(self.database.connect, self.post.pusher())._due(self.post.connection))


@pytest.fixture
async def consumer(post: Post, database: Database) -> Consumer:
    return Consumer(post, Inbox(HUB, post.acquire, post.pictures, post.clock), database)


def test_a_mailbox_is_an_adapter_that_holds_and_does_nothing_else() -> None:
    found = registry.find("mailbox")
    assert found is MailboxAdapter
    assert found.capabilities == {Capability.HOLD}
    made = registry.build("mailbox", settings={}, secrets={}, signer=None, clock=None)  # type: ignore[arg-type]
    asyncio.run(made.close())


async def test_a_lane_that_is_pushed_is_not_in_the_inbox(consumer: Consumer) -> None:
    await consumer.post.publish(1)
    assert await consumer.pull() == []
    assert await consumer.due()


async def test_a_mailbox_leaves_deliveries_in_the_inbox_and_nobody_pushes_them(consumer: Consumer) -> None:
    post = consumer.post
    await consumer.target("mailbox")
    sent = await post.publish(3)
    assert not await consumer.due()
    assert await post.pusher().push(post.lane) is None
    items = await consumer.pull()
    assert [item.envelope for item in items] == sent
    assert [item.sequence for item in items] == [1, 2, 3]
    assert await consumer.pull() == items
    ack = post.consumer.ack([(str(item.delivery), f"sha-256:{item.digest.hex()}") for item in items])
    await post.acknowledging.acknowledge(ack, address="", request_id="r")
    assert await consumer.pull() == []
    assert post.receiver.batches == []
    assert await post.events("delivery.") == ["delivery.claimed", "delivery.acknowledged"]


async def test_the_numbers_go_on_over_the_switch_to_a_mailbox_and_back(consumer: Consumer) -> None:
    post = consumer.post

    async def away(_: Batch) -> Pushed:
        raise OSError

    await post.publish(2)
    post.receiver.answer = away
    assert await post.pusher().push(post.lane) is Settled.FAILED
    await consumer.target("mailbox")
    await post.publish(2)
    first = await consumer.pull(3)
    assert [item.sequence for item in first] == [1, 2, 3]
    pushed = post.receiver.batches[0].items
    assert [item.delivery for item in first[:2]] == [item.delivery for item in pushed]
    await consumer.target("http")
    assert await consumer.pull() == []
    post.receiver.answer = confirm
    assert await consumer.due(), "a new target is tried at once"
    while await post.pusher().push(post.lane) is Settled.DELIVERED:
        pass
    sequences = [number for batch in post.receiver.sequences[1:] for number in batch]
    assert sequences == [1, 2, 3, 4]
    assert [item.delivery for item in post.receiver.batches[1].items][:1] == [first[0].delivery]


async def test_a_push_that_is_open_at_the_switch_ends_and_no_other_begins(consumer: Consumer) -> None:
    post = consumer.post
    await post.publish(2)

    async def switched_meanwhile(batch: Batch) -> Pushed:
        await consumer.target("mailbox")
        assert [item.delivery for item in await consumer.pull()] == [item.delivery for item in batch.items]
        return await confirm(batch)

    post.receiver.answer = switched_meanwhile
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    assert await consumer.pull() == []
    await post.publish(1)
    assert await post.pusher().push(post.lane) is None
    assert [item.sequence for item in await consumer.pull()] == [3]


async def test_a_claim_waits_for_a_switch_that_is_being_made_and_obeys_it(consumer: Consumer) -> None:
    post = consumer.post
    await post.publish(1)
    async with consumer.database.session() as session:
        await consumer.change(session, "mailbox", {})
        claim = asyncio.create_task(post.pusher().push(post.lane))
        await asyncio.sleep(0.2)
        assert not claim.done()
        await session.commit()
    assert await claim is None
    assert post.receiver.batches == []


async def test_a_pull_that_was_judged_before_the_switch_back_is_judged_again(consumer: Consumer) -> None:
    post = consumer.post
    await consumer.target("mailbox")
    await post.publish(1)
    assert len(await consumer.pull()) == 1
    async with consumer.database.session() as session:
        await consumer.change(session, "http", HTTP)
        pull = asyncio.create_task(consumer.pull())
        await asyncio.sleep(0.2)
        assert not pull.done()
        await session.commit()
    assert await pull == []


async def test_a_mailbox_that_is_paused_shows_nothing(consumer: Consumer) -> None:
    post = consumer.post
    await consumer.target("mailbox")
    await post.publish(1)
    async with consumer.database.session() as session:
        await targets.pause_target(
            session, "consumer-b", reason="核查", actor=STAFF, recorder=Recorder(HUB), now=post.clock()
        )
        await session.commit()
    assert await consumer.pull() == []
    assert not await consumer.due()


async def test_a_mailbox_takes_no_settings(consumer: Consumer) -> None:
    async with consumer.database.session() as session:
        with pytest.raises(Refused):
            await consumer.change(session, "mailbox", HTTP)


async def test_an_adapter_that_neither_pushes_nor_holds_is_no_target(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MailboxAdapter, "capabilities", frozenset({Capability.PULL}))
    async with consumer.database.session() as session:
        with pytest.raises(Refused) as caught:
            await consumer.change(session, "mailbox", {})
    assert caught.value.errors[0].pointer == "/adapter"
