"""A session on a fresh database, and a fresh hub's keys."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from hub.db.engine import Database
from hub.registry.keyring import KeyRing
from tests.support.registry import make_keyring


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    """An open session; rolled back at the end unless the test commits."""
    async with database.session() as found:
        yield found


@pytest.fixture
async def keyring(session: AsyncSession) -> KeyRing:
    """A fresh hub's keys, committed."""
    ring = await make_keyring(session)
    await session.commit()
    return ring
