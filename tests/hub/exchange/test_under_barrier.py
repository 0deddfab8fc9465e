"""The transaction of claims and acknowledgements: it holds the rights it was judged by, and leaves its connection as it was."""

import asyncpg
import pytest

from hub.db.clock import DatabaseClock
from hub.db.engine import Database
from hub.db.locks import hold_barrier
from hub.exchange.inbox import RightsChanged, under_barrier
from tests.hub.exchange.conftest import Floor


async def test_a_barrier_that_is_held_too_long_leaves_no_open_transaction(floor: Floor, database: Database) -> None:
    async with database.connection() as holder, database.connection() as connection:
        await connection.execute("SET lock_timeout = '50ms'")
        async with holder.transaction():
            await hold_barrier(holder)
            with pytest.raises(asyncpg.LockNotAvailableError):
                async with under_barrier(connection, floor.pictures.picture, DatabaseClock()):
                    pytest.fail("entered")
        assert not connection.is_in_transaction()
        async with under_barrier(connection, floor.pictures.picture, DatabaseClock()):
            assert connection.is_in_transaction()
        assert not connection.is_in_transaction()


async def test_rights_that_have_changed_roll_the_transaction_back(floor: Floor, database: Database) -> None:
    picture = floor.pictures.picture
    await floor.world.change("UPDATE system SET name = name")
    async with database.connection() as connection:
        with pytest.raises(RightsChanged) as caught:
            async with under_barrier(connection, picture, DatabaseClock()):
                pytest.fail("entered")
        assert caught.value.epoch == picture.epoch + 1
        assert not connection.is_in_transaction()


async def test_what_fails_inside_is_rolled_back(floor: Floor, database: Database) -> None:
    async def fail(connection: asyncpg.Connection) -> None:
        async with under_barrier(connection, floor.pictures.picture, DatabaseClock()):
            await connection.execute("UPDATE lane SET next_sequence = 99")
            raise ZeroDivisionError

    async with database.connection() as connection:
        with pytest.raises(ZeroDivisionError):
            await fail(connection)
    assert await floor.connection.fetchval("SELECT max(next_sequence) FROM lane") == 1
