"""The parts of the application, and how a request gets them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from jsonschema import Draft202012Validator
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.models import ResourceVersion
from certs.suites import Signer
from hub.db.engine import Database
from hub.registry.keyring import KeyRing
from hub.registry.masterkey import load_master_key
from hub.settings import Settings


@dataclass(slots=True)
class Plain:
    """What the endpoint needs; kept at `app.state.plain`."""

    settings: Settings
    database: Database
    receipts: Signer
    validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    def validator(self, version: ResourceVersion) -> Draft202012Validator:
        """The compiled schema of a version."""
        if (found := self.validators.get(version.schema_digest)) is None:
            checker = Draft202012Validator.FORMAT_CHECKER
            found = Draft202012Validator(version.payload_schema, format_checker=checker)
            self.validators[version.schema_digest] = found
        return found


async def open_plain(settings: Settings) -> Plain:
    """The parts, from the hub's own database and keys."""
    assert settings.database_url is not None
    database = Database(settings.database_url.get_secret_value(), application="baseline")
    async with database.session() as session:
        keyring = await KeyRing.load(session, load_master_key(settings.master_key_path))
    return Plain(settings, database, keyring.signer("receipt"))


async def plain_of(request: Request) -> Plain:
    """The parts of the application; `async`, or FastAPI would ask a thread for it."""
    plain: Plain = request.app.state.plain
    return plain


async def session_of(plain: Annotated[Plain, Depends(plain_of)]) -> AsyncIterator[AsyncSession]:
    """One session for one request."""
    async with plain.database.session() as session:
        yield session


PlainDep = Annotated[Plain, Depends(plain_of)]
SessionDep = Annotated[AsyncSession, Depends(session_of)]
