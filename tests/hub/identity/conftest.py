"""A session on a fresh database, and passwords at their smallest cost."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from hub.db.engine import Database
from hub.identity.passwords import Passwords
from tests.support.staff import quick_passwords


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    """An open session; rolled back at the end unless the test commits."""
    async with database.session() as found:
        yield found


@pytest.fixture
def passwords() -> Passwords:
    """Real argon2id, cheap."""
    return quick_passwords()
