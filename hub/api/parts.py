"""The parts of one process, as `hub.app` puts them together; of the web it knows nothing, for workers have them too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.service import Recorder
from hub.db.clock import DatabaseClock
from hub.db.engine import Database
from hub.exchange.acknowledging import Acknowledging
from hub.exchange.inbox import Inbox
from hub.exchange.intake import Intake
from hub.exchange.refusals import RefusalLog
from hub.identity.parts import Identity
from hub.ledger.committer import Acquire, Committer
from hub.registry.keyring import KeyRing
from hub.registry.picture_store import PictureStore
from hub.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of one gateway process. `clock()` is the present time (aware, UTC), the same for all gateways of a hub."""

    settings: Settings
    database: Database
    clock: DatabaseClock
    recorder: Recorder
    keyring: KeyRing
    identity: Identity
    pictures: PictureStore
    committer: Committer
    acquire: Acquire
    refusals: RefusalLog
    intake: Intake
    inbox: Inbox
    acknowledging: Acknowledging

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One request's transaction: committed at the end of the block, rolled back on any error."""
        async with self.database.session() as session, session.begin():
            yield session
