"""A session on a fresh database."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from hub.db.engine import Database


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    """An open session; rolled back at the end unless the test commits."""
    async with database.session() as found:
        yield found
