"""What is under way when rights are narrowed is shown until it has ended, and nothing else is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from adapters.protocol import Batch, Pushed
from hub.db.engine import Database
from hub.delivery.draining import Draining, draining_certificate, draining_consumer, draining_lane
from tests.hub.delivery.conftest import Post, Receiver, confirm

REVOKE = "UPDATE certificate SET state = 'revoked', revocation_reason = $2, revoked_at = now() WHERE kid = $1"


class Slow:
    """A receiver that answers when it is told to."""

    def __init__(self) -> None:
        self.reached, self.release = asyncio.Event(), asyncio.Event()

    async def answer(self, batch: Batch) -> Pushed:
        self.reached.set()
        await self.release.wait()
        return await confirm(batch)


@asynccontextmanager
async def pushing(post: Post) -> AsyncIterator[Slow]:
    """An attempt that is under way for the length of the block."""
    slow = Slow()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        push = group.create_task(post.pusher(Receiver(slow.answer)).push(post.lane))
        await slow.reached.wait()
        yield slow
        slow.release.set()
        await push


async def of_certificate(database: Database, kid: str) -> Draining | None:
    async with database.session() as session:
        return await draining_certificate(session, kid)


async def test_an_open_attempt_drains_until_it_is_settled(post: Post, database: Database) -> None:
    await post.publish(2)
    async with pushing(post):
        async with database.session() as session:
            lane, consumer = await draining_lane(session, post.lane), await draining_consumer(session, post.consumer.id)
            assert await draining_lane(session, post.grant) is None
            assert await draining_consumer(session, post.provider.id) is None
        assert lane is not None
        assert lane == consumer
        assert lane.attempts == 1
        assert timedelta(0) < lane.until - datetime.now(UTC) <= timedelta(seconds=46)
    async with database.session() as session:
        assert await draining_lane(session, post.lane) is None


async def test_an_attempt_whose_lease_has_run_out_drains_no_more(post: Post, database: Database) -> None:
    await post.publish(1)
    async with pushing(post):
        await post.connection.execute("UPDATE attempt SET expires_at = now() - interval '1 second'")
        async with database.session() as session:
            assert await draining_lane(session, post.lane) is None


@pytest.mark.parametrize(("reason", "drains"), [("keyCompromise", True), ("superseded", False)])
async def test_what_a_compromised_key_signed_drains(post: Post, database: Database, reason: str, drains: bool) -> None:
    await post.publish(1)
    async with pushing(post):
        assert await of_certificate(database, post.provider.kid) is None, "a certificate that is good drains nothing"
        await post.world.change(REVOKE, post.provider.kid, reason)
        assert (await of_certificate(database, post.provider.kid) is not None) is drains


async def test_a_consumer_that_loses_its_last_certificate_drains(post: Post, database: Database) -> None:
    await post.publish(1)
    async with pushing(post):
        await post.world.change(REVOKE, post.consumer.kid, "superseded")
        found = await of_certificate(database, post.consumer.kid)
        assert found is not None
        assert found.attempts == 1
        await post.world.change(
            "UPDATE certificate SET system_id = $2 WHERE kid = $1", post.provider.kid, post.consumer.id
        )
        assert await of_certificate(database, post.consumer.kid) is None, "it has another: pushes to it go on"
