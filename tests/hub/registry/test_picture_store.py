"""The store of the present picture: how it ends."""

import asyncio

from hub.db.engine import Database
from hub.registry.picture_store import PictureStore
from tests.support.world import World


async def test_it_ends_also_when_the_registry_changes_at_that_moment(database: Database) -> None:
    async with database.connection() as connection:
        world = await World.make(connection)
        for _ in range(5):
            store = PictureStore(database.connect)
            await store.start()
            await asyncio.sleep(0)  # it listens now
            await world.bump()
            store._notified()
            async with asyncio.timeout(20):
                await store.stop()
