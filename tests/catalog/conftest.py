"""What the catalogue's stored tests need around it: an organisation and a system that its foreign keys point at."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.db.engine import Database
from hub.db.models_registry import import_all_models

USCC = "11320982014392332G"
NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)

_ORGANISATION = """
INSERT INTO organisation (id, code, name, region, created_at)
VALUES (:organisation, '11320982014392332G', '示例单位', '621124', :now)
"""
_SYSTEM = """
INSERT INTO system (id, code, organisation_id, name, state, created_at, updated_at)
VALUES (:system, 'example-system', :organisation, '示例系统', 'active', :now, :now)
"""


@dataclass(frozen=True)
class Stored:
    """Who provides, and with which system."""

    organisation: UUID
    system: UUID


@pytest.fixture
async def owner(database: Database) -> Stored:
    """A stored organisation with a system."""
    import_all_models()  # the catalogue's foreign keys name tables of the gateway
    found = Stored(UUID(int=1), UUID(int=2))
    async with database.session() as session, session.begin():
        for statement in (_ORGANISATION, _SYSTEM):
            await session.execute(
                text(statement), {"organisation": found.organisation, "system": found.system, "now": NOW}
            )
    return found


@pytest.fixture
async def session(database: Database, owner: Stored) -> AsyncIterator[AsyncSession]:
    """A session on a fresh database that knows the owner."""
    async with database.session() as opened:
        yield opened
