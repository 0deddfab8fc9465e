"""One whole gateway in the test's own process: a real database, keys and doors, asked over ASGI without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from fastapi import FastAPI

from hub.api import exchanges
from hub.api.context import Context
from hub.app.application import create_app
from hub.app.wiring import open_context
from hub.db.engine import Database
from hub.identity.roles import Role
from hub.identity.sessions import Opened
from hub.registry.keyring import KeyRing, create_keys
from hub.registry.masterkey import create_master_key
from hub.settings import Settings
from tests.support.registry import Partner, make_organisation, make_partner
from tests.support.staff import make_signed_in, quick_passwords

HUB = "lintao-hub"


@dataclass
class TestGateway:
    """The application, its parts, and a client that sends no credentials of its own."""

    __test__ = False

    context: Context
    app: FastAPI
    client: httpx.AsyncClient

    @property
    def now(self) -> datetime:
        """The gateway's time."""
        return self.context.clock()

    def later(self, seconds: float) -> None:
        """Let time pass, for the gateway."""
        self.context.clock.not_before(self.now + timedelta(seconds=seconds))

    async def staff(self, login: str, *roles: Role, organisation: str | None = None) -> Opened:
        """A member of staff, signed in; editors and deciders of the organisation of that name, which is registered."""
        async with self.context.transaction() as session:
            owner = await make_organisation(session, organisation) if organisation else None
            return await make_signed_in(
                session,
                login,
                *roles,
                now=self.now,
                passwords=self.context.identity.passwords,
                organisation_id=owner.id if owner else None,
            )

    async def partner(self, code: str) -> Partner:
        """A registered system with a certificate, known to the gateway."""
        async with self.context.transaction() as session:
            partner = await make_partner(session, self.context.keyring, code, now=self.now - timedelta(minutes=5))
        await self.refresh()
        return partner

    async def refresh(self) -> None:
        """Have the gateway see what the registry is now."""
        async with self.context.acquire() as connection:
            epoch = await connection.fetchval("SELECT epoch FROM registry_epoch")
        await self.context.pictures.at_least(epoch)


def bearer(opened: Opened) -> dict[str, str]:
    """The headers of a program that holds a session."""
    return {"Authorization": f"Bearer {opened.token}"}


_shared: list[FastAPI] = []


def application(context: Context) -> FastAPI:
    """The application around this context, one at a time.

    It is the same for the whole test process: analysing two hundred routes at the first request takes as long as a test.
    """
    if not _shared:
        _shared.append(create_app(context))
    (app,) = _shared
    app.state.context = context
    app.router.routes[0] = exchanges.post_route(context)
    return app


@asynccontextmanager
async def running_gateway(dsn: str, data: Path) -> AsyncIterator[TestGateway]:
    """A gateway on a migrated database, freshly initialised, with passwords at their smallest cost."""
    settings = Settings(data=data, hub_id=HUB)
    master_key = create_master_key(settings.master_key_path)
    database = Database(dsn)
    async with database.session() as session, session.begin():
        await create_keys(session, master_key, hub_id=HUB, organisation_name="临洮县示例局", now=datetime.now(UTC))
        await KeyRing.load(session, master_key)
    await database.dispose()
    async with open_context(settings, dsn) as opened:
        context = replace(opened, identity=replace(opened.identity, passwords=quick_passwords()))
        app = application(context)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
            yield TestGateway(context, app, client)
