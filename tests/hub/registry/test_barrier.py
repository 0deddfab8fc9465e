import asyncio
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit import repository as audit
from hub.audit.entry import Event, make_entry
from hub.db.engine import Database
from hub.db.locks import REGISTRY_CHANNEL, share_barrier
from hub.errors import Unavailable
from hub.registry import barrier
from tests.support.locks import until_waiting
from tests.support.registry import NOW, OFFICER


async def test_a_change_waits_for_whoever_accepts_and_is_seen_by_whoever_accepts_next(
    database: Database, session: AsyncSession
) -> None:
    async with database.connection() as accepting, database.connection() as later:
        first = accepting.transaction()
        await first.start()
        await share_barrier(accepting)
        before = await accepting.fetchval("SELECT epoch FROM registry_epoch")
        holding = asyncio.create_task(barrier.hold(session, NOW))
        await until_waiting(database)
        assert not holding.done()

        async def accept_next() -> int:
            async with later.transaction():
                await share_barrier(later)
                epoch: int = await later.fetchval("SELECT epoch FROM registry_epoch")
                return epoch

        following = asyncio.create_task(accept_next())
        await until_waiting(database, 2)
        assert not following.done(), "who comes after a waiting change must not overtake it"
        await first.commit()
        await holding
        assert not following.done()
        assert await barrier.bump(session) == before + 1
        await session.commit()
        assert await following == before + 1


async def test_a_bump_notifies_with_the_new_epoch_at_commit_and_never_before(
    database: Database, session: AsyncSession
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    def listener(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        heard.put_nowait(str(payload))

    async with database.connection() as listening:
        await listening.add_listener(REGISTRY_CHANNEL, listener)
        await barrier.hold(session, NOW)
        epoch = await barrier.bump(session)
        await listening.fetchval("SELECT 1")
        assert heard.empty()
        await session.commit()
        async with asyncio.timeout(30):
            assert await heard.get() == str(epoch)
        await listening.remove_listener(REGISTRY_CHANNEL, listener)


async def test_a_rolled_back_change_leaves_epoch_and_lock_as_they_were(
    database: Database, session: AsyncSession
) -> None:
    before = await barrier.epoch(session)
    await barrier.hold(session, NOW)
    await barrier.bump(session)
    await session.rollback()
    assert await barrier.epoch(session) == before
    async with database.connection() as other, asyncio.timeout(30), other.transaction():
        await share_barrier(other)


async def test_a_change_that_waits_too_long_is_refused_and_may_be_tried_again(
    database: Database, session: AsyncSession
) -> None:
    async with database.connection() as accepting, accepting.transaction():
        await share_barrier(accepting)
        await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(Unavailable) as caught:
            await barrier.hold(session, NOW)
        assert caught.value.retry_after == barrier.RETRY_S


async def test_other_faults_of_the_database_are_not_taken_for_a_wait(session: AsyncSession) -> None:
    with pytest.raises(DBAPIError):
        await session.execute(text("SELECT 1/0"))
    with pytest.raises(DBAPIError) as caught:
        await barrier.hold(session, NOW)
    assert isinstance(getattr(caught.value.orig, "__cause__", None), asyncpg.InFailedSQLTransactionError)


async def test_a_change_is_dated_after_whatever_was_logged_while_it_waited(
    database: Database, session: AsyncSession
) -> None:
    entries = [
        make_entry(
            Event("exchange.accepted", OFFICER, "exchange", str(number)), hub="hub", now=NOW + timedelta(seconds=shift)
        )
        for number, shift in enumerate((-1, 0.25, 0.2500009, 0.1))
    ]
    async with database.connection() as accepting:
        async with accepting.transaction():
            await share_barrier(accepting)
            holding = asyncio.create_task(barrier.hold(session, NOW))
            await until_waiting(database)
            await audit.insert(accepting, entries)
        assert await holding == NOW + timedelta(seconds=0.2500009) + timedelta(microseconds=1)
    assert await barrier.hold(session, NOW + timedelta(seconds=1)) == NOW + timedelta(seconds=1)
